"""What is a group of answers worth as a baseline, and what do its divisions add?

Every answer is credited with its return less the mean of its group, here without a division: the
variants change the mean, or add one of the divisions that GRPO has and Dr. GRPO takes out.
"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

MEAN = {"baseline": "group_mean", "advantage_normalization": "none"}
"""The settings that `answer_ratios` and `answer_kl` start from, too: returns keep their unit, so
that β_ref weighs the same in the rewards and in the loss."""

ABLATION = Ablation(
    name="answer_baselines",
    title="Baselines of answers",
    question="Which baseline suits a group of answers to one prompt, and what do dividing by its "
    "deviation and by the length of an answer change?",
    environments=("Reviews-v0",),
    variants=(
        Variant(
            name="mean",
            title="group mean",
            algorithm="sequence_clipped_ppo",
            hyperparameters=MEAN,
        ),
        Variant(
            name="leave_one_out",
            title="leave one out",
            algorithm="sequence_clipped_ppo",
            hyperparameters={**MEAN, "baseline": "group_leave_one_out"},
        ),
        Variant(
            name="group_deviation",
            title="÷ group's deviation (GRPO)",
            algorithm="sequence_clipped_ppo",
            hyperparameters={**MEAN, "advantage_normalization": "group"},
        ),
        Variant(
            name="batch_deviation",
            title="standardised by batch",
            algorithm="sequence_clipped_ppo",
            hyperparameters={**MEAN, "advantage_normalization": "batch"},
        ),
        Variant(
            name="without_length",
            title="not ÷ length (Dr. GRPO)",
            algorithm="sequence_clipped_ppo",
            hyperparameters={**MEAN, "length_normalization": False},
        ),
    ),
    control="mean",
    page="kl",
    steps=200_000,
    mechanism=("reference_kl", "gold_reward", "kl_mean", "gradient_norm"),
)
