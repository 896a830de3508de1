"""How large should TRPO's batch be, and which size resembles the PPO paper's Figure 3?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="trpo_batch",
    title="TRPO's batch",
    question="Is TRPO weak in the PPO paper's Figure 3 because its batches are large?",
    environments=("HalfCheetah-v5", "Hopper-v5", "Reacher-v5", "Walker2d-v5"),
    variants=(
        Variant(
            name="steps_1024",
            title="1,024 steps per batch",
            algorithm="trpo",
            hyperparameters={"batch_steps": 1_024},
        ),
        Variant(
            name="steps_5000",
            title="5,000 steps per batch",
            algorithm="trpo",
            hyperparameters={"batch_steps": 5_000},
        ),
    ),
    control="steps_1024",
    steps=1_000_000,
    mechanism=("kl_mean", "learning_rate", "explained_variance"),
)
