"""What does a baseline buy, and which one?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="baseline",
    title="Baseline",
    question="What does subtracting a baseline from the return buy, and which baseline?",
    environments=("InvertedPendulum-v5", "InvertedDoublePendulum-v5"),
    variants=(
        Variant(
            name="none",
            title="no baseline",
            algorithm="vanilla_policy_gradient",
        ),
        Variant(
            name="batch_mean",
            title="batch mean",
            algorithm="baseline",
            hyperparameters={"baseline": "batch_mean"},
        ),
        Variant(
            name="leave_one_out",
            title="leave one out",
            algorithm="baseline",
            hyperparameters={"baseline": "leave_one_out"},
        ),
        Variant(
            name="moving_average",
            title="moving average",
            algorithm="baseline",
            hyperparameters={"baseline": "moving_average"},
        ),
        Variant(
            name="variance_optimal",
            title="variance-optimal",
            algorithm="baseline",
            hyperparameters={"baseline": "variance_optimal"},
        ),
        Variant(
            name="learned",
            title="learned V(s)",
            algorithm="baseline",
            hyperparameters={"baseline": "learned"},
        ),
    ),
    control="none",
    steps=40_000,
    mechanism=("gradient_variance", "gradient_signal_to_noise", "kl_mean"),
)
