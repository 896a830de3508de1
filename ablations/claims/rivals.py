"""PPO and its rivals: Figure 3 of the PPO paper, TRPO, A2C."""

from __future__ import annotations

from ablations.claims.claim import Claim, Comparison

ENGSTROM = "Engstrom et al. 2020, arXiv 2005.12729"
FIGURE_3 = "Schulman et al. 2017, arXiv 1707.06347, Figure 3"
AHEAD = {
    "a2c": "6 of 7",
    "a2c_trust_region": "6 of 7",
    "cem": "7 of 7",
    "adaptive_policy_gradient": "4 of 6",
    "trpo": "6 of 7",
}
"""Rival -> in how many environments PPO's curve ends above the rival's (digitised, last tenth)."""


def _figure_3_claim(rival: str, ahead: str) -> Claim:
    return Claim(
        name=f"figure_3_{rival}",
        source=f"{FIGURE_3} and section 6.2",
        claim="PPO earns more than the methods before it on almost every continuous task; here, "
        "more than this one over the seven of them.",
        numbers={"environments in which PPO ends higher (digitised)": ahead},
        differs="Environments of version 5 in place of 1; the rivals' settings are not in the "
        "paper.",
        ablation="experiment",
        comparisons=(
            Comparison(variant="clipped_ppo", reference=rival, expected="better", together=True),
        ),
    )


CLAIMS = (
    *(_figure_3_claim(rival, ahead) for rival, ahead in AHEAD.items()),
    Claim(
        name="a2c_behind",
        source=FIGURE_3,
        claim="A2C gains less than half of what PPO gains on Hopper, Swimmer and Walker2d.",
        numbers={
            "Hopper, A2C and PPO (digitised)": "683, 2,142",
            "Swimmer, A2C and PPO (digitised)": "28.6, 106.4",
            "Walker2d, A2C and PPO (digitised)": "770, 3,072",
        },
        differs="Environments of version 5 in place of 1; A2C's settings are not in the paper.",
        ablation="experiment",
        comparisons=(
            Comparison(
                variant="a2c",
                reference="clipped_ppo",
                expected="worse",
                margin=0.5,
                environments=("Hopper-v5", "Swimmer-v5", "Walker2d-v5"),
            ),
        ),
    ),
    Claim(
        name="a2c_is_ppo",
        source="Huang et al. 2022, arXiv 2205.09123, abstract",
        claim="A2C is PPO that makes one step on the whole batch: at ρ = 1 the clip does nothing "
        "and the gradient is the actor-critic's.",
        decided_by="tests/algorithms/test_identities.py::"
        "test_at_the_behaviour_policy_a_surrogate_has_the_on_policy_gradient",
    ),
    Claim(
        name="trpo_like_ppo",
        source=f"{ENGSTROM}, Table 2 and section 5",
        claim="With the same code-level optimisations TRPO comes near to PPO.",
        numbers={
            "Hopper, PPO": "2,513 [2,391, 2,632]",
            "Hopper, TRPO with the optimisations": "2,466 [2,381, 2,549]",
            "Walker2d, PPO": "3,292 [3,157, 3,426]",
            "Walker2d, TRPO with the optimisations": "3,050 [2,976, 3,126]",
        },
        differs="Environments of version 5 in place of 2; step sizes not searched for each agent. "
        "TRPO shares PPO's normalisation, initial weights and networks here, not its annealing.",
        ablation="experiment",
        comparisons=(
            Comparison(
                variant="trpo",
                reference="clipped_ppo",
                expected="no difference",
                margin=0.1,
                environments=("Hopper-v5", "Walker2d-v5"),
            ),
        ),
    ),
    Claim(
        name="trpo_or_ppo_by_environment",
        source="Henderson et al. 2018, arXiv 1709.06560, Table 13",
        claim="Neither TRPO nor PPO is ahead everywhere: TRPO is behind on HalfCheetah, ahead on "
        "Swimmer, and not behind on Hopper and Walker2d.",
        numbers={
            "HalfCheetah, TRPO": "1,254.55 [999.52, 1,464.86]",
            "HalfCheetah, PPO": "3,043.1 [1,920.4, 4,165.86]",
            "Hopper, TRPO": "2,965.33 [2,854.66, 3,076.00]",
            "Hopper, PPO": "2,715.72 [2,589.06, 2,847.93]",
            "Swimmer, TRPO": "214.69 [141.52, 287.92]",
            "Swimmer, PPO": "107.88 [101.13, 118.56]",
            "Walker2d, TRPO": "3,072.97 [2,957.94, 3,183.10]",
            "Walker2d, PPO": "2,926.92 [2,514.83, 3,361.43]",
        },
        differs="Environments of version 5 in place of 1; theirs is code of several authors.",
        ablation="experiment",
        comparisons=(
            Comparison(
                variant="trpo",
                reference="clipped_ppo",
                expected="worse",
                environments=("HalfCheetah-v5",),
            ),
            Comparison(
                variant="trpo",
                reference="clipped_ppo",
                expected="better",
                environments=("Swimmer-v5",),
            ),
            Comparison(
                variant="trpo",
                reference="clipped_ppo",
                expected="not worse",
                margin=0.1,
                environments=("Hopper-v5", "Walker2d-v5"),
            ),
        ),
    ),
)
