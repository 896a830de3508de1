"""A student follows the lecture guide, by its commands and as a notebook, from top to bottom."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from docs.make_lecture import COMMAND, GUIDE, MAGIC, NOTEBOOK, RUN
from tests.walks.conftest import Run

pytestmark = pytest.mark.walks
RUNGS = 8


def test_the_commands_run_in_order(run: Run) -> None:
    blocks = COMMAND.findall(GUIDE.read_text())
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) == RUNGS
    for command in commands:
        small = command.replace("50k", "1k --seeds 0-1").removeprefix(RUN)
        output = run("run", *shlex.split(small)).stdout
    # Each step has trained what the steps before it had not.
    assert "0 runs to train" in output and f"{2 * RUNGS} kept from before" in output
    assert Path("results/local/figures/ladder.png").exists()


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    code.append('print("variants:", view.runs["variant"].nunique())')
    script = tmp_path / "notebook.py"
    source = "\n\n".join(code).replace('steps="50k"', 'steps="1k", seeds="0-1"')
    script.write_text(source.removeprefix(MAGIC))
    python = os.environ.get("WALK_WITH", sys.executable)
    answer = subprocess.run(
        [python, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert answer.returncode == 0, answer.stderr
    assert f"variants: {RUNGS}" in answer.stdout
