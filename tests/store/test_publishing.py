from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from stored_example import Example, Killing, PlanRows, files

from bench.errors import InputError
from bench.store import SCHEMAS, Store, merge, publish
from bench.store.content import by_run, first_difference
from bench.store.publishing import DIAGNOSED, STORAGE_COLUMNS

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


def assert_same(actual: Store, expected: Store) -> None:
    """The same runs: where they lie and the episodes' wall time aside."""
    for frame, left_out in zip(TABLES, (list(STORAGE_COLUMNS), ["seconds"], []), strict=True):
        frames = (getattr(store, frame)().drop(columns=left_out) for store in (actual, expected))
        pd.testing.assert_frame_equal(*frames)


def test_the_published_store_equals_its_source_in_a_file_a_description_and_table(
    full: Store, published: Store
) -> None:
    result = publish(full.path, published.path)
    assert sorted(result.added) == ["aa", "bb", "cc"]
    assert result.replaced == result.problems == ()
    assert_same(published, full)
    for ablation in ("baseline", "alone"):
        pd.testing.assert_frame_equal(published.plan(ablation), full.plan(ablation))
    assert sorted(name.partition(".")[0] for name in files(published)) == sorted(
        [f"{table}/description-{description}" for table in TABLES for description in ("d0", "d1")]
        + ["plans/alone", "plans/baseline"]
    )
    tables = (content for name, content in files(published).items() if "plans" not in name)
    assert result.size == sum(map(len, tables))


def test_a_new_run_changes_the_files_of_its_description_alone(
    full: Store, published: Store, example: type[Example]
) -> None:
    publish(full.path, published.path)
    before = files(published)
    example(run="dd", count=3, changes={"description": "d1", "seed": 5}).write(full)
    publish(full.path, published.path)
    after = files(published)
    assert {name for name in after if after[name] != before.get(name)} == {
        name for name in after if "description-d1" in name
    }
    assert len(after) == len(before)
    assert published.episodes(["dd"])["return"].tolist() == full.episodes(["dd"])["return"].tolist()


def test_a_published_run_keeps_some_of_its_diagnostics_and_still_equals_its_source(
    store: Store, published: Store, example: type[Example]
) -> None:
    """Of the first update behind each 250th of the budget, and the last; every step stays."""
    for run, budget in (("aa", 60_000), ("bb", 1_000_000)):
        example(run=run, count=1100, changes={"budget": budget}).write(store)
    publish(store.path, published.path)
    thinned, full = published.updates(), store.updates()
    for name in ("run", "update", "step", "seconds"):
        pd.testing.assert_series_equal(thinned[name], full[name])
    diagnosed = thinned[thinned["entropy"].notna()]
    few = diagnosed[diagnosed["run"] == "aa"]
    # A step is 50, so that every fifth update passes the next 240 steps, some the one after.
    marks = np.arange(1, 1101) * 50 * DIAGNOSED // 60_000
    first = np.flatnonzero(np.diff(marks, prepend=0) > 0) + 1
    assert few["update"].tolist() == sorted({1, *first, 1100})
    assert (few["entropy"] == few["update"] * 0.125).all()
    assert (diagnosed["run"] == "bb").sum() == len({1, 1100} | set(range(80, 1101, 80)))
    before, after = (
        by_run(results.read(results.committed().values())) for results in (store, published)
    )
    assert all(first_difference(before[run], after[run]) is None for run in before)
    assert all(first_difference(after[run], before[run]) is None for run in before)
    once = files(published)
    publish(store.path, published.path)
    assert files(published) == once


def test_columns_are_compressed_and_encoded(full: Store, published: Store) -> None:
    publish(full.path, published.path)
    path = next(published.path.glob("episodes/description-d1.*"))
    group = pq.read_metadata(path).row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert "RLE_DICTIONARY" in columns["run"].encodings
    assert "DELTA_BINARY_PACKED" in columns["step"].encodings
    assert "BYTE_STREAM_SPLIT" in columns["return"].encodings


def test_compacting_twice_changes_no_byte(full: Store, published: Store) -> None:
    publish(full.path, published.path, policies=["aa"])
    before = files(published)
    result = publish(full.path, published.path)
    assert result.added == result.replaced == ()
    assert files(published) == before
    # A published store is a source like any other.
    copy = Store(published.path.parent / "copy")
    publish(published.path, copy.path, policies=["aa"])
    assert files(copy) == before


def test_a_merge_is_the_union_with_the_source_going_first(
    full: Store, published: Store, example: type[Example], tmp_path: Path
) -> None:
    publish(full.path, published.path, policies=["aa", "cc"])
    other = Store(tmp_path / "other")
    example(run="dd").write(other)
    example(run="aa", count=2, offset=9.0, changes={"description": "d1"}).write(other)
    result = publish(other.path, published.path)
    assert result.added == ("dd",)
    assert result.replaced == ("aa",)
    union = Store(tmp_path / "union")
    shutil.copytree(full.path, union.path)
    example(run="dd").write(union)
    example(run="aa", count=2, offset=9.0, changes={"description": "d1"}).write(union)
    assert_same(published, union)
    assert published.plan("baseline").shape[0] == 2
    # The policy of the run that is no more is gone too.
    assert published.policies().keys() == {"cc"}
    assert len(list((published.path / "policies").iterdir())) == 1


def test_an_adoption_stays_when_it_is_published_again(
    full: Store, published: Store, example: type[Example]
) -> None:
    """`verify --adopt` marks published runs; the source's rows know nothing of it."""
    publish(full.path, published.path)
    published.adopt_code({"bb": "4567", "cc": "4567"})
    before = files(published)
    assert publish(full.path, published.path).replaced == ()
    assert files(published) == before
    example(run="cc", count=4, changes={"seconds": 2.0}).write(full)
    example(run="bb", changes={"digest": "89ab"}).write(full)
    assert publish(full.path, published.path).replaced == ("bb", "cc")
    assert published.runs().set_index("run")["adopted"].dropna().to_dict() == {"cc": "4567"}
    publish(full.path, published.path, policies=["bb"])
    full.adopt_code({"bb": "cdef"})
    assert publish(full.path, published.path).replaced == ("bb",)
    assert "bb" in published.policies()  # the same training has the same policy
    assert published.runs().set_index("run")["adopted"]["bb"] == "cdef"


def test_seconds_that_are_not_known_are_no_difference(
    store: Store, published: Store, example: type[Example]
) -> None:
    example(run="aa", changes={"seconds": np.nan}).write(store)
    publish(store.path, published.path)
    assert publish(store.path, published.path).replaced == ()


def test_a_failed_run_never_replaces_a_result_but_a_result_a_failed_run(
    full: Store, published: Store, example: type[Example], tmp_path: Path
) -> None:
    publish(full.path, published.path)
    other = Store(tmp_path / "other")
    example(run="cc", changes={"status": "failed"}).write(other)
    example(run="bb", count=8).write(other)
    result = publish(other.path, published.path)
    assert result.replaced == ("bb",)
    assert published.runs()["status"].tolist() == ["finished"] * 3
    assert len(published.episodes(["cc"])) == 4
    assert len(published.episodes(["bb"])) == 8


def test_some_descriptions_and_the_plans_that_need_no_other(full: Store, published: Store) -> None:
    publish(full.path, published.path, descriptions={"d0"})
    assert published.runs()["run"].tolist() == ["bb", "cc"]
    assert published.episodes()["run"].unique().tolist() == ["bb", "cc"]
    assert published.plans()["ablation"].unique().to_pylist() == ["alone"]
    publish(full.path, published.path, descriptions={"d1", "d0"})
    assert_same(published, full)
    assert published.plans()["ablation"].unique().to_pylist() == ["alone", "baseline"]


def test_a_later_plan_replaces_the_published_one(
    full: Store, published: Store, plan_rows: PlanRows
) -> None:
    publish(full.path, published.path)
    full.write_plan(plan_rows(variants=("mean", "none", "learned")))
    publish(full.path, published.path)
    assert published.plan("baseline")["variant"].tolist() == ["mean", "none", "learned"]
    assert published.plan("alone").shape[0] == 1


def test_only_the_policies_asked_for_are_copied(full: Store, published: Store) -> None:
    publish(full.path, published.path, policies=["aa"])
    assert published.policies().keys() == {"aa"}
    np.testing.assert_array_equal(published.policy("aa")["weight"], full.policy("aa")["weight"])
    publish(full.path, published.path, policies=["cc"])
    assert published.policies().keys() == {"aa", "cc"}


def test_bad_requests_are_said_in_one_line_and_change_nothing(
    full: Store, published: Store, store: Store
) -> None:
    publish(full.path, published.path)
    before = files(published)
    with pytest.raises(InputError, match=r"unknown policy in .*'zz'.*Allowed: aa, bb, cc"):
        publish(full.path, published.path, policies=["zz"])
    with pytest.raises(InputError, match="does not exist"):
        publish(full.path / "nowhere", published.path)
    with pytest.raises(InputError, match=r"no published store: it holds runs/.*\.parquet"):
        publish(published.path, full.path)
    assert files(published) == before


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_torn_published_store_is_not_published_into(
    table: str, full: Store, published: Store
) -> None:
    publish(full.path, published.path)
    path = sorted((published.path / table).iterdir())[0]
    path.write_bytes(path.read_bytes()[:-5])
    before = files(published)
    with pytest.raises(InputError, match=rf"restore .*{path} is torn"):
        publish(full.path, published.path)
    assert files(published) == before


def test_a_torn_source_file_is_named_and_the_rest_published(full: Store, published: Store) -> None:
    path = next(full.path.glob("episodes/aa.*"))
    path.write_text("torn")
    result = publish(full.path, published.path)
    assert result.added == ("bb", "cc")
    assert f"{path} is torn" in result.problems[0]


@pytest.mark.parametrize("moves", range(7))
def test_killed_at_any_move_it_is_readable_and_completed_by_doing_it_again(
    moves: int,
    full: Store,
    published: Store,
    example: type[Example],
    plan_rows: PlanRows,
    killed: Killing,
) -> None:
    publish(full.path, published.path)
    other = Store(published.path.parent / "other")
    example(run="dd").write(other)
    example(run="aa", count=2, offset=9.0, changes={"description": "d1"}).write(other)
    other.write_plan(plan_rows("third"))
    with killed(moves):
        publish(other.path, published.path)

    # The moves: episodes, updates and runs of each description, and the plan.
    expected = ["aa", "bb", "cc", *(["dd"] if moves >= 3 else [])]
    for frame in (published.runs(), published.episodes(), published.updates()):
        assert frame["run"].unique().tolist() == expected
    assert len(published.episodes(["aa"])) == (2 if moves >= 6 else 7)
    assert len(published.episodes(["cc"])) == 4
    assert published.problems == []

    publish(other.path, published.path)
    assert published.runs()["run"].tolist() == ["aa", "bb", "cc", "dd"]
    assert len(published.episodes(["aa"])) == 2
    assert len(published.episodes(["cc"])) == 4
    assert published.plan("third").shape[0] == 2


def noisy(store: Store, example: type[Example], middle: float, spread: float) -> np.ndarray:
    """Ten seeds whose returns differ by `spread`, about `middle`; their mean returns [seed]."""
    generator = np.random.default_rng(0)
    means = []
    for seed, seed_mean in enumerate(middle + spread * generator.normal(size=10)):
        run = example(run=f"r{seed}", count=200, changes={"seed": seed, "budget": 10_000})
        returns = seed_mean + spread * generator.normal(size=200)
        episodes = {**run.episodes, "step": np.arange(200) * 50, "return": returns}
        updates = {**run.updates, "entropy": (returns - middle).astype(np.float32)}
        store.write_run(run.row, episodes, updates, None)
        means.append(returns.mean())
    return np.array(means)


@pytest.mark.parametrize("center", [0.0, 1_000_010.0])
@pytest.mark.parametrize("spread", [1e-3, 1.0, 300.0])
def test_numbers_are_rounded_by_less_than_a_thousandth_of_the_spread_over_seeds(
    center: float, spread: float, store: Store, published: Store, example: type[Example]
) -> None:
    noisy(store, example, center, spread)
    publish(store.path, published.path)
    (rounding,) = set(published.runs()["rounding"])
    bounds = json.loads(rounding)
    for table, column in (("episodes", "return"), ("updates", "entropy")):
        exact, rounded = (getattr(results, table)() for results in (store, published))
        rounded = rounded[rounded[column].notna()]
        error = abs(rounded[column] - exact.loc[rounded.index, column])
        spans = exact["step"] // 1_000
        means = exact.groupby([spans, "run"])[column].mean()
        smallest = means.groupby(level=0).std().min()
        assert error.max() <= bounds[column] <= smallest / 1000
        # By no less than needed, either: what is published has to be small.
        assert bounds[column] > smallest / 5000
    # Again it changes nothing, and a further seed doesn't move those that are there.
    once = published.episodes()
    publish(store.path, published.path)
    pd.testing.assert_frame_equal(published.episodes(), once)
    example(run="zz", count=9, changes={"seed": 11}).write(store)
    publish(store.path, published.path)
    pd.testing.assert_frame_equal(
        published.episodes([f"r{seed}" for seed in range(10)]), once, check_index_type=False
    )


def test_one_seed_and_seeds_that_do_not_differ_are_not_rounded(
    store: Store, published: Store, example: type[Example]
) -> None:
    example(run="aa", offset=1 / 3).write(store)
    for seed in range(3):
        changes = {"description": "d1", "seed": seed}
        example(run=f"b{seed}", offset=1 / 3, changes=changes).write(store)
    publish(store.path, published.path)
    assert published.episodes()["return"].tolist() == store.episodes()["return"].tolist()
    assert set(published.runs()["rounding"]) == {"{}"}


def test_a_published_run_equals_the_run_it_was_before_rounding(
    store: Store, published: Store, example: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So `verify` finds that a run trained again agrees, and merging that it is the same."""
    noisy(store, example, 5.0, 1.0)
    publish(store.path, published.path)
    exact, rounded = (
        by_run(results.read(results.committed().values())) for results in (store, published)
    )
    for run, content in exact.items():
        assert first_difference(content, rounded[run]) is None
        assert first_difference(rounded[run], content) is None
        entropies = (content["updates"]["entropy"], rounded[run]["updates"]["entropy"])
        first_before, first_after = (column[0].as_py() for column in entropies)
        last_before, last_after = (column[-1].as_py() for column in entropies)
        # The first batch is that of equal policies, where a diagnostic may be small.
        assert first_after == first_before and last_after != last_before
    assert first_difference(exact["r0"], rounded["r1"]) is not None
    # Nor does it matter how far each of two copies was rounded.
    coarse = Store(published.path.parent / "coarse")
    monkeypatch.setattr("bench.store.rounding.SHARE", 0.05)
    publish(store.path, coarse.path)
    copies = by_run(coarse.read(coarse.committed().values()))
    assert copies["r0"]["runs"]["rounding"] != rounded["r0"]["runs"]["rounding"]
    assert all(first_difference(copies[run], rounded[run]) is None for run in exact)
    assert merge(published.path, store.path).same == sorted(exact)
