"""When two results of a seed are the same."""

from __future__ import annotations

import numpy as np

from bench.train.results import RunResult


def assert_same(one: RunResult, other: RunResult, said: str = "") -> None:
    """To the bit, the time that it took aside."""
    assert (one.seed, one.status, one.steps) == (other.seed, other.status, other.steps), said
    for table in ("episodes", "updates", "policy"):
        first, second = getattr(one, table), getattr(other, table)
        assert first.keys() == second.keys()
        for name in first:
            if name != "seconds":
                where = f"{said} {table} {name}"
                np.testing.assert_array_equal(first[name], second[name], err_msg=where)
