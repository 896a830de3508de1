"""The comparison of two commits: what it makes of measurements, and what it leaves behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.benchmarks import compare
from tests.benchmarks.compare import ArgumentError, Comparison, Round, RunError


def measured(failures: dict[str, str] | None = None, **medians: float) -> Round:
    return Round(
        medians={f"test_x.py::{name}": seconds for name, seconds in medians.items()},
        failures=failures or {},
    )


def test_the_sides_take_turns_at_going_first() -> None:
    assert compare.order(3) == [("A", "B"), ("B", "A"), ("A", "B")]
    assert compare.order(0) == []


def test_benchmarks_are_paired_by_name_and_rounds_by_number() -> None:
    compared, left_out = compare.pair(
        [measured(fast=1.0, slow=4.0), measured(slow=6.0, fast=2.0)],
        [measured(fast=3.0, slow=2.0), measured(fast=1.0, slow=3.0)],
    )
    assert {comparison.name: (comparison.a, comparison.b) for comparison in compared} == {
        "test_x.py::fast": ((1.0, 2.0), (3.0, 1.0)),
        "test_x.py::slow": ((4.0, 6.0), (2.0, 3.0)),
    }
    assert [comparison.ratios for comparison in compared] == [(3.0, 0.5), (0.5, 0.5)]
    assert left_out == []


@pytest.mark.parametrize(
    ("b", "noisy"), [((2.0, 2.1), False), ((2.0, 2.19), False), ((2.0, 2.21), True)]
)
def test_more_than_a_tenth_between_rounds_is_noise(b: tuple[float, float], noisy: bool) -> None:
    assert Comparison(name="x", a=(1.0, 1.0), b=b).noisy is noisy


def test_a_drift_that_slows_both_sides_is_none() -> None:
    assert not Comparison(name="x", a=(1.0, 5.0), b=(2.0, 10.0)).noisy


def test_what_one_side_lacks_is_named_with_the_side_and_the_reason() -> None:
    new = {"test_x.py::new": "AttributeError: no attribute 'forward'"}
    file = {"test_y.py": "ImportError: no name"}
    compared, left_out = compare.pair(
        [measured({**new, **file}, both=1.0, flaky=1.0), measured({**new, **file}, both=1.0)],
        [
            Round(medians={"test_y.py::part": 1.0, **result.medians}, failures={})
            for result in (measured(both=1.0, flaky=1.0, new=1.0),) * 2
        ],
    )
    assert [comparison.name for comparison in compared] == ["test_x.py::both"]
    assert sorted(left_out) == [
        "test_x.py::flaky: not on A in 1 of 2 rounds",
        "test_x.py::new: not on A (AttributeError: no attribute 'forward')",
        "test_y.py::part: not on A (ImportError: no name)",
    ]


def test_what_both_sides_lack_is_named_too() -> None:
    failed = measured({"test_x.py::wrong": "assert False", "test_y.py": "ImportError"})
    compared, left_out = compare.pair([failed], [failed])
    assert compared == []
    assert left_out == [
        "test_x.py::wrong: not on A (assert False); not on B (assert False)",
        "test_y.py: ImportError",
    ]


def test_failures_are_read_from_the_summary() -> None:
    output = (
        "tests/benchmarks/test_x.py .F\n"
        "=== short test summary info ===\n"
        "ERROR tests/benchmarks/test_y.py - ImportError: no name\n"
        "FAILED tests/benchmarks/test_x.py::test_a[0.5] - assert 1 - 1\n"
        "FAILED tests/benchmarks/test_x.py::test_b\n"
        "=== 2 failed ===\n"
    )
    assert compare.read_failures(output) == {
        "test_y.py": "ImportError: no name",
        "test_x.py::test_a[0.5]": "assert 1 - 1",
        "test_x.py::test_b": "failed",
    }


def test_a_time_with_a_wrong_result_does_not_count() -> None:
    report = {
        "benchmarks": [
            {"fullname": f"tests/benchmarks/test_x.py::{name}", "stats": {"median": 0.25}}
            for name in ("right", "wrong")
        ]
    }
    parsed = compare.read_report(report, {"test_x.py::wrong": "assert False"})
    assert dict(parsed.medians) == {"test_x.py::right": 0.25}


def test_the_table_has_medians_ratios_and_noise() -> None:
    lines = compare.table(
        [
            Comparison(name="one", a=(1.0, 2.0, 4.0), b=(0.5, 1.0, 2.0)),
            Comparison(name="another", a=(1e-3,) * 3, b=(1e-3, 2e-3, 3e-3)),
        ]
    )
    assert [line.split("  ")[-1].strip() for line in lines] == [
        "B / A, median (min to max)",
        "0.50 (0.50 to 0.50)",
        "noisy",
    ]
    assert lines[1].split()[:5] == ["one", "2.00", "s", "1.00", "s"]
    assert "2.00 (1.00 to 3.00)" in lines[2]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12.345, "12.3 s"), (0.1234, "123 ms"), (1e-3, "1.00 ms"), (4.5e-5, "45.0 µs")],
)
def test_times_have_three_digits(seconds: float, text: str) -> None:
    assert compare.time_text(seconds) == text


def test_packages_of_another_tree_are_refused(tmp_path: Path) -> None:
    def says(tree: Path) -> str:
        names = compare.PACKAGES
        return "\n".join(
            f"measured package {name}: {tree / name / '__init__.py'}" for name in names
        )

    compare.check_packages(says(tmp_path), tmp_path)
    with pytest.raises(RunError, match="algorithms was imported from .*other"):
        compare.check_packages(says(tmp_path / "other"), tmp_path)
    with pytest.raises(RunError, match="nowhere"):
        compare.check_packages("", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "BASE"),
        (["HEAD", "--rounds", "0"], "--rounds must be at least 1, not 0"),
        (["HEAD", "--rounds", "x"], "invalid int value"),
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        compare.main(arguments)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(
        ["git", "-C", str(root), *identity, "commit", "-q", "--allow-empty", "-m", "first"],
        check=True,
    )
    return root


def worktrees(root: Path) -> int:
    listed = ["git", "-C", str(root), "worktree", "list"]
    return len(subprocess.check_output(listed, text=True).splitlines())


@pytest.mark.parametrize("name", ["nothing", "--all", ""])
def test_a_name_of_no_commit_is_an_error_of_the_arguments(name: str, repository: Path) -> None:
    with pytest.raises(ArgumentError, match="names no commit"):
        compare.commit_of(name, repository)


def test_a_worktree_is_gone_afterwards_whatever_happens(repository: Path, tmp_path: Path) -> None:
    commit = compare.commit_of("HEAD", repository)
    folder = tmp_path / "tree"

    def interrupted() -> None:
        with compare.worktree(commit, folder, repository) as tree:
            assert (tree / ".git").exists()
            assert worktrees(repository) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert worktrees(repository) == 1
    assert not folder.exists()
    with pytest.raises(RunError), compare.worktree("0" * 40, folder, repository):
        pass


def test_the_suite_is_copied_without_the_tree(tmp_path: Path) -> None:
    suite = compare.copy_suite(compare.ROOT, tmp_path / "suite")
    assert sorted(path.name for path in suite.iterdir()) == ["pyproject.toml", "tests"]
    assert (suite / compare.BENCHMARKS / "conftest.py").exists()
