"""Do KL penalties fail where the clip doesn't? Ant, by the settings of two papers.

Colletti & Holzinger 2026 (KLip-PPO, arXiv 2606.23932) find that a fixed and an adaptive penalty
keep up with the clip on easy tasks and fall behind on Ant. Their step size falls to 0 and their
target is a KL of 0.02; the PPO paper's is constant, and its best target 0.01.
"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

STEPS = 1_000_000
KLIP = {"learning_rate_decay_steps": float(STEPS)}

ABLATION = Ablation(
    name="kl_or_clip",
    title="KL penalty or clip",
    question="Do KL penalties fail on Ant, where the clip does not?",
    environments=("Ant-v5",),
    variants=(
        Variant(name="clip", title="clip", algorithm="clipped_ppo"),
        Variant(
            name="fixed",
            title="β = 1",
            algorithm="kl_ppo",
            hyperparameters={"adaptive": False, "beta": 1.0},
        ),
        Variant(
            name="adaptive",
            title="adaptive, 0.01",
            algorithm="kl_ppo",
            hyperparameters={"adaptive": True, "kl_target": 0.01},
        ),
        Variant(
            name="clip_annealed",
            title="clip, annealed",
            algorithm="clipped_ppo",
            hyperparameters=KLIP,
        ),
        Variant(
            name="fixed_annealed",
            compared_with="clip_annealed",
            title="β = 1, annealed",
            algorithm="kl_ppo",
            hyperparameters={"adaptive": False, "beta": 1.0, **KLIP},
        ),
        Variant(
            name="adaptive_annealed",
            compared_with="clip_annealed",
            title="adaptive, 0.02, annealed",
            algorithm="kl_ppo",
            hyperparameters={"adaptive": True, "kl_target": 0.02, **KLIP},
        ),
    ),
    control="clip",
    steps=STEPS,
    mechanism=("kl_mean", "beta", "clip_fraction"),
)
