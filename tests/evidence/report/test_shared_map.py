"""Work that is shared with other processes gives what `map` gives, in its order."""

from __future__ import annotations

import operator
import os

import pytest

from bench.evidence.report.processes import mapping

WHO = "[__import__('time').sleep(0.05), __import__('os').getpid()][1]"


def test_several_processes_share_the_work_and_this_is_one_of_them() -> None:
    with mapping(3, "json") as mapped:
        workers = list(mapped(eval, [WHO] * 60))
    assert workers[0] == os.getpid() != workers[-1]
    assert len({*workers}) == 3
    # Each took from its own end.
    assert workers[: workers.count(os.getpid())] == [os.getpid()] * workers.count(os.getpid())


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order(processes: int) -> None:
    with mapping(processes, "json") as mapped:
        assert list(mapped(operator.sub, range(50), [1] * 50)) == [*range(-1, 49)]
        assert list(mapped(len, [])) == []


@pytest.mark.parametrize("place", [0, 5])
def test_an_error_is_raised_wherever_it_happened(place: int) -> None:
    divisors = [2] * 6
    divisors[place] = 0
    with mapping(2, "json") as mapped, pytest.raises(ZeroDivisionError):
        list(mapped(operator.truediv, [1] * 6, divisors))
