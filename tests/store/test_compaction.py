from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from stored_example import Example, Killing, PlanRows

from bench.errors import InputError
from bench.store import SCHEMAS, Store, compact
from bench.store.compaction import DIAGNOSED
from bench.store.content import by_run, first_difference

TABLES = ("runs", "episodes", "updates")


@pytest.fixture
def published(tmp_path: Path) -> Store:
    return Store(tmp_path / "published")


@pytest.fixture
def full(store: Store, example: type[Example], plan_rows: PlanRows) -> Store:
    """Three runs of two descriptions, a failed one, and two plans."""
    example(run="cc", count=4).write(store)
    example(run="aa", count=7, changes={"description": "d1"}).write(store)
    example(run="bb", changes={"status": "failed", "reason": "raised", "seed": 1}).write(store)
    store.write_plan(plan_rows())
    store.write_plan(plan_rows("alone", variants=("none",)))
    return store


def files(store: Store) -> dict[str, bytes]:
    return {
        str(path.relative_to(store.path)): path.read_bytes()
        for path in store.path.glob("*/*")
        if path.is_file() and path.name != "lock"
    }


def assert_same(found: Store, expected: Store) -> None:
    for frame in TABLES:
        pd.testing.assert_frame_equal(getattr(found, frame)(), getattr(expected, frame)())


def test_the_published_store_equals_its_source_in_one_file_a_table(
    full: Store, published: Store
) -> None:
    result = compact(full.path, published.path)
    assert result.added == ("aa", "bb", "cc")
    assert result.replaced == result.problems == ()
    assert_same(published, full)
    for ablation in ("baseline", "alone"):
        pd.testing.assert_frame_equal(published.plan(ablation), full.plan(ablation))
    assert files(published).keys() == {f"{table}/compacted.parquet" for table in SCHEMAS}
    assert result.size == sum(len(content) for content in files(published).values())
    runs = pd.read_parquet(published.path / "episodes")["run"]
    assert runs.is_monotonic_increasing


def test_a_published_run_keeps_some_of_its_diagnostics_and_still_equals_its_source(
    store: Store, published: Store, example: type[Example]
) -> None:
    """Of the first update behind each 250th of the budget, and the last; every step stays."""
    for run, budget in (("aa", 60_000), ("bb", 1_000_000)):
        example(run=run, count=1100, changes={"budget": budget}).write(store)
    compact(store.path, published.path)
    found, full = published.updates(), store.updates()
    for name in ("run", "update", "step", "seconds"):
        pd.testing.assert_series_equal(found[name], full[name])
    kept = found[found["entropy"].notna()]
    few = kept[kept["run"] == "aa"]
    # A step is 50, so that every fifth update passes the next 240 steps, some the one after.
    marks = np.arange(1, 1101) * 50 * DIAGNOSED // 60_000
    first = np.flatnonzero(np.diff(marks, prepend=0) > 0) + 1
    assert few["update"].tolist() == sorted({1, *first, 1100})
    assert (few["entropy"] == few["update"] * 0.125).all()
    assert (kept["run"] == "bb").sum() == len({1, 1100} | set(range(80, 1101, 80)))
    before, after = (by_run(each.read(each.committed().values())) for each in (store, published))
    assert all(first_difference(before[run], after[run]) is None for run in before)
    assert all(first_difference(after[run], before[run]) is None for run in before)
    once = files(published)
    compact(store.path, published.path)
    assert files(published) == once


def test_columns_are_compressed_and_encoded(full: Store, published: Store) -> None:
    compact(full.path, published.path)
    group = pq.read_metadata(published.path / "episodes" / "compacted.parquet").row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert "RLE_DICTIONARY" in columns["run"].encodings
    assert "DELTA_BINARY_PACKED" in columns["step"].encodings
    assert "BYTE_STREAM_SPLIT" in columns["return"].encodings


def test_compacting_twice_changes_no_byte(full: Store, published: Store) -> None:
    compact(full.path, published.path, policies=["aa"])
    before = files(published)
    result = compact(full.path, published.path)
    assert result.added == result.replaced == ()
    assert files(published) == before
    # A published store is a source like any other.
    copy = Store(published.path.parent / "copy")
    compact(published.path, copy.path, policies=["aa"])
    assert files(copy) == before


def test_a_merge_is_the_union_with_the_source_going_first(
    full: Store, published: Store, example: type[Example], tmp_path: Path
) -> None:
    compact(full.path, published.path, policies=["aa", "cc"])
    other = Store(tmp_path / "other")
    example(run="dd").write(other)
    example(run="aa", count=2, offset=9.0, changes={"description": "d1"}).write(other)
    result = compact(other.path, published.path)
    assert result.added == ("dd",)
    assert result.replaced == ("aa",)
    union = Store(tmp_path / "union")
    shutil.copytree(full.path, union.path)
    example(run="dd").write(union)
    example(run="aa", count=2, offset=9.0, changes={"description": "d1"}).write(union)
    assert_same(published, union)
    assert published.plan("baseline").shape[0] == 2
    # The policy of the run that is no more is gone too.
    assert [path.stem for path in (published.path / "policies").iterdir()] == ["cc"]


def test_a_failed_run_never_replaces_a_result_but_a_result_a_failed_run(
    full: Store, published: Store, example: type[Example], tmp_path: Path
) -> None:
    compact(full.path, published.path)
    other = Store(tmp_path / "other")
    example(run="cc", changes={"status": "failed"}).write(other)
    example(run="bb", count=8).write(other)
    result = compact(other.path, published.path)
    assert result.replaced == ("bb",)
    assert published.runs()["status"].tolist() == ["finished"] * 3
    assert len(published.episodes(["cc"])) == 4
    assert len(published.episodes(["bb"])) == 8


def test_some_descriptions_and_the_plans_that_need_no_other(full: Store, published: Store) -> None:
    compact(full.path, published.path, descriptions={"d0"})
    assert published.runs()["run"].tolist() == ["bb", "cc"]
    assert published.episodes()["run"].unique().tolist() == ["bb", "cc"]
    assert published.plans()["ablation"].unique().to_pylist() == ["alone"]
    compact(full.path, published.path, descriptions={"d1", "d0"})
    assert_same(published, full)
    assert published.plans()["ablation"].unique().to_pylist() == ["alone", "baseline"]


def test_a_later_plan_replaces_the_published_one(
    full: Store, published: Store, plan_rows: PlanRows
) -> None:
    compact(full.path, published.path)
    full.write_plan(plan_rows(variants=("mean", "none", "learned")))
    compact(full.path, published.path)
    assert published.plan("baseline")["variant"].tolist() == ["mean", "none", "learned"]
    assert published.plan("alone").shape[0] == 1


def test_only_the_policies_asked_for_are_copied(full: Store, published: Store) -> None:
    compact(full.path, published.path, policies=["aa"])
    assert [path.name for path in (published.path / "policies").iterdir()] == ["aa.safetensors"]
    np.testing.assert_array_equal(published.policy("aa")["weight"], full.policy("aa")["weight"])
    compact(full.path, published.path, policies=["cc"])
    assert len(list((published.path / "policies").iterdir())) == 2


def test_bad_requests_are_said_in_one_line_and_change_nothing(
    full: Store, published: Store, store: Store
) -> None:
    compact(full.path, published.path)
    before = files(published)
    with pytest.raises(InputError, match=r"unknown policy in .*'zz'.*Allowed: aa, bb, cc"):
        compact(full.path, published.path, policies=["zz"])
    with pytest.raises(InputError, match="does not exist"):
        compact(full.path / "nowhere", published.path)
    with pytest.raises(InputError, match=r"no published store: it holds runs/.*\.parquet"):
        compact(published.path, full.path)
    assert files(published) == before


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_torn_published_store_is_not_compacted_into(
    table: str, full: Store, published: Store
) -> None:
    compact(full.path, published.path)
    path = published.path / table / "compacted.parquet"
    path.write_bytes(path.read_bytes()[:-5])
    before = files(published)
    with pytest.raises(InputError, match=rf"restore .*{table}/compacted\.parquet is torn"):
        compact(full.path, published.path)
    assert files(published) == before


def test_a_torn_source_file_is_named_and_the_rest_compacted(full: Store, published: Store) -> None:
    (full.path / "episodes" / "aa.parquet").write_text("torn")
    result = compact(full.path, published.path)
    assert result.added == ("bb", "cc")
    assert "episodes/aa.parquet is torn" in result.problems[0]


@pytest.mark.parametrize("moves", range(5))
def test_killed_at_any_move_it_is_readable_and_completed_by_doing_it_again(
    moves: int,
    full: Store,
    published: Store,
    example: type[Example],
    killed: Killing,
) -> None:
    compact(full.path, published.path)
    other = Store(published.path.parent / "other")
    example(run="dd").write(other)
    example(run="aa", count=2, offset=9.0).write(other)
    with killed(moves):
        compact(other.path, published.path)

    # The moves: runs without the replaced one, episodes, updates, runs, plans.
    expected = {0: ["aa", "bb", "cc"], 4: ["aa", "bb", "cc", "dd"]}.get(moves, ["bb", "cc"])
    for frame in (published.runs(), published.episodes(), published.updates()):
        assert frame["run"].unique().tolist() == expected
    assert len(published.episodes(["aa"])) == {0: 7, 4: 2}.get(moves, 0)
    assert len(published.episodes(["cc"])) == 4
    assert published.problems == []

    compact(other.path, published.path)
    assert published.runs()["run"].tolist() == ["aa", "bb", "cc", "dd"]
    assert len(published.episodes(["aa"])) == 2
    assert len(published.episodes(["cc"])) == 4
