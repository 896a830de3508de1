"""`compare` from the command line: every comparison of an ablation, printed and written."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import assert_refused

import bench
from bench.cli.app import main
from bench.evidence.verdicts import return_text
from bench.store import PUBLISHED

OF_PUBLISHED = ("--results", str(PUBLISHED))


def test_it_has_every_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    page = tmp_path / "results.md"
    assert main(["compare", "baseline", "ladder", *OF_PUBLISHED, "--output", str(page)]) == 0
    output, markdown = capsys.readouterr().out, page.read_text()
    for name in ("baseline", "ladder"):
        frame = bench.compare(name, PUBLISHED)
        comparisons = frame[frame["outcome"] != "control"]
        assert len(comparisons) >= 10
        for row in comparisons.itertuples():
            parts = (row.title, row.claim, return_text(row.difference))
            for text in (output, markdown):
                assert any(all(part in line for part in parts) for line in text.splitlines())
            assert f", {row.environment}, " in output and f" {row.environment} |" in markdown
    assert "From " in output and markdown.count("## ") == 2


def test_without_a_name_it_takes_what_has_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "store").mkdir()
    assert main(["compare", "--results", str(tmp_path / "store")]) == 2
    assert "no results to compare" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("baselin",), "Did you mean 'baseline'?"),
        (("baseline", "--output", "page.pdf"), "must end in .md"),
        (("--results", "nowhere/at/all"), "does not exist"),
    ],
)
def test_what_it_does_not_take(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(["compare", *arguments], message, capsys)
