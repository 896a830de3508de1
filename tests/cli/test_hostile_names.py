"""Results whose names are paths, formulas or mark-up: written below what was asked for, as text."""

from __future__ import annotations

import csv
import re
import xml.dom.minidom
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.file_names import file_name
from tests.evidence.report.made_results import SyntheticAblation, read, squeezed, write

ENVIRONMENTS = [
    "../../x",
    "a/b",
    "CON",
    "",
    "L" * 300,
    "bell\x07",
    "=1+1",
    "<!--<script>",
    "\tcell",
]
VARIANTS = ["../../../control", "@SUM(A1)\x04", "</script><script>alert(1)</script>"]
TITLE = "<!-- \x01 -1 & </script>"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Deep enough for what climbs out of it to be seen. Not to be changed."""
    folder = tmp_path_factory.mktemp("hostile") / "a" / "b" / "results"
    absolute = str(folder.parent / "absolute")
    ablation = SyntheticAblation(
        title=TITLE,
        question="Why\x02 <b>\n?",
        environments=[*ENVIRONMENTS, absolute],
        variants=VARIANTS,
        names=VARIANTS.__getitem__,
        seeds=1,
        algorithms=("+algorithm",),
    )
    return write(folder, ablation)


def run_command(results: Path, *arguments: str) -> None:
    assert main([*arguments, "--ablation", "made", "--results", str(results)]) == 0
    assert list(results.parent.parent.rglob("absolute*")) == []
    assert [path.name for path in results.parent.parent.iterdir()] == ["b"]
    assert [path.name for path in results.parent.iterdir()] == ["results"]


def test_event_files_lie_where_they_were_asked_for(results: Path) -> None:
    run_command(results, "export", "--to", "tensorboard")
    folder = results / "exports" / "made" / "tensorboard"
    written = {path.relative_to(folder).parts for path in folder.rglob("events*")}
    environments = [*ENVIRONMENTS, str(results.parent / "absolute")]
    assert written == {
        (file_name(environment), file_name(variant), "seed_0", "events.out.tfevents.0")
        for environment in environments
        for variant in VARIANTS
    }


def test_no_cell_of_a_csv_file_is_a_formula(results: Path) -> None:
    run_command(results, "export", "--to", "csv")
    for path in (results / "exports" / "made" / "csv").iterdir():
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        cells = [cell for row in rows for cell in row]
        assert all(len(row) == len(header) for row in rows)
        assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-(?!\d)", cell)]
        assert {"'=1+1", "'@SUM(A1)\x04", "'\tcell", "../../x"} <= set(cells)
        numbers = [row[header.index("seed")] for row in rows if "seed" in header]
        assert set(numbers) <= {"0"}


def test_latex_holds_no_control_character(results: Path) -> None:
    run_command(results, "export", "--to", "latex")
    for file in (results / "exports" / "made").glob("made*"):
        text = file.read_text(encoding="utf-8")
        assert {character for character in text if ord(character) < 32} == {"\n"}
    text = (results / "exports" / "made" / "made.tex").read_text(encoding="utf-8")
    assert r"\caption{$<$!-- U+0001 -1 \& $<$/script$>$: mean score" in text
    assert " & bellU+0007 & " in text


def test_figures_and_tables_hold_them_as_text(
    results: Path, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    run_command(
        results, "figure", "--output", str(tmp_path / "a.svg"), "--table", str(tmp_path / "a.md")
    )
    document = xml.dom.minidom.parse(str(tmp_path / "a.svg"))
    texts = [
        "".join(node.data for node in element.childNodes)
        for element in document.getElementsByTagName("text")
    ]
    assert "bellU+0007 (n = 1)" in texts
    assert sum(text.count("L") for text in texts if re.fullmatch("L+", text)) > 100  # none is cut
    table = (tmp_path / "a.md").read_text(encoding="utf-8")
    assert "## <!-- U+0001 -1 & </script>\n\nWhyU+0002 <b> ?\n" in table
    assert not recwarn.list


def test_a_report_holds_them_as_text(results: Path) -> None:
    run_command(results, "report")
    assert squeezed("@SUM(A1)U+0004") in read(results / "reports" / "made.pdf")


def test_a_page_s_data_end_where_they_end(results: Path) -> None:
    run_command(results, "report", "--format", "html")
    page = (results / "reports" / "made.html").read_text(encoding="utf-8")
    body = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "<script" not in body and "</script" not in body
    assert {character for character in body if ord(character) < 32} == {"\n"}


def test_they_can_be_merged_and_published(results: Path, tmp_path: Path) -> None:
    assert main(["merge", str(results), "--into", str(tmp_path / "merged")]) == 0
    options = ["--ablation", "made", "--to", str(tmp_path / "published")]
    assert main(["publish", "--results", str(tmp_path / "merged"), *options]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merged", "published"]
