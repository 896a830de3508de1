"""One actor or many? The same batch of 2,048 steps from 1 to 32 environments.

The PPO paper collects 2,048 steps in one environment; this suite 256 in each of eight, which on
tasks of a fixed length end their episodes together unless their starts are staggered.
"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="slots",
    title="One actor or many",
    question="Does it matter in how many environments a batch of 2,048 steps is collected?",
    environments=("Swimmer-v5", "HalfCheetah-v5"),
    variants=(
        *(
            Variant(
                name=f"slots_{slots}",
                title=f"{slots} slot{'s' if slots > 1 else ''}",
                algorithm="clipped_ppo",
                hyperparameters={"slots": slots},
            )
            for slots in (1, 2, 4, 8, 16, 32)
        ),
        Variant(
            name="staggered_8",
            title="8 slots, staggered",
            algorithm="clipped_ppo",
            hyperparameters={"slots": 8, "staggered_start": True},
        ),
    ),
    control="slots_8",
    steps=1_000_000,
    mechanism=("explained_variance", "kl_mean", "clip_fraction"),
)
