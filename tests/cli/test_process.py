"""The command line as a process: other encodings, readers that leave, and Ctrl-C at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SWALLOWING = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    pass
"""


def bench(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict(options.pop("env", {}))}  # type: ignore[call-overload]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, text=True, check=False, env=environment, **given)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_letter_that_an_encoding_lacks_is_shown_by_its_number(
    encoding: str, tmp_path: Path, ablation_file: Path
) -> None:
    file = tmp_path / "greek.py"
    text = ablation_file.read_text().replace("Does a baseline help", "Does 重 help")
    file.write_text(text, encoding="utf-8")
    done = bench("show", str(file), env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, "")
    assert r"Does \u91cd help on CartPole?" in done.stdout


def test_a_path_whose_bytes_are_no_text_is_shown(tmp_path: Path) -> None:
    done = bench("show", os.fsdecode(b"/no\xff.py"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1


def test_a_reader_that_has_gone_costs_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = bench("list", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = bench("list", stdout=full)
    assert done.returncode == 1
    assert done.stderr == "error: [Errno 28] No space left on device\n"


def test_ctrl_c_while_a_module_is_imported(tmp_path: Path) -> None:
    """An import may swallow an exception, or tell of it."""
    (tmp_path / "swallowing.py").write_text(SWALLOWING)
    asked = ["--algorithm", "untrained", "--env", "swallowing:X-v0"]
    done = bench("show", *asked, env={"PYTHONPATH": f"{ROOT}:{tmp_path}"})
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_outside_of_an_import(tmp_path: Path) -> None:
    file = tmp_path / "slow.py"
    file.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = bench("show", str(file))
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


@pytest.mark.parametrize("name", ["algorithms", "ablations"])
def test_a_folder_that_hides_the_suite_s_own_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    # As with an installed suite: the working directory comes before it.
    done = bench(
        "list", cwd=tmp_path, env={"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    )
    assert done.returncode == 2 and done.stdout == ""
    assert f"hides the suite's own {name!r}" in done.stderr
    assert done.stderr.count("\n") == 1 and str(tmp_path / name) in done.stderr


def test_its_version_and_completion() -> None:
    assert bench("--version").stdout == f"ppo-ladder {version('ppo-ladder')}\n"
    assert "--install-completion" in bench("--help").stdout


def test_quiet_leaves_the_exit_code_and_errors() -> None:
    done = bench("--quiet", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = bench("--quiet", "show", "nonsense")
    assert done.returncode == 2 and done.stdout == "" and "nonsense" in done.stderr
