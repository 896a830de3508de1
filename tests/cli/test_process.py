"""The command line as a process: other encodings, readers that leave, and Ctrl-C at any moment."""

from __future__ import annotations

import json
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
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, text=True, check=False, env=environment, **pipes)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_letter_that_an_encoding_lacks_is_shown_by_its_number(
    encoding: str, tmp_path: Path, ablation_file: Path
) -> None:
    file = tmp_path / "greek.py"
    text = ablation_file.read_text().replace("Does a baseline help", "Does 重 help")
    file.write_text(text, encoding="utf-8")
    answer = bench("show", str(file), env={"PYTHONIOENCODING": encoding})
    assert (answer.returncode, answer.stderr) == (0, "")
    assert r"Does \u91cd help on CartPole?" in answer.stdout


def test_a_path_whose_bytes_are_no_text_is_shown(tmp_path: Path) -> None:
    answer = bench("show", os.fsdecode(b"/no\xff.py"))
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr and answer.stderr.count("\n") == 1


def test_a_reader_that_has_gone_costs_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    answer = bench("list", stdout=writing)
    os.close(writing)
    assert (answer.returncode, answer.stderr) == (1, "")


def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        answer = bench("list", stdout=full)
    assert answer.returncode == 1
    assert answer.stderr == "error: [Errno 28] No space left on device\n"


def test_ctrl_c_while_a_module_is_imported(tmp_path: Path) -> None:
    """An import may swallow an exception, or tell of it."""
    (tmp_path / "swallowing.py").write_text(SWALLOWING)
    options = ["--algorithm", "untrained", "--env", "swallowing:X-v0"]
    answer = bench("show", *options, env={"PYTHONPATH": f"{ROOT}:{tmp_path}"})
    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", "")


def test_ctrl_c_outside_of_an_import(tmp_path: Path) -> None:
    file = tmp_path / "slow.py"
    file.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    answer = bench("show", str(file))
    assert (answer.returncode, answer.stdout, answer.stderr.strip()) == (130, "", "")


@pytest.mark.parametrize("name", ["algorithms", "ablations"])
def test_a_folder_that_hides_the_suite_s_own_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    # As with an installed suite: the working directory comes before it.
    answer = bench(
        "list", cwd=tmp_path, env={"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    )
    assert answer.returncode == 2 and answer.stdout == ""
    assert f"hides the suite's own {name!r}" in answer.stderr
    assert answer.stderr.count("\n") == 1 and str(tmp_path / name) in answer.stderr


def test_its_version_and_completion() -> None:
    assert bench("--version").stdout == f"ppo-ladder {version('ppo-ladder')}\n"
    assert "--install-completion" in bench("--help").stdout
    # It would take over the first word of the command, `python`.
    answer = bench("--show-completion")
    assert answer.returncode == 2 and "ppo-ladder --show-completion" in answer.stderr


def test_quiet_leaves_the_exit_code_and_errors() -> None:
    answer = bench("--quiet", "list")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    answer = bench("--quiet", "list", "--json")
    assert json.loads(answer.stdout) and answer.stderr == ""
    answer = bench("--quiet", "show", "nonsense")
    assert answer.returncode == 2 and answer.stdout == "" and "nonsense" in answer.stderr
