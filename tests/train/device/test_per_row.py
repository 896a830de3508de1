"""A number for each row counts as Python's floats do, and with tensors as each float would."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.plan.lookup import load_algorithm
from bench.train.device.rows import PerRow, RowsDifferError, joined


def numbers(*values: float) -> Any:
    return PerRow(values, "cpu")


def test_with_numbers_it_counts_as_python_does() -> None:
    x, y = numbers(0.1, 3.0), numbers(7.0, 0.3)
    assert (1 - x * y / 3 + 2**x).values == tuple(
        1 - a * b / 3 + 2**a for a, b in ((0.1, 7.0), (3.0, 0.3))
    )
    assert (-(x**2) - 1).values == (-(0.1**2) - 1, -9.0 - 1)


def test_with_tensors_it_does_what_each_float_would() -> None:
    values, x = (0.1, 3.0), numbers(0.1, 3.0)
    tensor = torch.linspace(-2, 2, 24).view(2, 3, 4)
    for function in (
        lambda n, t: n * t - t / n + n / (t + 3) + (1 - n),
        lambda n, t: t.clamp(-n, n) + t.clamp(-0.05, n) + t.clone().clamp_(max=n),
        lambda n, t: torch.where(t > n, n, t) + (t <= n),
        lambda n, t: n * (t > 0),
        lambda n, t: n * t.double(),
        lambda n, t: torch.full_like(t, n),
        lambda n, t: torch.full((len(t),), n),
    ):
        batched = function(x, tensor)
        by_row = torch.cat([function(value, tensor[s : s + 1]) for s, value in enumerate(values)])
        assert batched.dtype == by_row.dtype
        torch.testing.assert_close(batched, by_row, rtol=0, atol=0)


def test_a_question_with_two_answers_is_refused() -> None:
    assert numbers(1.0, 2.0) and numbers(1.0, 2.0) > 0 and not numbers(0.0, 0.0)
    for question in (bool, lambda x: x > 0.5, lambda x: x == 0.0, lambda x: max(0.5, x)):
        with pytest.raises(RowsDifferError, match="different ways"):
            question(numbers(0.0, 1.0))
    for conversion in (float, round, lambda x: x * torch.ones(3), lambda x: torch.ones(()) * x):
        with pytest.raises(TypeError):
            conversion(numbers(0.0, 1.0))


def test_what_all_rows_have_alike_stays_a_float() -> None:
    h: Any = load_algorithm("clipped_ppo").hyperparameters
    rows = [h(clip_range=value) for value in (0.1, 0.2)]
    combined = joined(rows, "cpu")
    assert combined.clip_range.values == (0.1, 0.2)
    assert combined.learning_rate == rows[0].learning_rate
    assert joined(rows[:1] * 3, "cpu") is rows[0]


def test_it_stays_where_it_is_in_memory() -> None:
    """A CUDA graph goes on reading it there."""
    x = numbers(0.1, 3.0)
    first = (1 - x).tensor(torch.float32)
    assert (1 - x).tensor(torch.float32, 3).data_ptr() == first.data_ptr()
