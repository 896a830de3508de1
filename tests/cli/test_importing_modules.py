"""No module is imported because a store names it: importing is running code."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from bench.cli.app import main
from bench.store import Store
from bench.store.store import NO_EPISODES, NO_UPDATES

ALGORITHM = """
from dataclasses import replace
from pathlib import Path
from algorithms.ladder.vanilla_policy_gradient import ALGORITHM as NEIGHBOUR
Path(__file__).with_name("imported").touch()
ALGORITHM = replace(NEIGHBOUR, name="theirs", title="Theirs")
"""
ENVIRONMENT = """
import gymnasium
from pathlib import Path
Path(__file__).with_name("imported").touch()
if "TheirPole-v0" not in gymnasium.registry:
    gymnasium.register(
        "TheirPole-v0", "gymnasium.envs.classic_control:CartPoleEnv", max_episode_steps=10
    )
"""
SIZE = ["--steps", "40", "--seeds", "0", "--workers", "1"]
IMPORTS = ["--import", "their_algorithm", "--import", "their_world"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "their_algorithm.py").write_text(ALGORITHM)
    (folder / "their_world.py").write_text(ENVIRONMENT)
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    """One run of each kind: of a module's algorithm, in a module's environment, and of neither."""
    results = folder / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        for algorithm, environment in (
            ("their_algorithm:ALGORITHM", "CartPole-v1"),
            ("vanilla_policy_gradient", "their_world:TheirPole-v0"),
            ("baseline", "CartPole-v1"),
        ):
            options = ["--algorithm", algorithm, "--env", environment, "--results", str(results)]
            assert main(["run", *options, *SIZE]) == 0
    return results


@pytest.fixture
def marker(folder: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there once one of the modules has been imported anew."""
    monkeypatch.syspath_prepend(folder)
    for module in ("their_algorithm", "their_world"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    (folder / "imported").unlink(missing_ok=True)
    return folder / "imported"


def id_of(results: Path, algorithm: str) -> str:
    runs = Store(results).runs().set_index("algorithm")
    return str(runs.loc[algorithm, "run"])


@pytest.mark.parametrize("verb", [["evaluate"], ["watch", "--output", "x.gif"], ["verify"]])
@pytest.mark.parametrize(
    ("algorithm", "module"),
    [
        ("their_algorithm:ALGORITHM", "their_algorithm"),
        ("vanilla_policy_gradient", "their_world"),
    ],
)
def test_a_run_that_names_a_module_is_refused(
    verb: list[str],
    algorithm: str,
    module: str,
    trained: Path,
    marker: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*verb, id_of(trained, algorithm), "--results", str(trained)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"the results name the module {module!r}" in error
    assert f"--import {module}" in error
    assert not marker.exists()


def test_the_others_are_evaluated(
    trained: Path, marker: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--episodes", "1", "--results", str(trained)]) == 0
    output = capsys.readouterr().out
    assert f"1 run of {trained}, 1 new episode each way" in output
    assert "1 run left out: the results name the module 'their_algorithm'" in output
    assert "1 run left out: the results name the module 'their_world'" in output
    assert not marker.exists()


def test_what_is_asked_for_is_imported(
    trained: Path, marker: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--episodes", "1", "--results", str(trained), *IMPORTS]) == 0
    output = capsys.readouterr().out
    assert f"3 runs of {trained}" in output and "left out" not in output
    assert marker.exists()
    run = id_of(trained, "their_algorithm:ALGORITHM")
    assert main(["verify", run, "--results", str(trained), *IMPORTS]) == 0


def test_an_environment_s_address_asks_for_its_module(trained: Path, marker: Path) -> None:
    options = ["--env", "their_world:TheirPole-v0", "--episodes", "1"]
    assert main(["evaluate", *options, "--results", str(trained)]) == 0
    assert marker.exists()


def test_a_description_does_not_name_what_its_row_hides(
    trained: Path,
    marker: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, forged = Store(trained), Store(tmp_path / "forged")
    run = id_of(trained, "their_algorithm:ALGORITHM")
    (row,) = source.runs().query("run == @run").to_dict("records")
    forged.write_run(
        {name: None if pd.isna(value) else value for name, value in row.items()}
        | {"algorithm": "baseline", "episodes": 0, "updates": 0},
        NO_EPISODES,
        NO_UPDATES,
        source.policy(run),
    )
    assert main(["evaluate", "--results", str(forged.path)]) == 2
    assert "under names that its description doesn't have" in capsys.readouterr().err
    assert not marker.exists()
