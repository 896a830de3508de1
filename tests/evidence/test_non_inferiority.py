"""New results against stored ones: the right verdict, and how often it is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cli.app import main
from bench.evidence.non_inferiority import judge, overall
from bench.store import NO_EPISODES, NO_UPDATES, PUBLISHED, Store
from tests.evidence.report import made_results
from tests.evidence.report.made_results import SyntheticAblation, write

CELL = ("Hopper-v5", "clip")
UNTRAINED = {"Hopper-v5": 0.0}
SPREAD = np.linspace(-5.0, 5.0, 10)


@pytest.mark.parametrize(
    ("decrease", "margin", "outcome"),
    [
        (0.0, 0.1, "no worse"),
        (-50.0, 0.0, "no worse"),
        (30.0, 0.1, "worse"),
        (10.0, 0.1, "can't tell"),
        (0.0, 0.0, "can't tell"),
    ],
)
def test_the_bounds_decide(decrease: float, margin: float, outcome: str) -> None:
    (cell,) = judge({CELL: 100 + SPREAD}, {CELL: 100 + SPREAD - decrease}, UNTRAINED, margin)
    assert cell.outcome == outcome
    assert cell.difference == pytest.approx(-decrease / 100)


def test_one_cell_that_is_worse_is_enough_and_one_that_is_open_too() -> None:
    cells = {("a", "x"): 100 + SPREAD, ("a", "y"): 100 + SPREAD}
    worse = judge(cells, {**cells, ("a", "y"): 50 + SPREAD}, {"a": 0.0}, 0.1)
    assert [cell.outcome for cell in worse] == ["no worse", "worse"]
    assert overall(worse) == "worse"
    few = judge(cells, {**cells, ("a", "y"): np.array([1.0, 2.0])}, {"a": 0.0}, 0.1)
    assert overall(few) == "can't tell"
    assert overall(judge(cells, cells, {"a": 0.0}, 0.1)) == "no worse"


def test_without_a_gain_there_is_no_unit() -> None:
    (cell,) = judge({CELL: 100 + SPREAD}, {CELL: 100 + SPREAD}, {"Hopper-v5": 200.0}, 0.5)
    assert np.isnan(cell.difference) and cell.outcome == "can't tell"


def test_normal_scores_are_judged_wrongly_as_often_as_said() -> None:
    scores = np.random.default_rng(1).normal(1000, 100, 5_000)
    generator, rates = np.random.default_rng(2), {}
    for lost in (0.0, 0.2, 0.4):  # nothing, the margin, twice it
        shares = {"no worse": 0.0, "worse": 0.0, "can't tell": 0.0}
        for _ in range(2_000):
            old, new = (generator.choice(scores, 10) for _ in range(2))
            fresh = new - lost * float(scores.mean())
            (verdict,) = judge({CELL: old}, {CELL: fresh}, UNTRAINED, 0.2)
            shares[verdict.outcome] += 1 / 2_000
        rates[lost] = shares
    # At the margin "no worse" is wrong, and allowed in one case of twenty. Four standard errors.
    assert rates[0.2]["no worse"] < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 2_000)
    assert rates[0.0]["worse"] == 0 and rates[0.4]["no worse"] == 0
    assert rates[0.0]["no worse"] > 0.95 and rates[0.4]["worse"] > 0.95


def test_the_command_s_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--results", str(PUBLISHED), "--against", str(PUBLISHED))
    assert main(["compare", "baseline", *options, "--margin", "3"]) == 0
    assert main(["compare", "baseline", *options, "--margin", "0"]) == 3
    assert "can't tell: differences are shares" in capsys.readouterr().out
    assert main(["compare", "baseline", "--against", str(tmp_path / "nowhere")]) == 2


def test_unlike_scores_are_not_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, new = tmp_path / "stored", tmp_path / "new"
    results = SyntheticAblation(name="baseline", seeds=5)
    write(stored, results)
    monkeypatch.setattr(made_results, "BUDGET", 2 * made_results.BUDGET)
    write(new, results)
    monkeypatch.undo()
    command = ["compare", "baseline", "--results", str(new), "--against", str(stored)]
    assert main(command) == 3
    output = " ".join(capsys.readouterr().out.split())
    assert output.count("Not compared: baseline: variant_") == 4
    assert output.count(f"(2,000 steps, {stored} has 1,000)") == 4


def test_what_one_folder_alone_has_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored, new = tmp_path / "stored", tmp_path / "new"
    write(stored, SyntheticAblation(name="baseline", missing=[("Hopper-v5", 0)]))
    write(new, SyntheticAblation(name="baseline", missing=[("Walker2d-v5", 1)]))
    command = ["compare", "baseline", "--results", str(new), "--against", str(stored), "--json"]
    assert main([*command, "--margin", "1"]) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert answer["not_compared"] == [
        {"environment": name, "variant": f"baseline: {variant}", "reason": f"{where} {stored}"}
        for name, variant, where in (
            ("Hopper-v5", "variant_0", "not in"),
            ("Walker2d-v5", "variant_1", "only in"),
        )
    ]
    assert len(answer["cells"]) == 2 and answer["verdict"] == "no worse"
    lines = " ".join(captured.err.split())
    assert f"Not compared: baseline: variant_1 on Walker2d-v5 (only in {stored})." in lines


@pytest.mark.parametrize("seeds", [4, 10])
def test_a_variant_whose_new_runs_failed_does_not_pass(
    seeds: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored, new = tmp_path / "stored", tmp_path / "new"
    write(stored, SyntheticAblation(name="baseline"))
    write(new, SyntheticAblation(name="baseline"))
    store = Store(new)
    for row in store.runs().to_dict("records"):
        if row["description"] == "baseline-0-1" and row["seed"] < seeds:
            failed = {name: value for name, value in row.items() if not pd.isna(value)}
            failed |= {"status": "failed", "reason": "out of memory", "episodes": 0, "updates": 0}
            store.write_run(failed, NO_EPISODES, NO_UPDATES, None)
    command = ["compare", "baseline", "--results", str(new), "--against", str(stored)]
    assert main([*command, "--margin", "1"]) == 3
    output = " ".join(capsys.readouterr().out.split())
    assert "Failed runs" in output
    assert f"baseline: variant_1 on Hopper-v5 ({seeds} of 10 new runs have no score)" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--margin", "0.2"], "--margin is for --against"),
        (["--against", str(PUBLISHED), "--output", "page.md"], "--output writes differences"),
        # Not the published results, which would be held against themselves.
        (["--against", str(PUBLISHED)], "does not exist"),
    ],
)
def test_options_that_would_be_ignored_are_refused(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PPO_LADDER_RESULTS", str(tmp_path / "none"))
    assert main(["compare", "baseline", *options]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_without_a_name_both_folders_ablations_are_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("stored", "new"):
        write(tmp_path / folder, SyntheticAblation(name="baseline", seeds=3))
    # Its runs have ids of their own, as the places of their variants are others.
    places = [
        (environment, place) for environment in ("Hopper-v5", "Walker2d-v5") for place in (0, 1)
    ]
    ladder = SyntheticAblation(name="ladder", variants="abcd", missing=places, seeds=3)
    write(tmp_path / "new", ladder)
    folders = ("--results", str(tmp_path / "new"), "--against", str(tmp_path / "stored"))
    assert main(["compare", *folders]) == 3
    output = " ".join(capsys.readouterr().out.split())
    assert output.count("ladder") == 1
    assert f"Not compared: ladder (not in {tmp_path / 'stored'})." in output
    assert main(["compare", "ladder", *folders]) == 2
