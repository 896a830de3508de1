"""What the documents say of the published results is what the commands say of them today."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.evidence.report.words import conclusion
from bench.evidence.results import Results
from bench.store import PUBLISHED, load
from docs.make_numbers import TAG, filled

ROOT = Path(__file__).parents[2]
QUESTIONS = ("baseline", "ladder_1m", "experiment", "sequence")

pytestmark = pytest.mark.documents


@pytest.mark.parametrize(("verb", "page"), [("compare", "results.md"), ("claims", "claims.md")])
def test_the_page_is_what_its_command_writes(verb: str, page: str, tmp_path: Path) -> None:
    written = tmp_path / page
    assert main([verb, "--results", str(PUBLISHED), "--output", str(written)]) == 0
    assert (ROOT / "docs" / page).read_text() == written.read_text()


def test_numbers_in_the_guides_are_those_of_the_published_results() -> None:
    tagged = 0
    for guide in sorted((ROOT / "docs").glob("*.md")):
        text = guide.read_text()
        tagged += len(TAG.findall(text))
        assert filled(text) == text, f"run python docs/make_numbers.py: {guide.name}"
    assert tagged > 100


def test_readme_has_the_table_that_compare_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["compare", "baseline", "--results", str(PUBLISHED)]) == 0
    assert printed(capsys.readouterr().out) in (ROOT / "README.md").read_text()


def test_readme_answers_four_questions_as_the_report_does() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in QUESTIONS:
        assert answer(name) in readme


def printed(output: str) -> str:
    """The last of the tables, without what fills up its lines, and without the empty ones."""
    table = (
        "Baseline, " + output.rsplit("Baseline, ", maxsplit=1)[-1].split("\nFrom ", maxsplit=1)[0]
    )
    lines = (line.rstrip() for line in table.splitlines())
    return "\n".join(line for line in lines if line)


def answer(name: str) -> str:
    """An ablation's question and its conclusion, as an item of a list."""
    results = Results(view=load(name, PUBLISHED), source="")
    sentence = conclusion(results.findings, results.titles)
    sentence = re.sub(r" \(n = 10 pairs of seeds each; Holm over \d+\)\.$", ".", sentence)
    question = str(results.plan["question"].iloc[0])
    lines = textwrap.fill(f"* **{question}** (`{name}`) {sentence}".replace("+ ", "+_"), 112)
    return lines.replace("\n", "\n  ").replace("+_", "+ ")


if __name__ == "__main__":  # writes both into README.md
    import contextlib
    import io
    import os

    os.environ["COLUMNS"] = "80"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main(["compare", "baseline", "--results", str(PUBLISHED)])
    path = ROOT / "README.md"
    head, tail = path.read_text().split("```text\n", 1)
    body = tail.split("```\n", 1)[1]
    middle, end = body.split("with importance sampling.\n", 1)
    end = end[end.index("[docs/results.md](docs/results.md) lists") :]
    answers = "\n".join(map(answer, QUESTIONS))
    table = printed(out.getvalue())
    path.write_text(
        f"{head}```text\n{table}\n```\n{middle}with importance sampling.\n{answers}\n\n{end}"
    )
