"""Write the generated parts of the lecture guide, its pictures and its notebook.

    python docs/make_lecture.py              excerpts, published results, pictures, notebook
    python docs/make_lecture.py --train      the commands' tables as well: runs every command
    python docs/make_lecture.py --policies   the strip of policies as well

`docs/lecture.md` is the one source. A generated part begins with a line `<!-- KIND … -->` and ends
with `<!-- end -->`. The kinds are `code STEP` (a key of `bench.evidence.report.steps`), `published
RUNG …`, and `printed`: what the command above it printed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.evidence.figures.output import save
from bench.evidence.report import lecture
from bench.evidence.report.pictures import all_pictures
from bench.evidence.report.steps import STEPS, rungs, step_facts
from bench.evidence.results import Results
from bench.store import PUBLISHED, load

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "lecture.md"
PICTURES = ROOT / "docs" / "pictures"
NOTEBOOK = ROOT / "examples" / "lecture.ipynb"

RUN = "python -m bench run "
MAGIC = "%matplotlib inline"
"""Lets Jupyter show figures."""
PART = re.compile(r"<!-- (?P<kind>\w+)(?P<names>[^>]*) -->\n(?P<text>.*?)<!-- end -->\n", re.DOTALL)
COMMAND = re.compile(r"```sh\n(.*?)```\n", re.DOTALL)
ARGUMENTS = {
    "--algorithm": "algorithms",
    "--variant": "variants",
    "--env": "environments",
    "--control": "control",
    "--steps": "steps",
}
PLAYED = ("vanilla", "discount", "advantage", "importance_sampling", "clipped_ppo")
"""Rungs in the strip of policies."""
REPEATED = ("algorithms", "variants", "environments")


def page(text: str) -> str:
    """The guide with its excerpts and published results made anew."""
    ladder = rungs(Results(view=load("ladder_1m", PUBLISHED), source=""))
    makers: Mapping[str, Callable[[list[str]], str]] = {
        "code": excerpts,
        "published": lambda names: published(names, ladder),
    }

    def updated(part: re.Match[str]) -> str:
        kind, names = part["kind"], part["names"].split()
        body = makers[kind](names) if kind in makers else part["text"]
        return f"<!-- {' '.join([kind, *names])} -->\n{body}<!-- end -->\n"

    return PART.sub(updated, text)


def excerpts(names: list[str]) -> str:
    """The lines of code that are the idea of one step of the lecture, with their files."""
    (step,) = (step for step in STEPS if step.key == names[0])
    return "\n".join(
        f"[`{excerpt['file']}`](../{excerpt['file']}), from line {excerpt['line']}:\n"
        f"```python\n{excerpt['text']}\n```\n"
        for excerpt in step_facts(step)["code"]
    )


def published(names: list[str], ladder: Mapping[str, Any]) -> str:
    """What the published ladder says of some rungs, one item per rung."""
    lines = ["**In the published runs** of `ladder_1m`, a million steps with ten seeds:", ""]
    for name in names:
        rung = ladder[name]
        title, before = rung["title"], rung["before"]
        sentences = [f"* “{title}” compared with “{before}”: {rung['gained']}."]
        for sentence in rung["reasons"]:
            reason = sentence.removeprefix(f"From “{before}” to “{title}”, ")
            sentences.append(reason[0].upper() + reason[1:])
        lines.append(_wrapped(" ".join(sentences)))
    return "\n".join([*lines, ""])


def _wrapped(item: str) -> str:
    return textwrap.fill(item, 112, subsequent_indent="  ", break_on_hyphens=False)


def trained(text: str) -> str:
    """The guide with the tables that its commands print, and how long they take."""
    with tempfile.TemporaryDirectory() as folder:
        for block in COMMAND.findall(text):
            printed = "".join(_printed(line, folder) for line in block.splitlines())
            opening = f"```sh\n{block}```\n<!-- printed -->\n"
            if opening in text:
                head, tail = text.split(opening)
                text = head + opening + printed + tail[tail.index("<!-- end -->") :]
    return text


def _printed(command: str, folder: str) -> str:
    """The table of a `run`, with the time that its processes computed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(
        [sys.executable, *shlex.split(command)[1:]],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{seconds:.0f} s: {command}")
    rows = [line.rstrip() for line in output.splitlines()]
    first = next(index for index, row in enumerate(rows) if ", diverged " in row)
    last = next(index for index, row in enumerate(rows) if row.startswith("Score: "))
    table = "\n".join(row for row in rows[first:last] if row.startswith(" ") or ", n " in row)
    elapsed = max(1, round(seconds / 2))
    return (
        f"It computes for {seconds:.0f} s, which takes two cores about {elapsed} s, and prints:\n"
        f"```text\n{table}\n```\n"
    )


def pictures() -> dict[str, Figure]:
    """The pictures that the report has, too: name of the file -> figure."""
    estimates = lecture.running_estimates(np.random.default_rng([0, 1]))
    return {f"{key}.png": figure for key, figure in all_pictures(estimates).items()}


def notebook(text: str) -> str:
    """The guide as a Jupyter notebook, whose cells do what its `run` commands do."""
    cells = [_code(f"{MAGIC}\nimport bench")]
    cells += _cells(text)
    document = {
        "cells": [{"id": f"cell-{index}", **cell} for index, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _cells(text: str) -> Iterator[dict[str, Any]]:
    # What the cells print stands below them; what the guide has printed is left out.
    text = PART.sub(lambda part: "" if part["kind"] == "printed" else part["text"], text)
    text = re.sub(r"\]\((?=[\w.]+\.md|pictures/)", "](../docs/", text)
    for index, piece in enumerate(COMMAND.split(text)):
        if index % 2:
            (command,) = piece.splitlines()
            yield _code(_call(command))
            yield _code('bench.compare(view)[["title", "n", "mean", "difference", "claim"]]')
            yield _code("view.figure()")
        elif piece.strip():
            yield {
                "cell_type": "markdown",
                "metadata": {},
                "source": piece.strip().splitlines(keepends=True),
            }


def _call(command: str) -> str:
    """The call of `bench.run` that does what a command does."""
    arguments: dict[str, Any] = {}
    words = iter(shlex.split(command.removeprefix(RUN)))
    lines = []
    for word in words:
        if not word.startswith("--"):
            lines.append(json.dumps(word))
            continue
        name = ARGUMENTS[word]
        if name in REPEATED:
            arguments.setdefault(name, []).append(next(words))
        else:
            arguments[name] = next(words)
    lines += [f"{name}={json.dumps(value)}" for name, value in arguments.items()]
    return "view = bench.run(\n" + "".join(f"    {line},\n" for line in lines) + ")"


def _code(source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def draw_policies() -> None:
    """Draw the published policies of the rungs `PLAYED` at play, as one strip."""
    arguments = ["--env", "HalfCheetah-v5", "--seeds", "0", "--steps", "50"]
    arguments += [word for name in PLAYED for word in ("--variant", name)]
    arguments += ["--results", str(PUBLISHED), "--output", str(PICTURES / "policies.png")]
    subprocess.run(
        [sys.executable, "-m", "bench", "watch", "--ablation", "ladder_1m", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )


def main() -> None:
    """Write everything that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", action="store_true", help="run every command of the guide")
    parser.add_argument("--policies", action="store_true", help="draw the strip of policies")
    options = parser.parse_args()
    if options.policies:
        draw_policies()
    text = page(GUIDE.read_text())
    if options.train:
        text = trained(text)
    GUIDE.write_text(text)
    NOTEBOOK.write_text(notebook(text))
    for name, figure in pictures().items():
        save(figure, PICTURES / name)


if __name__ == "__main__":
    main()
