"""Tables on a terminal: nothing cut at any width, what rows agree on said once."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from bench.cli.text_tables import print_table

HEADER = ("variant", "seeds", "environment", "[claim]")
SIDES = ("left", "right", "left", "left")
ROWS = (
    ("variance_optimal", "0-9", "InvertedDoublePendulum-v5", "better by 75.1 (p = 0.02)"),
    ("none", "0-9", "Hopper-v5", "no difference can be claimed (p = 0.11)"),
)


def printed(width: int, rows: tuple[tuple[str, ...], ...] = ROWS) -> str:
    file = io.StringIO()
    print_table(Console(file=file, width=width), "Baseline", HEADER, SIDES, rows)
    return file.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80, 150])
def test_every_word_is_there_at_every_width(width: int) -> None:
    text = printed(width)
    assert all(len(line) <= width for line in text.splitlines())
    joined = re.sub(r"\s", "", text)
    for row in ROWS:
        for word in " ".join(row).split():
            assert word in joined
    assert "…" not in text and "[claim]" in joined


def test_what_all_rows_agree_on_is_in_the_title() -> None:
    title, *lines = printed(80).splitlines()
    assert title.rstrip() == "Baseline, seeds 0-9"
    assert not any("0-9" in line for line in lines)


def test_one_row_agrees_with_nothing() -> None:
    assert printed(80, ROWS[:1]).splitlines()[0].rstrip() == "Baseline"


def test_a_narrow_terminal_gets_blocks() -> None:
    lines = printed(44).splitlines()
    assert lines[:4] == [
        "Baseline, seeds 0-9",
        "variant: variance_optimal",
        "    environment: InvertedDoublePendulum-v5",
        "    [claim]: better by 75.1 (p = 0.02)",
    ]
