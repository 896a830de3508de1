"""`compare` from the command line: every comparison of an ablation, printed and written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from refusals import assert_refused

import bench
from bench.cli.app import main
from bench.evidence.verdicts import return_text
from bench.store import PUBLISHED
from tests.evidence.report.made_results import SyntheticAblation, write

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


def test_without_a_name_users_ablations_are_there_and_empty_plans_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, SyntheticAblation(name="mine", title="Mine"))
    write(tmp_path, SyntheticAblation(name="no_clip", seeds=0))
    assert main(["compare", "--results", str(tmp_path), "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["mine"]


def test_what_a_reader_must_know_stands_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, SyntheticAblation(name="mine", seeds=3))
    page = tmp_path / "page.md"
    assert main(["compare", "mine", "--results", str(tmp_path), "--output", str(page)]) == 0
    note = "No difference is claimed below 10 pairs of common seeds."
    assert note in " ".join(capsys.readouterr().out.split()) and note in page.read_text()
    assert f"compare mine --results {tmp_path}`" in page.read_text()


@pytest.mark.parametrize("name", ["experiment", "sequence"])
def test_every_test_of_the_family_is_there(name: str) -> None:
    compared = bench.compare(name, PUBLISHED)
    assert compared["adjusted_p_value"].notna().sum() == compared["comparisons"].iloc[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("baselin",), "Did you mean 'baseline'?"),
        (("baseline", "--output", "page.pdf"), "must end in .md"),
        (("--returns", "sample"), "Did you mean 'sampled'?"),
        (("--returns", "sampled", *OF_PUBLISHED), "evaluate"),
        (("--results", "nowhere/at/all"), "does not exist"),
    ],
)
def test_what_it_does_not_take(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(["compare", *arguments], message, capsys)
