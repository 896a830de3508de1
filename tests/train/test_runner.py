"""Runs that are missing get trained; faults cost what they must and are told."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from plans_to_train import assert_same, described, planned, real_plan

from bench.errors import InputError
from bench.plan.identity import Description
from bench.plan.plan import Plan
from bench.store import NO_EPISODES, NO_UPDATES, Store
from bench.store.marks import Entry
from bench.train import runner
from bench.train.events import (
    Ended,
    Event,
    Planned,
    Progressed,
    Row,
    Started,
    Stopped,
    Summary,
    Waited,
)
from bench.train.executors import processes
from bench.train.executors.processes import Processes
from bench.train.standing import Counter
from tests.processes import alive, until

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STAND_IN = "stand_in_trainer:train"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers inherit the module path."""
    monkeypatch.syspath_prepend(HERE)


class Journal(list[Event]):
    """All events of a run."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    def started(self) -> set[tuple[str, tuple[int, ...]]]:
        return {
            (event.group.description.identifier, event.group.seeds)
            for event in self
            if isinstance(event, Started)
        }


def train(plan: Plan, store: Store, **arguments: Any) -> tuple[Summary, Journal]:
    journal = Journal()
    workers = arguments.pop("workers", 2)
    executor = Processes(workers, STAND_IN)
    return runner.run(plan, store, executor=executor, on_event=journal, **arguments), journal


def statuses(store: Store) -> dict[tuple[str, int], str]:
    runs = store.runs()
    behaviours = [json.loads(text)["behaviour"] for text in runs["hyperparameters"]]
    return dict(zip(zip(behaviours, runs["seed"], strict=True), runs["status"], strict=True))


def test_only_what_is_missing_is_trained(tmp_path: Path) -> None:
    store = Store(tmp_path)
    plan = planned([described()], seeds=range(5))
    summary, journal = train(plan, store, workers=1)
    assert (summary.finished, summary.kept, summary.failures) == (5, 0, {})
    assert journal.started() == {(described().identifier, (0, 1, 2, 3, 4))}

    summary, journal = train(plan, store)
    assert (summary.finished, summary.kept) == (0, 5)
    assert journal == [Planned(groups=(), kept=5, stale=0)]

    summary, journal = train(planned([described()], seeds=range(10)), store, workers=1)
    assert (summary.finished, summary.kept) == (5, 5)
    assert journal.started() == {(described().identifier, (5, 6, 7, 8, 9))}
    assert statuses(store) == {("finish", seed): "finished" for seed in range(10)}


def test_a_row_says_what_was_asked_and_how_it_came_about(tmp_path: Path) -> None:
    store = Store(tmp_path)
    before = datetime.now(UTC)
    train(planned([described()]), store, workers=1)
    row = store.runs().sort_values("seed").iloc[1]
    assert row["run"] == described().run(1)
    assert row["description"] == described().identifier
    assert row["canonical"] == described().canonical()
    assert json.loads(row["hyperparameters"]) == {"behaviour": "finish"}
    assert (row["budget"], row["steps"], row["episodes"], row["updates"]) == (10, 10, 3, 1)
    assert (row["group_size"], row["threads"], row["seconds"]) == (2, 1, 0.5)
    assert before <= row["started"] <= datetime.now(UTC)
    assert json.loads(row["versions"])["torch"]
    assert json.loads(row["machine"])["cores"] >= 1
    assert store.episodes([row["run"]])["return"].tolist() == [1.0, 1.0, 1.0]
    assert store.policy(row["run"])["policy"].tolist() == [1.0, 1.0]


def test_a_run_that_two_variants_share_is_trained_once(tmp_path: Path) -> None:
    summary, journal = train(planned([described(), described()]), Store(tmp_path), workers=1)
    assert summary.finished == 2
    assert len(journal.started()) == 1


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("raise", "RuntimeError: first line; second line (stand_in_trainer.py:"),
        ("be killed", "the worker process was killed by SIGKILL, which is what happens when"),
        ("exit", "the worker process ended with exit code 3"),
    ],
)
def test_a_failing_group_costs_itself_only(tmp_path: Path, behaviour: str, reason: str) -> None:
    store = Store(tmp_path)
    bad, good = described(behaviour), described(seconds=0.1)
    # One worker: after the fault, the other groups need it replaced or unharmed.
    plan = planned([described(), bad, good])
    summary, journal = train(plan, store, workers=1)
    assert summary.finished == 4
    ((description, message), number), *others = summary.failures.items()
    assert (description, number, others) == (bad, 2, [])
    assert reason in message
    runs = store.runs().set_index("run")
    for seed in (0, 1):
        assert runs.loc[bad.run(seed), "status"] == "failed"
        assert runs.loc[bad.run(seed), "reason"] == message
        assert runs.loc[good.run(seed), "status"] == "finished"
    (ended,) = (e for e in journal if isinstance(e, Ended) and e.reasons)
    assert ended.reasons == (message,)
    assert ended.outcomes == {Row(bad, 0): "failed", Row(bad, 1): "failed"}

    summary, journal = train(plan, store, workers=1)
    assert journal.started() == {(bad.identifier, (0, 1))}
    assert summary.kept == 4


def test_a_diverged_run_is_a_result(tmp_path: Path) -> None:
    store = Store(tmp_path)
    summary, _ = train(planned([described("diverge")]), store, workers=1)
    assert (summary.finished, summary.failures) == (2, {})
    assert summary.diverged == {(described("diverge"), "not finite"): 2}
    assert set(store.runs()["diverged_at"]) == {5}
    assert train(planned([described("diverge")]), store)[0].kept == 2


def test_a_seed_without_a_result_is_a_failure(tmp_path: Path) -> None:
    store = Store(tmp_path)
    summary, _ = train(planned([described("forget")]), store, workers=1)
    assert summary.finished == 1
    assert statuses(store) == {("forget", 0): "finished", ("forget", 1): "failed"}
    assert list(summary.failures.values()) == [1]


def test_what_can_t_be_stored_is_told_and_stops_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    odd = described("have an unknown column")
    summary, journal = train(planned([odd, described()]), store, workers=1)
    assert summary.finished == 2
    ((description, reason),) = summary.failures
    assert description == odd
    assert "can't be stored: ValueError" in reason
    assert "colour" in reason
    outcomes = [event.outcomes for event in journal if isinstance(event, Ended)]
    assert {Row(odd, 0): "failed", Row(odd, 1): "failed"} in outcomes
    failed = store.runs().query("status == 'failed'")
    assert set(failed["reason"]) == {reason}


@pytest.mark.parametrize(("full_for", "finished"), [(2, 4), (10**6, 0)])
def test_a_full_disk_ends_the_training_and_what_it_took_no_more_is_tried_again(
    tmp_path: Path, full_for: int, finished: int
) -> None:
    store = FullStore(tmp_path)
    store.full_for = full_for
    plan = planned([described(seconds=i / 10) for i in range(1, 6)])
    journal = Journal()
    with pytest.raises(InputError, match=r"takes no more: No space left on device"):
        # Two groups are in training when the first of them can't be stored; then no other begins.
        runner.run(plan, store, executor=Processes(2, STAND_IN), on_event=journal)
    assert len(journal.started()) == 2
    outcomes = [event.outcomes for event in journal if isinstance(event, Ended)]
    assert sum(list(each.values()).count("finished") for each in outcomes) == finished
    assert sum(list(each.values()).count("not stored") for each in outcomes) == 4 - finished
    assert len(Store(tmp_path).finished()) == finished
    assert not Store(tmp_path).claims.other_places()


def test_what_a_full_disk_did_not_take_is_tried_again_after_an_interruption(
    tmp_path: Path,
) -> None:
    store = FullStore(tmp_path)
    store.full_for = 1
    plan = planned([described(), described(seconds=600.0)])
    events: list[Event] = []

    def interrupt(event: Event) -> None:
        events.append(event)
        if isinstance(event, Stopped):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(plan, store, executor=Processes(2, STAND_IN), on_event=interrupt)
    assert len(Store(tmp_path).finished()) == 2
    assert "takes no more" in next(event.reason for event in events if isinstance(event, Stopped))


def test_a_run_that_was_stored_before_the_disk_was_full_stays_finished(tmp_path: Path) -> None:
    store = FullStore(tmp_path)
    store.takes, store.full_for = 1, 10**6
    journal = Journal()
    with pytest.raises(InputError, match="takes no more"):
        runner.run(planned([described()]), store, executor=Processes(1, STAND_IN), on_event=journal)
    (ended,) = (event for event in journal if isinstance(event, Ended))
    assert list(ended.outcomes.values()) == ["finished", "not stored"]
    assert len(Store(tmp_path).finished()) == 1


class FullStore(Store):
    """A store that takes `takes` runs, and whose disk is full for the next `full_for`."""

    takes = 0
    full_for = 0

    def write_run(self, *arguments: Any, **options: Any) -> bool:
        self.takes -= 1
        if self.takes < 0 < self.full_for:
            self.full_for -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write_run(*arguments, **options)


def test_a_file_that_is_too_large_costs_its_run_alone(tmp_path: Path) -> None:
    # Files may not grow beyond a megabyte.
    script = f"""
import resource, sys
from pathlib import Path
sys.path.insert(0, {str(HERE)!r})
import test_runner as t
if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    plan = t.planned([t.described("write much"), t.described(), t.described(seconds=0.1)])
    summary, _ = t.train(plan, t.Store({str(tmp_path)!r}), workers=1)
    print(summary.finished, sum(summary.failures.values()), *summary.failures)
"""
    answer = python(script).stdout
    assert answer.startswith("4 2 ")
    assert "File too large" in answer
    store = Store(tmp_path)
    counts = store.runs()["status"].value_counts().to_dict()
    assert counts == {"finished": 4, "failed": 2}
    assert not store.problems
    assert list((tmp_path / "incoming").iterdir()) == []


def test_results_of_other_code_are_kept_and_counted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    plan = planned([described()], seeds=range(3))
    train(plan, store, workers=1)
    made_by_other_code(store, described(), [0, 2])
    summary, journal = train(plan, store)
    assert (summary.kept, summary.stale, summary.finished) == (3, 2, 0)
    assert journal == [Planned(groups=(), kept=3, stale=2)]


def test_fresh_trains_again_what_started_before(tmp_path: Path) -> None:
    store = Store(tmp_path)
    train(planned([described()], seeds=[0]), store, workers=1)
    requested = datetime.now(UTC)
    train(planned([described()], seeds=[1]), store, workers=1)
    summary, journal = train(planned([described()]), store, workers=1, fresh_before=requested)
    assert (summary.kept, summary.finished) == (1, 1)
    assert journal.started() == {(described().identifier, (0,))}
    assert set(store.runs()["started"] >= requested) == {True}


def test_a_failure_never_replaces_a_result(tmp_path: Path) -> None:
    store = Store(tmp_path)
    bad = described("raise")
    row = {**row_like(tmp_path / "other"), "run": bad.run(0), "description": bad.identifier}
    store.write_run(row, *contents())
    now = datetime.now(UTC)
    summary, _ = train(planned([bad], seeds=[0, 1]), store, workers=1, fresh_before=now)
    assert list(summary.failures.values()) == [2]
    assert store.finished() == {bad.run(0): {row["digest"]}}
    assert sorted(store.runs()["status"]) == ["failed", "finished"]


def test_what_another_process_finished_meanwhile_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = Journal()

    def on_event(event: Event) -> None:
        if isinstance(event, Planned):
            train(planned([described()], seeds=[0, 2]), Store(tmp_path), workers=1)
        journal(event)

    summary = runner.run(
        planned([described()], seeds=range(3)),
        store,
        executor=Processes(1, STAND_IN),
        on_event=on_event,
    )
    assert (summary.finished, summary.elsewhere) == (1, 2)
    assert journal.started() == {(described().identifier, (1,))}
    assert len(store.runs()) == 3


def test_four_processes_train_each_run_of_a_plan_once(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import test_runner as t
if __name__ == "__main__":
    plan = t.planned([t.described(seconds=i / 100) for i in range(1, 9)], seeds=range(4))
    summary, _ = t.train(plan, t.Store({str(tmp_path)!r}), group_size=2, workers=1)
    assert not summary.failures, summary.failures
    print(summary.finished, summary.finished + summary.elsewhere + summary.kept)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(4)
    ]
    outputs = [process.communicate()[0].split() for process in processes]
    assert sum(int(trained) for trained, _ in outputs) == 32
    assert {total for _, total in outputs} == {"32"}
    assert list((tmp_path / "claims").iterdir()) in ([], [tmp_path / "claims" / ".taking-part"])
    store = Store(tmp_path)
    assert sorted(store.finished()) == sorted(store.runs()["run"])
    assert len(store.runs()) == 32
    assert len(store.episodes()) == 32 * 3
    assert not store.problems


def test_a_slow_owner_s_results_are_dropped_and_the_other_s_waited_for(tmp_path: Path) -> None:
    """Its claims were taken over, as after a long silence; what the other stored stays."""
    store, other = Store(tmp_path), Store(tmp_path)
    plan = planned([described()], seeds=range(3))
    stolen = described().run(1)
    row = {**row_like(tmp_path / "other"), "run": stolen, "seed": 1, "digest": "0" * 16}
    standing = Counter(plan)
    lost, waits = [], []

    def on_event(event: Event) -> None:
        standing(event)
        if isinstance(event, Started):
            (claim,) = (tmp_path / "claims" / stolen).iterdir()
            claim.unlink()
            assert other.claims.take(stolen)
        if isinstance(event, Ended):
            lost.append(
                [row.run for row, outcome in event.outcomes.items() if outcome == "taken over"]
            )
        if isinstance(event, Waited) and event.elsewhere:
            waits.append((event.elsewhere, standing.standing.done))
            other.write_run(row, *contents())
            other.claims.end()

    summary = runner.run(
        plan, store, executor=Processes(1, STAND_IN), group_size=3, on_event=on_event
    )
    assert (lost[0], waits) == ([stolen], [(1, 20)])
    assert (summary.finished, summary.elsewhere) == (2, 1)
    assert standing.standing.done == standing.standing.steps == 30
    assert store.finished()[stolen] == {"0" * 16}


def test_a_run_that_failed_in_another_process_meanwhile_counts_as_failed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    failed = {"run": described().run(1), "seed": 1, "status": "failed", "reason": "no licence"}
    row = {**row_like(tmp_path / "other"), **failed, "episodes": 0, "updates": 0}
    outcomes: dict[Row, str] = {}

    def on_event(event: Event) -> None:
        if isinstance(event, Planned):
            Store(tmp_path).write_run(row, NO_EPISODES, NO_UPDATES, None)
        if isinstance(event, Ended):
            outcomes.update(event.outcomes)

    summary = runner.run(
        planned([described()]), store, executor=Processes(1, STAND_IN), on_event=on_event
    )
    assert (summary.finished, summary.elsewhere) == (1, 0)
    assert summary.failures == {(described(), "no licence"): 1}
    assert outcomes == {Row(described(), 0): "finished", Row(described(), 1): "failed"}


def test_a_failure_stored_between_two_looks_at_the_store_counts_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    row = {**row_like(tmp_path / "other"), "status": "failed", "episodes": 0, "updates": 0}
    look = store.committed

    def committed() -> dict[str, Entry]:
        """As if another process stored its failure just after this look."""
        entries = look()
        Store(tmp_path).write_run(row, NO_EPISODES, NO_UPDATES, None)
        return entries

    monkeypatch.setattr(store, "committed", committed)
    summary, _ = train(planned([described()], seeds=[0]), store, workers=1)
    assert (summary.kept, sum(summary.failures.values())) == (0, 1)


def test_code_that_was_edited_meanwhile_trains_nothing_under_the_earlier_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers read an algorithm's code when its first group begins."""
    store, folder = Store(tmp_path / "store"), tmp_path / "code"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    names = ("edited_one", "edited_two")
    for name in names:
        (folder / f"{name}.py").write_text("ALGORITHM = 1\n")
    plan = planned([replace(described(), algorithm=f"{name}:ALGORITHM") for name in names])
    started = []

    def on_event(event: Event) -> None:
        if isinstance(event, Started):
            started.append(event.group.description.algorithm)
            (other,) = {f"{name}:ALGORITHM" for name in names} - {*started}
            (folder / f"{other.partition(':')[0]}.py").write_text("ALGORITHM = 22\n")

    with pytest.raises(InputError, match=r"code of edited_\w+:ALGORITHM has changed"):
        runner.run(plan, store, executor=Processes(1, STAND_IN), on_event=on_event)
    assert [*store.runs()["algorithm"]] == started * 2
    assert not any((store.path / "claims").glob("[!.]*"))


def test_what_another_process_trains_is_waited_for_and_taken_over_if_it_dies(
    tmp_path: Path,
) -> None:
    store, other = Store(tmp_path), Store(tmp_path)
    plan = planned([described()], seeds=range(3))
    assert other.claims.take(described().run(1))
    waits = []

    def on_event(event: Event) -> None:
        if isinstance(event, Waited) and event.elsewhere:
            waits.append(event.elsewhere)
            other.claims.end()

    summary = runner.run(plan, store, executor=Processes(1, STAND_IN), on_event=on_event)
    assert waits == [1]
    assert (summary.finished, summary.elsewhere) == (3, 0)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "worker"
    script = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import test_runner as t
if __name__ == "__main__":
    t.train(t.planned([t.described("sleep", file={str(file)!r})]), t.Store({str(tmp_path)!r}))
"""
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    until(lambda: file.exists() and file.read_text(), patience=60)
    worker = int(file.read_text())
    assert alive(worker)
    parent.kill()
    parent.wait()
    until(lambda: not alive(worker), patience=60)


def test_workers_have_one_thread_and_leave_ctrl_c_to_their_parent(tmp_path: Path) -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    store = Store(tmp_path)
    train(planned([described("say its threads")], seeds=[0]), store)
    assert store.episodes()["return"].tolist() == [1.0, 1.0, 1.0]
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_progress_is_reported(tmp_path: Path) -> None:
    _, journal = train(planned([described()]), Store(tmp_path), workers=1)
    (progressed,) = (event for event in journal if isinstance(event, Progressed))
    assert progressed.progress.steps == (0, 0)


def test_one_worker_is_as_good_as_many(tmp_path: Path) -> None:
    plan = real_plan(range(3))
    together, apart = Store(tmp_path / "together"), Store(tmp_path / "apart")
    runner.run(plan, together, executor=Processes(1))
    runner.run(plan, apart, executor=Processes(2), group_size=1)
    assert set(together.runs()["group_size"]) == {3}
    assert set(apart.runs()["group_size"]) == {1}
    assert_same(apart, together)
    assert set(together.runs()["run"]) == set(plan.runs())


def python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )


def row_like(path: Path) -> dict[str, Any]:
    store = Store(path)
    train(planned([described()], seeds=[0]), store, workers=1)
    (row,) = store.runs().to_dict("records")
    return without_nulls(row)


def without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not pd.isna(value)}


def contents() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], None]:
    from stand_in_trainer import result

    stored = result(0)
    return stored.episodes, stored.updates, None


def made_by_other_code(store: Store, description: Description, seeds: Sequence[int]) -> None:
    for row in store.runs().to_dict("records"):
        if row["seed"] in seeds:
            stale = {**without_nulls(row), "digest": "0" * 16}
            store.write_run(stale, *contents())


def test_signal_names_exist_for_the_epitaph() -> None:
    assert "SIGSEGV" in processes._epitaph(-signal.SIGSEGV)
