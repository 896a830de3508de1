"""One question, one family of tests: every output gives a comparison the same p-value."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
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

ORDINARY = {"baseline", "experiment", "sequence", "surrogates"}
"""One of each page; the others are read with the documents, which say what they show."""

NAMES = [
    pytest.param(name, marks=() if name in ORDINARY else pytest.mark.documents)
    for name in sorted(set(Store(PUBLISHED, read_only=True).plans()["ablation"].to_pylist()))
]


@dataclass(frozen=True)
class Question:
    name: str
    view: View

    @cached_property
    def findings(self) -> Findings:
        return findings(self.view)

    @cached_property
    def results(self) -> Results:
        return Results(view=self.view, source="", as_shown=False)

    @cached_property
    def sentences(self) -> list[str]:
        """Every claim, in the order of the page."""
        return [row.verdict.sentence for table in self.findings.tables for row in table.rows]

    @cached_property
    def adjusted(self) -> dict[tuple[str, str], float]:
        """The adjusted p-value of every comparison that is tested, by environment and variant."""
        return {
            (verdict.environment, verdict.variant): verdict.adjusted
            for verdict in self.findings.verdicts
            if verdict.outcome not in ("control", "untested")
        }

    @cached_property
    def family(self) -> int:
        (comparisons,) = {verdict.comparisons for verdict in self.findings.verdicts}
        return comparisons


@pytest.fixture(scope="module", params=NAMES)
def question(request: pytest.FixtureRequest) -> Question:
    return Question(request.param, load(request.param, PUBLISHED))


def adjusted_p_values(frame: pd.DataFrame) -> dict[tuple[str, str], float]:
    indexed = frame.set_index(["environment", "variant"])
    p_values: dict[tuple[str, str], float] = indexed["adjusted_p_value"].dropna().to_dict()
    return p_values


def test_python_s_comparison(question: Question) -> None:
    frame = bench.compare(question.view)
    page = question.findings
    over_all = [row for row in page.rivals if row.over_all]
    further = {
        (f"{verdict.environment}, gold reward", verdict.variant): verdict.adjusted
        for verdict in page.golden
        if verdict.outcome not in ("control", "untested")
    }
    for row in over_all:
        place = f"mean over {len(row.environments)} environments"
        further[place, row.verdict.variant] = row.verdict.adjusted
    assert adjusted_p_values(frame) == question.adjusted | further
    assert set(frame["comparisons"]) == {question.family}
    claims = [verdict.sentence for verdict in page.golden] + [row.claim for row in over_all]
    assert frame["claim"].tolist() == question.sentences + claims


def test_the_terminal(question: Question) -> None:
    output = io.StringIO()
    for table in question.findings.tables:
        print_table(
            Console(file=output, width=400), table.environment, HEADER, ALIGNMENT, table.cells
        )
    text = output.getvalue()
    assert all(sentence in text for sentence in question.sentences)


def test_the_report(question: Question) -> None:
    facts = tables.scores(question.results)
    assert [row[-1] for table in facts for row in table["rows"]] == question.sentences
    assert {
        (verdict.environment, verdict.variant): verdict.adjusted
        for verdict in question.results.verdicts
        if verdict.outcome not in ("control", "untested")
    } == question.adjusted


def test_the_tables_beside_figures(question: Question) -> None:
    text = tables_as_markdown(question.view)
    claims = {sentence for sentence in question.sentences if sentence != "control"}
    if page_of(question.view.plan) == "figure_3":
        # Its page words a claim by who is better; the evidence is the same.
        claims = set(re.findall(r"\((p .*?)\)", " ".join(claims)))
        assert claims
    assert all(claim in text for claim in claims)
    if question.findings.letters is not None:
        assert f"over {question.findings.letters.comparisons} comparisons, a family" in text


def test_the_table_of_the_csv_export(question: Question) -> None:
    page_findings, view = question.findings, question.view
    view = replace(view, episodes=view.episodes[:0], updates=view.updates[:0])
    frame = tidy_tables(page_findings.tables, page_findings.scores, view)["statistics"]
    assert adjusted_p_values(frame) == question.adjusted
    assert frame["claim"].tolist() == question.sentences


@pytest.mark.parametrize("name", ["baseline", "sequence"])
def test_the_csv_export(name: str, tmp_path: Path) -> None:
    options = ["--ablation", name, "--results", str(PUBLISHED), "--to", "csv"]
    assert main(["export", *options, "--output", str(tmp_path)]) == 0
    question = Question(name, load(name, PUBLISHED))
    assert adjusted_p_values(pd.read_csv(tmp_path / "statistics.csv")) == pytest.approx(
        question.adjusted
    )
    letters = pd.read_csv(tmp_path / "letters.csv")
    assert question.findings.letters is not None
    assert letters["letters"].tolist() == [text for _, text in question.findings.letters.rows]


def test_the_latex_export(question: Question) -> None:
    export = latex(question.results)
    outcomes = [verdict.outcome for verdict in question.findings.verdicts]
    for outcome, mark in (("better", "uparrow"), ("worse", "downarrow")):
        # Once in the caption that explains it, where there is a claim.
        explained = any(claimed in outcomes for claimed in ("better", "worse"))
        assert export.table.count(mark) == outcomes.count(outcome) + explained
    if question.adjusted:
        assert f"adjusted over {question.family} comparisons" in export.table
        assert f"over all {question.family} comparisons" in export.methods
    rivals, golden = question.findings.rivals, question.findings.golden
    for row in rivals:
        if row.over_all and row.verdict.outcome == "worse":
            size = f"{abs(row.verdict.difference):.2f}"
            better = f"against ``{escaped(row.rival_title)}'' {row.first_title} better by {size}"
            assert better in export.table
    for verdict in golden:
        if verdict.outcome != "control":
            assert (escaped(verdict.sentence) in export.table) == (verdict.outcome != "none")
    if question.name in ORDINARY:
        among = {
            "experiment": ", 5 of them over several environments",
            "sequence": ", 11 of them on gold rewards",
        }
        for text in (export.table, export.methods):
            assert among.get(question.name, "comparisons") in text
        # Seventy differences over all environments are too many to enumerate their signs.
        assert ("an exact sign-flip test" in export.methods) == (question.name != "experiment")
    letters = question.findings.letters
    assert ("Variants that share a letter" in export.table) == (letters is not None)
    if letters is not None:
        for row, text in letters.rows:
            lines = [line for line in export.table.splitlines() if escaped(row.title) in line]
            assert any(line.endswith(rf"& {text} \\") for line in lines)
        assert f"of its own of {letters.comparisons} comparisons" in export.methods
        assert "piepho2004letter" in export.bibliography


def test_rivals_are_compared_as_everywhere_else(question: Question) -> None:
    p_values = {
        (row.environments[0], row.verdict.variant): row.verdict.adjusted
        for row in question.findings.rivals
        if not row.over_all
    }
    if page_of(question.view.plan) == "figure_3":
        assert p_values == question.adjusted
        assert any(row.over_all for row in question.findings.rivals)
    else:
        assert not question.findings.rivals


def test_a_view_without_runs_has_no_findings() -> None:
    view = load("baseline", PUBLISHED)
    empty = View(**{**vars(view), "runs": view.runs[:0], "episodes": view.episodes[:0]})
    with pytest.raises(InputError, match="no runs"):
        findings(empty)
