"""Which back end steps an id, and what is said of ids that nothing steps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from algorithms.spaces import Continuous, Discrete
from bench.errors import InputError
from bench.train.environments import describe, make
from bench.train.environments.catalogue import back_end_of
from bench.train.environments.protocol import Specification

ROOT = Path(__file__).parents[2]


def test_back_end_of_the_known_ids() -> None:
    assert back_end_of("HalfCheetah-v5") == "envpool"
    assert back_end_of("CartPole-v1") == "envpool"
    # Blackjack is no flat vector to EnvPool, and HalfCheetah-v4 another environment.
    assert back_end_of("Blackjack-v1") == "gymnasium"
    assert back_end_of("HalfCheetah-v4") == "gymnasium"


def test_planning_imports_no_back_end() -> None:
    program = (
        "import sys; from bench.train.environments.catalogue import back_end_of;"
        "assert back_end_of('Hopper-v5') == 'envpool';"
        "heavy = {'envpool', 'gymnasium', 'torch', 'mujoco', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy;"
        "assert back_end_of('Hopper-v4') == 'gymnasium';"
        "heavy = {'envpool', 'torch', 'mujoco', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)


@pytest.mark.parametrize("back_end", ["envpool", "gymnasium"])
def test_description_of_known_environments(back_end: str) -> None:
    assert describe("Hopper-v5", back_end=back_end) == Specification(
        environment="Hopper-v5",
        back_end=back_end,
        observation_size=11,
        action_space=Continuous(size=3, low=(-1.0,) * 3, high=(1.0,) * 3),
        time_limit=1000,
    )
    assert describe("CartPole-v1", back_end=back_end) == Specification(
        environment="CartPole-v1",
        back_end=back_end,
        observation_size=4,
        action_space=Discrete(count=2),
        time_limit=500,
    )


@pytest.mark.parametrize(
    ("environment", "nearest"),
    [
        ("Hoper-v5", "'Hopper-v5'"),
        ("hopper-V5", "'Hopper-v5'"),
        # Without a version the newest is meant, but not taken.
        ("Hopper", "'Hopper-v5'"),
        ("halfcheetah", "'HalfCheetah-v5'"),
        ("CartPole-v9", "'CartPole-v1'"),
        ("json:Hoper-v5", "'Hopper-v5'"),
    ],
)
def test_unknown_id_names_the_nearest(environment: str, nearest: str) -> None:
    for look_up in (back_end_of, describe, lambda name: make(name, [0], 1)):
        with pytest.raises(InputError) as caught:
            look_up(environment)
        message = str(caught.value)
        assert repr(environment) in message
        assert f"Did you mean {nearest}?" in message
        assert "Allowed: " in message
        assert "\n" not in message


@pytest.mark.parametrize("environment", ["", ":", "no such thing at all", "módulo:Ambiente"])
def test_hopeless_ids_are_bad_input_all_the_same(environment: str) -> None:
    with pytest.raises(InputError):
        back_end_of(environment)


def test_unknown_module() -> None:
    with pytest.raises(InputError, match=r"'no_such_module' .* can't be found"):
        back_end_of("no_such_module:Corridor-v0")
    with pytest.raises(InputError, match=r"'json\.no_such_part' .* can't be found"):
        back_end_of("json.no_such_part:Corridor-v0")


@pytest.mark.parametrize(
    ("source", "error"),
    [("import no_such_dependency", ModuleNotFoundError), ("1 / 0", ZeroDivisionError)],
)
def test_broken_module_shows_its_own_fault(
    source: str, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_environments.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    name = "broken_environments:Corridor-v0"
    with pytest.raises(error) as caught:
        back_end_of(name)
    assert caught.value.__notes__ == [
        f"while importing 'broken_environments' for the environment {name!r}"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"back_end": "gymnasum"}, "Did you mean 'gymnasium'"),
        ({"seeds": []}, "seeds must be"),
        ({"seeds": [0, -1]}, r"seeds must be .*\[0, -1\]"),
        ({"slots": 0}, "slots must be at least 1, not 0"),
        ({"time_limit": 0}, "time_limit must be at least 1 step, not 0"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    allowed: dict[str, object] = {"seeds": [0], "slots": 1}
    with pytest.raises(InputError, match=message):
        make("CartPole-v1", **{**allowed, **arguments})  # type: ignore[arg-type]


def test_envpool_is_refused_where_it_has_not_been_compared() -> None:
    with pytest.raises(InputError, match="doesn't step 'Hopper-v4'; choose 'gymnasium'"):
        make("Hopper-v4", [0], 1, back_end="envpool")


@pytest.mark.filterwarnings("ignore:.*is out of date")
@pytest.mark.parametrize("environment", ["Hopper-v3", "GymV21Environment-v0"])
def test_environment_that_cannot_be_made_is_bad_input(environment: str) -> None:
    # In the registry of Gymnasium, but moved out of it: their packages are not installed here.
    with pytest.raises(InputError, match=f"'{environment}' can't be made: ") as caught:
        describe(environment)
    assert "\n" not in str(caught.value)
