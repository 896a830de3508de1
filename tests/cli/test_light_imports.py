"""What must be quick imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "torch",
    "numpy",
    "pandas",
    "pyarrow",
    "seaborn",
    "matplotlib",
    "gymnasium",
    "envpool",
    "ray",
    "numba",
    "llvmlite",
)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["run", "--help"], ["run", "--ablation", "nothing"]]
)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    script = (
        "import sys; from bench.cli.app import main; "
        f"main({arguments!r}); print('heavy:', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout.splitlines()[-1] == "heavy: []"
    assert "Usage" in answer.stdout or "NAME" in answer.stdout or "nothing" in answer.stderr


def test_a_figure_with_its_tables_is_made_without_torch(trained: Path, tmp_path: Path) -> None:
    files = ["--output", str(tmp_path / "small.png"), "--table", str(tmp_path / "small.md")]
    arguments = ["figure", "--ablation", "small", "--results", str(trained), *files]
    script = (
        f"import sys; from bench.cli.app import main; assert main({arguments!r}) == 0; "
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout.splitlines()[-1] == "False"
    assert "other code" not in answer.stdout


def test_a_worker_s_copy_of_the_main_module_imports_nothing() -> None:
    script = "import sys, bench.__main__; print('typer' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("script", "package"),
    [
        (
            "from bench.cli.app import main; main(['show', 'baseline', '--device', 'cpu'])",
            "envpool",
        ),
        ("import bench.train.executors.worker, bench.train.trainer", "pandas"),
    ],
    ids=["a plan", "a worker"],
)
def test_what_would_take_a_second_to_import_is_left_out(script: str, package: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys; {script}; print({package!r} in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert answer.stdout.splitlines()[-1] == "False"
