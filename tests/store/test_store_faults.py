"""Killed writers, full disks, torn and foreign files, two writers at once."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_example import Example, Killing, PlanRows

from bench.store import Store, compact, parquet
from bench.store.store import ROOT

TABLES = ("runs", "episodes", "updates")


def contents(store: Store) -> dict[str, pd.DataFrame]:
    return {"runs": store.runs(), "episodes": store.episodes(), "updates": store.updates()}


def assert_same(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for table in TABLES:
        pd.testing.assert_frame_equal(found[table], expected[table])


def assert_pandas_reads(store: Store) -> None:
    for table in TABLES:
        if any((store.path / table).glob("*.parquet")):
            pd.read_parquet(store.path / table)


@pytest.mark.parametrize("moves", range(4))
def test_killed_at_any_move_a_new_run_is_missing_and_the_others_are_whole(
    moves: int, store: Store, example: type[Example], killed: Killing
) -> None:
    example(run="aa").write(store)
    before = contents(store)
    with killed(moves):
        example(run="bb", count=7).write(store)

    assert_pandas_reads(store)
    assert_same(contents(store), before)
    assert store.finished().keys() == {"aa"}
    assert store.problems == []

    example(run="bb", count=7).write(store)
    uninterrupted = Store(store.path.parent / "uninterrupted")
    example(run="aa").write(uninterrupted)
    example(run="bb", count=7).write(uninterrupted)
    assert_same(contents(store), contents(uninterrupted))


@pytest.mark.parametrize("moves", range(5))
def test_killed_at_any_move_a_replaced_run_is_the_old_one_or_missing(
    moves: int, store: Store, example: type[Example], killed: Killing
) -> None:
    example(run="aa", count=3).write(store)
    example(run="bb").write(store)
    with killed(moves):
        example(run="aa", count=7, offset=1.0).write(store)

    assert_pandas_reads(store)
    found = contents(store)
    expected = ["aa", "bb"] if moves == 0 else ["bb"]
    assert [found[table]["run"].unique().tolist() for table in TABLES] == [expected] * 3
    assert (found["episodes"]["run"] == "aa").sum() == (3 if moves == 0 else 0)
    assert store.problems == []

    example(run="aa", count=7, offset=1.0).write(store)
    assert store.episodes(["aa"])["return"].tolist() == (np.arange(1, 8) / 4 + 1).tolist()


@pytest.mark.parametrize(
    ("run", "syncs"), [("bb", syncs) for syncs in range(4)] + [("aa", syncs) for syncs in range(5)]
)
def test_a_full_disk_loses_nothing(
    run: str, syncs: int, store: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    example(run="aa", count=3).write(store)
    before = contents(store)
    done = iter(range(syncs))

    def full(descriptor: int) -> None:
        if next(done, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            example(run=run, count=9, offset=5.0).write(store)

    assert_same(contents(store), before)
    assert store.policy("aa")["weight"].max() == 0.0
    assert store.problems == []
    assert [path.name for path in (store.path / "incoming").iterdir()] == ["lock"]
    for folder in (*TABLES, "policies"):
        assert [path.stem for path in (store.path / folder).iterdir()] == ["aa"]


def test_a_full_disk_is_said_before_training(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match=r"local cannot be written: No space left on device$"):
        store.check_writable()


def spoil(path: Path, kind: str) -> None:
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-9])
    elif kind == "text":
        path.write_text("run,step\n")
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        pq.write_table(pa.table({"x": [1, 2]}), path)


@pytest.mark.parametrize("kind", ["truncated", "text", "empty", "foreign"])
@pytest.mark.parametrize("table", TABLES)
def test_a_spoilt_file_is_named_and_set_aside_and_its_run_trained_again(
    table: str, kind: str, store: Store, example: type[Example]
) -> None:
    example(run="aa").write(store)
    example(run="bb", count=7).write(store)
    path = store.path / table / "aa.parquet"
    spoil(path, kind)
    spoilt = path.read_bytes()

    assert store.finished().keys() == {"bb"}
    aside = store.path / "set_aside" / f"{table}-aa.parquet"
    assert aside.read_bytes() == spoilt
    assert not path.exists()
    assert str(path) in store.problems[0]
    assert str(aside) in store.problems[0]
    assert ("foreign" if kind == "foreign" else "torn") in store.problems[0]
    assert not any("\n" in problem for problem in store.problems)
    assert [frame["run"].unique().tolist() for frame in contents(store).values()] == [["bb"]] * 3
    assert_pandas_reads(store)

    # As long as the run is not trained again, a committed row without its files is told of.
    again = Store(store.path)
    again.finished()
    assert len(again.problems) == (0 if table == "runs" else 1)
    example(run="aa").write(store)
    whole = Store(store.path)
    assert whole.finished().keys() == {"aa", "bb"}
    assert whole.problems == []


@pytest.mark.parametrize("table", [*TABLES, "plans"])
def test_anything_that_is_not_of_the_table_is_set_aside(
    table: str, store: Store, example: type[Example], plan_rows: PlanRows
) -> None:
    example(run="aa").write(store)
    store.write_plan(plan_rows())
    folder = store.path / table
    (folder / "notes.txt").write_text("mine")
    (folder / "folder.parquet").mkdir()
    spoil(folder / "other.parquet", "foreign")
    (folder / ".hidden").write_text("readers pass over it")
    assert store.plan("baseline").shape[0] == 2
    assert store.finished().keys() == {"aa"}
    assert len(store.problems) == 3
    assert {path.name for path in (store.path / "set_aside").iterdir()} == {
        f"{table}-notes.txt",
        f"{table}-folder.parquet",
        f"{table}-other.parquet",
    }
    pd.read_parquet(folder)


def test_files_set_aside_do_not_overwrite_each_other(store: Store, example: type[Example]) -> None:
    for text in ("first", "second", "third"):
        example(run="aa").write(store)
        (store.path / "runs" / "aa.parquet").write_text(text)
        store.finished()
    texts = {path.read_text() for path in (store.path / "set_aside").iterdir()}
    assert texts == {"first", "second", "third"}


def test_data_that_turns_out_torn_while_reading_leaves_its_run_out_of_all_tables(
    store: Store, example: type[Example], flip_bit: Callable[[Path], None]
) -> None:
    example(run="aa", count=500).write(store)
    example(run="bb").write(store)
    flip_bit(store.path / "episodes" / "aa.parquet")
    entries = store.committed()
    assert entries.keys() == {"aa", "bb"}
    tables = store.read(entries.values())
    assert [set(table["run"].to_pylist()) for table in tables.values()] == [{"bb"}] * 3
    assert "episodes/aa.parquet is torn" in store.problems[0]
    assert store.finished().keys() == {"bb"}


def test_a_file_that_cannot_be_opened_is_named_and_left(
    store: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    example(run="aa").write(store)
    example(run="bb").write(store)
    verify = parquet.verify

    def denied(path: Path, schema: pa.Schema) -> bool:
        if path.name == "aa.parquet":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return verify(path, schema)

    monkeypatch.setattr(parquet, "verify", denied)
    assert store.finished().keys() == {"bb"}
    assert "Permission denied" in store.problems[0]
    assert (store.path / "episodes" / "aa.parquet").exists()


@pytest.mark.parametrize("table", ["runs", "updates"])
def test_in_a_published_store_a_spoilt_file_is_named_and_left(
    table: str, store: Store, example: type[Example], tmp_path: Path
) -> None:
    example(run="aa").write(store)
    compact(store.path, tmp_path / "published")
    published = Store(tmp_path / "published")
    path = published.path / table / "compacted.parquet"
    spoil(path, "truncated")
    foreign = published.path / "runs" / "other.parquet"
    spoil(foreign, "foreign")
    spoilt = path.read_bytes()
    assert published.runs().empty
    assert path.read_bytes() == spoilt
    assert foreign.exists()
    assert not (published.path / "set_aside").exists()
    assert sum(problem.startswith(f"{path} is torn") for problem in published.problems) == 1
    assert sum(problem.startswith(f"{foreign} is foreign") for problem in published.problems) == 1


def test_files_of_a_run_are_moved_by_one_process_at_a_time(
    store: Store, example: type[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []
    move = os.replace

    def replace(source: Path, target: Path) -> None:
        lock = target.parent.parent / "incoming" / "lock"
        with lock.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        moved.append(target.parent.name)
        move(source, target)

    monkeypatch.setattr(os, "replace", replace)
    example(run="aa").write(store)
    example(run="aa").write(store)
    compact(store.path, tmp_path / "published")
    spoil(store.path / "runs" / "aa.parquet", "text")
    store.finished()
    one = ["policies", "episodes", "updates", "runs"]
    assert moved == [*one, "runs", *one, *one[1:], "plans", "set_aside"]


WRITER = """
    import sys
    sys.path[:0] = [{root!r}, {tests!r}]
    from bench.store import Store
    from stored_example import Example
    store = Store({path!r})
    own, offset = sys.argv[1], float(sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(12):
        Example(run=own + str(number)).write(store)
        Example(run="shared", count=int(offset), offset=offset).write(store)
"""


def test_two_writers_at_once(store: Store, tmp_path: Path) -> None:
    script = tmp_path / "writer.py"
    tests = Path(__file__).parent
    script.write_text(
        textwrap.dedent(WRITER).format(root=str(ROOT), tests=str(tests), path=str(store.path))
    )
    writers = [
        subprocess.Popen(
            [sys.executable, str(script), own, offset],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for own, offset in (("a", "3"), ("b", "30"))
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    reads = 0
    while any(writer.poll() is None for writer in writers):
        assert_pandas_reads(store)
        store.finished()
        reads += 1
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0

    assert reads
    assert store.problems == []
    assert len(store.finished()) == 25
    shared = store.episodes(["shared"])
    count = len(shared)
    assert count in (3, 30)
    assert shared["return"].tolist() == (np.arange(1, count + 1) / 4 + count).tolist()
    assert len(store.updates(["shared"])) == count
    assert store.policy("shared")["weight"].max() == count


def test_a_file_that_another_writer_has_just_mended_is_not_set_aside(
    store: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    example(run="aa").write(store)
    path = store.path / "episodes" / "aa.parquet"
    whole = path.read_bytes()
    spoil(path, "truncated")
    lock = store.lock

    @contextmanager
    def mended() -> Iterator[None]:
        with lock():
            path.write_bytes(whole)
            yield

    monkeypatch.setattr(store, "lock", mended)
    assert store.finished().keys() == {"aa"}
    assert path.read_bytes() == whole
    assert store.problems == []
