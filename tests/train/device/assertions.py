"""When two results of a seed are the same."""

from __future__ import annotations

import numpy as np

from bench.train.results import RunResult


def assert_same(actual: RunResult, expected: RunResult, context: str = "") -> None:
    """To the bit, the time that it took aside."""
    assert (actual.seed, actual.status, actual.steps) == (
        expected.seed,
        expected.status,
        expected.steps,
    ), context
    for table in ("episodes", "updates", "policy"):
        first, second = getattr(actual, table), getattr(expected, table)
        assert first.keys() == second.keys()
        for name in first:
            if name != "seconds":
                message = f"{context} {table} {name}"
                np.testing.assert_array_equal(first[name], second[name], err_msg=message)
