"""The table of back ends says what its modules are and do."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import InputError
from bench.plan.back_ends import BACK_ENDS, back_end, check_trains
from bench.plan.lookup import load_algorithm
from bench.train.back_ends import describe

ROOT = Path(__file__).parents[2]
STEPPED = {"sequence": "Reviews-v0", "envpool": "CartPole-v1", "gymnasium": "Blackjack-v1"}


@pytest.mark.parametrize("name", BACK_ENDS)
def test_a_trainer_takes_what_the_table_says(name: str) -> None:
    train = importlib.import_module(BACK_ENDS[name].trainer).train
    parameters = inspect.signature(train).parameters
    assert list(parameters)[:3] == ["task", "seeds", "observers"]
    assert ("checkpoint" in parameters) == BACK_ENDS[name].resumable


@pytest.mark.parametrize("name", STEPPED)
def test_an_environment_of_a_back_end_is_described_by_its_module(name: str) -> None:
    described = describe(STEPPED[name])
    assert described.back_end == name
    module = importlib.import_module(BACK_ENDS[name].environments)
    assert module.describe(STEPPED[name]) == described


def test_an_unknown_back_end_is_bad_input() -> None:
    with pytest.raises(InputError, match="Did you mean 'envpool'"):
        back_end("envpol")


@pytest.mark.parametrize("name", BACK_ENDS)
def test_an_algorithm_goes_with_what_a_back_end_takes(name: str) -> None:
    answers = BACK_ENDS[name].takes == "answers"
    fitting, other = (
        ("sequence_baseline", "baseline") if answers else ("baseline", "sequence_kl_ppo")
    )
    check_trains(fitting, load_algorithm(fitting), "E-v0", name)
    with pytest.raises(InputError, match=f"{other!r} learns from"):
        check_trains(other, load_algorithm(other), "E-v0", name)


def test_the_table_imports_nothing_of_what_it_names() -> None:
    script = (
        "import sys, bench.plan.back_ends; "
        "print([m for m in ('torch', 'numpy', 'gymnasium', 'bench.train') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout.strip() == "[]"
