from __future__ import annotations

from bench.evidence.markdown import Section


def test_a_section_is_a_table_between_its_heading_and_its_notes() -> None:
    section = Section(
        heading="### A | B",
        header=("name", "value"),
        alignment=("left", "right"),
        cells=[("a|b", "1"), ("c", "2")],
        notes=["One.", "Two."],
    )
    assert section.markdown().splitlines() == [
        "### A | B",
        "",
        "| name | value |",
        "| --- | --: |",
        "| a\\|b | 1 |",
        "| c | 2 |",
        "",
        "* One.",
        "* Two.",
    ]


def test_without_rows_there_is_no_table() -> None:
    section = Section(
        heading="### H", header=("x",), alignment=("left",), cells=(), notes=("Why.",)
    )
    assert section.markdown() == "### H\n\n* Why.\n"
