"""Users' own environments: registered from a module, with spaces of all sorts, and faulty ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
import pytest

from algorithms.spaces import Continuous, Discrete
from bench.errors import InputError
from bench.train.environments import describe, make
from bench.train.environments.protocol import Specification

MODULE = '''
import gymnasium

LENGTH = 6


class Corridor(gymnasium.Env):
    """Walk right to the end: the cells are the observations, -1 and 1 the actions."""

    observation_space = gymnasium.spaces.Discrete(LENGTH)
    action_space = gymnasium.spaces.Discrete(3, start=-1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.cell = int(self.np_random.integers(0, LENGTH - 1))
        return self.cell, {}

    def step(self, action):
        assert self.action_space.contains(action), action
        self.cell = max(0, self.cell + int(action))
        return self.cell, float(action), self.cell == LENGTH - 1, False, {"cell": self.cell}


gymnasium.register("Corridor-v0", entry_point=Corridor, max_episode_steps=9)
'''


class Probe(gymnasium.Env[Any, Any]):
    """Repeats the last action as observation and reward; faults on demand."""

    def __init__(
        self,
        observations: gymnasium.Space[Any],
        actions: gymnasium.Space[Any],
        fault: str | None = None,
    ) -> None:
        self.observation_space = observations
        self.action_space = actions
        self.fault = fault
        self.steps = 0
        if fault == "make":
            raise LookupError("no track")

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        if self.fault == "reset":
            raise LookupError("no start")
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        if self.fault == "step":
            raise LookupError("no road")
        assert action in self.action_space, action
        ended = self.fault == "both ends"
        return self.observation_space.sample(), float(np.sum(action)), ended, ended, {}


@pytest.fixture
def corridor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "walks.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "walks:Corridor-v0"
    gymnasium.registry.pop("Corridor-v0", None)
    monkeypatch.delitem(__import__("sys").modules, "walks", raising=False)


@pytest.fixture
def registered_probes() -> Iterator[None]:
    box, choice = gymnasium.spaces.Box, gymnasium.spaces.Discrete
    vector = box(-np.inf, np.inf, (3,), np.float64)
    nested = gymnasium.spaces.Dict({"place": box(-1, 1, (2, 2)), "room": choice(5)})
    probes: dict[str, Any] = {
        "Nested-v0": (nested, box(np.float64(0.1), np.float64(2.0), (2, 2), np.float64)),
        "TwoChoices-v0": (vector, gymnasium.spaces.MultiDiscrete([2, 3])),
        "WholeNumbers-v0": (vector, box(0, 3, (2,), np.int64)),
        "Sequences-v0": (gymnasium.spaces.Sequence(choice(3)), choice(2)),
        "FaultyMake-v0": (vector, choice(2), "make"),
        "FaultyReset-v0": (vector, choice(2), "reset"),
        "FaultyStep-v0": (vector, choice(2), "step"),
        "BothEnds-v0": (vector, choice(2), "both ends"),
    }
    for name, arguments in probes.items():
        gymnasium.register(name, entry_point=cast(Any, partial(Probe, *arguments)))
    yield
    for name in probes:
        gymnasium.registry.pop(name)


def test_environment_of_a_module_with_discrete_observations(corridor: str) -> None:
    assert describe(corridor) == Specification(
        environment=corridor,
        back_end="gymnasium",
        observation_size=6,
        action_space=Discrete(count=3),
        time_limit=9,
    )
    environments = make(corridor, [0, 1], 8)
    first = environments.reset()
    np.testing.assert_array_equal(np.sort(first, axis=1), np.tile([0, 0, 0, 0, 0, 1], (16, 1)))
    cells = first.argmax(axis=1)
    assert len(set(cells)) > 2
    # The choice 2 is the action 1: one cell to the right, until the last cell ends the episode.
    for _ in range(12):
        step = environments.step(np.full(16, 2), np.ones(16, bool))
        np.testing.assert_array_equal(step.rewards, 1.0)
        np.testing.assert_array_equal(step.last_observations.argmax(axis=1), cells + 1)
        np.testing.assert_array_equal(step.terminated, cells + 1 == 5)
        assert not step.truncated.any()
        cells = step.observations.argmax(axis=1)
        np.testing.assert_array_equal(
            cells[~step.terminated], step.last_observations.argmax(axis=1)[~step.terminated]
        )
    # The choice 0 is the action -1; nobody gets anywhere, and the limit is 9 steps.
    environments.reset()
    cuts = [environments.step(np.zeros(16, np.int64), np.ones(16, bool)) for _ in range(9)]
    assert cuts[-1].truncated.all()
    assert not any(step.truncated.any() for step in cuts[:-1])


def test_parts_of_observations_and_actions_are_flattened(registered_probes: None) -> None:
    specification = describe("Nested-v0")
    assert specification.observation_size == 4 + 5
    assert specification.time_limit is None
    low, high = float(np.float32(0.1)), 2.0
    assert specification.action_space == Continuous(size=4, low=(low,) * 4, high=(high,) * 4)
    environments = make("Nested-v0", [0], 2)
    assert environments.reset().shape == (2, 9)
    actions = np.array([[1.0, 1.25, 1.5, 2.0], [0.5, 0.5, 0.5, 0.5]], np.float32)
    np.testing.assert_array_equal(environments.step(actions, np.ones(2, bool)).rewards, [5.75, 2.0])


@pytest.mark.parametrize("environment", ["TwoChoices-v0", "WholeNumbers-v0", "Sequences-v0"])
def test_spaces_that_no_algorithm_handles_are_bad_input(
    environment: str, registered_probes: None
) -> None:
    with pytest.raises(InputError, match=f"'{environment}' .*; allowed are ") as caught:
        make(environment, [0], 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ("FaultyMake-v0", "no track"),
        ("FaultyReset-v0", "no start"),
        ("FaultyStep-v0", "no road"),
    ],
)
def test_faults_of_an_environment_come_through_with_its_name(
    environment: str, fault: str, registered_probes: None
) -> None:
    def go() -> None:
        environments = make(environment, [0], 2)
        environments.reset()
        environments.step(np.zeros(2, np.int64), np.ones(2, bool))

    with pytest.raises(LookupError, match=fault) as caught:
        go()
    assert caught.value.__notes__ == [f"raised by the environment {environment!r}"]


def test_terminated_wins_over_truncated(registered_probes: None) -> None:
    environments = make("BothEnds-v0", [0], 1)
    environments.reset()
    step = environments.step(np.zeros(1, np.int64), np.ones(1, bool))
    assert step.terminated[0]
    assert not step.truncated[0]


def test_idle_slots_cost_no_step(registered_probes: None) -> None:
    environments: Any = make("Nested-v0", [0], 3)
    environments.reset()
    actions = np.ones((3, 4), np.float32)
    for tick in range(6):
        environments.step(actions, np.array([True, tick < 2, False]))
    steps = [slot.unwrapped.steps for slot in environments._environments]
    assert steps == [6, 2, 0]
