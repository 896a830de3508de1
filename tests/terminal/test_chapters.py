"""What a report shows while its chapters are made."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.terminal.chapters import ChapterDisplay


def shown(*, terminal: bool, heartbeat: float) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=80, color_system=None)
    with ChapterDisplay(console, heartbeat) as display:
        for number in range(3):
            display(number, 2)
        display._bars.refresh()
    return file.getvalue()


@pytest.mark.parametrize(
    ("heartbeat", "lines"),
    [
        (0.0, ["[  0%] 0 of 2 chapters", "[ 50%] 1 of 2 chapters", "[100%] 2 of 2 chapters"]),
        (1000.0, []),
    ],
)
def test_lines_when_they_are_due_where_there_is_no_terminal(
    heartbeat: float, lines: list[str]
) -> None:
    assert shown(terminal=False, heartbeat=heartbeat).splitlines() == lines


def test_a_bar_in_a_terminal() -> None:
    output = shown(terminal=True, heartbeat=0.0)
    assert "chapters" in output and "2/2" in output
    assert "of 2 chapters" not in output
