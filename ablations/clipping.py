"""What does the clip buy, and how wide should it be?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="clipping",
    title="Clipping",
    question="What does clipping the probability ratio buy, and how wide should the clip be?",
    environments=("Hopper-v5", "HalfCheetah-v5"),
    variants=(
        Variant(
            name="no_clip",
            title="no clip",
            algorithm="importance_sampling",
            hyperparameters={"epochs": 10},
        ),
        Variant(
            name="clip_01",
            title="ε = 0.1",
            algorithm="clipped_ppo",
            hyperparameters={"clip_range": 0.1},
        ),
        Variant(
            name="clip_02",
            title="ε = 0.2",
            algorithm="clipped_ppo",
            hyperparameters={"clip_range": 0.2},
        ),
        Variant(
            name="clip_03",
            title="ε = 0.3",
            algorithm="clipped_ppo",
            hyperparameters={"clip_range": 0.3},
        ),
    ),
    control="no_clip",
    steps=300_000,
    mechanism=("clip_fraction", "kl_mean", "effective_sample_size"),
)
