"""The lecture's baselines and scales, taken over the answers to one prompt at a time."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor


def _mean(groups: Tensor) -> Tensor:
    return groups.mean(1, keepdim=True).expand_as(groups)


def _leave_one_out(groups: Tensor) -> Tensor:
    return (groups.sum(1, keepdim=True) - groups) / (groups.shape[1] - 1)


_WHOLE_BATCH: Final = "batch_mean"
BASELINES: Final = {
    "group_mean": _mean,
    "group_leave_one_out": _leave_one_out,
    _WHOLE_BATCH: _mean,
}


def grouped_baseline(name: str, values: Tensor, samples: int) -> Tensor:
    """b [S, T, N] of values [S, T, N], tick by tick.

        group_mean            mean over the answers to a prompt     expectation (1 − 1/samples) ∇J
        group_leave_one_out   mean over the other answers to it     expectation ∇J
        batch_mean            mean over all answers of the batch    expectation (1 − 1/N) ∇J

    Values that differ by rounding only are their own baseline, so that advantages are 0: their mean
    can be off by a last digit, which Adam, or the division by the deviation, makes a full step.

    Args:
        name: one of `BASELINES`.
        values: returns, or rewards to go; those of answers to one prompt stand side by side.
        samples: answers to one prompt.

    Source: Shao et al. 2024, arXiv 2402.03300 (group mean); Kool et al. 2019 and Ahmadian et al.
    2024, arXiv 2402.14740 (leave one out).
    """
    size = values.shape[2] if name == _WHOLE_BATCH else samples
    groups = values.reshape(-1, size)
    b = BASELINES[name](groups)
    spread = groups.amax(1, keepdim=True) - groups.amin(1, keepdim=True)
    resolution = torch.finfo(values.dtype).eps * groups.abs().amax(1, keepdim=True)
    return torch.where(spread > resolution, b, groups).view(values.shape)


def in_group_deviations(advantages: Tensor, values: Tensor, samples: int) -> Tensor:
    """Advantages [S, T, N] divided by the deviation of their prompt's values, tick by tick.

    The deviation is that of these answers (Σ/samples), not an estimate of all answers' (which
    would be larger by √(samples/(samples − 1))).

    Args:
        advantages: values less their baseline; 0 stays 0.
        values: returns, or rewards to go [S, T, N].
        samples: answers to one prompt.

    Source: Shao et al. 2024, arXiv 2402.03300, section 4.1.2.
    """
    groups = values.reshape(-1, samples)
    deviation = groups.std(1, correction=0, keepdim=True).expand_as(groups).reshape(values.shape)
    return advantages / (deviation + 1e-8)
