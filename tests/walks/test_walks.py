"""Three users from their first minute, each in an empty folder: every command, and what they see.

They run with this checkout; `tox -e wheel` runs them with the installed wheel, by the Python that
WALK_WITH names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.walks.conftest import Run

pytestmark = pytest.mark.walks
SMALL = ("--seeds", "0-1", "--steps", "2k", "--env", "InvertedPendulum-v5")


def test_the_wheel_is_what_runs(tmp_path: Path) -> None:
    python = os.environ.get("WALK_WITH", sys.executable)
    code = "import bench; print(bench.__file__)"
    path = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    assert ("site-packages" in path) == ("WALK_WITH" in os.environ)


def test_a_student_sees_each_step_matter(run: Run) -> None:
    assert "What does subtracting a baseline" in run("list").stdout
    shown = run("show", "baseline", *SMALL).stdout
    assert "12 runs, 12 of them missing in results/local" in shown
    trained = run("run", "baseline", *SMALL).stdout
    assert "12 runs to train, 24,000 steps in all, into results/local" in trained
    assert "InvertedPendulum-v5" in trained and "Results: results/local" in trained
    assert "clip(ρ, 1−ε, 1+ε)" in run("show", "clipped_ppo").stdout
    assert "Drawn from results/local" in run("figure", "baseline").stdout
    assert Path("results/local/figures/baseline.png").stat().st_size > 10_000
    run("report", "baseline")
    assert Path("results/local/reports/baseline.pdf").read_bytes().startswith(b"%PDF")
    evaluated = run("evaluate", "--ablation", "baseline", "--seeds", "0", "--episodes", "2").stdout
    assert "6 runs of results/local" in evaluated
    run("watch", "--ablation", "baseline", "--variant", "none", "--output", "none.gif")
    assert Path("none.gif").read_bytes().startswith(b"GIF")


def test_a_researcher_convinces_a_reviewer(run: Run) -> None:
    compared = run("compare", "clipping", "--output", "clipping.md").stdout
    assert "95% interval" in compared and "Holm over" in compared
    assert Path("clipping.md").read_text().startswith("# What each ingredient buys")
    assert "k3_is_no_loss" in run("claims").stdout
    run("figure", "clipping", "--width", "column", "--no-title", "--output", "clipping.pdf")
    assert Path("clipping.pdf").read_bytes().startswith(b"%PDF")
    run("export", "clipping", "--to", "latex", "--output", "clipping.tex")
    assert "\\label" in Path("clipping.tex").read_text()
    request = ("--algorithm", "clipped_ppo", "--algorithm", "advantage", "--control", "clipped_ppo")
    assert "advantage" in run("run", *request, *SMALL).stdout
    verified = run("verify", "--results", "results/local").stdout
    assert "bit for bit" in verified
    run("run", "no_such_question", code=2)


def test_an_engineer_automates(run: Run) -> None:
    assert json.loads(run("doctor", "--json").stdout)["warnings"] == []
    assert "ladder" in json.loads(run("list", "--json").stdout)
    quiet = run("--quiet", "run", "reward_to_go", *SMALL, "--tensorboard", "events")
    assert quiet.stdout == ""
    assert list(Path("events").rglob("events.out.tfevents.*"))
    assert list(Path("results/local/logs").glob("*.log"))
    assert json.loads(run("status", "--json").stdout) == {"training": []}
    cells = json.loads(run("show", "reward_to_go", *SMALL, "--json").stdout)["cells"]
    assert {cell["missing"] for cell in cells} == {0}
    Path("results/local").rename("first")
    assert "8 runs added" in run("merge", "first").stdout
    answer = run("compare", "reward_to_go", "--against", "first", "--json", code=3)
    assert json.loads(answer.stdout)["verdict"] == "can't tell"
    run("figure", "reward_to_go", "--output", "curve.exe", code=2)
