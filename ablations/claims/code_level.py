"""Details of implementations: annealing, scales, norms, how many environments collect a batch."""

from __future__ import annotations

from ablations.claims.claim import Claim, Comparison
from ablations.claims.rivals import ENGSTROM

# Read in public summaries that quote it, not in the paper itself.
ANDRYCHOWICZ = "Andrychowicz et al. 2021, arXiv 2006.05990"
ONE_STEP = (
    "Here on a single step a batch, without PPO's epochs and clip; version 5 of the environments."
)

CLAIMS = (
    Claim(
        name="annealing_is_needed",
        source=f"{ENGSTROM}, Figure 1 and section 3",
        claim="A step size that falls to 0 is needed for the highest returns.",
        differs="Hopper in place of their Humanoid and Walker2d; no search of the step size.",
        ablation="no_clip",
        comparisons=(
            Comparison(variant="clip_3e-4_annealed", reference="clip_3e-4", expected="better"),
        ),
    ),
    Claim(
        name="annealing_helps_on_ant",
        source=f"{ANDRYCHOWICZ}, section 3.7 and appendix J",
        claim="A step size that falls to 0 is of secondary importance and helps most on Ant.",
        numbers={"Ant, gain by linear decay": "15%"},
        differs="Version 5 of Ant in place of 1; the PPO paper's other settings in place of "
        "theirs.",
        ablation="kl_or_clip",
        comparisons=(Comparison(variant="clip_annealed", reference="clip", expected="better"),),
    ),
    Claim(
        name="reward_scaling_is_needed",
        source=f"{ENGSTROM}, Figure 1 and section 3",
        claim="Dividing rewards by the running deviation of the discounted return is needed for "
        "the highest returns.",
        differs=ONE_STEP,
        ablation="ladder_between",
        comparisons=(
            Comparison(
                variant="with_scale",
                reference="with_lambda",
                expected="better",
                environments=("Walker2d-v5",),
            ),
        ),
    ),
    Claim(
        name="standardised_advantages_matter_little",
        source=f"{ANDRYCHOWICZ}, section 3.3 and appendix F",
        claim="Standardising advantages changes little.",
        differs=ONE_STEP + " Over the batch, theirs over the minibatch.",
        ablation="ladder_between",
        comparisons=(
            Comparison(
                variant="standardised",
                reference="with_scale",
                expected="no difference",
                margin=0.2,
                together=True,
            ),
        ),
    ),
    Claim(
        name="gradient_bound_matters_little",
        source=f"{ANDRYCHOWICZ}, section 3.3 and appendix F",
        claim="Bounding the gradient's norm helps a little at most.",
        differs=ONE_STEP,
        ablation="ladder_between",
        comparisons=(
            Comparison(
                variant="bounded",
                reference="standardised",
                expected="no difference",
                margin=0.2,
                together=True,
            ),
        ),
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
