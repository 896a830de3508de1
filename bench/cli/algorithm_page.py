"""One algorithm for people: its equation, its file and every hyperparameter."""

from __future__ import annotations

import dataclasses
import inspect
import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.formatting import command_line
from bench.plan.without_effect import UNREAD
from bench.terminal.console import shown

if TYPE_CHECKING:
    from algorithms.algorithm import Algorithm


def print_algorithm(algorithm: Algorithm[Any], name: str) -> dict[str, object]:
    """Print title, equation, file and hyperparameters, and return them for JSON output.

    Args:
        algorithm: what is shown.
        name: what `run --algorithm` takes for it.
    """
    fields = dataclasses.fields(algorithm.hyperparameters)
    print(f"{algorithm.title}\n\n    {algorithm.equation}\n")
    print(f"File: {shown(Path(inspect.getfile(algorithm.update)))}\n\nHyperparameters:")
    width = shutil.get_terminal_size().columns
    for field in fields:
        metadata = field.metadata
        value = f"{field.default} {metadata.get('unit', '')}".strip()
        unread = "changes nothing here" if field.name in UNREAD.get(algorithm.name, ()) else ""
        parts = filter(None, (value, allowed_text(metadata), unread))
        print(f"  {field.name} = {', '.join(parts)}")
        description = " ".join(
            filter(None, (metadata.get("meaning"), _in_brackets(metadata.get("source"))))
        )
        print(textwrap.fill(description, width, initial_indent=" " * 6, subsequent_indent=" " * 6))
    print(f"\nTrain it with: {command_line('run', '--algorithm', name, '--env', 'ENVIRONMENT')}")
    print("To set a hyperparameter, add: --set NAME=VALUE")
    hyperparameters = {field.name: {"default": field.default, **field.metadata} for field in fields}
    return {
        "algorithm": name,
        "equation": algorithm.equation,
        "hyperparameters": hyperparameters,
    }


def _in_brackets(text: str | None) -> str:
    return f"({text})" if text else ""


def allowed_text(metadata: Mapping[str, Any]) -> str:
    """Which values a hyperparameter takes: "one of tanh, relu", "0 to 1", "at least 1"."""
    if metadata.get("choices"):
        return f"one of {', '.join(map(str, metadata['choices']))}"
    low, high = metadata.get("low"), metadata.get("high")
    if low is not None and high is not None:
        text = f"{low:g} to {high:g}"
    else:
        text = f"at least {low:g}" if low is not None else f"at most {high:g}" if high else ""
    bound = metadata.get("part_of")
    return f"{text}, at most {bound}".lstrip(", ") if bound else text
