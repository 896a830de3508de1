"""Stores that somebody else has made: nothing outside is touched, and one file blocks no other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from stored_example import Example, PlanRows

from bench.store import SCHEMAS, Store, load, merge, parquet, publish
from bench.store.content import by_run


def forge(store: Store, run: str, **columns: str | None) -> Path:
    """Change columns of a run's row; the file is whole and sealed."""
    path = store.path / "runs" / f"{run}.parquet"
    rows = parquet.read(path, SCHEMAS["runs"])
    for name, value in columns.items():
        rows = parquet.with_column(rows, name, pa.array([value], pa.string()))
    parquet.write(rows, path)
    return path


@pytest.fixture
def pair(store: Store, example: type[Example], plan_rows: PlanRows) -> Store:
    example(run="aa").write(store)
    example(run="bb", changes={"description": "d1"}).write(store)
    store.write_plan(plan_rows())
    return store


@pytest.mark.parametrize(
    "parts",
    [
        {"episodes": "/../../../victim", "updates": "/../../../victim"},
        {"episodes": "0123456789abcdef", "updates": "../../victim"},
        {"episodes": "0123456789abcdef"},
        {"episodes": "0123456789abcdef", "updates": 5},
        {"episodes": "0" * 16, "updates": "0" * 16, "policies": "/../../victim"},
        {"episodes": "0" * 16, "updates": "0" * 16, "mood": "0" * 16},
        {},
        None,
    ],
)
def test_a_row_names_no_files_but_its_own(
    parts: dict[str, object] | None, pair: Store, tmp_path: Path
) -> None:
    victims = [tmp_path / f"victim.{ending}" for ending in ("parquet", "safetensors")]
    for victim in victims:
        victim.write_text("mine")
    (pair.path / "episodes" / "aa.").mkdir()
    path = forge(pair, "aa", parts=None if parts is None else json.dumps(parts))
    before = {file for file in tmp_path.rglob("*") if pair.path not in file.parents}
    assert pair.finished().keys() == {"bb"}
    assert pair.policies().keys() == {"bb"}
    (problem,) = pair.problems
    assert problem.startswith(f"{path} can't be used: column 'parts' of run aa")
    assert merge(pair.path, tmp_path / "into", replace=True).added == ["bb"]
    assert publish(pair.path, tmp_path / "published").added == ("bb",)
    assert before <= set(tmp_path.rglob("*"))
    assert [victim.read_text() for victim in victims] == ["mine", "mine"]
    assert path.exists()


@pytest.mark.parametrize("rounding", [{"return": "abc"}, {"step": 5}, {"return": -1.0}, {"x": 1}])
def test_what_a_row_says_of_rounding_is_looked_at(
    rounding: dict[str, object], pair: Store, tmp_path: Path
) -> None:
    path = forge(pair, "aa", rounding=json.dumps(rounding))
    assert merge(pair.path, tmp_path / "into").added == ["bb"]
    assert publish(pair.path, tmp_path / "published").added == ("bb",)
    pair.finished()
    assert pair.problems[0].startswith(f"{path} can't be used: column 'rounding' of run aa")


@pytest.mark.parametrize(
    "metadata",
    [{"held_out": 5}, {"held_out": "abc"}, {"held_out": [[1]]}, {"seeds": "0-9"}, {"title": 5}],
)
def test_what_a_plan_says_of_itself_is_looked_at(
    metadata: dict[str, object], pair: Store, plan_rows: PlanRows
) -> None:
    pair.write_plan(plan_rows("other", metadata=json.dumps(metadata)))
    assert len(load("baseline", pair.path).runs) == 2
    assert len(pair.plans()) == 2
    name = next(iter(metadata))
    path = pair.path / "plans" / "other.parquet"
    assert pair.problems[0].startswith(f"{path} can't be used: column 'metadata' has {name} = ")


def test_a_copied_plan_is_named_and_doubles_nothing(pair: Store) -> None:
    copy = pair.path / "plans" / "baseline (1).parquet"
    shutil.copyfile(pair.path / "plans" / "baseline.parquet", copy)
    view = load("baseline", pair.path)
    assert view.runs["run"].tolist() == ["aa", "bb"]
    assert len(view.plan) == 2
    assert f"{copy} is a copy or was renamed: it holds the plan of baseline" in view.problems[0]


def test_a_copy_of_a_published_file_makes_no_published_store(
    pair: Store, example: type[Example], tmp_path: Path
) -> None:
    published = Store(tmp_path / "published")
    publish(pair.path, published.path)
    name = "description-d0.parquet"
    shutil.copyfile(published.path / "runs" / name, pair.path / "runs" / name)
    pair.check_writable()
    example(run="cc").write(pair)
    assert pair.finished().keys() == {"aa", "bb", "cc"}


def test_a_policy_is_the_one_of_the_training_whose_rows_are_read(
    pair: Store, example: type[Example], tmp_path: Path
) -> None:
    content = by_run(pair.read(pair.entries()))["aa"]["runs"].to_pylist()[0]
    example(run="aa", offset=5.0).write(pair)
    with pytest.raises(FileNotFoundError):
        pair.policy_content(content)
    assert pair.policy("aa")["weight"].max() == 5.0


def test_a_policy_of_numbers_that_are_not_known_is_named(pair: Store) -> None:
    path = pair.policy_path("aa")
    header = json.dumps({"w": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(2)
    checksum = parquet.checksum(content)
    path.with_name(f"aa.{checksum}.safetensors").write_bytes(content)
    (row,) = pair.runs().query("run == 'aa'").to_dict("records")
    forge(pair, "aa", parts=json.dumps(json.loads(row["parts"]) | {"policies": checksum}))
    with pytest.raises(ValueError, match=rf"aa\.{checksum}\.safetensors is torn or no policy"):
        pair.policy("aa")


def test_numbers_that_were_published_twice_are_still_the_run_s(
    store: Store, example: type[Example], tmp_path: Path
) -> None:
    generator = np.random.default_rng(0)
    for seed in range(4):
        run = example(run=f"r{seed}", count=300, changes={"seed": seed, "budget": 6_000})
        returns = generator.normal(seed, 1.0, 300)
        store.write_run(run.row, {**run.episodes, "return": returns}, run.updates, None)
    first, second = tmp_path / "first", tmp_path / "second"
    publish(store.path, first)
    publish(first, second)
    assert merge(second, store.path).same == ["r0", "r1", "r2", "r3"]
    into = Store(tmp_path / "into")
    merge(first, into.path)
    assert merge(second, into.path).conflicts == []


def test_code_is_not_adopted_in_a_file_of_a_later_version(pair: Store) -> None:
    path = pair.path / "runs" / "aa.parquet"
    rows = parquet.read(path, SCHEMAS["runs"])
    rows = rows.append_column(pa.field("mood", pa.string()), pa.array(["good"]))
    parquet.write(rows.replace_schema_metadata(SCHEMAS["runs"].metadata), path)
    before = path.read_bytes()
    pair.adopt_code({"aa": "new", "bb": "new"})
    assert path.read_bytes() == before
    assert pair.finished()["bb"] == {"0123", "new"}
