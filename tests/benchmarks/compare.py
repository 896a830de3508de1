"""The speed of two commits, measured by the same benchmarks, interleaved round by round.

    python tests/benchmarks/compare.py BASE [HEAD] [--rounds N] [-k EXPRESSION]

BASE (A) and HEAD (B) are commits; without HEAD, B is the working tree as it is. Both run the
benchmarks of B's tree (where that has none yet, of this one), A B, B A, A B …, so that a machine
that drifts slows both; each run is a process with one thread. Benchmarks that fail on a side,
because they need what the other commit brought, are named and left out.

The table has the medians of both sides over the rounds, and the ratio B / A of each round: below
1, B is faster. A benchmark whose ratios differ by more than 10% from round to round is noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = Path("tests", "benchmarks")
PACKAGES = ("algorithms", "ablations", "bench")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MKL_CBWR": "AUTO,STRICT"}
NOISY = 0.1
"""Ratios of the rounds that spread by more than this share say little."""

_NO_TESTS = 5
_USAGE = 4


class ArgumentError(Exception):
    """What was asked for cannot be done; one line."""


class RunError(Exception):
    """A side could not be measured at all."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one process measured: seconds by benchmark, and why others have none."""

    medians: Mapping[str, float]
    failures: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One benchmark on both sides: its medians in each round, in seconds."""

    name: str
    a: tuple[float, ...]
    b: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """B / A, a round each."""
        return tuple(b / a for a, b in zip(self.a, self.b, strict=True))

    @property
    def noisy(self) -> bool:
        return max(self.ratios) > (1 + NOISY) * min(self.ratios)


def order(rounds: int) -> list[tuple[str, str]]:
    """Which side goes first in each round: they take turns, as the first may find a cooler CPU."""
    return [("A", "B") if number % 2 == 0 else ("B", "A") for number in range(rounds)]


def read_report(report: Mapping[str, Any], failures: Mapping[str, str]) -> Round:
    """The medians in pytest-benchmark's JSON, without those whose result was found to be wrong."""
    medians = {
        _short(benchmark["fullname"]): float(benchmark["stats"]["median"])
        for benchmark in report["benchmarks"]
    }
    return Round(
        medians={name: median for name, median in medians.items() if name not in failures},
        failures=failures,
    )


def read_failures(output: str) -> dict[str, str]:
    """Benchmarks, or whole files, that pytest's summary says have failed, with the reasons."""
    failures = re.findall(r"^(?:FAILED|ERROR) (\S+)(?: - (.*))?$", output, re.MULTILINE)
    return {_short(name): reason or "failed" for name, reason in failures}


def pair(a: Sequence[Round], b: Sequence[Round]) -> tuple[list[Comparison], list[str]]:
    """The benchmarks that both sides have in every round, and a line for each of the others."""
    names: dict[str, None] = {}
    for result in (*b, *a):
        names |= dict.fromkeys(
            (*result.medians, *(name for name in result.failures if "::" in name))
        )
    compared, left_out = [], []
    for name in names:
        missing = [
            _missing(side, name, rounds)
            for side, rounds in (("A", a), ("B", b))
            if any(name not in result.medians for result in rounds)
        ]
        if missing:
            left_out.append(f"{name}: {'; '.join(missing)}")
        else:
            a_medians, b_medians = (
                tuple(result.medians[name] for result in rounds) for rounds in (a, b)
            )
            compared.append(Comparison(name=name, a=a_medians, b=b_medians))
    # A file that could be read on neither side has no benchmark with a name.
    files = dict.fromkeys(
        name for result in (*a, *b) for name in result.failures if "::" not in name
    )
    for file in files:
        if not any(name.startswith(f"{file}::") for name in names):
            reason = next(result.failures[file] for result in (*a, *b) if file in result.failures)
            left_out.append(f"{file}: {reason}")
    return compared, left_out


def table(comparisons: Sequence[Comparison]) -> list[str]:
    """Lines for people."""
    width = max((len(comparison.name) for comparison in comparisons), default=0)
    lines = [f"{'benchmark':{width}}  {'A':>9}  {'B':>9}  B / A, median (min to max)"]
    for comparison in comparisons:
        a, b, ratio = (
            statistics.median(values) for values in (comparison.a, comparison.b, comparison.ratios)
        )
        spread = f"({min(comparison.ratios):.2f} to {max(comparison.ratios):.2f})"
        lines.append(
            f"{comparison.name:{width}}  {time_text(a):>9}  {time_text(b):>9}  {ratio:.2f} {spread}"
            + ("  noisy" if comparison.noisy else "")
        )
    return lines


def time_text(seconds: float) -> str:
    """Three digits and a unit."""
    units = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))
    unit, size = next((candidate for candidate in units if seconds >= candidate[1]), units[-1])
    return f"{seconds / size:#.3g}".rstrip(".") + f" {unit}"


def _short(name: str) -> str:
    return name.removeprefix(f"{BENCHMARKS.as_posix()}/")


def _missing(side: str, name: str, rounds: Sequence[Round]) -> str:
    incomplete = [result for result in rounds if name not in result.medians]
    reasons = [
        result.failures[key]
        for result in incomplete
        for key in (name, name.partition("::")[0])
        if key in result.failures
    ]
    share = (
        f" in {len(incomplete)} of {len(rounds)} rounds" if len(incomplete) < len(rounds) else ""
    )
    return f"not on {side}{share}" + (f" ({reasons[0]})" if reasons else "")


def commit_of(text: str, root: Path = ROOT) -> str:
    """The hash that `text` names.

    Raises:
        ArgumentError: none.
    """
    process = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"
    )
    if process.returncode:
        raise ArgumentError(f"{text!r} names no commit of this repository")
    return process.stdout.strip()


@contextmanager
def worktree(commit: str, folder: Path, root: Path = ROOT) -> Iterator[Path]:
    """The commit's files in `folder`, until the end of the `with`, however that comes.

    Raises:
        RunError: git refuses.
    """
    try:
        added = _git(root, "worktree", "add", "--detach", str(folder), commit)
        if added.returncode:
            raise RunError(f"git makes no worktree of {commit}: {added.stderr.strip()}")
        yield folder
    finally:
        if _git(root, "worktree", "remove", "--force", str(folder)).returncode and folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _git(root, "worktree", "prune")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
    )


def copy_suite(source: Path, target: Path) -> Path:
    """The tests of a tree without the tree.

    Pytest puts the folder that holds `tests` in front of the module path; were that a whole tree,
    its packages would be measured on both sides.
    """
    shutil.copytree(
        source / "tests", target / "tests", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(source / "pyproject.toml", target)
    return target


def run(tree: Path, suite: Path, report: Path, expression: str | None) -> Round:
    """Measure the packages of `tree` once.

    Raises:
        ArgumentError: the expression is wrong, or no benchmark matches it.
        RunError: pytest could not run, or measured other packages than the tree's.
    """
    command = [sys.executable, "-m", "pytest", str(BENCHMARKS), "-m", "benchmarks"]
    command += ["-c", "pyproject.toml", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    # Half a second of the short ones: the rounds are what shows how far to trust a median.
    command += ["--benchmark-max-time=0.5", f"--benchmark-json={report}"]
    # Warnings are errors here; this one would come before pytest can say why nothing was measured.
    command += ["-W", "ignore:Not saving anything, no benchmarks have been run!"]
    if expression is not None:
        command += ["-k", expression]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    # Of PYTHONPATH, too, only the tree: it comes before an editable installation of the project.
    environment = {**inherited, **ONE_THREAD, "PYTHONPATH": str(tree), "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=suite, env=environment, capture_output=True, text=True, check=False
    )
    last = (done.stdout.strip() or done.stderr.strip())[-2000:]
    if done.returncode == _NO_TESTS:
        raise ArgumentError(f"no benchmark matches -k {expression!r}")
    if done.returncode == _USAGE and expression is not None:
        reason = (done.stderr.strip().splitlines() or ["pytest says no more"])[0]
        raise ArgumentError(f"-k {expression!r}: {reason}")
    if done.returncode not in (0, 1):
        raise RunError(f"pytest ended with {done.returncode}:\n{last}\n{done.stderr[-2000:]}")
    check_packages(done.stdout, tree)
    # The file is there from the start, and stays empty where nothing could be measured.
    text = report.read_text(encoding="utf-8") if report.exists() else ""
    content = json.loads(text) if text else {"benchmarks": []}
    return read_report(content, read_failures(done.stdout))


def check_packages(output: str, tree: Path) -> None:
    """Raise RunError unless the run says that it imported the packages of `tree`."""
    imported = dict(re.findall(r"^measured package (\w+): (.*)$", output, re.MULTILINE))
    for name in PACKAGES:
        expected = tree.resolve() / name / "__init__.py"
        if name not in imported or Path(imported[name]).resolve() != expected:
            raise RunError(
                f"{name} was imported from {imported.get(name, 'nowhere')}, not from {expected}"
            )


def compare(base: str, head: str | None, rounds: int, expression: str | None) -> int:
    """Measure, print, and return the exit code.

    Raises:
        ArgumentError, RunError: as `run` and `worktree` do.
    """
    commits = {"A": commit_of(base), "B": None if head is None else commit_of(head)}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        trees = {
            side: ROOT
            if revision is None
            else stack.enter_context(worktree(revision, folder / side))
            for side, revision in commits.items()
        }
        has_benchmarks = (trees["B"] / BENCHMARKS / "conftest.py").exists()
        suite = copy_suite(trees["B"] if has_benchmarks else ROOT, folder / "suite")
        for side, text in (("A", base), ("B", head)):
            commit = commits[side]
            print(f"{side}: {text} ({commit[:12]})" if commit else f"{side}: the working tree")
        if not has_benchmarks:
            print("B has no benchmarks; both sides run those of the working tree")
        measured: dict[str, list[Round]] = {"A": [], "B": []}
        for number, sides in enumerate(order(rounds), start=1):
            for side in sides:
                start = time.perf_counter()
                report = folder / f"{side}{number}.json"
                measured[side].append(run(trees[side], suite, report, expression))
                print(
                    f"round {number} of {rounds}, {side}: packages of {trees[side]}, "
                    f"{len(measured[side][-1].medians)} benchmarks, "
                    f"{time.perf_counter() - start:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    compared, left_out = pair(measured["A"], measured["B"])
    print("\n".join(["", *table(compared)]))
    if rounds == 1:
        print("One round says nothing about noise.")
    if left_out:
        print("\n".join(["", "Left out:", *(f"  {line}" for line in left_out)]))
    if not compared:
        raise RunError("no benchmark ran on both sides")
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"compare.py: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _Parser(
        prog="compare.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("base", metavar="BASE", help="the commit to compare with")
    parser.add_argument("head", metavar="HEAD", nargs="?", help="default: the working tree")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("-k", metavar="EXPRESSION", help="which benchmarks, as pytest's -k")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {options.rounds}")
    try:
        return compare(options.base, options.head, options.rounds, options.k)
    except ArgumentError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    except (RunError, OSError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("compare.py: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    # A polite request to end must leave no worktree behind either.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main())
