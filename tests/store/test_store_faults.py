"""Killed writers, full disks, torn and foreign files, two writers at once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_example import Example, Killing, PlanRows

from bench.errors import InputError
from bench.plan.digest import ROOT
from bench.store import SCHEMAS, Store, parquet, publish
from bench.store.content import by_run
from bench.store.store import DAY

TABLES = ("runs", "episodes", "updates")


def contents(store: Store) -> dict[str, pd.DataFrame]:
    return {"runs": store.runs(), "episodes": store.episodes(), "updates": store.updates()}


def assert_same(actual: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for table in TABLES:
        pd.testing.assert_frame_equal(actual[table], expected[table])


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


@pytest.mark.parametrize("moves", range(4))
def test_killed_at_any_move_a_replaced_run_is_still_the_old_one(
    moves: int, store: Store, example: type[Example], killed: Killing
) -> None:
    example(run="aa", count=3).write(store)
    example(run="bb").write(store)
    before, policy = contents(store), store.policy("aa")["weight"].tobytes()
    with killed(moves):
        example(run="aa", count=7, offset=1.0).write(store)

    assert_pandas_reads(store)
    assert_same(contents(store), before)
    assert store.policy("aa")["weight"].tobytes() == policy
    assert store.problems == []

    example(run="aa", count=7, offset=1.0).write(store)
    assert store.episodes(["aa"])["return"].tolist() == (np.arange(1, 8) / 4 + 1).tolist()
    assert store.policy("aa")["weight"].max() == 1.0


def test_what_a_killed_writer_left_is_removed_after_a_day(
    store: Store, example: type[Example], killed: Killing
) -> None:
    example(run="aa", count=3).write(store)
    committed = set(store.path.glob("*/*.*"))
    for run in ("aa", "bb"):
        with killed(3):
            example(run=run, count=7).write(store)
    leftovers = {path for path in store.path.glob("*/*.*") if path.is_file()} - committed
    assert {path.parent.name for path in leftovers} == {"episodes", "updates", "policies"}
    store.check_writable()
    assert all(path.exists() for path in leftovers)
    for path in leftovers:
        os.utime(path, (path.stat().st_mtime - 2 * DAY,) * 2)
    store.check_writable()
    # Of a run that has no mark yet they could be all that there is of it.
    assert {path.name[:2] for path in leftovers if path.exists()} == {"bb"}
    assert all(path.exists() for path in committed)
    assert len(store.episodes()) == 3


@pytest.mark.parametrize(
    ("run", "syncs"), [(run, syncs) for run in ("aa", "bb") for syncs in range(4)]
)
def test_a_full_disk_loses_nothing(
    run: str, syncs: int, store: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    example(run="aa", count=3).write(store)
    before = contents(store)
    remaining = iter(range(syncs))

    def full(descriptor: int) -> None:
        if next(remaining, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            example(run=run, count=9, offset=5.0).write(store)

    assert_same(contents(store), before)
    assert store.policy("aa")["weight"].max() == 0.0
    assert store.problems == []
    for folder in ("incoming", "claims"):
        assert list((store.path / folder).iterdir()) == []
    for folder in (*TABLES, "policies"):
        assert [path.name[:3] for path in (store.path / folder).iterdir()] == ["aa."]


def test_a_full_disk_is_said_before_training(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match=r"local cannot be written: No space left on device$"):
        store.check_writable()


@pytest.mark.parametrize("folder", ["runs", "policies", "incoming", "claims"])
def test_a_folder_in_which_nothing_can_be_made_is_said_before_training(
    folder: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without inodes, or where the folder belongs to somebody else."""
    store.check_writable()
    move, make = os.replace, os.mkdir

    def refuse(path: str | os.PathLike[str]) -> None:
        if Path(path).parent.name == folder:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def replace(source: Path, target: Path) -> None:
        refuse(target)
        move(source, target)

    def mkdir(path: str, *arguments: int) -> None:
        refuse(path)
        make(path, *arguments)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "mkdir", mkdir)
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
    (path,) = (store.path / table).glob("aa.*")
    spoil(path, kind)
    spoilt = path.read_bytes()

    assert store.finished().keys() == {"bb"}
    aside = store.path / "set_aside" / f"{table}-{path.name}"
    assert aside.read_bytes() == spoilt
    assert not path.exists()
    assert str(path) in store.problems[0]
    assert str(aside) in store.problems[0]
    assert ("foreign" if kind == "foreign" and table == "runs" else "torn") in store.problems[0]
    assert not any("\n" in problem for problem in store.problems)
    assert [frame["run"].unique().tolist() for frame in contents(store).values()] == [["bb"]] * 3
    assert_pandas_reads(store)

    # As long as the run is not trained again, a committed row without its files is told of.
    reopened = Store(store.path)
    reopened.finished()
    assert len(reopened.problems) == (0 if table == "runs" else 1)
    example(run="aa").write(store)
    mended = Store(store.path)
    assert mended.finished().keys() == {"aa", "bb"}
    assert mended.problems == []


@pytest.mark.parametrize("table", ["runs", "plans"])
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
    (path,) = (store.path / "episodes").glob("aa.*")
    flip_bit(path)
    entries = store.entries()
    assert {entry.run for entry in entries} == {"aa", "bb"}
    tables = store.read(entries)
    assert [set(table["run"].to_pylist()) for table in tables.values()] == [{"bb"}] * 3
    assert f"{path} is torn" in store.problems[0]
    assert store.finished().keys() == {"bb"}


def test_a_file_that_cannot_be_opened_is_named_and_left(
    store: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    example(run="aa").write(store)
    example(run="bb").write(store)
    (denied,) = (store.path / "episodes").glob("aa.*")
    read = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path == denied:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert store.finished().keys() == {"bb"}
    assert "Permission denied" in store.problems[0]
    assert denied.exists()


@pytest.mark.parametrize("table", ["runs", "updates"])
def test_in_a_published_store_a_spoilt_file_is_named_and_left(
    table: str, store: Store, example: type[Example], tmp_path: Path
) -> None:
    example(run="aa").write(store)
    publish(store.path, tmp_path / "published")
    published = Store(tmp_path / "published")
    (path,) = (published.path / table).glob("description-d0.*")
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


def test_swapped_and_empty_files_are_not_what_the_runs_gave(
    store: Store, example: type[Example]
) -> None:
    for run in ("aa", "bb", "cc", "dd"):
        example(run=run, count=5, offset=ord(run[0])).write(store)
    first, second = (next((store.path / "episodes").glob(f"{run}.*")) for run in ("aa", "bb"))
    third = next((store.path / "updates").glob("cc.*"))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    parquet.write(SCHEMAS["updates"].empty_table(), third)
    assert store.finished().keys() == {"dd"}
    assert store.episodes()["run"].unique().tolist() == ["dd"]
    assert sum("is torn: its checksum" in problem for problem in store.problems) == 3


@pytest.mark.parametrize("table", TABLES)
def test_want_of_memory_says_nothing_of_a_file(
    table: str, store: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    example(run="aa").write(store)
    (path,) = (store.path / table).glob("aa.*")
    read = pq.ParquetFile.read

    def fail(file: pq.ParquetFile) -> pa.Table:
        rows = read(file)
        if rows.schema.metadata[b"table"] == table.encode():
            raise pa.ArrowMemoryError("malloc of size 640 failed")
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(pq.ParquetFile, "read", fail)
        assert store.finished() == {}
    assert store.problems == [f"{path} can't be read for want of memory: skipped"]
    assert Store(store.path).finished().keys() == {"aa"}


def test_rows_of_a_later_version_are_read_for_what_is_known(
    store: Store, example: type[Example]
) -> None:
    example(run="aa").write(store)
    path = store.path / "runs" / "aa.parquet"
    later = pa.field("mood", pa.string())
    table = pq.read_table(path).append_column(later, pa.array(["good"]))
    table = table.cast(table.schema.with_metadata(SCHEMAS["runs"].metadata))
    parquet.write(table, path)
    assert store.finished().keys() == {"aa"}
    assert store.problems == [f"{path} is of a later version: left out are its columns mood"]
    # What it must have changed its meaning of is left alone, too.
    place = table.schema.get_field_index("seed")
    table = table.set_column(place, "seed", pa.array(["zero"]))
    parquet.write(table.cast(table.schema.with_metadata(SCHEMAS["runs"].metadata)), path)
    reopened = Store(store.path)
    assert not reopened.finished()
    assert reopened.problems == [f"{path} is foreign, its columns differ: seed: skipped"]
    assert path.exists()


@pytest.mark.parametrize("text", ["no JSON", "[1]", "[" * 100_000])
def test_a_column_that_can_not_be_parsed_is_named_with_its_file(
    text: str, store: Store, example: type[Example], plan_rows: PlanRows
) -> None:
    for changes in ({"versions": text}, {"hyperparameters": text}):
        with pytest.raises(ValueError, match=f"column '{next(iter(changes))}' holds no JSON"):
            example(run="aa", changes=changes).write(store)
    with pytest.raises(ValueError, match="column 'metadata' holds no JSON object"):
        store.write_plan(plan_rows(metadata=text))
    example(run="aa").write(store)
    example(run="bb").write(store)
    path = store.path / "runs" / "aa.parquet"
    rows = parquet.read(path, SCHEMAS["runs"])
    parquet.write(parquet.with_column(rows, "versions", pa.array([text])), path)
    assert store.finished().keys() == {"bb"}
    (problem,) = store.problems
    assert problem.startswith(f"{path} can't be used: column 'versions' holds no JSON object")
    assert path.exists()


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("flips", [60, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_flipped_bit_in_any_file_changes_no_value_silently(
    flips: int, published: bool, store: Store, example: type[Example], plan_rows: PlanRows
) -> None:
    """Every value that is read is the right one, or a line says what is not there."""
    example(run="aa", count=40).write(store)
    example(run="bb", count=40, offset=1.0).write(store)
    store.write_plan(plan_rows())
    if published:
        source, store = store, Store(store.path.parent / "published")
        publish(source.path, store.path, policies=["aa", "bb"])
    expected, plan = contents(store), store.plans()
    generator = np.random.default_rng(0)
    files = {path: path.read_bytes() for path in sorted(store.path.glob("*/*.*"))}
    silent = []
    for number in range(flips):
        path = list(files)[number % len(files)]
        content = bytearray(files[path])
        content[generator.integers(len(content))] ^= 1 << generator.integers(8)
        flipped = Store(store.path, read_only=True)
        path.write_bytes(content)
        try:
            actual = contents(flipped)
            plans = flipped.plans()
            policies = [flipped.policy(run) for run in flipped.policies()]
        except InputError:
            continue
        finally:
            path.write_bytes(files[path])
        if not flipped.problems and len(policies) == 2:
            try:
                assert_same(actual, expected)
                assert plans == plan
            except AssertionError:
                silent.append(path)
    assert silent == []


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
            [sys.executable, str(script), prefix, offset],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for prefix, offset in (("a", "3"), ("b", "30"))
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
        assert_same_version(store.read(store.entries()))
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


def assert_same_version(tables: dict[str, pa.Table]) -> None:
    """All rows of a run are those that its mark is of."""
    for run, content in by_run(tables).items():
        number = content["runs"]["episodes"][0].as_py()
        assert len(content["episodes"]) == len(content["updates"]) == number, run


@pytest.mark.parametrize("part", ["runs", "episodes"])
def test_a_file_that_another_writer_has_just_mended_is_not_set_aside(
    part: str, store: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    example(run="aa").write(store)
    (path,) = (store.path / part).glob("aa.*")
    intact = path.read_bytes()
    spoil(path, "truncated")
    move = os.replace

    def replace(source: Path, target: Path) -> None:
        if target.parent.name == "set_aside":
            path.write_bytes(intact)
        move(source, target)

    monkeypatch.setattr(os, "replace", replace)
    assert store.finished().keys() == {"aa"}
    assert path.read_bytes() == intact
    assert store.problems == []
