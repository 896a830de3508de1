"""The whole document, and what the verb says to bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import report as report_verb
from bench.cli.app import main
from bench.cli.words import shown
from bench.evidence.report.building import Builder
from tests.evidence.report.made_results import Made, read, report, squeezed, write

STEPS = (
    *("Policy gradient", "Tips", "From on-policy to off-policy"),
    *("The trouble with importance sampling", "Adding a constraint: KL-PPO", "PPO2: the clip"),
    *("The ladder", "The Experiment", "How it is measured", "References", "Appendix"),
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ablation of the suite by name, and a user's own. Not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    surrogates = ("importance_sampling", "clipped_ppo")
    write(folder, Made(name="clipping", title="Clipping", seeds=2, algorithms=surrogates))
    write(folder, Made(seeds=2, environments=("Hopper-v5",)))
    return folder


def test_it_follows_the_lecture_and_ends_with_a_users_own(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    assert report(results, path, "--all") == 0
    text = read(path)
    body = text[text.rindex(squeezed("1 Policy gradient")) :]  # behind the contents
    places = [body.index(squeezed(step)) for step in STEPS]
    assert places == sorted(places)
    assert body.index("Measured:Clipping") < body.index("Measured:Madeup")
    assert squeezed("The ablation baseline has no results here.") in body
    # ESS and KL against the epochs: rows of the variants that use a batch for several epochs.
    assert squeezed("Effective sample size and KL") not in body
    assert "arXiv1707.06347" in body
    # One process makes what several do.
    alone = Builder(results=results, remarks=report_verb._remarks, shown=shown, workers=1)
    assert alone.whole("pdf").content == path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--format", "docx"), "unknown format 'docx'"),
        (("--output", "report.docx"), "its name must end in .pdf or .html"),
        (("--output", "report.pdf", "--format", "html"), "its name must end in .html"),
        (("--output", "/proc/nowhere/report.pdf"), "cannot write the report"),
        (("--ablation", "clippping"), "Did you mean 'clipping'?"),
    ],
)
def test_bad_input_gets_one_line(
    results: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    given = arguments if "--ablation" in arguments else ("--ablation", "made", *arguments)
    assert main(["report", "--results", str(results), *given]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert told in error


def test_a_folder_without_results_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--results", str(tmp_path)]) == 2
    assert "there are no results to report" in capsys.readouterr().err
    assert main(["report", "--results", str(tmp_path / "nowhere")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_plan_without_runs_says_so(tmp_path: Path) -> None:
    results = write(tmp_path / "results", Made(seeds=0))
    path = tmp_path / "report.pdf"
    assert report(results, path) == 0
    assert squeezed("No results. Nothing can be said: no run is there yet.") in read(path)
