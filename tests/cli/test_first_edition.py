"""Results of the first edition's code are marked where they are shown, once a page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from changed_store import change, contents

from bench.cli.app import main
from bench.store import Store
from bench.store.editions import FIRST_EDITION, edition_note, edition_text

OLD = min(FIRST_EDITION)


@pytest.fixture
def first_edition(trained: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "first"
    shutil.copytree(trained, folder)
    for run in contents(folder):
        change(folder, run, digest=OLD)
    return folder


def test_figures_tables_reports_and_plans_say_it_once(
    first_edition: Path,
    ablation_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = ["--results", str(first_edition)]
    page, table = tmp_path / "small.pdf", tmp_path / "small.md"
    files = ["--output", str(page), "--table", str(table)]
    assert main(["figure", "--ablation", "small", *results, *files]) == 0
    output = capsys.readouterr().out
    assert output.startswith(f"Drawn from {first_edition} (first edition's code): {page}\n")
    assert "other code" not in output
    assert table.read_text().count("All runs are of the first edition's code.") == 1

    page = tmp_path / "report.html"
    assert main(["report", "--ablation", "small", *results, "--output", str(page)]) == 0
    output = capsys.readouterr().out
    assert output.startswith(f"Report of {first_edition} (first edition's code): {page}\n")
    assert output.count("first edition") == 1
    assert "first edition" in page.read_text()

    assert main(["show", str(ablation_file), *results]) == 0
    output = capsys.readouterr().out
    assert "4 runs done by the first edition's code; run --fresh trains them again." in output
    assert "other code" not in output


def test_the_mark_goes_where_today_s_code_has_trained_or_adopted(first_edition: Path) -> None:
    store = Store(first_edition)
    assert edition_text(store.runs()) == " (first edition's code)"
    adopted, trained, *remaining = store.runs()["run"]
    store.adopt_code({adopted: "0" * 16})
    change(first_edition, trained, digest="0" * 16)
    assert edition_text(store.runs()) == " (in part first edition's code)"
    assert edition_note(store.runs()) == ["2 of 4 runs are of the first edition's code."]
    store.adopt_code(dict.fromkeys(remaining, "0" * 16))
    assert (edition_text(store.runs()), edition_note(store.runs())) == ("", [])
