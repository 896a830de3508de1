"""Hyperparameters of the rungs on whole answers: prompts, samples, reference penalty, optimiser.

Network and initial weights are no hyperparameters: both are those of the environment's reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from algorithms.answers.grouping import BASELINES
from algorithms.answers.penalty import IN_LOSS, IN_REWARD
from algorithms.answers.ratios import RATIOS, TOKEN
from algorithms.hyperparameters import (
    PAPER,
    OptimizerHyperparameters,
    TrajectoryHyperparameters,
    hyperparameter,
    redeclared,
)

DR_GRPO = "Liu et al. 2025, arXiv 2503.20783 (Dr. GRPO)"
GRPO = "Shao et al. 2024, arXiv 2402.03300"
GSPO = "Zheng et al. 2025, arXiv 2507.18071"
SCHULMAN = "Schulman 2020, joschu.net/blog/kl-approx.html"
ZIEGLER = "Ziegler et al. 2019, arXiv 1909.08593"


@dataclass(frozen=True, kw_only=True)
class SequenceHyperparameters(OptimizerHyperparameters):
    """The size of a batch, the penalty to the reference, and one optimiser step per batch."""

    prompts: int = hyperparameter(
        4, "prompts of one batch", unit="prompts", low=1, source="this project"
    )
    samples: int = hyperparameter(
        8,
        "answers sampled to each prompt: the N trajectories of the lecture",
        unit="answers",
        low=2,
        source="this project; " + GRPO + ": 64",
    )
    reference_penalty: float = hyperparameter(
        0.3,
        "weight of the KL to the frozen reference, computed as `reference_penalty_form` says",
        unit="reward/nat",
        low=0.0,
        source="this project: docs/sequence.md",
    )
    reference_penalty_form: str = hyperparameter(
        IN_REWARD,
        "how the KL to the reference is taken, u being log p(token) − log p_reference(token): from "
        "a token's reward (k1 = u), or in the loss as k1, k2 = u²/2, k3 = exp(−u) − 1 + u or the "
        "exact KL of a token's whole distribution",
        choices=(IN_REWARD, *IN_LOSS),
        source=ZIEGLER + ", eq. 2; in the loss: " + SCHULMAN + "; k3 there: " + GRPO + ", eq. 4",
        before=IN_REWARD,
    )
    learning_rate: float = redeclared(
        TrajectoryHyperparameters, "learning_rate", 1e-3, source="this project: docs/sequence.md"
    )
    gradient_norm_clip: float = redeclared(
        TrajectoryHyperparameters, "gradient_norm_clip", math.inf
    )

    @property
    def answers(self) -> int:
        """N, the number of answers in a batch; answers to one prompt are adjacent."""
        return self.prompts * self.samples

    @property
    def penalty_in_reward(self) -> float:
        """β_ref where the rewards hold the penalty, else 0."""
        return self.reference_penalty if self.reference_penalty_form == IN_REWARD else 0.0


@dataclass(frozen=True, kw_only=True)
class BaselineHyperparameters(SequenceHyperparameters):
    """The choice of b, and whether R − b is divided by a deviation."""

    baseline: str = hyperparameter(
        "group_mean",
        "what is subtracted from the return",
        choices=tuple(BASELINES),
        source=GRPO + ", without its division by the group's deviation",
    )
    advantage_normalization: str = hyperparameter(
        "none",
        "advantages are divided by the deviation of this set of answers: of those to the same "
        "prompt, or not at all",
        choices=("none", "group"),
        source=DR_GRPO + ": none; " + GRPO + ": group",
        before="none",
    )


@dataclass(frozen=True, kw_only=True)
class SurrogateHyperparameters(BaselineHyperparameters):
    """Several epochs of minibatch steps on one batch."""

    learning_rate: float = redeclared(OptimizerHyperparameters, "learning_rate", 3e-4)
    gradient_norm_clip: float = redeclared(OptimizerHyperparameters, "gradient_norm_clip", 0.5)
    epochs: int = hyperparameter(
        4, "passes over a batch", unit="epochs", low=1, source=ZIEGLER + ", section 2.2"
    )
    minibatch: int = hyperparameter(
        8,
        "answers of one gradient step",
        unit="answers",
        low=1,
        part_of="answers",
        source="this project",
    )
    advantage_normalization: str = hyperparameter(
        "batch",
        "advantages are standardised over all tokens of the batch, divided by the deviation of the "
        "answers to the same prompt (group), or neither",
        choices=("none", "group", "batch"),
        source="as the ladder's, with the batch for its minibatch; "
        + GRPO
        + ": group; "
        + DR_GRPO
        + ": none",
    )
    importance_ratio: str = hyperparameter(
        TOKEN,
        "what ρ is the ratio of: a token's probabilities, those of the whole answer, or their "
        "geometric mean over its tokens; with the latter two an answer is credited as a whole",
        choices=tuple(RATIOS),
        source=PAPER + "; geometric mean: " + GSPO + ", eq. 7",
        before=TOKEN,
    )
    length_normalization: bool = hyperparameter(
        True,
        "an answer's objective is the mean over its tokens; false: their sum, so that only the "
        "number of answers divides it",
        source=GRPO + ", eq. 3; false: " + DR_GRPO,
        before=True,
    )
