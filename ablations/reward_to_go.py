"""What does crediting an action only with what follows it buy?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="reward_to_go",
    title="Reward-to-go",
    question="What does crediting an action only with the rewards that follow it buy, "
    "and what does the discount?",
    environments=("InvertedPendulum-v5", "InvertedDoublePendulum-v5"),
    variants=(
        Variant(
            name="whole_trajectory",
            title="whole trajectory",
            algorithm="baseline",
            hyperparameters={"baseline": "batch_mean"},
        ),
        Variant(
            name="undiscounted",
            title="reward-to-go, γ = 1",
            algorithm="reward_to_go",
            hyperparameters={"discount": 1.0},
        ),
        Variant(
            name="discount_099",
            title="reward-to-go, γ = 0.99",
            algorithm="reward_to_go",
            hyperparameters={"discount": 0.99},
        ),
        Variant(
            name="discount_095",
            title="reward-to-go, γ = 0.95",
            algorithm="reward_to_go",
            hyperparameters={"discount": 0.95},
        ),
    ),
    control="whole_trajectory",
    steps=40_000,
    mechanism=("gradient_variance", "gradient_signal_to_noise", "kl_mean"),
)
