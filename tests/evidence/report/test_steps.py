"""The steps of the lecture: their code is there, and they tell all in which two rungs differ."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bench
from ablations import ABLATIONS
from ablations.ladder import ABLATION as LADDER
from bench.evidence.report import steps
from bench.evidence.report.excerpts import ROOT, excerpt
from bench.evidence.report.settings import differences
from bench.store.schema import SCHEMAS
from tests.evidence.report.made_results import SyntheticAblation, read, report, squeezed, write


@pytest.mark.parametrize("step", steps.STEPS, ids=lambda step: step.key)
def test_a_step_shows_a_few_lines_of_the_code_that_runs(step: steps.Step) -> None:
    excerpts = [excerpt(*location) for location in step.code]
    assert sum(len(source["text"].splitlines()) for source in excerpts) <= 18
    for listing, (file, *functions) in zip(excerpts, step.code, strict=True):
        nodes = ast.parse(listing["text"]).body
        assert [node.name for node in nodes if isinstance(node, ast.FunctionDef)] == functions
        assert '"""' not in listing["text"]
        lines = (ROOT / file).read_text().splitlines()
        assert lines[listing["line"] - 1].startswith(f"def {functions[0]}(")
        last_line = listing["text"].splitlines()[-1]
        assert last_line in lines


def test_a_function_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        excerpt("algorithms/returns.py", "nowhere")


def test_the_steps_are_the_ladder_s_rungs_in_its_order() -> None:
    rungs = [rung for step in steps.STEPS for rung in step.rungs]
    assert rungs == [variant.name for variant in LADDER.variants]
    assert {step.ablation for step in steps.STEPS} - {""} <= set(ABLATIONS)
    for step in steps.STEPS:
        assert {mechanism.column for mechanism in step.mechanisms} <= set(SCHEMAS["updates"].names)


def test_everything_that_differs_is_told() -> None:
    difference = differences(
        {"slots": "8", "epochs": "10"}, {"slots": "16", "baseline": "batch_mean"}
    )
    assert difference.text == (
        "slots 8 (16); only here: epochs 10; only there: baseline batch_mean"
    )
    assert differences({"slots": "8"}, {"slots": "8"}).text == ""


def test_the_first_edition_s_rungs_differ_in_more_than_the_critic() -> None:
    """The step size, the slots and the norm clip differ too."""
    from bench.evidence.report.settings import hyperparameters
    from bench.evidence.results import Results

    view = bench.load("ladder", Path(ROOT) / "results" / "published")
    values = hyperparameters(Results(view=view, source="here"))
    difference = differences(values["advantage"], values["discount"])
    assert ("learning_rate", "0.01", "0.003") in difference.changed
    assert ("slots", "8", "16") in difference.changed
    assert ("gradient_norm_clip", "0.5", "∞") in difference.changed
    assert "gae_lambda 0.95" in difference.added


def test_page_1_says_in_a_line_what_each_rung_bought(tmp_path: Path) -> None:
    names = [variant.name for variant in LADDER.variants]
    ablation = SyntheticAblation(
        name="ladder",
        title="The ladder",
        variants=[variant.title for variant in LADDER.variants],
        names=names.__getitem__,
        algorithms=[variant.algorithm for variant in LADDER.variants],
        environments=("Hopper-v5",),
    )
    write(tmp_path / "results", ablation)
    assert report(tmp_path / "results", tmp_path / "report.pdf", "--all") == 0
    text = read(tmp_path / "report.pdf")
    # The made-up rungs are each 100 above the one before; all are compared with the control here.
    assert squeezed("better on Hopper-v5 (+100, p = 0.014)") in text
    assert squeezed("the start: 106 on Hopper-v5") in text
    assert squeezed("Everything in which “+ baseline” differs from “policy gradient”") in text
    assert squeezed("the mean KL by which one batch moves the policy") in text
    for step in steps.STEPS:
        assert squeezed(step.title) in text
