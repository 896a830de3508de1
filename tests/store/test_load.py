from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from stored_example import Example, PlanRows

from bench.errors import InputError
from bench.store import SCHEMAS, Store, load, parquet, places, publish
from bench.store.load import PLACE


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("PPO_LADDER_RESULTS", str(tmp_path / "local"))
    return Store(tmp_path / "local")


@pytest.fixture
def published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: type[Example], plan_rows: PlanRows
) -> Store:
    """A published store with one run of the ablation `baseline`."""
    source = Store(tmp_path / "made")
    example(run="pp").write(source)
    source.write_plan(plan_rows())
    publish(source.path, tmp_path / "published")
    monkeypatch.setattr(places, "PUBLISHED", tmp_path / "published")
    return Store(tmp_path / "published")


@pytest.fixture
def full(local: Store, example: type[Example], plan_rows: PlanRows) -> Store:
    """Two variants in two environments, two seeds of one cell, and a run of no plan."""
    environments = ("Swimmer-v5", "Ant-v5")
    local.write_plan(plan_rows(environments=environments))
    for run, description, seed, environment in [
        ("r0", "d0", 1, "Swimmer-v5"),
        ("r1", "d0", 0, "Swimmer-v5"),
        ("r2", "d1", 0, "Swimmer-v5"),
        ("a3", "d3", 0, "Ant-v5"),
        ("r9", "d9", 0, "Ant-v5"),
    ]:
        changes = {"description": description, "seed": seed, "environment": environment}
        example(run=run, count=3, changes=changes).write(local)
    return local


def test_runs_come_in_the_order_of_environment_variant_and_seed(
    full: Store, published: Store
) -> None:
    view = load("baseline")
    assert view.source == full.path
    assert view.runs["run"].tolist() == ["r1", "r0", "r2", "a3"]
    assert view.runs["variant"].tolist() == ["none", "none", "mean", "mean"]
    assert view.runs["variant_title"].tolist() == ["None", "None", "Mean", "Mean"]
    assert view.runs["variant_order"].tolist() == [0, 0, 1, 1]
    assert view.runs["environment_order"].tolist() == [0, 0, 0, 1]
    assert len(view.plan) == 4
    assert view.problems == ()


def test_episodes_and_updates_are_joined_and_keep_their_rows(full: Store, published: Store) -> None:
    view = load("baseline")
    for frame, table in ((view.episodes, full.episodes()), (view.updates, full.updates())):
        assert {*PLACE, "environment", "seed", "budget"} < set(frame.columns)
        assert frame["run"].tolist() == [run for run in view.runs["run"] for _ in range(3)]
        for run, rows in frame.groupby("run"):
            expected = table[table["run"] == run]
            pd.testing.assert_frame_equal(
                rows[table.columns].reset_index(drop=True), expected.reset_index(drop=True)
            )
    assert view.episodes.loc[0, ["seed", "environment", "budget"]].tolist() == [
        0,
        "Swimmer-v5",
        1000,
    ]


def test_a_description_that_two_variants_share_counts_for_both(
    local: Store, published: Store, example: type[Example], plan_rows: PlanRows
) -> None:
    example(run="r0", count=3).write(local)
    local.write_plan(plan_rows(description="d0"))
    view = load("baseline")
    assert view.runs[["run", "variant"]].to_numpy().tolist() == [["r0", "none"], ["r0", "mean"]]
    assert len(view.episodes) == 6


def test_held_out_seeds_count_in_their_own_ablation_only(
    store: Store, plan_rows: PlanRows, example: type[Example]
) -> None:
    store.write_plan(plan_rows())
    metadata = json.dumps({"held_out": [100, 101]})
    store.write_plan(plan_rows(ablation="tuned", metadata=metadata))
    for description in ("d0", "d1"):
        for seed in (0, 100, 101):
            run = example(
                run=f"{description}-{seed}", changes={"description": description, "seed": seed}
            )
            store.write_run(run.row, run.episodes, run.updates, None)
    seeds = {name: load(name, store.path).runs["seed"].tolist() for name in ("baseline", "tuned")}
    assert seeds == {"baseline": [0, 0], "tuned": [100, 101, 100, 101]}
    assert set(load("baseline", store.path).episodes["seed"]) == {0}


def test_curves_imported_beside_held_out_seeds_are_shown(
    store: Store, plan_rows: PlanRows, example: type[Example]
) -> None:
    planned, beside = plan_rows(ablation="tuned", metadata=json.dumps({"held_out": [100, 101]}))
    store.write_plan([planned, {**beside, "metadata": json.dumps({"imported": True})}])
    for description, seed in (("d0", 0), ("d0", 100), ("d1", 0)):
        changes = {"description": description, "seed": seed}
        run = example(run=f"{description}-{seed}", changes=changes)
        store.write_run(run.row, run.episodes, run.updates, None)
    assert load("tuned", store.path).runs["run"].tolist() == ["d0-100", "d1-0"]


def test_pruned_runs_are_nobody_s(
    store: Store, plan_rows: PlanRows, example: type[Example]
) -> None:
    store.write_plan(plan_rows())
    for seed, status in enumerate(("finished", "pruned")):
        run = example(
            run=f"r{seed}",
            changes={"description": "d0", "seed": seed, "status": status, "reason": "too low"},
        )
        store.write_run(run.row, run.episodes, run.updates, None)
    assert load("baseline", store.path).runs["run"].tolist() == ["r0"]
    assert set(store.finished()) == {"r0"}


def test_without_results_of_ones_own_the_published_ones_are_shown(
    local: Store, published: Store, plan_rows: PlanRows, example: type[Example]
) -> None:
    assert load("baseline").source == published.path
    local.write_plan(plan_rows())
    assert load("baseline").source == published.path
    example(run="r0", changes={"status": "failed"}).write(local)
    assert load("baseline").source == published.path
    example(run="r1", changes={"description": "another"}).write(local)
    assert load("baseline").source == published.path
    example(run="r2").write(local)
    view = load("baseline")
    assert view.source == local.path
    assert view.runs["status"].tolist() == ["failed", "finished"]


def test_the_plan_names_the_references_and_one_from_before_they_were_there_names_none(
    full: Store, published: Store, plan_rows: PlanRows
) -> None:
    assert load("baseline").plan["compared_with"].isna().all()
    full.write_plan(plan_rows(compared_with="none"))
    assert set(load("baseline").plan["compared_with"]) == {"none"}
    path = full.path / "plans" / "baseline.parquet"
    old = SCHEMAS["plans"].remove(SCHEMAS["plans"].get_field_index("compared_with"))
    parquet.write(parquet.from_rows(old, plan_rows()), path)
    view = load("baseline")
    assert view.source == full.path
    assert view.plan["compared_with"].isna().all()
    assert view.problems == ()


def test_a_store_that_is_named_is_the_only_one_looked_at(
    local: Store, published: Store, plan_rows: PlanRows
) -> None:
    local.path.mkdir()
    with pytest.raises(InputError, match=r"unknown ablation in .*local"):
        load("baseline", local.path)
    local.write_plan(plan_rows())
    view = load("baseline", local.path)
    assert view.source == local.path
    assert len(view.plan) == 2
    assert view.runs.empty
    assert view.episodes.empty
    assert view.updates.empty
    assert view.mixed == ()
    assert load("baseline", str(published.path)).runs["run"].tolist() == ["pp"]


def test_what_is_not_there_is_said_in_one_line(
    local: Store, published: Store, plan_rows: PlanRows
) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        load("baseline", local.path / "nowhere")
    with pytest.raises(InputError, match=r"local or .*published 'baselin'.*'baseline'\?"):
        load("baselin")
    local.write_plan(plan_rows("clipping"))
    with pytest.raises(InputError, match="no run of ablation 'clipping' has finished yet"):
        load("clipping")


def test_files_that_could_not_be_used_are_told_of_whichever_store_is_shown(
    full: Store, published: Store, tmp_path: Path
) -> None:
    (path,) = (full.path / "episodes").glob("r2.*")
    path.write_text("torn")
    view = load("baseline")
    assert view.runs["run"].tolist() == ["r1", "r0", "a3"]
    assert any(f"{path} is torn" in problem for problem in view.problems)

    for path in (full.path / "runs").iterdir():
        path.write_text("torn")
    view = load("baseline")
    assert view.source == published.path
    assert sum("is torn" in problem for problem in view.problems) == 5

    (full.path / "plans" / "baseline.parquet").write_text("torn")
    with pytest.raises(InputError, match=r"unknown ablation.*; .*baseline\.parquet is torn"):
        load("baseline", full.path)


def test_one_code_and_one_set_of_versions_are_not_mixed(full: Store, published: Store) -> None:
    assert load("baseline").mixed == ()


def test_mixed_code_and_versions_are_told_of(
    full: Store, published: Store, example: type[Example]
) -> None:
    changes = {"description": "d0", "digest": "other", "seed": 3}
    versions = json.dumps({"torch": "2.11.0", "mujoco": "4.0.0"})
    example(run="r5", changes={**changes, "versions": versions}).write(full)
    assert load("baseline").mixed == (
        "baseline has runs of different code: 0123 (4 of 5 runs), other (1 of 5 runs)",
        "runs were made with torch 2.11.0 and 2.13.0",
    )


def test_code_that_adopted_a_run_is_its_code(
    full: Store, published: Store, example: type[Example]
) -> None:
    changes = {"description": "d0", "digest": "other", "seed": 3}
    example(run="r5", changes={**changes, "adopted": "0123"}).write(full)
    assert load("baseline").mixed == ()
    full.adopt_code({"r0": "later"})
    assert load("baseline").mixed == (
        "baseline has runs of different code: 0123 (4 of 5 runs), later (1 of 5 runs)",
    )


def test_algorithms_have_different_code_without_being_mixed(
    full: Store, published: Store, example: type[Example]
) -> None:
    changes = {"description": "d0", "digest": "other", "seed": 3, "algorithm": "rival"}
    example(run="r5", changes=changes).write(full)
    assert load("baseline").mixed == ()


def test_devices_side_by_side_in_one_environment_are_told_of(
    full: Store, published: Store, example: type[Example]
) -> None:
    changes = {
        "description": "d0",
        "environment": "Swimmer-v5",
        "seed": 3,
        "back_end": "warp",
        "device": "cuda",
    }
    example(run="r5", changes=changes).write(full)
    assert load("baseline").mixed == (
        "Swimmer-v5 compares runs of envpool on cpu and warp on cuda",
    )


def test_a_run_that_two_variants_share_is_counted_once(
    local: Store, published: Store, example: type[Example], plan_rows: PlanRows
) -> None:
    for run, digest in [("r0", "0123"), ("r1", "0123"), ("r2", "other")]:
        example(run=run, changes={"digest": digest}).write(local)
    local.write_plan(plan_rows(description="d0"))
    assert load("baseline").mixed == (
        "baseline has runs of different code: 0123 (2 of 3 runs), other (1 of 3 runs)",
    )
