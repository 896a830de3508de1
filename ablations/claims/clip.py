"""What the clip is for, and whether a KL penalty does the same."""

from __future__ import annotations

from ablations.claims.claim import Claim, Comparison
from ablations.claims.rivals import ENGSTROM

KLIP = "Colletti & Holzinger 2026, arXiv 2606.23932 (KLip-PPO)"
TABLE_1 = "Schulman et al. 2017, arXiv 1707.06347, Table 1"
OTHERS_IN_TABLE_1 = {
    "no_clip": "-0.39",
    "clip_0.1": "0.76",
    "clip_0.3": "0.70",
    "adaptive_kl_0.003": "0.68",
    "adaptive_kl_0.01": "0.74",
    "adaptive_kl_0.03": "0.71",
    "fixed_kl_0.3": "0.62",
    "fixed_kl_1": "0.71",
    "fixed_kl_3": "0.72",
    "fixed_kl_10": "0.69",
}

CLAIMS = (
    Claim(
        name="clip_not_needed",
        source=f"{ENGSTROM}, Table 3 and section 5",
        claim="Without its clip, but with the code-level optimisations and a step size of its "
        "own, PPO comes near to PPO with everything.",
        numbers={
            "Hopper, PPO": "2,513 [2,391, 2,632]",
            "Hopper, PPO without the clip": "2,371 [2,316, 2,424]",
            "Hopper, PPO without the optimisations": "2,142 [2,008, 2,279]",
        },
        differs="Version 5 of Hopper in place of 2; of their search three step sizes and the "
        "annealing; policy and critic share one optimiser; no value clip.",
        ablation="no_clip",
        comparisons=tuple(
            Comparison(
                variant=f"none_{rate}_annealed",
                reference="clip_3e-4_annealed",
                expected="not worse",
                margin=0.2,
            )
            for rate in ("3e-4", "1e-4", "3e-5")
        ),
        needs="any",
    ),
    Claim(
        name="kl_fails_on_ant",
        source=f"{KLIP}, Table 2 and section 4.2",
        claim="On Ant a KL penalty with one weight for all samples, fixed or adaptive, falls far "
        "behind the clip.",
        numbers={
            "Ant, clip": "2,193 ± 361",
            "Ant, β = 1": "16 ± 16",
            "Ant, adaptive": "159 ± 86",
        },
        differs="Version 5 of Ant in place of 4; no value clip; 256 steps in each of eight "
        "environments in place of 2,048 in one; advantages standardised by minibatch, not rollout.",
        ablation="kl_or_clip",
        comparisons=tuple(
            Comparison(variant=variant, reference="clip_annealed", expected="worse", margin=0.5)
            for variant in ("fixed_annealed", "adaptive_annealed")
        ),
    ),
    Claim(
        name="kl_keeps_up_on_easy_tasks",
        source=f"{KLIP}, Table 2 and section 4.2",
        claim="On HalfCheetah, Hopper and Walker2d a fixed and an adaptive KL penalty match the "
        "clip.",
        numbers={
            "HalfCheetah, clip": "1,955 ± 312",
            "HalfCheetah, β = 1": "2,111 ± 1,066",
            "HalfCheetah, adaptive": "2,207 ± 1,117",
            "Hopper, clip": "2,598 ± 278",
            "Hopper, β = 1": "2,616 ± 208",
            "Hopper, adaptive": "2,236 ± 365",
            "Walker2d, clip": "3,717 ± 425",
            "Walker2d, β = 1": "3,995 ± 402",
            "Walker2d, adaptive": "3,639 ± 374",
        },
        differs="Their step size falls to 0 and their target is 0.02; here it is constant and "
        "0.01. The rest as on Ant.",
        ablation="surrogates",
        comparisons=tuple(
            Comparison(
                variant=variant,
                reference="clip_0.2",
                expected="no difference",
                margin=0.2,
                environments=("HalfCheetah-v5", "Hopper-v5", "Walker2d-v5"),
            )
            for variant in ("fixed_kl_1", "adaptive_kl_0.01")
        ),
    ),
    Claim(
        name="clip_is_a_kl_penalty",
        source=f"{KLIP}, Theorem 1",
        claim="Off the clip's bounds the gradient of the clipped objective is that of "
        "E[ρA + β log p_θ(a|s)], with β = −ρA, held fixed, for each sample that the clip silences, "
        "and 0 for the others.",
        decided_by="tests/algorithms/test_clipped_ppo.py::"
        "test_its_gradient_is_that_of_a_penalty_of_each_sample",
    ),
    Claim(
        name="table_1_order",
        source=TABLE_1,
        claim="Of eleven surrogate objectives the clip with ε = 0.2 earns most, so that the best "
        "penalty is below the best clip, and no clip or penalty least, over seven environments.",
        numbers={"clip_0.2": "0.82", **OTHERS_IN_TABLE_1},
        differs="Environments of version 5 in place of 1; ten seeds in place of three; scores from "
        "the untrained policy (0) to that of ε = 0.2 (1), theirs to the best result.",
        ablation="surrogates",
        comparisons=tuple(
            Comparison(variant=higher, reference=lower, expected="better", together=True)
            for higher, lower in (
                *(("clip_0.2", other) for other in OTHERS_IN_TABLE_1),
                *((other, "no_clip") for other in OTHERS_IN_TABLE_1 if other != "no_clip"),
            )
        ),
    ),
    Claim(
        name="table_1_without_a_limit",
        source=f"{TABLE_1} and section 6.1",
        claim="Without clip or penalty HalfCheetah ends below the policy that it began with.",
        differs="Version 5 of HalfCheetah in place of 1.",
        ablation="surrogates",
        comparisons=(
            Comparison(
                variant="no_clip",
                reference="clip_0.2",
                expected="worse",
                margin=1.0,
                environments=("HalfCheetah-v5",),
            ),
        ),
    ),
)
