"""k1, k2 and k3 as estimates of a KL, by summing over everything that can be drawn."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from algorithms.answers.penalty import IN_LOSS
from algorithms.answers.transformer import Transformer
from algorithms.policies import CategoricalPolicy

POLICY = CategoricalPolicy(Transformer(vocabulary=2, ticks=1, width=2, layers=1, heads=1))
GRID = torch.linspace(-12, 12, 4801, dtype=torch.float64)
"""Places of a normal distribution, as the actions of a categorical one."""


def normal(mean: float) -> Tensor:
    """log p of N(mean, 1) on the grid, at every place of it [places, places]."""
    return torch.log_softmax(-((GRID - mean) ** 2) / 2, 0).expand(len(GRID), -1)


@pytest.mark.parametrize(
    ("mean", "biases", "deviations"),
    [(0.1, (0, 0.002, 0), (20, 1.42, 1.42)), (1.0, (0, 0.25, 0), (2, 1.73, 1.7))],
)
def test_their_biases_and_deviations_are_those_of_schulman_s_note(
    mean: float, biases: tuple[float, ...], deviations: tuple[float, ...]
) -> None:
    """In shares of the KL; the note's numbers are of samples, so they are not exact."""
    policy_logs, reference_logs = normal(0.0), normal(mean)
    chance, actions = policy_logs[0].exp(), torch.arange(len(GRID))
    kl = mean**2 / 2
    forms = ("k1_in_loss", "k2_in_loss", "k3_in_loss")
    for form, bias, deviation in zip(forms, biases, deviations, strict=True):
        values = IN_LOSS[form](POLICY, policy_logs, reference_logs, actions)
        expected = (chance * values).sum()
        relative_deviation = (chance * (values - expected) ** 2).sum().sqrt() / kl
        assert float(expected) / kl - 1 == pytest.approx(bias, abs=6e-4)
        assert float(relative_deviation) == pytest.approx(deviation, rel=0.01)
        assert bool((values >= -1e-15).all()) == (form != "k1_in_loss")
