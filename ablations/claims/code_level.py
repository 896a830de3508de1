"""Details of implementations: annealing, scales, norms, how many environments collect a batch."""

from __future__ import annotations

from ablations.claims.claim import Claim, Comparison
from ablations.claims.rivals import ENGSTROM

# Read in public summaries that quote it, not in the paper itself.
ANDRYCHOWICZ = "Andrychowicz et al. 2021, arXiv 2006.05990"
AS_SET = "Version 5 of the environments; the PPO paper's other settings, not searched."


def _detail_claim(
    name: str, section: str, claim: str, comparison: Comparison, differs: str = AS_SET
) -> Claim:
    """Return a claim of Andrychowicz et al. about one detail."""
    return Claim(
        name=name,
        source=f"{ANDRYCHOWICZ}, {section}",
        claim=claim,
        differs=differs,
        ablation="code_level",
        comparisons=(comparison,),
    )


CLAIMS = (
    Claim(
        name="details_buy_more_than_the_clip",
        source=f"{ENGSTROM}, Table 3 and section 5",
        claim="The code-level optimisations buy more than the clip: every detail without the clip "
        "earns more than the clip without a detail, which is how far the one's mean gain is above "
        "the other's.",
        numbers={
            "Hopper, PPO without the clip": "2,371 [2,316, 2,424]",
            "Hopper, PPO without the optimisations": "2,142 [2,008, 2,279]",
        },
        differs="Version 5 of the environments in place of 2; one step size for all in place of "
        "one searched for each; eight details, three of them not among their nine.",
        ablation="code_level",
        comparisons=(
            Comparison(variant="no_clip_everything", reference="nothing", expected="better"),
        ),
    ),
    Claim(
        name="details_help",
        source=f"{ENGSTROM}, Table 3 and section 5",
        claim="PPO with the code-level optimisations earns more than PPO without them.",
        numbers={
            "Hopper, PPO": "2,513 [2,391, 2,632]",
            "Hopper, PPO without the optimisations": "2,142 [2,008, 2,279]",
        },
        differs="As for the claim that they buy more than the clip.",
        ablation="code_level",
        comparisons=(Comparison(variant="everything", reference="nothing", expected="better"),),
    ),
    *(
        Claim(
            name=f"{name}_is_needed",
            source=f"{ENGSTROM}, Figure 1 and section 3",
            claim=claim,
            differs=AS_SET,
            ablation="code_level",
            comparisons=(
                Comparison(
                    variant=variant,
                    reference=reference,
                    expected="better",
                    environments=("Walker2d-v5",),
                ),
            ),
        )
        for name, variant, reference, claim in (
            (
                "annealing",
                "everything",
                "without_annealing",
                "A step size that falls to 0 is needed for the highest returns.",
            ),
            (
                "reward_scaling",
                # A value clip without scaled rewards would hold V still.
                "without_value_clip",
                "without_reward_scaling_and_value_clip",
                "Dividing rewards by the running deviation of the discounted return is needed for "
                "the highest returns.",
            ),
        )
    ),
    _detail_claim(
        "standardised_advantages_matter_little",
        "section 3.3 and appendix F",
        "Standardising advantages by minibatch changes little.",
        Comparison(
            variant="everything",
            reference="without_advantage_normalization",
            expected="no difference",
            margin=0.2,
            together=True,
        ),
    ),
    _detail_claim(
        "gradient_bound_matters_little",
        "section 3.3 and appendix F",
        "Bounding the gradient's norm helps a little at most.",
        Comparison(
            variant="without_norm_clip",
            reference="everything",
            expected="not worse",
            margin=0.2,
            together=True,
        ),
    ),
    _detail_claim(
        "normalised_observations_are_needed",
        "section 3.3 and appendix F",
        "Normalising observations earns more, here on Walker2d; it does everywhere but on Hopper.",
        Comparison(
            variant="everything",
            reference="without_observation_normalization",
            expected="better",
            environments=("Walker2d-v5",),
        ),
    ),
    _detail_claim(
        "value_clip_hurts",
        "section 3.4 and appendix G",
        "Clipping the value loss as PPO's code does costs returns.",
        Comparison(
            variant="without_value_clip", reference="everything", expected="better", together=True
        ),
    ),
    _detail_claim(
        "tanh_before_relu",
        "section 3.2 and appendix E",
        "Tanh earns more than ReLU.",
        Comparison(
            variant="everything", reference="without_tanh", expected="better", together=True
        ),
    ),
    _detail_claim(
        "a_small_last_layer_is_needed",
        "section 3.2 and appendix E",
        "A policy whose last layer begins with weights a hundred times smaller than the others' "
        "earns more.",
        Comparison(
            variant="everything",
            reference="without_initialization",
            expected="better",
            together=True,
        ),
        AS_SET + " Without it, the other layers' weights follow another scheme, too.",
    ),
    Claim(
        name="annealing_helps_on_ant",
        source=f"{ANDRYCHOWICZ}, section 3.7 and appendix J",
        claim="A step size that falls to 0 earns more on Ant.",
        numbers={"Ant, gain by linear decay": "15%"},
        differs="Version 5 of Ant in place of 1; the PPO paper's other settings in place of "
        "theirs.",
        ablation="kl_or_clip",
        comparisons=(Comparison(variant="clip_annealed", reference="clip", expected="better"),),
    ),
    Claim(
        name="many_environments_hurt",
        source=f"{ANDRYCHOWICZ}, section 3.5 and appendix H",
        claim="Collecting a batch in more environments costs returns on some tasks, because each "
        "gives a shorter piece of experience.",
        differs="1 to 32 environments; Swimmer is none of their tasks.",
        ablation="slots",
        comparisons=tuple(
            Comparison(
                variant="slots_32",
                reference="slots_1",
                expected="worse",
                environments=(environment,),
            )
            for environment in ("Swimmer-v5", "HalfCheetah-v5")
        ),
        needs="any",
    ),
    Claim(
        name="many_environments_help",
        source="Mayor et al. 2025, arXiv 2506.03404, abstract",
        claim="At the same size of a batch, many environments and short pieces earn more than "
        "few and long ones.",
        differs="MuJoCo in place of Atari; 1 to 32 environments in place of 8 to 128.",
        ablation="slots",
        comparisons=(
            Comparison(variant="slots_32", reference="slots_1", expected="better", together=True),
        ),
    ),
)
