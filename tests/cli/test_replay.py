"""`verify --adopt`: code adopts the runs whose beginning it gives again, and no other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from changed_store import change, contents, runs_of

from bench.cli import replay
from bench.cli.app import main
from bench.plan.digest import code_digest
from bench.store import Store, publish
from bench.store.content import first_difference, row_of
from bench.train import provenance, runner

OLD = "0" * 16
STEPS = 150


@pytest.fixture
def stale(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained store, as if by other code; its runs are replayed up to a part of their steps."""
    folder = tmp_path / "stale"
    shutil.copytree(trained, folder)
    for run in contents(folder):
        change(folder, run, digest=OLD)
    monkeypatch.setattr(replay, "STEPS", STEPS)
    # A second worker would import torch once more.
    monkeypatch.setattr(provenance, "cores", lambda: 1)
    return folder


def after(step: int, number: float) -> Callable[[dict[str, Any]], None]:
    """Adds to the returns of episodes that end after a step."""
    return lambda episode: episode.update(
        {"return": episode["return"] + number * (episode["step"] > step)}
    )


def last_step_of_replay(store: Path, run: str) -> int:
    """Where a replay ends: with the batch that takes it to its steps."""
    updates = contents(store)[run]["updates"].to_pylist()
    return next(update["step"] for update in updates if update["step"] >= STEPS)


def test_runs_that_begin_alike_are_adopted_and_others_stay_stale(
    stale: Path, ablation_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = runs_of(stale, "baseline")
    other, another = runs_of(stale, "vanilla_policy_gradient")
    # After what is replayed, nothing is compared; before, everything.
    change(stale, first, after(last_step_of_replay(stale, first), 1.0))
    change(stale, other, after(0, 1.0))
    before = contents(stale)

    command = ["show", str(ablation_file), "--results", str(stale)]
    assert main(command) == 0
    assert "4 runs done by other code" in capsys.readouterr().out

    assert main(["verify", "--adopt", "--results", str(stale)]) == 1
    output = capsys.readouterr().out
    lines = {line[:16]: line for line in output.splitlines() if line[16:18] == " ("}
    agreed, differing = (row_of(before[run])["description"] for run in (first, other))
    assert lines[agreed].endswith("in CartPole-v1, seed 0): bit for bit, 2 runs adopted")
    value = before[other]["episodes"]["return"][0].as_py()
    assert lines[differing].endswith(
        "NOT bit for bit, 2 runs left stale: "
        f"episodes, row 0, return: {value} stored, {value - 1} replayed"
    )
    assert (
        f"Replaying the first {STEPS} steps of 2 descriptions of {stale}, one seed each." in output
    )
    assert "Descriptions that agree: 1 of 2; 2 runs adopted by the code of this tree." in output

    adopted = code_digest(Store(stale).runs().set_index("run").loc[first])
    assert Store(stale).finished() == {
        **{run: {OLD, adopted} for run in (first, second)},
        **{run: {OLD} for run in (other, another)},
    }
    for run, content in contents(stale).items():
        assert first_difference(content, before[run]) is None
        assert row_of(content) == {**row_of(before[run]), "adopted": row_of(content)["adopted"]}

    assert main(command) == 0
    assert "2 runs done by other code" in capsys.readouterr().out
    files = ["--results", str(stale), "--output", str(stale / "small.png")]
    assert main(["figure", "--ablation", "small", *files]) == 0
    assert "2 of 4 runs come from other code than this tree's" in capsys.readouterr().out
    # What is adopted is replayed no more.
    assert main(["verify", "--adopt", first, second, "--results", str(stale)]) == 0
    assert capsys.readouterr().out == f"Nothing to replay in {stale}.\n"


def test_a_published_store_is_adopted_and_otherwise_left_as_it_is(
    stale: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Runs whose budget is smaller than what is replayed are compared whole.
    monkeypatch.setattr(replay, "STEPS", 20_000)
    machine = json.dumps({"processor": provenance.provenance().machine["processor"]})
    elsewhere, on_gpu = runs_of(stale, "baseline")
    change(stale, elsewhere, machine=json.dumps({"processor": "Abacus", "model": "beads"}))
    change(stale, on_gpu, device="cuda")
    for run in runs_of(stale, "vanilla_policy_gradient"):
        change(stale, run, machine=machine)
    published = tmp_path / "published"
    publish(stale, published)
    before = contents(published)

    assert main(["verify", "--adopt", "--results", str(published)]) == 0
    output = capsys.readouterr().out
    assert "Descriptions that agree: 1 of 1; 2 runs adopted by the code of this tree." in output
    assert "Left: 1 run, made on another processor: Abacus (beads); this one is " in output
    assert "Left: 1 run, made on cuda, where bits are not promised" in output
    assert {
        run: row_of(content)["adopted"] is None for run, content in contents(published).items()
    } == {run: row_of(content)["algorithm"] == "baseline" for run, content in before.items()}
    for run, content in contents(published).items():
        assert first_difference(content, before[run]) is None


def test_a_replay_that_failed_adopts_nothing(
    stale: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = runner.run

    def failed(plan: Any, fresh: Store, **options: Any) -> Any:
        summary = train(plan, fresh, **options)
        for run, content in contents(fresh.path).items():
            if row_of(content)["algorithm"] == "baseline":
                change(fresh.path, run, status="failed", reason="killed")
        return summary

    monkeypatch.setattr(runner, "run", failed)
    command = ["verify", "--adopt", "--ablation", "small", "--results", str(stale), "--json"]
    assert main(command) == 0
    answer = json.loads(capsys.readouterr().out)
    adopted = runs_of(stale, "vanilla_policy_gradient")
    assert answer == {"agree": True, "runs": {adopted[0]: "equal"}, "adopted": adopted}
    assert {run for run, digests in Store(stale).finished().items() if len(digests) == 2} == {
        *adopted
    }


def test_what_agreed_before_an_interruption_is_adopted(
    stale: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = runner.run

    def interrupted(*arguments: Any, **options: Any) -> None:
        train(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", interrupted)
    assert main(["verify", "--adopt", "--ablation", "small", "--results", str(stale)]) == 130
    captured = capsys.readouterr()
    assert "4 runs adopted" in captured.out
    assert "what agreed is adopted" in captured.out + captured.err
    assert all(OLD in digests and len(digests) == 2 for digests in Store(stale).finished().values())


def test_what_cannot_be_trained_again_is_left_and_told(
    stale: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = runs_of(stale, "baseline")
    for run in (*runs_of(stale, "vanilla_policy_gradient"), second):
        change(stale, run, status="failed", reason="it broke")
    change(stale, first, canonical="{}")
    assert main(["verify", "--adopt", "--results", str(stale)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Nothing to replay in {stale}.",
        f"Left: 1 run, which can't be trained again: run {first} has no usable description: "
        "no canonical description: '{}'",
    ]
