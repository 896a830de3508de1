"""`verify`: what is stored is what training gives, or else it is said where not."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from changed_store import change, contents, runs_of
from refusals import assert_refused

import bench.store
from bench.cli import verify as verb
from bench.cli.app import main
from bench.errors import InputError
from bench.plan.identity import Description
from bench.plan.plan import Plan
from bench.store import SCHEMAS, Store, parquet, publish
from bench.store.content import row_of
from bench.train import provenance, runner
from bench.train.events import Summary

ELSEWHERE = {"machine": json.dumps({"processor": "another one"})}


@pytest.fixture
def changed(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained store, to be changed."""
    shutil.copytree(trained, tmp_path / "changed")
    return tmp_path / "changed"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made; it has to be empty in the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def copy(store: Path, run: str, name: str, returns: float | None = None, **changes: object) -> None:
    """Store a run under another name too, with other returns if they are given."""
    content = contents(store)[run]
    episodes = [{**episode, "run": name} for episode in content["episodes"].to_pylist()]
    for episode in episodes:
        episode["return"] = episode["return"] if returns is None else returns
    rows = {
        "runs": [{**row_of(content), "run": name, **changes}],
        "episodes": episodes,
        "updates": [{**update, "run": name} for update in content["updates"].to_pylist()],
    }
    tables = {table: parquet.from_rows(SCHEMAS[table], values) for table, values in rows.items()}
    Store(store).adopt_run(name, tables, None)


def add_seeds(store: Path, run: str, returns: float, first: int) -> None:
    """Ten further seeds like a run, whose returns are within 90 of `returns`."""
    for number in range(10):
        seed = first + number
        copy(store, run, f"seed{seed}", returns + 20.0 * (number - 4.5), seed=seed)


def test_a_published_run_is_the_one_that_training_gives_bit_for_bit(
    trained: Path,
    tmp_path: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    published = tmp_path / "published"
    publish(trained, published)
    monkeypatch.setattr(bench.store, "PUBLISHED", published)
    before = {path: path.read_bytes() for path in published.glob("*/*.parquet")}
    assert main(["verify"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Training 1 run of {published} again."
    assert "[100%] " in lines[-3] and ": 1 finished in " in lines[-3]
    assert " in CartPole-v1, seed " in lines[-2] and lines[-2].endswith("): bit for bit")
    assert lines[-1] == "1 bit for bit"
    assert {path: path.read_bytes() for path in published.glob("*/*.parquet")} == before
    assert list(temporary.iterdir()) == []


def test_each_of_several_runs_is_judged_by_what_can_be_expected_of_it(
    changed: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # A second worker would import torch once more.
    monkeypatch.setattr(provenance, "cores", lambda: 1)
    doctored, equal = runs_of(changed, "vanilla_policy_gradient")
    inside, outside = runs_of(changed, "baseline")
    before = {
        run: content["episodes"]["return"].to_pylist() for run, content in contents(changed).items()
    }

    def add(number: float) -> Callable[[dict[str, Any]], None]:
        return lambda episode: episode.update({"return": episode["return"] + number})

    change(changed, doctored, add(0.5))
    change(changed, equal, **ELSEWHERE)
    change(changed, inside, add(0.5), **ELSEWHERE)
    add_seeds(changed, inside, before[inside][-1], first=10)
    change(changed, outside, add(1e6), digest="0123456789abcdef")
    add_seeds(changed, outside, 1e6, first=20)

    command = ["verify", doctored, equal[:14], inside, outside, "--results", str(changed)]
    assert main(command) == 1
    output = capsys.readouterr().out
    lines = {line[:16]: line for line in output.splitlines() if line[16:18] == " ("}
    assert set(lines) == {doctored, equal, inside, outside}
    first = before[doctored][0]
    assert lines[doctored].endswith(
        "seed 0): NOT bit for bit, though processor, versions and code are the same: "
        f"episodes, row 0, return: {first + 0.5} stored, {first} trained again"
    )
    assert "bit for bit, although processor another one stored, " in lines[equal]
    assert "bits may differ (processor another one stored, " in lines[inside]
    assert ", inside the 99.5% prediction " in lines[inside]
    # Of one description, but of other code.
    assert "bits may differ (code 0123456789abcdef stored, " in lines[outside]
    assert ", OUTSIDE the 99.5% prediction " in lines[outside]
    assert all(lines[run].endswith(" of n = 11 stored seeds") for run in (inside, outside))
    assert (
        "1 bit for bit, 1 NOT bit for bit, 1 inside the prediction, 1 OUTSIDE the prediction"
    ) in output.splitlines()
    assert "It assumes that scores are normally distributed over seeds" in output
    assert list(temporary.iterdir()) == []


def test_a_run_that_fails_this_time_is_told(
    changed: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(plan: Plan, store: Store, **_: object) -> Summary:
        (cell,) = plan.cells
        return Summary(failures={(cell.description, "the wheels came off"): 1})

    monkeypatch.setattr(runner, "run", run)
    (first, _) = runs_of(changed, "baseline")
    assert main(["verify", first, "--results", str(changed)]) == 1
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == "1 run of baseline in CartPole-v1 FAILED: the wheels came off"
    assert list(temporary.iterdir()) == []


def test_unless_it_is_said_which_a_short_run_of_this_tree_s_code_is_chosen(changed: Path) -> None:
    store = Store(changed)
    table = store.runs()
    first, second, third, fourth = table.index
    table.loc[first, "budget"] = 300
    assert verb._shortest(table, store)["run"].tolist() == [table.loc[first, "run"]]
    table.loc[first, "digest"] = "0"
    table.loc[second, "budget"] = 350
    assert verb._shortest(table, store)["run"].tolist() == [table.loc[second, "run"]]
    # Where all are of other code, again the shortest; what can't be trained here is left out.
    table["digest"] = "0"
    assert verb._shortest(table, store)["run"].tolist() == [table.loc[first, "run"]]
    table.loc[first, "status"] = "failed"
    table.loc[second, "algorithm"] = "gone"
    table.loc[third, "device"] = "cuda"
    assert verb._shortest(table, store)["run"].tolist() == [table.loc[fourth, "run"]]
    with pytest.raises(InputError, match=r"no run in .*changed that could be trained again"):
        verb._shortest(table.drop(index=fourth), store)


def test_what_cannot_be_verified_is_refused_before_anything_is_trained(
    changed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    first, second = runs_of(changed, "baseline")
    third, fourth = runs_of(changed, "vanilla_policy_gradient")
    text = row_of(contents(changed)[first])["canonical"]
    description = Description.from_canonical(text)
    change(changed, first, status="failed", reason="it broke")
    change(changed, second, canonical="{}")
    change(changed, third, canonical=text)
    refusals = {
        first: f"run {first} failed, so there is no result of it: it broke",
        second: f"run {second} has no usable description: no canonical description: '{{}}'",
        third: f"run {third} is not the run that its description and seed name",
        "zz": f"unknown run in {changed} 'zz'. Allowed: ",
        "": "run '' is not one run: ",
    }
    for other, message in (
        (replace(description, algorithm="gone"), "unknown algorithm 'gone'"),
        (replace(description, back_end="gone"), "no back end 'gone'"),
        (replace(description, device="cuda"), "device 'cuda' is not available"),
    ):
        names = {"canonical": other.canonical(), "algorithm": other.algorithm}
        copy(changed, fourth, other.run(0), **names, seed=0)
        refusals[other.run(0)] = message
    for run, message in refusals.items():
        assert_refused(["verify", fourth, run, "--results", str(changed)], message, capsys)
    assert "2 others" in main_error(capsys, ["verify", "zz", "--results", str(changed)])


def main_error(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    assert main(arguments) == 2
    return capsys.readouterr().err


def test_only_runs_of_an_ablation(
    ablation_file: Path, changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (_, run) = runs_of(changed, "baseline")
    rows = Store(changed).plans().to_pylist()
    Store(changed).write_plan([row for row in rows if row["variant"] == "vanilla"])
    command = ["verify", run, "--results", str(changed), "--ablation"]
    for name in ("small", str(ablation_file)):
        error = main_error(capsys, [*command, name])
        assert f"unknown run in {changed} {run!r}" in error
    assert "unknown ablation in" in main_error(capsys, [*command, "smal"])
    error = main_error(capsys, ["verify", "--results", str(tmp_path / "nowhere")])
    assert error == f"error: results folder {tmp_path / 'nowhere'} does not exist\n"


def test_a_run_that_cannot_be_read_is_refused(
    changed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run, _) = runs_of(changed, "baseline")
    (path,) = (changed / "episodes").glob(f"{run}.*")
    content = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(2)
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(content)
    error = main_error(capsys, ["verify", run, "--results", str(changed)])
    assert error.startswith(f"error: unknown run in {changed} {run!r}")
    assert f"{path} is torn" in error
