"""What does using a batch more than once buy, and what does it cost?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="importance_sampling",
    title="Importance sampling",
    question="What does learning several times from one batch, corrected by importance "
    "sampling, buy, and where does it break?",
    environments=("Hopper-v5", "HalfCheetah-v5"),
    variants=(
        Variant(
            name="on_policy",
            title="on-policy, one step per batch",
            algorithm="advantage",
        ),
        Variant(
            name="epochs_1",
            title="per-step ratio, 1 epoch",
            algorithm="importance_sampling",
            hyperparameters={"epochs": 1},
        ),
        Variant(
            name="epochs_3",
            title="per-step ratio, 3 epochs",
            algorithm="importance_sampling",
            hyperparameters={"epochs": 3},
        ),
        Variant(
            name="epochs_10",
            title="per-step ratio, 10 epochs",
            algorithm="importance_sampling",
            hyperparameters={"epochs": 10},
        ),
        Variant(
            name="trajectory_product",
            title="trajectory-product ratio",
            algorithm="trajectory_importance_sampling",
        ),
    ),
    control="on_policy",
    steps=100_000,
    mechanism=("effective_sample_size", "kl_mean", "ratio_q99"),
)
