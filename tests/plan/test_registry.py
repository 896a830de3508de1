"""Names of algorithms and environments: the suite's, addresses, and those that packages give."""

from __future__ import annotations

import json

import pytest

from bench.cli.app import main
from bench.errors import InputError
from bench.plan.registry import (
    algorithm_address,
    canonical_algorithm,
    is_algorithm,
    plugin_environment,
)

SUITE = "algorithms.ladder.clipped_ppo:ALGORITHM"
GROUP = "ppo_ladder.algorithms"


def test_one_algorithm_has_one_stored_name(install) -> None:
    install("mine_a", entry_points={GROUP: {"short": "mine_a.algorithm:ALGORITHM", "own": SUITE}})
    assert canonical_algorithm("clipped_ppo") == "clipped_ppo"
    assert canonical_algorithm(SUITE) == canonical_algorithm("own") == "clipped_ppo"
    assert canonical_algorithm("short") == "mine_a.algorithm:ALGORITHM"
    assert canonical_algorithm("mine_a.algorithm:ALGORITHM") == "mine_a.algorithm:ALGORITHM"
    assert algorithm_address("own") == SUITE


def test_a_name_of_the_suite_cannot_be_taken_over(install) -> None:
    install("mine_b", entry_points={GROUP: {"clipped_ppo": "mine_b.algorithm:ALGORITHM"}})
    assert algorithm_address("clipped_ppo") == SUITE


def test_those_of_packages_are_listed_and_one_that_does_not_load_says_why(
    install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("mine_h", entry_points={GROUP: {"mine": "mine_h.algorithm:ALGORITHM", "cem": SUITE}})
    broken = {"algorithm.py": "import no_such_module"}
    install("mine_i", broken, {GROUP: {"broken": "mine_i.algorithm:ALGORITHM"}})
    assert main(["list", "--algorithms", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["mine"] == listed["clipped_ppo"] != listed["cem"]
    assert "no_such_module" in listed["broken"]["objective"]
    assert main(["show", "mine"]) == 0
    assert "run --algorithm mine --env" in capsys.readouterr().out


def test_unknown_names_are_told_with_what_packages_give(install) -> None:
    install("mine_c", entry_points={GROUP: {"rollback": "mine_c.algorithm:ALGORITHM"}})
    with pytest.raises(InputError, match=r"Did you mean 'rollback'.* package\.module:NAME"):
        canonical_algorithm("rolback")


def test_two_packages_that_give_one_name(install) -> None:
    install("mine_d", entry_points={GROUP: {"short": "mine_d.algorithm:ALGORITHM"}})
    install("mine_e", entry_points={GROUP: {"short": "mine_e.algorithm:ALGORITHM"}})
    with pytest.raises(InputError, match=r"mine_\w\.algorithm:ALGORITHM, mine_\w.*name one by"):
        canonical_algorithm("short")


def test_an_entry_point_that_is_no_address(install) -> None:
    install("mine_f", entry_points={GROUP: {"short": "mine_f.algorithm"}})
    with pytest.raises(InputError, match=r"'short' of the group.*must be package\.module:NAME"):
        canonical_algorithm("short")


def test_an_environment_by_the_name_that_a_package_gives(install) -> None:
    install("mine_g", entry_points={"ppo_ladder.environments": {"Maze-v0": "mine_g.mazes"}})
    assert plugin_environment("Maze-v0") == "mine_g.mazes:Maze-v0"
    assert plugin_environment("Hopper-v5") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [("cem", True), ("a.b:C", True), ("made_elsewhere", False), ("a b:c", False), ("a:", False)],
)
def test_what_can_be_an_algorithm_here(name: str, expected: bool) -> None:
    assert is_algorithm(name) == expected
