"""The report of one ablation: its sections, and numbers equal to those of the statistics."""

from __future__ import annotations

import io
from pathlib import Path

import pypdf
import pytest

import bench
from bench.cli.app import main
from bench.evidence.scores import score_runs
from bench.evidence.verdicts import return_text
from tests.experiment_results import Made, untrained_score, write


def read(path: Path) -> str:
    """The text of a PDF without any space: where lines break does not matter."""
    reader = pypdf.PdfReader(io.BytesIO(path.read_bytes()))
    return squeezed(" ".join(page.extract_text() for page in reader.pages))


def squeezed(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two policies that don't learn, ten seeds each. Not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    write(folder, "untrained", Made(of=untrained_score, seeds=10, episodes=20))
    return folder


def test_it_has_every_section_and_the_numbers_of_the_statistics(
    results: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "untrained.pdf"
    arguments = ["report", "--ablation", "untrained", "--results", str(results)]
    assert main([*arguments, "--output", str(path)]) == 0
    text = read(path)
    for section in ("What is compared", "Learning curves", "Scores", "Over all environments"):
        assert squeezed(section) in text
    view = bench.load("untrained", results)
    scores = score_runs(view.runs, view.episodes, view.updates)
    for _, cell in scores.groupby(["environment", "variant"]):
        assert return_text(float(cell["score"].mean())) in text
    for run in view.runs["run"]:
        assert run in text
