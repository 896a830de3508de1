"""What every rung has on whole answers: prompts and their answers, the reference, the optimiser.

Network and initial weights are no hyperparameters: both are those of the environment's reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from algorithms.answers.grouping import BASELINES
from algorithms.hyperparameters import BASELINES as OPENAI_BASELINES
from algorithms.hyperparameters import PAPER, hyperparameter

GRPO = "Shao et al. 2024, arXiv 2402.03300"
ZIEGLER = "Ziegler et al. 2019, arXiv 1909.08593"


@dataclass(frozen=True, kw_only=True)
class SequenceHyperparameters:
    """One batch and one optimiser step."""

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
        "weight of the KL to the frozen reference: it takes this times "
        "log p(token) − log p_reference(token) from a token's reward",
        unit="reward/nat",
        low=0.0,
        source="this project: docs/sequence.md; form: " + ZIEGLER + ", eq. 2",
    )
    learning_rate: float = hyperparameter(
        1e-3,
        "Adam's step size; larger than PPO's because a batch makes one step only",
        low=0.0,
        source="this project: docs/sequence.md",
    )
    learning_rate_decay_steps: float = hyperparameter(
        math.inf,
        "the step size falls linearly to 0 over this many steps, whatever the budget; "
        "inf keeps it constant",
        unit="tokens",
        low=1.0,
        source=PAPER + ": constant",
    )
    adam_epsilon: float = hyperparameter(1e-5, "Adam's epsilon", low=0.0, source=OPENAI_BASELINES)
    gradient_norm_clip: float = hyperparameter(
        math.inf,
        "bound on the L2 norm of a seed's gradient; inf for none",
        low=0.0,
        source="the lecture has none",
    )

    @property
    def answers(self) -> int:
        """N, all answers of a batch; those to one prompt stand side by side."""
        return self.prompts * self.samples


@dataclass(frozen=True, kw_only=True)
class BaselineHyperparameters(SequenceHyperparameters):
    """The choice of b."""

    baseline: str = hyperparameter(
        "group_mean", "what is subtracted from the return", choices=tuple(BASELINES), source=GRPO
    )


@dataclass(frozen=True, kw_only=True)
class SurrogateHyperparameters(BaselineHyperparameters):
    """Several epochs of minibatch steps on one batch."""

    learning_rate: float = hyperparameter(3e-4, "Adam's step size", low=0.0, source=PAPER)
    gradient_norm_clip: float = hyperparameter(
        0.5,
        "bound on the L2 norm of a seed's gradient; inf for none",
        low=0.0,
        source=OPENAI_BASELINES,
    )
    epochs: int = hyperparameter(
        4, "passes over a batch", unit="epochs", low=1, source=ZIEGLER + ", appendix"
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
        "advantages are standardised over this set of tokens",
        choices=("none", "batch"),
        source="as the ladder's, with the batch for its minibatch",
    )
