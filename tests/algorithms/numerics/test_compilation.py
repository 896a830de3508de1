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


PLUGIN = '''
"""An algorithm of a user's own, with a slope."""
from algorithms.ladder import importance_sampling

def slope(ratio, advantage, numbers):
    return {factor} * advantage

def update(learner, batch):
    terms = lambda each: each.ratio * each.advantages
    return importance_sampling.optimise_surrogate(learner, batch, terms, slope)
'''
TRAIN = """
from numba.core.event import install_recorder
with install_recorder("numba:compile") as recorder:
    import numpy, plugin, small_results
    from tests import strategies
    learner = small_results.learner_of("importance_sampling", learning_rate=0.02,
        gradient_norm_clip=float("inf"), adam_epsilon=10.0, minibatch=12, epochs=1,
        **small_results.STEPS)
    plugin.update(learner, strategies.played(learner, 6, numpy.random.default_rng(0)))
print(len(recorder.buffer), float(learner.optimizer.first_moment[:, : learner.policy.size].norm()))
"""


def files(folder: Path) -> dict[Path, int]:
    """Machine code and its indices, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb[ci]")}


def test_a_second_process_compiles_nothing_and_a_changed_slope_is_compiled(tmp_path: Path) -> None:
    cache, plugin = tmp_path / "cache", tmp_path / "plugin.py"
    plugin.write_text(PLUGIN.format(factor=1.0))
    # All but what the plugin needs is there.
    shared_cache = compilation.cache_folder()
    with compilation._locked(shared_cache):
        shutil.copytree(shared_cache, cache / "kernels" / shared_cache.name)
    before = files(cache)

    def train() -> tuple[int, float]:
        compiled, norm = run(TRAIN, tmp_path, **{compilation.CACHE: str(cache)}).split()
        return int(compiled), float(norm)

    first, norm = train()
    cached = files(cache)
    assert first > 0 and len(cached) > len(before)
    assert train() == (0, norm)
    assert files(cache) == cached
    plugin.write_text(PLUGIN.format(factor=2.0))
    recompiled, doubled_norm = train()
    assert recompiled > 0
    assert doubled_norm == pytest.approx(2 * norm, rel=1e-4)
    assert cached.items() < files(cache).items()


PASS = """
import numpy
from algorithms.numerics.kernels import actor_critic
from algorithms.numerics.networks import Perceptron
found, one = numpy.zeros((1, 1), numpy.float32), numpy.ones(4, numpy.float32)
network = Perceptron((1, 1, 1), head_gain=1.0).for_kernels
actor_critic.outputs_of(one, network, numpy.ones((1, 1), numpy.float32), found)
print(float(found[0, 0]))
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

    assert passed() == pytest.approx(1 + np.tanh(2), rel=1e-6)
    callee = tmp_path / "algorithms" / "numerics" / "kernels" / "perceptron.py"
    source = callee.read_text()
    bound = "BOUND: Final = np.float32(7.90531110763549805)"
    assert bound in source
    callee.write_text(source.replace(bound, "BOUND: Final = np.float32(1.0)"))
    assert passed() == pytest.approx(1 + np.tanh(1), rel=1e-6)


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
        "import bench, bench.plan, bench.evidence, bench.store, ablations, algorithms",
        "import algorithms.learner, algorithms.surrogate, algorithms.rivals.a2c",
        "import sys, pkgutil, importlib, bench.plan, bench.evidence\n"
        "for package in (bench.plan, bench.evidence):\n"
        "    for each in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(each.name)",
        "import sys, runpy\nsys.argv = ['bench', '--help']\n"
        "try: runpy.run_module('bench', run_name='__main__')\nexcept SystemExit: pass",
    ],
    ids=["packages", "algorithms", "plans-and-evidence", "help"],
)
def test_numba_is_imported_where_training_happens_only(imports: str) -> None:
    output = run(f"{imports}\nimport sys\nprint('numba' in sys.modules)")
    assert output.splitlines()[-1] == "False"
