"""In which form does the KL to the reference restrain a language model?

All forms have the same weight. Advantages aren't divided by a deviation, which would weaken or
strengthen the penalty in the rewards and leave the one in the loss as it is.
"""

from __future__ import annotations

from ablations.answer_baselines import MEAN
from ablations.spec import Ablation, Variant

FORMS = {
    "k1_in_reward": "k1 in the rewards",
    "k1_in_loss": "k1 in the loss",
    "k2_in_loss": "k2 in the loss",
    "k3_in_loss": "k3 in the loss (GRPO)",
    "exact_in_loss": "exact, in the loss",
}

ABLATION = Ablation(
    name="answer_kl",
    title="The KL to the reference",
    question="In which form does the KL to the reference keep a language model from exploiting its "
    "reward, and which forms move the gold reward?",
    environments=("Reviews-v0",),
    variants=tuple(
        Variant(
            name=form,
            title=title,
            algorithm="sequence_clipped_ppo",
            hyperparameters={**MEAN, "reference_penalty_form": form},
        )
        for form, title in FORMS.items()
    ),
    control="k1_in_reward",
    page="kl",
    steps=200_000,
    mechanism=("reference_kl", "gold_reward", "kl_mean", "entropy"),
)
