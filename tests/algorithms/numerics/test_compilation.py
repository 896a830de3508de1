"""Kernels are compiled once a machine, anew where sources changed, and say what Python says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import small_results

from algorithms.numerics import compilation

ROOT = Path(__file__).parents[3]
HELPERS = ROOT / "tests" / "algorithms"


def run(program: str, *folders: Path, **settings: str) -> str:
    """What a new process prints; modules are looked for in `folders` first."""
    path = os.pathsep.join(map(str, (*folders, ROOT, HELPERS)))
    environment = {**os.environ, "PYTHONPATH": path, **settings}
    completed = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=folders[0] if folders else ROOT,
    )
    assert completed.returncode == 0, completed.stderr[-3000:]
    return completed.stdout.strip()


def test_kernels_say_what_the_python_says_that_they_are_written_in(tmp_path: Path) -> None:
    file = tmp_path / "plain.npz"
    program = f"import numpy, small_results; numpy.savez({str(file)!r}, **small_results.results())"
    run(program, **{compilation.PLAIN: "1"})
    expected = small_results.results()
    with np.load(file) as archive:
        plain = dict(archive)
    assert set(expected) == set(plain)
    for name, values in expected.items():
        np.testing.assert_allclose(
            plain[name], values, rtol=1e-5, atol=1e-5, equal_nan=True, err_msg=name
        )


PLUGIN = """
def slope(ratio, advantage, numbers):
    return {factor} * advantage
"""
TRAIN = """
from numba.core.event import install_recorder
with install_recorder("numba:compile") as recorder:
    import numpy, plugin, small_results
    small_results.results()
    from algorithms.numerics.kernels import losses
    row, slopes = numpy.ones(4, numpy.float32), numpy.zeros(4, numpy.float32)
    terms = dict.fromkeys(losses.Terms._fields, row) | dict(of_ratios=slopes)
    for name in ("before", "phi", "of_phi", "actions", "precision"):
        terms[name] = row[None]
    losses.of_ratio.bind(slope=plugin.slope)(losses.Terms(**terms), row)
print(len(recorder.buffer), slopes[0])
"""


def files(folder: Path) -> dict[Path, int]:
    """Machine code and its indices, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb[ci]")}


def test_a_second_process_compiles_nothing_and_a_changed_slope_is_compiled(tmp_path: Path) -> None:
    cache, plugin = tmp_path / "cache", tmp_path / "plugin.py"
    plugin.write_text(PLUGIN.format(factor=1.0))
    small_results.results()
    # All but what the plugin needs is there.
    shared_cache = compilation.cache_folder()
    with compilation._locked(shared_cache):
        shutil.copytree(shared_cache, cache / "kernels" / shared_cache.name)
    before = files(cache)

    def train() -> tuple[int, float]:
        compiled, slope = run(TRAIN, tmp_path, **{compilation.CACHE: str(cache)}).split()
        return int(compiled), float(slope)

    first, slope = train()
    cached = files(cache)
    assert first > 0 and len(cached) > len(before) and slope == 1
    assert train() == (0, 1)
    assert files(cache) == cached
    plugin.write_text(PLUGIN.format(factor=2.0))
    recompiled, slope = train()
    assert recompiled > 0 and slope == 2
    assert cached.items() < files(cache).items()


PASS = """
import numpy
from algorithms.numerics.kernels import losses
one = numpy.ones((1, 1), numpy.float32)
standard_normal = numpy.zeros((1, 2), numpy.float32)
samples = losses.Samples(one, one, standard_normal, one[0], one[0], one[0])
print(float(losses.all_samples(samples, 1).old[0]))
"""


def test_a_change_in_a_callee_of_another_file_is_compiled(tmp_path: Path) -> None:
    """numba's own cache looks at the caller's file only."""
    shutil.copytree(
        ROOT / "algorithms",
        tmp_path / "algorithms",
        ignore=shutil.ignore_patterns("__pycache__"),
    )

    def passed() -> float:
        return float(run(PASS, tmp_path, **{compilation.CACHE: str(tmp_path / "cache")}))

    assert passed() == pytest.approx(-0.5 - 0.5 * np.log(2 * np.pi), rel=1e-6)
    callee = tmp_path / "algorithms" / "numerics" / "kernels" / "distributions.py"
    source = callee.read_text()
    constant = "np.float32(0.5 * math.log(2 * math.pi))"
    assert constant in source
    callee.write_text(source.replace(constant, "np.float32(1.0)"))
    assert passed() == pytest.approx(-1.5, rel=1e-6)


def test_a_folder_that_cannot_be_written_to_is_no_place_for_machine_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_folder = compilation.cache_folder.__wrapped__
    file = tmp_path / "file"
    file.touch()
    requested, home, temporary = (tmp_path / name for name in ("asked", "home", "temporary"))
    temporary.mkdir()
    monkeypatch.setenv(compilation.CACHE, str(requested))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    assert cache_folder().is_relative_to(requested / "kernels")
    monkeypatch.setenv(compilation.CACHE, str(file))
    assert cache_folder().is_relative_to(home / "ppo-ladder" / "kernels")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    assert cache_folder().is_relative_to(temporary / f"ppo-ladder-{os.getuid()}")
    # Not even that one: a folder of this process.
    (temporary / f"ppo-ladder-{os.getuid()}").rename(tmp_path / "away")
    (temporary / f"ppo-ladder-{os.getuid()}").touch()
    assert cache_folder().is_dir()


@pytest.mark.parametrize(
    "imports",
    [
        "import bench, bench.plan, bench.evidence, bench.store, ablations, algorithms\n"
        "import algorithms.learner, algorithms.surrogate, algorithms.rivals.a2c\n"
        "import pkgutil, importlib\n"
        "for package in (bench.plan, bench.evidence):\n"
        "    for each in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(each.name)",
        "import sys, runpy\nsys.argv = ['bench', '--help']\n"
        "try: runpy.run_module('bench', run_name='__main__')\nexcept SystemExit: pass",
    ],
    ids=["packages", "help"],
)
def test_numba_is_imported_where_training_happens_only(imports: str) -> None:
    output = run(f"{imports}\nimport sys\nprint('numba' in sys.modules)")
    assert output.splitlines()[-1] == "False"
