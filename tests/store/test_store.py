from __future__ import annotations

import datetime
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from stored_example import Example, PlanRows

from bench.errors import InputError
from bench.plan.digest import ROOT
from bench.store import SCHEMAS, Store, publish
from bench.store.store import DAY


def test_a_run_comes_back_as_it_was_written(store: Store, example: type[Example]) -> None:
    run = example(run="bb", count=7, changes={"commit": "c0ffee", "dirty": True})
    run.write(store)
    example(run="aa", count=3, changes={"status": "diverged", "diverged_at": 60}).write(store)

    runs = store.runs()
    assert runs["run"].tolist() == ["aa", "bb"]
    assert runs.loc[0, "diverged_at"] == 60
    last = runs.loc[1]
    for name, value in run.row.items():
        assert last[name] == value, name
    assert last[["reason", "diverged_at"]].isna().all()

    all_episodes = store.episodes()
    assert all_episodes["run"].tolist() == ["aa"] * 3 + ["bb"] * 7
    episodes = store.episodes(["bb", "unheard of"])
    assert episodes.columns.tolist() == SCHEMAS["episodes"].names
    for name, values in run.episodes.items():
        np.testing.assert_array_equal(episodes[name], values)
    updates = store.updates(["bb"])
    for name, values in run.updates.items():
        np.testing.assert_array_equal(updates[name], values)
    assert updates["beta"].isna().all()
    assert store.problems == []


def test_frames_have_the_dtypes_of_the_schema_even_when_empty(
    store: Store, example: type[Example]
) -> None:
    empty = [store.runs(), store.episodes(), store.updates()]
    assert not store.path.exists()
    example(changes={"diverged_at": 3, "dirty": False}).write(store)
    for before, after in zip(empty, [store.runs(), store.episodes(), store.updates()], strict=True):
        assert len(before) == 0
        pd.testing.assert_series_equal(before.dtypes, after.dtypes)
    assert str(empty[1]["return"].dtype) == "float64"
    assert str(empty[1]["length"].dtype) == "int32"
    assert str(empty[0]["started"].dtype) == "datetime64[us, UTC]"


def test_policies_come_back_whatever_their_layout(store: Store, example: type[Example]) -> None:
    policy: dict[str, Any] = {
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "strided": np.arange(10, dtype=np.float32)[::2],
        "scalar": np.float64(0.5),
        "count": np.array(3),
    }
    run = example()
    store.write_run(run.row, run.episodes, run.updates, policy)
    restored = store.policy("aa")
    assert restored.keys() == policy.keys()
    for name, values in policy.items():
        np.testing.assert_array_equal(restored[name], np.asarray(values), strict=True)


def test_writing_again_replaces_every_part(store: Store, example: type[Example]) -> None:
    example(count=9, changes={"digest": "old"}).write(store)
    new = example(count=4, offset=100.0, changes={"digest": "new"})
    store.write_run(new.row, new.episodes, new.updates, None)
    assert store.finished() == {"aa": {"new"}}
    np.testing.assert_array_equal(store.episodes()["return"], new.episodes["return"])
    assert len(store.updates()) == 4
    with pytest.raises(FileNotFoundError):
        store.policy("aa")


def contents(store: Store) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in store.path.glob("*/*.parquet")}


def test_adopting_code_changes_nothing_else(store: Store, example: type[Example]) -> None:
    for run in ("aa", "bb"):
        example(run=run, changes={"reason": "none", "seconds": float("nan")}).write(store)
    before, files = store.runs(), contents(store)
    store.adopt_code({"aa": "new", "zz": "new"})
    assert store.finished() == {"aa": {"0123", "new"}, "bb": {"0123"}}
    columns = [name for name in SCHEMAS["runs"].names if name not in ("adopted", "seal")]
    pd.testing.assert_frame_equal(store.runs()[columns], before[columns])
    changed = [path for path, content in contents(store).items() if files.get(path) != content]
    assert changed == [store.path / "runs" / "aa.parquet"]
    # What is adopted anew forgets the earlier code, and trained again, all of it.
    store.adopt_code({"aa": "newer"})
    assert store.finished()["aa"] == {"0123", "newer"}
    example(run="aa").write(store)
    assert store.finished()["aa"] == {"0123"}


def test_a_published_store_adopts_code_and_one_that_is_only_read_does_not(
    store: Store, example: type[Example], tmp_path: Path
) -> None:
    for run in ("aa", "bb"):
        example(run=run).write(store)
    publish(store.path, tmp_path / "published")
    published = Store(tmp_path / "published")
    assert published.read_only
    published.adopt_code({"bb": "new"})
    assert published.finished() == {"aa": {"0123"}, "bb": {"0123", "new"}}
    with pytest.raises(InputError, match="opened to be read only"):
        Store(published.path, read_only=True).adopt_code({"bb": "new"})


def test_only_failed_runs_are_to_be_trained_again(store: Store, example: type[Example]) -> None:
    for run, status in [("aa", "finished"), ("bb", "diverged"), ("cc", "failed")]:
        example(run=run, changes={"status": status}).write(store)
    assert store.finished() == {"aa": {"0123"}, "bb": {"0123"}}
    assert store.runs()["status"].tolist() == ["finished", "diverged", "failed"]


def test_rows_without_a_committed_run_do_not_count(store: Store, example: type[Example]) -> None:
    example(run="aa").write(store)
    example(run="bb").write(store)
    (store.path / "runs" / "bb.parquet").unlink()
    assert store.episodes()["run"].unique().tolist() == ["aa"]
    assert store.updates(["bb"]).empty
    assert store.problems == []


@pytest.mark.parametrize("name", ["aa (1)", "copy", "description-d1"])
def test_a_copy_of_a_file_is_named_and_blocks_nothing(
    name: str, store: Store, example: type[Example]
) -> None:
    example(run="aa").write(store)
    for folder in store.path.glob("*/"):
        for path in folder.glob("*.*"):
            copy = folder / path.name.replace("aa", name, 1)
            copy.write_bytes(path.read_bytes())
    assert store.runs()["run"].tolist() == ["aa"]
    assert len(store.episodes()) == len(store.updates()) == 5
    (problem,) = store.problems
    assert f"runs/{name}.parquet is a copy or was renamed: it holds run aa" in problem
    assert (store.path / "runs" / f"{name}.parquet").exists()


@pytest.mark.parametrize("run", ["aa", "ff"])
def test_a_run_s_own_file_counts_before_a_published_one_that_was_copied_here(
    run: str, store: Store, example: type[Example]
) -> None:
    example(run=run, count=7, changes={"status": "failed"}).write(store)
    tables = store.read(store.entries())
    store.put("description-d0", tables, {})
    example(run=run, count=3).write(store)
    assert store.finished().keys() == {run}
    assert len(store.episodes()) == 3
    assert [problem.count(f"run {run} is stored twice") for problem in store.problems] == [1]


def test_pandas_reads_the_folders(
    store: Store, example: type[Example], plan_rows: PlanRows
) -> None:
    store.check_writable()
    example(run="aa").write(store)
    example(run="bb", count=0).write(store)
    store.write_plan(plan_rows())
    assert len(pd.read_parquet(store.path / "runs")) == 2
    assert len(pd.read_parquet(store.path / "episodes")) == 5
    assert len(pd.read_parquet(store.path / "updates")) == 5
    assert len(pd.read_parquet(store.path / "plans")) == 2


def test_a_row_of_an_unknown_status_is_refused(store: Store, example: type[Example]) -> None:
    with pytest.raises(ValueError, match="done"):
        example(changes={"status": "done"}).write(store)


@pytest.mark.parametrize(
    "name", ["../aa", "", ".aa", "_aa", "a/b", "/a", "a.b", "description-0", "a" * 300]
)
def test_a_run_needs_a_name_that_readers_see(
    store: Store, example: type[Example], name: str
) -> None:
    with pytest.raises(InputError, match="cannot name a file"):
        example(run=name).write(store)
    assert not store.path.exists()


def test_the_plan_is_the_one_last_asked_for(store: Store, plan_rows: PlanRows) -> None:
    store.write_plan(plan_rows(variants=("none", "mean", "learned")))
    store.write_plan(plan_rows("clipping"))
    later = datetime.datetime(2026, 1, 3, tzinfo=datetime.UTC)
    store.write_plan(plan_rows(environments=("Swimmer-v5", "Ant-v5"), created=later))
    plan = store.plan("baseline")
    assert plan.columns.tolist() == SCHEMAS["plans"].names
    assert plan["environment"].tolist() == ["Swimmer-v5"] * 2 + ["Ant-v5"] * 2
    assert plan["variant"].tolist() == ["none", "mean"] * 2
    # An older plan of the same ablation, as another file, does not count.
    other = Store(store.path.parent / "other")
    other.write_plan(plan_rows(variants=("none", "mean", "learned")))
    old = (other.path / "plans" / "baseline.parquet").read_bytes()
    (store.path / "plans" / "another.parquet").write_bytes(old)
    pd.testing.assert_frame_equal(store.plan("baseline"), plan)


def test_an_unknown_ablation_is_named_with_the_nearest(store: Store, plan_rows: PlanRows) -> None:
    store.write_plan(plan_rows())
    with pytest.raises(InputError, match=r"'baselin'.*'baseline'"):
        store.plan("baselin")


def test_a_plan_is_of_one_ablation(store: Store, plan_rows: PlanRows) -> None:
    for rows in ([], plan_rows("a") + plan_rows("b")):
        with pytest.raises(ValueError, match="one ablation"):
            store.write_plan(rows)


def test_a_writable_store_is_left_readable_and_empty(store: Store) -> None:
    store.check_writable()
    store.check_writable()
    assert not [path for path in store.path.rglob("*") if path.is_file()]
    assert store.runs().empty


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/local cannot be written: Not a directory") as info:
        Store(tmp_path / "file" / "local").check_writable()
    assert "\n" not in str(info.value)


def test_a_table_folder_that_is_a_file_is_said(store: Store) -> None:
    store.path.mkdir()
    (store.path / "updates").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        store.check_writable()


def test_leftovers_of_killed_writers_go_after_a_day(store: Store) -> None:
    store.check_writable()
    for name, age in (("old", 2 * DAY), ("young", 0)):
        folder = store.path / "incoming" / name
        folder.mkdir()
        (folder / "episodes").write_bytes(b"half")
        moment = folder.stat().st_mtime - age
        os.utime(folder, (moment, moment))
    store.check_writable()
    assert sorted(path.name for path in (store.path / "incoming").glob("*/")) == ["young"]


def test_a_published_store_is_not_written_to(
    store: Store, example: type[Example], plan_rows: PlanRows, tmp_path: Path
) -> None:
    example().write(store)
    publish(store.path, tmp_path / "published")
    published = Store(tmp_path / "published")
    before = {path: path.read_bytes() for path in published.path.glob("*/*.parquet")}
    for write in (
        published.check_writable,
        lambda: example().write(published),
        lambda: example(run="bb").write(published),
        lambda: published.write_plan(plan_rows()),
    ):
        with pytest.raises(InputError, match="published results and is read-only"):
            write()
    assert before == {path: path.read_bytes() for path in published.path.glob("*/*.parquet")}


def test_the_store_does_without_torch() -> None:
    code = "import sys, bench.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
