"""One question, one family of tests: every output gives a comparison the same p-value."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

import bench
from bench.cli.app import main
from bench.cli.text_tables import print_table
from bench.errors import InputError
from bench.evidence.export.latex import escaped, latex
from bench.evidence.export.tidy import tidy_tables
from bench.evidence.findings import Findings, findings, page_of
from bench.evidence.pages.tables_page import tables_as_markdown
from bench.evidence.report import tables
from bench.evidence.results import Results
from bench.evidence.tables import ALIGNMENT, HEADER
from bench.store import PUBLISHED, Store, View, load

NAMES = sorted(set(Store(PUBLISHED, read_only=True).plans()["ablation"].to_pylist()))


@dataclass(frozen=True)
class Question:
    name: str
    view: View

    @cached_property
    def found(self) -> Findings:
        return findings(self.view)

    @cached_property
    def results(self) -> Results:
        return Results(view=self.view, source="", as_shown=False)

    @cached_property
    def sentences(self) -> list[str]:
        """Every claim, in the order of the page."""
        return [row.verdict.sentence for table in self.found.tables for row in table.rows]

    @cached_property
    def adjusted(self) -> dict[tuple[str, str], float]:
        """The adjusted p-value of every comparison that is tested, by environment and variant."""
        return {
            (each.environment, each.variant): each.adjusted
            for each in self.found.verdicts
            if each.outcome not in ("control", "untested")
        }

    @cached_property
    def family(self) -> int:
        (number,) = {each.comparisons for each in self.found.verdicts}
        return number


@pytest.fixture(scope="module", params=NAMES)
def question(request: pytest.FixtureRequest) -> Question:
    return Question(request.param, load(request.param, PUBLISHED))


def told(frame: pd.DataFrame) -> dict[tuple[str, str], float]:
    indexed = frame.set_index(["environment", "variant"])
    found: dict[tuple[str, str], float] = indexed["adjusted_p_value"].dropna().to_dict()
    return found


def test_python_s_comparison(question: Question) -> None:
    frame = bench.compare(question.view)
    assert told(frame) == question.adjusted
    assert set(frame["comparisons"]) == {question.family}
    assert frame["claim"].tolist() == question.sentences


def test_the_terminal(question: Question) -> None:
    file = io.StringIO()
    for each in question.found.tables:
        print_table(Console(file=file, width=400), each.environment, HEADER, ALIGNMENT, each.cells)
    text = file.getvalue()
    assert all(sentence in text for sentence in question.sentences)


def test_the_report(question: Question) -> None:
    facts = tables.scores(question.results)
    assert [row[-1] for table in facts for row in table["rows"]] == question.sentences
    assert {
        (each.environment, each.variant): each.adjusted
        for each in question.results.verdicts
        if each.outcome not in ("control", "untested")
    } == question.adjusted


def test_the_tables_beside_figures(question: Question) -> None:
    text = tables_as_markdown(question.view)
    claims = {each for each in question.sentences if each != "control"}
    if page_of(question.view.plan) == "figure_3":
        # Its page words a claim by who is better; the evidence is the same.
        claims = set(re.findall(r"\((p .*?)\)", " ".join(claims)))
        assert claims
    assert all(claim in text for claim in claims)
    if question.found.letters is not None:
        assert f"over {question.found.letters.comparisons} comparisons, a family" in text


def test_the_table_of_the_csv_export(question: Question) -> None:
    found, view = question.found, question.view
    nothing = view.episodes[:0], view.updates[:0]
    frame = tidy_tables(found.tables, found.scores, *nothing)["statistics"]
    assert told(frame) == question.adjusted
    assert frame["claim"].tolist() == question.sentences


@pytest.mark.parametrize("name", ["baseline", "sequence"])
def test_the_csv_export(name: str, tmp_path: Path) -> None:
    asked = ["--ablation", name, "--results", str(PUBLISHED), "--to", "csv"]
    assert main(["export", *asked, "--output", str(tmp_path)]) == 0
    question = Question(name, load(name, PUBLISHED))
    assert told(pd.read_csv(tmp_path / "statistics.csv")) == pytest.approx(question.adjusted)
    letters = pd.read_csv(tmp_path / "letters.csv")
    assert question.found.letters is not None
    assert letters["letters"].tolist() == [text for _, text in question.found.letters.rows]


def test_the_latex_export(question: Question) -> None:
    made = latex(question.results)
    outcomes = [each.outcome for each in question.found.verdicts]
    for outcome, mark in (("better", "uparrow"), ("worse", "downarrow")):
        # Once in the caption that explains it, where there is a claim.
        explained = any(each in outcomes for each in ("better", "worse"))
        assert made.table.count(mark) == outcomes.count(outcome) + explained
    if question.adjusted:
        assert f"adjusted over {question.family} comparisons" in made.table
        assert f"over all {question.family} comparisons" in made.methods
    letters = question.found.letters
    assert ("Variants that share a letter" in made.table) == (letters is not None)
    if letters is not None:
        for row, text in letters.rows:
            named = [line for line in made.table.splitlines() if escaped(row.title) in line]
            assert any(line.endswith(rf"& {text} \\") for line in named)
        assert f"of its own of {letters.comparisons} comparisons" in made.methods
        assert "piepho2004letter" in made.bibliography


def test_rivals_are_compared_as_everywhere_else(question: Question) -> None:
    single = {
        (row.environments[0], row.verdict.variant): row.verdict.adjusted
        for row in question.found.rivals
        if not row.over_all
    }
    if page_of(question.view.plan) == "figure_3":
        assert single == question.adjusted
        assert any(row.over_all for row in question.found.rivals)
    else:
        assert not question.found.rivals


def test_a_view_without_runs_has_no_findings() -> None:
    view = load("baseline", PUBLISHED)
    empty = View(**{**vars(view), "runs": view.runs[:0], "episodes": view.episodes[:0]})
    with pytest.raises(InputError, match="no runs"):
        findings(empty)
