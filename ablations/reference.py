"""Does this project's PPO reach what is published for PPO?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="reference",
    title="Clipped PPO at its published size",
    question="Does clipped PPO with the paper's hyperparameters reach the published returns "
    "at 1M steps?",
    environments=("HalfCheetah-v5", "Hopper-v5", "InvertedPendulum-v5"),
    variants=(
        Variant(
            name="clipped_ppo",
            title="clipped PPO",
            algorithm="clipped_ppo",
        ),
    ),
    control="clipped_ppo",
    steps=1_000_000,
    mechanism=("clip_fraction", "kl_mean", "explained_variance"),
)
