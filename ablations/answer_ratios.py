"""Of what should ρ be the ratio, and how far may it rise?

The exact KL to the reference is in the loss. So the reward comes only at the end, and tokens and
whole answers are credited with the same R(y) − b(x): the ratio is all that differs. A geometric
mean hardly leaves 0.8 to 1.2, so that it is as good as unclipped there.
"""

from __future__ import annotations

from ablations.answer_baselines import MEAN
from ablations.spec import Ablation, Variant

TOKEN = {**MEAN, "reference_penalty_form": "exact_in_loss"}
GEOMETRIC_MEAN = {**TOKEN, "importance_ratio": "sequence_geometric_mean"}

ABLATION = Ablation(
    name="answer_ratios",
    title="Ratios of tokens or of answers",
    question="Should tokens or whole answers be weighed by a clipped ratio, and may it rise "
    "further than it may fall?",
    environments=("Reviews-v0",),
    variants=(
        Variant(
            name="token",
            title="tokens",
            algorithm="sequence_clipped_ppo",
            hyperparameters=TOKEN,
        ),
        Variant(
            name="clip_higher",
            title="tokens, clip-higher (DAPO)",
            algorithm="sequence_clipped_ppo",
            hyperparameters={**TOKEN, "clip_range_above": 0.28},
        ),
        Variant(
            name="answer",
            title="answers",
            algorithm="sequence_clipped_ppo",
            hyperparameters={**TOKEN, "importance_ratio": "sequence"},
        ),
        Variant(
            name="geometric_mean",
            title="answers, geometric mean",
            algorithm="sequence_clipped_ppo",
            hyperparameters=GEOMETRIC_MEAN,
        ),
        Variant(
            name="gspo",
            compared_with="geometric_mean",
            title="geometric mean, 4e-4 (GSPO)",
            algorithm="sequence_clipped_ppo",
            hyperparameters={**GEOMETRIC_MEAN, "clip_range": 3e-4, "clip_range_above": 4e-4},
        ),
    ),
    control="token",
    page="kl",
    steps=200_000,
    mechanism=("reference_kl", "gold_reward", "clip_fraction", "entropy"),
)
