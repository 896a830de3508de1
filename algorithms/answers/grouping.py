"""A baseline for every prompt: the lecture's, over the answers to that prompt alone."""

from __future__ import annotations

from typing import Final

from torch import Tensor

from algorithms.batch import Batch
from algorithms.ladder import baseline
from algorithms.learner import Learner

_WHOLE_BATCH: Final = "batch_mean"
BASELINES: Final = {
    "group_mean": baseline.batch_mean,
    "group_leave_one_out": baseline.leave_one_out,
    _WHOLE_BATCH: baseline.batch_mean,
}


def grouped_baseline(
    name: str, learner: Learner, batch: Batch, values: Tensor, samples: int
) -> Tensor:
    """b [S, T, N] of values [S, T, N], tick by tick.

        group_mean            mean over the answers to a prompt     expectation (1 − 1/samples) ∇J
        group_leave_one_out   mean over the other answers to it     expectation ∇J
        batch_mean            mean over all answers of the batch    expectation (1 − 1/N) ∇J

    Args:
        name: one of `BASELINES`.
        learner: the seeds.
        batch: N answers; those to one prompt stand side by side.
        values: returns, or rewards to go.
        samples: answers to one prompt.

    Source: Shao et al. 2024, arXiv 2402.03300 (group mean); Kool et al. 2019 and Ahmadian et al.
    2024, arXiv 2402.14740 (leave one out).
    """
    seeds, ticks, slots = values.shape
    size = slots if name == _WHOLE_BATCH else samples
    found = BASELINES[name](learner, batch, values.reshape(-1, size))
    return found.expand(-1, 1, size).reshape(seeds, ticks, slots)
