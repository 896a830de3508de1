"""The digest moves with code that can move a result, and with nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.plan import digest as module
from bench.plan.back_ends import ENVPOOL
from bench.plan.digest import ROOT, closure, code_digest
from bench.plan.identity import Description
from bench.plan.sources import plugin_of
from bench.store import PUBLISHED, Store

DESCRIPTION = Description(
    algorithm="clipped_ppo",
    hyperparameters={},
    environment="Hopper-v5",
    steps=1000,
    back_end="envpool",
)
Edit = Callable[[str], str]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, as which every test leaves it."""
    folder = tmp_path_factory.mktemp("code")
    for package in ("algorithms", "bench"):
        shutil.copytree(ROOT / package, folder / package)
    return folder


def edited(copy: Path, file: str, edit: Edit) -> str:
    path = copy / file
    before = path.read_text()
    after = edit(before)
    assert after != before
    stamp = path.stat()
    path.write_text(after)
    try:
        return code_digest(DESCRIPTION, copy)
    finally:
        path.write_text(before)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # what is known of it holds again


def code(line: str) -> Edit:
    return lambda text: f"{text}\n{line}\n"


@pytest.mark.parametrize(
    ("file", "edit"),
    [
        ("algorithms/ladder/clipped_ppo.py", code("MORE = 1")),
        ("algorithms/numerics/optimizers.py", code("MORE = 1")),
        ("bench/train/trainer.py", code("MORE = 1")),
        ("bench/train/rollout.py", code("MORE = 1")),
        ("bench/train/environments/envpool_backend.py", code("MORE = 1")),
        ("bench/train/environments/__init__.py", code("MORE = 1")),
        ("bench/train/rollout.py", code("from math import inf\nHALF = inf / 2")),
        ("bench/train/rollout.py", code('MODE = "a"\nMODES = [MODE]')),
        ("bench/train/rollout.py", code("OTHER_IDS = (*range(3),)")),
        ("algorithms/ladder/clipped_ppo.py", code("import algorithms.ladder.kl_ppo")),
    ],
)
def test_code_that_is_reached_moves_it(copy: Path, file: str, edit: Edit) -> None:
    before = code_digest(DESCRIPTION, copy)
    assert before == code_digest(DESCRIPTION)
    assert edited(copy, file, edit) != before


@pytest.mark.parametrize(
    ("file", "edit"),
    [
        ("algorithms/numerics/optimizers.py", code("# a comment")),
        (
            "algorithms/numerics/optimizers.py",
            lambda text: '"""Other words."""' + text.split('"""', 2)[2],
        ),
        ("algorithms/numerics/optimizers.py", lambda text: text.replace("\n\n\n", "\n\n\n\n")),
        ("algorithms/hyperparameters.py", lambda text: text.replace("Adam's step size", "rate")),
        ("algorithms/ladder/clipped_ppo.py", lambda text: text.replace('title="', 'title="New ')),
        ("algorithms/ladder/kl_ppo.py", code("MORE = 1")),
        ("algorithms/__init__.py", lambda text: text.replace("ALGORITHMS", "MORE = 1\nALGORITHMS")),
        ("algorithms/hyperparameters.py", lambda text: text.replace("Table 3", "Table 4")),
        ("algorithms/learner.py", code('SOURCE = "Schulman et al. 2017"')),
        ("algorithms/learner.py", code("from algorithms.hyperparameters import PAPER_TEXT")),
        (
            "bench/plan/back_ends.py",
            lambda text: text.replace('"Ant-v5",', '"Ant-v5",\n        "Bee-v5",'),
        ),
        (
            "bench/train/environments/catalogue.py",
            lambda text: text.replace("unknown environment", "no environment"),
        ),
        (
            "bench/train/environments/__init__.py",
            lambda text: text.replace("must be at least 1 step", "is too small"),
        ),
        ("bench/train/runner.py", code("MORE = 1")),
        ("bench/train/provenance.py", code("MORE = 1")),
        ("bench/train/environments/gymnasium_backend.py", code("MORE = 1")),
        ("bench/plan/lookup.py", code("MORE = 1")),
        ("bench/store/store.py", code("MORE = 1")),
        ("bench/cli/run.py", code("MORE = 1")),
    ],
)
def test_what_cannot_move_a_result_does_not_move_it(copy: Path, file: str, edit: Edit) -> None:
    before = code_digest(DESCRIPTION, copy)
    assert edited(copy, file, edit) == before


@pytest.mark.parametrize(
    ("library", "moves"), [("torch", True), ("envpool", True), ("rich", False)]
)
def test_versions_of_libraries_that_compute_move_it(
    monkeypatch: pytest.MonkeyPatch, library: str, moves: bool
) -> None:
    before, original = code_digest(DESCRIPTION), module.version
    monkeypatch.setattr(module, "version", lambda name: "99" if name == library else original(name))
    assert (code_digest(DESCRIPTION) != before) == moves


def test_relative_imports_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "algorithms" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "algorithms" / "__init__.py").touch()
    (tmp_path / "algorithms" / "above.py").touch()
    (folder / "__init__.py").write_text("from . import beside\nname = 1\n")
    (folder / "beside.py").write_text("from ..above import name\n")
    (folder / "start.py").write_text("from . import name\nimport torch\n")
    assert set(closure(["algorithms.deep.start"], tmp_path)) == {
        "algorithms.deep.start",
        "algorithms.deep",
        "algorithms.deep.beside",
        "algorithms.above",
    }


def test_a_module_outside_its_packages_is_not_followed() -> None:
    """The trainer looks algorithms up in bench.plan, where nothing can move a result."""
    modules = closure([ENVPOOL.trainer])
    assert ENVPOOL.trainer in modules
    assert all(name.startswith(("algorithms.", "bench.train")) for name in modules)


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"algorithms\.nothing"):
        closure(["algorithms.nothing"], tmp_path)


def test_a_back_end_that_is_gone_has_no_digest() -> None:
    with pytest.raises(FileNotFoundError, match="no back end 'gone'"):
        code_digest(replace(DESCRIPTION, back_end="gone"))


def test_it_imports_nothing_of_what_it_reads() -> None:
    script = (
        "import sys; from bench.plan.digest import code_digest; "
        "from bench.plan.identity import Description; "
        f"code_digest({DESCRIPTION!r}); "
        "print([m for m in ('torch', 'envpool', 'bench.train') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout.strip() == "[]"


def of_plugin(algorithm: str = "clipped_ppo", environment: str = "Hopper-v5") -> str:
    changes = {"algorithm": algorithm, "environment": environment}
    return code_digest(replace(DESCRIPTION, **changes))


@pytest.mark.parametrize("installed", [True, False])
def test_a_plugin_s_own_modules_move_its_digest_and_no_other(install, installed: bool) -> None:
    package = install("digested", entry_points={} if installed else None)
    neighbour = package.parent / "beside_digested.py"
    neighbour.write_text("MORE = 1\n")
    path = package / "losses.py"
    path.write_text("import beside_digested\nfactor = 1\n")
    (package / "unused.py").write_text("MORE = 1\n")
    name, suite = "digested.algorithm:ALGORITHM", of_plugin()
    before = of_plugin(name)
    assert before != suite
    path.write_text("import beside_digested\nfactor = 1  # the same\n")
    (package / "unused.py").write_text("MORE = 2\n")
    assert of_plugin(name) == before
    # Of what is installed, other packages are libraries; of a folder of one's own, they are not.
    neighbour.write_text("MORE = 2\n")
    assert (of_plugin(name) == before) == installed
    neighbour.write_text("MORE = 1\n")
    path.write_text("import beside_digested\nfactor = 2\n")
    assert of_plugin(name) != before
    assert of_plugin() == suite
    assert "digested.algorithm" not in sys.modules


def test_what_a_plugin_takes_of_the_suite_belongs_to_it(install) -> None:
    package = install("taking")
    before = of_plugin("taking.algorithm:ALGORITHM")
    path = package / "losses.py"
    path.write_text("import algorithms.rivals.trpo\n" + path.read_text())
    modules = closure(["taking.algorithm"], ROOT, (plugin_of("taking.algorithm"),))
    assert {"algorithms.ladder.clipped_ppo", "algorithms.rivals.trpo"} < set(modules)
    assert of_plugin("taking.algorithm:ALGORITHM") != before


def test_an_environment_of_one_s_own_moves_the_digest(install) -> None:
    registering = 'import gymnasium\ngymnasium.register("Maze-v0", "mazes.maze:Maze")\n'
    package = install("mazes", {"__init__.py": registering, "maze.py": "class Maze: pass\n"})
    suite, before = of_plugin(), of_plugin(environment="mazes:Maze-v0")
    assert before != suite
    (package / "maze.py").write_text("class Maze: walls = 3\n")
    assert of_plugin(environment="mazes:Maze-v0") != before


def test_the_packages_around_a_plugin_s_module_move_the_digest(install) -> None:
    package = install("around", {"inner/__init__.py": "", "inner/maze.py": "x = 1\n"})
    before = of_plugin(environment="around.inner.maze:Maze-v0")
    for file in (package / "__init__.py", package / "inner" / "__init__.py"):
        file.write_text("WIND = 3\n")
        after = of_plugin(environment="around.inner.maze:Maze-v0")
        assert after != before
        before = after


@pytest.mark.parametrize(
    ("line", "edited", "moves"),
    [
        ("loss = MeanSquaredError('sum')", "loss = MeanSquaredError('mean')", True),
        ("raise ValueError('a')", "raise ValueError('b')", False),
        ("MAZE_IDS = ('a', 'b')", "MAZE_IDS = ('b', 'a')", True),
    ],
)
def test_what_looks_like_words_may_be_meant_in_others_code(
    install, line: str, edited: str, moves: bool
) -> None:
    package = install("meant", {"losses.py": f"factor = 1\n{line}\n"})
    before = of_plugin("meant.algorithm:ALGORITHM")
    (package / "losses.py").write_text(f"factor = 1\n{edited}\n")
    assert (of_plugin("meant.algorithm:ALGORITHM") != before) == moves


def test_a_plugin_that_is_gone_has_no_digest() -> None:
    with pytest.raises(FileNotFoundError, match="no module gone_package"):
        of_plugin("gone_package.algorithm:ALGORITHM")


def test_the_published_runs_are_of_this_code() -> None:
    runs = Store(PUBLISHED, read_only=True).runs()
    stale = {
        (run.algorithm, run.back_end)
        for run in runs.drop_duplicates(["algorithm", "back_end", "digest"]).itertuples()
        if code_digest(run) not in (run.digest, run.adopted)
    }
    assert len(runs) and not stale
