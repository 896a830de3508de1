"""The whole document, and what the verb says to bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import report as report_verb
from bench.cli.app import main
from bench.evidence.report.building import Builder
from bench.terminal.console import shown
from tests.evidence.report.made_results import (
    SyntheticAblation,
    pages,
    read,
    report,
    squeezed,
    write,
)

ORDER = (
    *("From the policy gradient to PPO, measured", "Policy gradient", "Tip 1: a baseline"),
    *("Tip 2: suitable credit", "The advantage, from a critic", "From on-policy to off-policy"),
    *("Adding a constraint: PPO with a KL penalty", "PPO2: the clip", "Made up", "References"),
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ablation of the suite by name, and a user's own. Not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    surrogates = ("importance_sampling", "clipped_ppo")
    write(
        folder, SyntheticAblation(name="clipping", title="Clipping", seeds=2, algorithms=surrogates)
    )
    write(folder, SyntheticAblation(seeds=2, environments=("Hopper-v5",)))
    return folder


def test_it_follows_the_lecture_and_ends_with_a_users_own(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    assert report(results, path, "--all", processes=2) == 0
    text = read(path)
    places = [text.index(squeezed(step)) for step in ORDER]
    assert places == sorted(places)
    clip = text.index(squeezed("PPO2: the clip"))
    assert clip < text.index(squeezed("Variants of “Clipping”")) < text.index("Madeup")
    assert squeezed("Neither ladder has results here.") in text
    # Lee's lecture is named with year and address; the code is named by its file.
    assert squeezed("Hung-yi Lee") in text and "2018" in text and "MLDS_2018" in text
    assert "algorithms/ladder/clipped_ppo.py" in text
    # ESS and KL against the epochs: rows of the variants that use a batch for several epochs.
    assert squeezed("Real training data") not in text
    assert "arXiv1707.06347" in text
    # One process makes what several do.
    builder = Builder(results=results, remarks=report_verb._remarks, shown=shown)
    progress: list[tuple[int, int]] = []
    document = builder.whole_document("pdf", "report", lambda *chapters: progress.append(chapters))
    assert document.files["report.pdf"] == path.read_bytes()
    assert progress == [(0, 2), (1, 2), (2, 2)]


def test_the_terminal_names_the_supplement(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.pdf"
    assert report(results, path) == 0
    assert {file.name for file in tmp_path.iterdir()} == {"mine.pdf", "mine-supplement.pdf"}
    output = capsys.readouterr().out
    assert "statistics, hyperparameters and run ids" in output and "mine-supplement.pdf" in output


@pytest.mark.documents
def test_the_published_results_take_35_pages_at_most(tmp_path: Path) -> None:
    """Every ablation of them; no page is half empty but the last of a chapter's."""
    path = tmp_path / "report.pdf"
    published = Path(report_verb.__file__).parents[2] / "results" / "published"
    assert report(published, path, "--all") == 0
    assert len(pages(path)) <= 35
    text = read(path)
    assert (
        squeezed("Figure 3") not in text or squeezed("Mean scores of ours, and the paper’s") in text
    )
    assert squeezed("Beside Table 1 of the PPO paper") in text
    assert (
        squeezed("gradient_norm_clip 0.5 (before: ∞), learning_rate 0.01 (before: 0.003)") in text
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "docx"), "unknown format 'docx'"),
        (("--output", "report.docx"), "its name must end in .pdf or .html"),
        (("--output", "report.pdf", "--format", "html"), "its name must end in .html"),
        (("--output", "/proc/nowhere/report.pdf"), "cannot write the report"),
        (("--ablation", "clippping"), "Did you mean 'clipping'?"),
    ],
)
def test_bad_input_gets_one_line(
    results: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    options = arguments if "--ablation" in arguments else ("--ablation", "made", *arguments)
    assert main(["report", "--results", str(results), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert message in error


def test_a_folder_without_results_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--results", str(tmp_path)]) == 2
    assert "there are no results to report" in capsys.readouterr().err
    assert main(["report", "--results", str(tmp_path / "nowhere")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_plan_without_runs_says_so(tmp_path: Path) -> None:
    results = write(tmp_path / "results", SyntheticAblation(seeds=0))
    path = tmp_path / "report.pdf"
    assert report(results, path) == 0
    assert squeezed("No results. Nothing can be said: no run is there yet.") in read(path)
    assert [file.name for file in path.parent.glob("*.pdf")] == ["report.pdf"]
