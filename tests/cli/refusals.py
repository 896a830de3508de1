"""What a command says of input that it does not take."""

from __future__ import annotations

import pytest

from bench.cli.app import main


def assert_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 2 and one line of error, which holds `message`."""
    capsys.readouterr()
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
