"""Work that is shared with other processes gives what `map` gives, in its order."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.evidence.report.processes import mapping
from tests.processes import alive, until

ROOT = Path(__file__).parents[3]
ABANDONED = """
import os
from bench.evidence.report.processes import mapping
if __name__ == "__main__":
    with mapping(2, "json") as mapped:
        print(list(mapped(eval, ["__import__('os').getpid()"] * 40))[-1], os.getpid(), flush=True)
        os._exit(3)
"""
WHO = "[__import__('time').sleep(0.05), __import__('os').getpid()][1]"


def test_several_processes_share_the_work_and_this_is_one_of_them() -> None:
    process_ids: set[int] = set()
    with mapping(3, "json") as mapped:

        def all_took_part() -> bool:
            workers = list(mapped(eval, [WHO] * 20))
            # Each took from its own end.
            own_tasks = workers.count(os.getpid())
            assert workers[:own_tasks] == [os.getpid()] * own_tasks and own_tasks < 20
            process_ids.update(workers)
            return len(process_ids) == 3

        until(all_took_part, patience=60)
    until(lambda: not any(map(alive, process_ids - {os.getpid()})), patience=10)


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order(processes: int) -> None:
    with mapping(processes, "json") as mapped:
        assert list(mapped(operator.sub, range(50), [1] * 50)) == [*range(-1, 49)]
        assert list(mapped(len, [])) == []


@pytest.mark.parametrize("index", [0, 5])
def test_an_error_is_raised_wherever_it_happened(index: int) -> None:
    divisors = [2] * 6
    divisors[index] = 0
    with mapping(2, "json") as mapped, pytest.raises(ZeroDivisionError):
        list(mapped(operator.truediv, [1] * 6, divisors))


def test_the_others_end_with_this_process_however_it_ends() -> None:
    completed = subprocess.run(
        [sys.executable, "-c", ABANDONED],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert completed.returncode == 3
    worker, parent = map(int, completed.stdout.split())
    assert worker != parent
    until(lambda: not alive(worker), patience=10)
