"""One question, one family of tests: every output gives a comparison the same p-value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import bench
from bench.cli.app import main
from bench.cli.figure import _tables
from bench.errors import InputError
from bench.evidence.findings import Findings, findings, page_of
from bench.evidence.measures.anchors import anchors_for
from bench.evidence.results import Results
from bench.store import PUBLISHED, Store, View, load

NAMES = sorted(set(Store(PUBLISHED, read_only=True).plans()["ablation"].to_pylist()))


@dataclass(frozen=True)
class Question:
    name: str
    view: View
    found: Findings


@pytest.fixture(scope="module", params=NAMES)
def question(request: pytest.FixtureRequest) -> Question:
    view = load(request.param, PUBLISHED)
    return Question(request.param, view, findings(view))


def adjusted(question: Question) -> pd.Series:
    """The adjusted p-value of every comparison that is tested, by environment and variant."""
    found = {
        (each.environment, each.variant): each.adjusted
        for each in question.found.verdicts
        if each.outcome not in ("control", "untested")
    }
    return pd.Series(found, dtype=float).sort_index()


def test_python_s_comparison(question: Question) -> None:
    frame = bench.compare(question.view).set_index(["environment", "variant"])
    told = frame["adjusted_p_value"].dropna().sort_index()
    assert told.to_dict() == adjusted(question).to_dict()


def test_the_report(question: Question) -> None:
    material = Results(
        view=question.view, source="", given_anchors=anchors_for(question.view.source)
    )
    told = {
        (each.environment, each.variant): each.adjusted
        for each in material.verdicts
        if each.outcome not in ("control", "untested")
    }
    assert told == adjusted(question).to_dict()


def test_the_tables_beside_figures(question: Question) -> None:
    text = _tables(question.view)
    claims = {each.sentence for each in question.found.verdicts if each.outcome != "control"}
    if page_of(question.view.plan) == "figure_3":
        # Its page words a claim by who is better; the evidence is the same.
        claims = set(re.findall(r"\((p .*?)\)", " ".join(claims)))
        assert claims
    assert all(claim in text for claim in claims)


@pytest.mark.parametrize("name", ["baseline", "sequence"])
def test_exports(name: str, tmp_path: Path) -> None:
    asked = ["--ablation", name, "--results", str(PUBLISHED), "--to", "csv"]
    assert main(["export", *asked, "--output", str(tmp_path)]) == 0
    (path,) = (each for each in tmp_path.iterdir() if "adjusted_p_value" in each.read_text()[:500])
    frame = pd.read_csv(path).set_index(["environment", "variant"])
    told = frame["adjusted_p_value"].dropna().sort_index()
    view = load(name, PUBLISHED)
    expected = adjusted(Question(name, view, findings(view))).to_dict()
    assert expected
    assert told.to_dict() == pytest.approx(expected)


def test_rivals_are_compared_as_everywhere_else(question: Question) -> None:
    told = {
        (row.environments[0], row.rival): row.adjusted
        for row in question.found.rivals
        if not row.over_all
    }
    if page_of(question.view.plan) == "figure_3":
        assert told == adjusted(question).to_dict()
        assert any(row.over_all for row in question.found.rivals)
    else:
        assert not question.found.rivals


def test_a_view_without_runs_has_no_findings() -> None:
    view = load("baseline", PUBLISHED)
    empty = View(**{**vars(view), "runs": view.runs[:0], "episodes": view.episodes[:0]})
    with pytest.raises(InputError, match="no runs"):
        findings(empty)
