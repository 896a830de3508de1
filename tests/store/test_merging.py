"""Results made elsewhere, put into a store."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from stored_example import NOON, Example, Killing, PlanRows, files

from bench.errors import InputError
from bench.store import Store, load, merge, parquet, publish
from bench.store.schema import DEVICE_THROUGHPUT
from bench.store.store import RUN_TABLES
from bench.store.throughput import read_latest, write_session

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def other(store: Store, example: type[Example], plan_rows: PlanRows) -> Store:
    """Results made elsewhere: two seeds of one description, one of another, and their plan."""
    elsewhere = Store(store.path.parent / "other")
    example(run="aa", count=7).write(elsewhere)
    example(run="bb", changes={"seed": 1}).write(elsewhere)
    example(run="cc", changes={"description": "d1"}).write(elsewhere)
    elsewhere.write_plan(plan_rows())
    return elsewhere


def session(name: str, steps: int = 1000) -> list[dict[str, object]]:
    row = {"session": name, "measured": NOON, "kind": "bare", "name": "bare", "environment": "E"}
    counts = ("seeds", "environments", "round", "core", "cores", "threads")
    numbers = {"steps": steps, "seconds": 1.0, "cpu_share": 1.0, "memory": 1.0}
    return [{**row, **dict.fromkeys(counts, 1), **numbers, "versions": "{}", "machine": "{}"}]


def test_into_an_empty_store_it_is_a_copy_to_the_last_byte(store: Store, other: Store) -> None:
    before = files(other)
    result = merge(other.path, store.path)
    assert sorted(result.added) == ["aa", "bb", "cc"]
    assert (
        result.mended
        == result.same
        == result.conflicts
        == result.contested
        == result.problems
        == []
    )
    assert files(store) == files(other) == before
    assert store.policy("aa")["weight"].shape == (2, 3)
    assert list((store.path / "incoming").iterdir()) == []


def test_merging_again_changes_no_byte(store: Store, other: Store) -> None:
    write_session(other.path, session("0123"))
    merge(other.path, store.path)
    before = files(store)
    stamps = [store.stamp(run) for run in ("aa", "bb", "cc")]
    result = merge(other.path, store.path)
    assert result.same == ["aa", "bb", "cc"]
    assert (
        result.added
        == result.mended
        == result.conflicts
        == result.sessions
        == result.problems
        == []
    )
    assert files(store) == before
    assert [store.stamp(run) for run in ("aa", "bb", "cc")] == stamps


def test_a_published_store_is_a_source_like_any_other(store: Store, other: Store) -> None:
    published = Store(store.path.parent / "published")
    publish(other.path, published.path, policies=["aa"])
    before = files(published)
    assert sorted(merge(published.path, store.path).added) == ["aa", "bb", "cc"]
    assert files(published) == before
    assert store.policies().keys() == {"aa"}
    # The policies of runs that are there already come along too.
    result = merge(other.path, store.path)
    assert result.same == ["aa", "bb", "cc"]
    assert store.policies().keys() == {"aa", "bb", "cc"}
    assert not store.read_only
    with pytest.raises(InputError, match=r"published holds published results and is read-only"):
        merge(other.path, published.path)


@pytest.mark.parametrize("published_first", [True, False])
def test_of_two_copies_of_a_result_the_unrounded_one_stays(
    published_first: bool, store: Store, other: Store
) -> None:
    published = Store(store.path.parent / "published")
    publish(other.path, published.path, policies=["aa", "bb"])
    published.adopt_code({"bb": "4567"})
    for run in ("aa", "cc"):
        next(other.path.glob(f"policies/{run}.*")).unlink()
    sources = [published, other] if published_first else [other, published]
    for source in sources:
        merge(source.path, store.path)
    assert store.runs()["rounding"].isna().all()
    assert store.runs()["adopted"].tolist()[1] == "4567"
    assert store.episodes().equals(other.episodes())
    assert store.policies().keys() == {"aa", "bb"}
    before = files(store)
    for source in sources:
        merge(source.path, store.path)
    assert files(store) == before


def test_judged_seeds_stay_those_of_the_plan(
    store: Store, other: Store, example: type[Example], plan_rows: PlanRows
) -> None:
    for results, first, created in ((store, 10, NOON), (other, 20, LATER)):
        seeds = range(first, first + 10)
        for seed in seeds:
            example(run=f"r{seed}", changes={"seed": seed}).write(results)
        metadata = json.dumps({"seeds": [*seeds]})
        results.write_plan(plan_rows(created=created, metadata=metadata))
    merge(other.path, store.path)
    planned = {
        row["description"]: json.loads(row["metadata"])["seeds"]
        for row in store.plans().to_pylist()
    }
    assert planned == {"d0": [*range(10, 20)], "d1": [*range(10, 30)]}


def test_the_union_has_what_one_store_would_have(
    store: Store, other: Store, example: type[Example], plan_rows: PlanRows
) -> None:
    example(run="aa", count=7, changes={"started": LATER, "machine": '{"x": 1}'}).write(store)
    example(run="dd", changes={"description": "d1", "seed": 1}).write(store)
    store.write_plan(plan_rows(created=LATER))
    result = merge(other.path, store.path)
    assert (result.added, result.same) == (["bb", "cc"], ["aa"])
    view = load("baseline", store.path)
    assert view.runs["run"].tolist() == ["aa", "bb", "cc", "dd"]
    assert view.episodes.groupby("run").size().tolist() == [7, 5, 5, 5]
    # Where a run was made is not what it is.
    assert view.runs["started"][0] == LATER


@pytest.mark.parametrize(
    ("changes", "offset", "reason"),
    [
        ({"digest": "4567"}, 0.0, "other code"),
        ({}, 1.0, "other numbers"),
        ({"digest": "4567"}, 1.0, "other code and other numbers"),
        ({"status": "diverged", "diverged_at": 60}, 0.0, "other numbers"),
    ],
)
def test_of_two_results_the_one_that_was_there_is_kept_unless_it_is_asked_for_the_other(
    changes: dict[str, object],
    offset: float,
    reason: str,
    store: Store,
    other: Store,
    example: type[Example],
) -> None:
    example(run="bb", offset=offset, changes={"seed": 1, **changes}).write(store)
    mine, theirs = files(store), files(other)
    result = merge(other.path, store.path)
    assert (sorted(result.added), result.same) == (["aa", "cc"], [])
    (conflict,) = result.conflicts
    assert (conflict.run, conflict.seed, conflict.reason) == ("bb", 1, reason)
    assert not result.replaced
    files_of_bb = {name for name in theirs if "/bb." in name}
    assert files(store) == {**{name: theirs[name] for name in theirs.keys() - files_of_bb}, **mine}
    result = merge(other.path, store.path, replace=True)
    assert (sorted(result.added), result.same) == ([], ["aa", "cc"])
    assert result.conflicts == [conflict]
    assert result.replaced
    assert files(store) == theirs
    assert merge(other.path, store.path).conflicts == []


def test_results_of_code_that_adopted_the_other_s_are_the_same(
    store: Store, other: Store, example: type[Example]
) -> None:
    example(run="bb", changes={"seed": 1, "digest": "4567", "adopted": "0123"}).write(store)
    assert merge(other.path, store.path).same == ["bb"]


def test_a_result_takes_the_place_of_a_failed_run_and_never_the_other_way_round(
    store: Store, other: Store, example: type[Example]
) -> None:
    failed = {"status": "failed", "reason": "raised"}
    for run in ("aa", "dd"):
        example(run=run, count=0, changes=failed).write(store)
    for run in ("dd", "ee", "ff"):
        example(run=run, count=0, changes={**failed, "reason": "ran out"}).write(other)
    example(run="ff").write(store)
    result = merge(other.path, store.path, replace=True)
    assert result.mended == ["aa"]
    assert sorted(result.added) == ["bb", "cc", "ee"]
    assert result.same == ["dd", "ff"]
    assert result.conflicts == []
    runs = store.runs().set_index("run")
    assert runs.loc["aa", "status"] == runs.loc["ff", "status"] == "finished"
    assert runs.loc["dd", "reason"] == "raised"
    assert len(store.episodes(["aa"])) == 7


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        *((table, "torn") for table in (*RUN_TABLES, "plans")),
        ("runs", "foreign"),
        ("plans", "foreign"),
    ],
)
def test_a_file_that_is_not_usable_is_named_and_left_and_the_rest_merged(
    table: str, kind: str, store: Store, other: Store
) -> None:
    if kind == "torn":
        name = "baseline.*" if table == "plans" else "aa.*"
        (path,) = (other.path / table).glob(name)
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path = other.path / table / "notes.txt"
        path.write_text("mine")
    before = files(other)
    result = merge(other.path, store.path)
    lost = kind == "torn" and table != "plans"
    assert sorted(result.added) == (["bb", "cc"] if lost else ["aa", "bb", "cc"])
    assert str(path) in result.problems[0]
    assert not any("\n" in problem for problem in result.problems)
    assert files(other) == before
    assert store.runs()["run"].tolist() == sorted(result.added)


def test_what_turns_out_torn_while_reading_costs_its_run_only(
    store: Store, other: Store, example: type[Example], flip_bit: Callable[[Path], None]
) -> None:
    example(run="aa", count=500).write(other)
    (path,) = (other.path / "episodes").glob("aa.*")
    flip_bit(path)
    result = merge(other.path, store.path)
    assert sorted(result.added) == ["bb", "cc"]
    assert f"{path} is torn" in result.problems[0]


def test_a_torn_file_of_the_target_is_set_aside_and_its_run_merged(
    store: Store, other: Store
) -> None:
    merge(other.path, store.path)
    (path,) = (store.path / "episodes").glob("aa.*")
    path.write_text("torn")
    result = merge(other.path, store.path)
    assert result.added == ["aa"]
    assert result.same == ["bb", "cc"]
    assert f"{path} is torn" in result.problems[0]
    assert (store.path / "set_aside" / f"episodes-{path.name}").read_text() == "torn"
    assert Store(store.path).finished().keys() == {"aa", "bb", "cc"}


def test_a_torn_policy_is_named_and_its_run_merged_without(store: Store, other: Store) -> None:
    path = other.policy_path("aa")
    path.write_bytes(path.read_bytes()[:-3])
    result = merge(other.path, store.path)
    assert sorted(result.added) == ["aa", "bb", "cc"]
    (problem,) = result.problems
    assert problem.startswith(f"{path} is torn")
    assert not store.policy_path("aa").exists()
    assert store.policy_path("bb").exists()


@pytest.mark.parametrize("name", ["../aa", "/tmp/aa", "a/b", ""])
def test_a_run_whose_name_is_a_path_is_skipped(name: str, store: Store, other: Store) -> None:
    tables = other.read(entry for entry in other.entries() if entry.run == "aa")
    tables = {
        table: parquet.with_column(rows, "run", pa.array([name] * len(rows), pa.string()))
        for table, rows in tables.items()
    }
    foreign = Store(other.path.parent / "foreign")
    rows = parquet.with_column(tables["runs"], "parts", pa.nulls(1, pa.string()))
    foreign.put("description-d0", {**tables, "runs": rows}, {})
    before = {path for path in store.path.parent.rglob("*") if "local" not in path.parts}
    result = merge(foreign.path, store.path)
    assert result.added == []
    assert f"{name!r} cannot name a file of results" in result.problems[0]
    assert store.finished() == {}
    assert {path for path in store.path.parent.rglob("*") if "local" not in path.parts} == before


def test_what_is_no_source_is_refused_and_nothing_written(
    store: Store, other: Store, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    checkout = tmp_path / "checkout"
    shutil.copytree(other.path, checkout / "results" / "local")
    for path, message in (
        (tmp_path / "nowhere", "nowhere does not exist"),
        (tmp_path / "empty", "empty is no results folder: it has no runs/.$"),
        (checkout, r"checkout is no results folder.* Did you mean .*checkout/results/local\?$"),
        (store.path, "does not exist"),
    ):
        with pytest.raises(InputError, match=message):
            merge(path, store.path)
    assert not store.path.exists()
    with pytest.raises(InputError, match="can't be merged into itself"):
        merge(other.path, tmp_path / "empty" / ".." / "other")


def test_throughput_sessions_come_along(store: Store, other: Store) -> None:
    for name in ("0123", "4567"):
        write_session(other.path, session(name))
    write_session(store.path, session("4567", steps=5))
    (other.path / "throughput" / "notes.txt").write_text("mine")
    result = merge(other.path, store.path)
    assert result.sessions == ["0123"]
    assert len(result.problems) == 2
    assert "throughput/4567.parquet differs from" in result.problems[0]
    assert "throughput/notes.txt is not a Parquet file: skipped" in result.problems[1]
    assert len(read_latest(store.path)[0]) == 1
    assert merge(other.path, store.path, replace=True).sessions == ["4567"]
    assert merge(other.path, store.path).sessions == []
    assert files(store)["throughput/4567.parquet"] == files(other)["throughput/4567.parquet"]


def test_measurements_of_devices_come_along(store: Store, other: Store) -> None:
    path = other.path / "device_throughput" / "0123.parquet"
    path.parent.mkdir()
    parquet.write(DEVICE_THROUGHPUT.empty_table(), path)
    assert merge(other.path, store.path).sessions == ["0123"]
    assert merge(other.path, store.path).sessions == []
    assert files(store)["device_throughput/0123.parquet"] == path.read_bytes()


# The moves: four of the run that is there only, four of the one in place of a failed one, the plan,
# and the session.
@pytest.mark.parametrize("moves", range(10))
def test_killed_at_any_move_the_target_is_whole_and_merging_again_completes_it(
    moves: int,
    store: Store,
    example: type[Example],
    plan_rows: PlanRows,
    killed: Killing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = Store(store.path.parent / "other")
    example(run="aa", count=7).write(other)
    example(run="bb", changes={"seed": 1}).write(other)
    other.write_plan(plan_rows())
    write_session(other.path, session("0123"))
    store.check_writable()
    example(run="bb", count=0, changes={"status": "failed"}).write(store)
    example(run="dd").write(store)
    episodes = store.episodes(["dd"])
    # Its moves are of probes, which nobody reads.
    monkeypatch.setattr(Store, "check_writable", lambda self: None)
    with killed(moves):
        merge(other.path, store.path)

    reopened = Store(store.path)
    added = ["aa"] * (moves >= 4)
    status = dict.fromkeys([*added, "dd"], "finished")
    status["bb"] = "finished" if moves >= 8 else "failed"
    assert reopened.runs().set_index("run")["status"].to_dict() == status
    assert reopened.problems == []
    for table in RUN_TABLES:
        pd.read_parquet(store.path / table)
    pd.testing.assert_frame_equal(reopened.episodes(["dd"]), episodes)
    for run in added:
        assert len(reopened.episodes([run])) == 7
    assert len(reopened.plans()) == (2 if moves >= 9 else 0)

    result = merge(other.path, store.path)
    assert result.problems == result.conflicts == []
    missing = {*(() if added else ("aa",)), *(() if status["bb"] == "finished" else ("bb",))}
    assert {*result.added, *result.mended} == missing
    completed = Store(store.path)
    assert completed.finished().keys() == {"aa", "bb", "dd"}
    assert {**files(completed), **files(other)} == files(completed)


def test_a_full_disk_is_told_and_loses_nothing(
    store: Store, other: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    example(run="bb", count=0, changes={"status": "failed"}).write(store)
    monkeypatch.setattr(Store, "check_writable", lambda self: None)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        (problem,) = merge(other.path, store.path).problems
    assert re.search(r"other into .*local stopped: No space left", problem)
    assert store.runs()["status"].tolist() == ["failed"]
    assert merge(other.path, store.path).mended == ["bb"]


def test_a_run_that_another_writer_stores_meanwhile_is_judged_again(
    store: Store, other: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in ("aa", "bb"):
        example(run=run, count=0, changes={"status": "failed"}).write(store)
    adopt, raced = Store.adopt_run, []

    def adopt_run(self: Store, run: str, *arguments: object, stamp: str | None = None) -> bool:
        if stamp is not None and run not in raced:
            raced.append(run)
            if run == "aa":  # with the result that is merged
                example(run="aa", count=7).write(Store(self.path))
            elif run == "bb":  # with another one
                example(run="bb", offset=3.0).write(Store(self.path))
        return adopt(self, run, *arguments, stamp=stamp)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "adopt_run", adopt_run)
    result = merge(other.path, store.path)
    assert raced == ["aa", "bb", "cc"]
    assert (result.added, result.mended, result.same) == (["cc"], [], ["aa"])
    (conflict,) = result.conflicts
    assert conflict.run == "bb"
    assert store.episodes(["bb"])["return"].max() > 4
    assert list((store.path / "incoming").iterdir()) == []


def test_a_source_that_is_being_trained_into_gives_one_version_of_a_run(
    store: Store, other: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Store.read

    def rewritten(self: Store, *arguments: object) -> object:
        if self.path == other.path:
            example(run="aa", count=9, offset=1.0).write(Store(other.path))
        return read(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "read", rewritten)
    result = merge(other.path, store.path)
    assert sorted(result.added) == ["aa", "bb", "cc"]
    assert result.problems == []
    assert len(store.episodes(["aa"])) == len(store.updates(["aa"])) == 9
