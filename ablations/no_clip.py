"""Is the clip anything but a step size that is safe?

Engstrom et al. 2020 (arXiv 2005.12729) report 2,371 on Hopper for PPO without its clip and with its
code-level optimisations; without the clip and at the default step size this suite falls. Their step
size was searched for each agent, and falls to 0.
"""

from __future__ import annotations

import math

from ablations.spec import Ablation, Variant

STEPS = 1_000_000
RATES = (3e-4, 1e-4, 3e-5)


def _variant(clipped: bool, rate: float, annealed: bool) -> Variant:
    suffix = "_annealed" if annealed else ""
    return Variant(
        name=f"{'clip' if clipped else 'none'}_{rate:.0e}{suffix}".replace("e-0", "e-"),
        title=f"{'clip' if clipped else 'no clip'}, {rate:g}{', annealed' if annealed else ''}",
        algorithm="clipped_ppo",
        hyperparameters={
            "clip_range": 0.2 if clipped else math.inf,
            "learning_rate": rate,
            "learning_rate_decay_steps": float(STEPS) if annealed else math.inf,
        },
        compared_with="" if clipped else f"clip_{rate:.0e}{suffix}".replace("e-0", "e-"),
    )


ABLATION = Ablation(
    name="no_clip",
    title="Without the clip",
    question="Is the clip anything but a step size that is safe?",
    environments=("Hopper-v5",),
    variants=tuple(
        _variant(clipped, rate, annealed)
        for annealed in (False, True)
        for rate in RATES
        for clipped in (True, False)
    ),
    control="clip_3e-4",
    steps=STEPS,
    mechanism=("kl_mean", "effective_sample_size", "entropy"),
)
