"""Answers as JSON: the object on standard output, messages for people on standard error."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Annotated, Any, TextIO

import typer

from bench.cli.process import INTERRUPTED, TERMINATED

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON; messages for people go to standard error.")
]


class Silence(io.StringIO):
    """Swallows what a command prints under --quiet.

    Attributes:
        out: the real standard output, on which `answering` prints its JSON all the same.
    """

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self.out = out


@contextmanager
def answering(as_json: bool) -> Iterator[dict[str, Any]]:
    """Give a dict for the answer, which is printed at the end if `as_json` is true.

    It is also printed if the block ends with an exit code (`typer.Exit`), but not if the user has
    interrupted it, as then it isn't complete.
    """
    answer: dict[str, Any] = {}
    if not as_json:
        yield answer
        return
    out, messages = sys.stdout, sys.stderr
    if isinstance(out, Silence):
        out, messages = out.out, out
    try:
        with redirect_stdout(messages):
            yield answer
    except typer.Exit as ending:
        if ending.exit_code not in (INTERRUPTED, TERMINATED):
            print(json.dumps(plain(answer)), file=out)
        raise
    print(json.dumps(plain(answer)), file=out)


def plain(value: Any) -> Any:
    """Convert dicts, sequences and NumPy or pandas scalars to JSON's types.

    NaN becomes None, and an infinity "inf" or "-inf", as `--set` takes it.
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
