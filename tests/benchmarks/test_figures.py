"""A figure from a million episodes, and all that happens between the store and a finished page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.evidence.figures.kinds import picture
from bench.evidence.figures.output import save
from bench.evidence.measures.scores import score_runs
from bench.evidence.results import Results
from bench.evidence.tables import Table, make_tables
from bench.evidence.verdicts import judge_plan
from bench.store import View, load
from tests.benchmarks.million_episodes import ABLATION, ENVIRONMENTS, NUMBER

pytestmark = pytest.mark.benchmarks

PNG = b"\x89PNG"


def draw(view: View, path: Path) -> Path:
    figure = picture(Results(view=view, source="a benchmark")).figure
    return save(figure, path)


def test_learning_curves(benchmark: Any, view: View, tmp_path: Path) -> None:
    """Drawn and written as PNG."""
    assert len(view.episodes) == NUMBER
    path = benchmark.pedantic(draw, (view, tmp_path / "page.png"), rounds=3)
    assert path.read_bytes().startswith(PNG)


def test_store_to_page(benchmark: Any, stored: Path, tmp_path: Path) -> None:
    """Read, statistics, figure: meant to take less than 10 s, but a busy machine fails nothing."""

    def page() -> tuple[tuple[Table, ...], Path]:
        view = load(ABLATION, stored)
        scores = score_runs(view.runs, view.episodes, view.updates)
        tables = make_tables(scores, judge_plan(view.plan, scores)[0])
        return tables, draw(view, tmp_path / "page.png")

    tables, path = benchmark.pedantic(page, rounds=2)
    assert [table.environment for table in tables] == list(ENVIRONMENTS)
    assert path.read_bytes().startswith(PNG)
