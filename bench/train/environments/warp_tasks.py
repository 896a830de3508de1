"""Gymnasium's MuJoCo tasks (v5) as functions of one world's state.

Weights, ranges and noise are read from the Gymnasium environment, never written down here.
"""

# Warp's kernels are a language of their own, and attributes of Gymnasium's environments have no
# types.
# mypy: ignore-errors

# A variable that a loop changes is declared by a call, or Warp takes it for a constant.
# ruff: noqa: UP018

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.train.environments.warp_draws import gaussian, share
from bench.train.environments.warp_kernels import Matrix, Numbers, State
from bench.train.environments.warp_launching import filled, warp

_TWO = warp.constant(warp.float64(2.0))
_ONE = warp.constant(warp.float64(1.0))
_CIRCLE = warp.constant(2.0 * math.pi)


@dataclass(frozen=True)
class Task:
    """The Warp functions that define an environment; each takes (state, world, …, numbers).

    Attributes:
        observe: (…, first, numbers, out) writes the observation into out [M, O]; `first` says that
            nothing but position and velocity is known yet.
        reward: (…, place before, healthy, numbers) -> the reward.
        healthy: -> whether the episode goes on.
        begin: (…, key, numbers) writes position and velocity of a new episode.
        place: -> `Slots.place`.
        numbers: attribute of Gymnasium's environment, or a function of it, by field of `Numbers`.
        contact_forces: whether `State.contact` is read.
    """

    observe: Any
    reward: Any
    healthy: Any
    begin: Any
    place: Any
    numbers: dict[str, Any]
    contact_forces: bool = False

    @property
    def functions(self) -> tuple[Any, ...]:
        """What `kernels` takes."""
        return self.observe, self.reward, self.healthy, self.begin, self.place

    def numbers_of(self, environment: Any, device: str) -> Numbers:
        """Read the numbers of Gymnasium's environment, unwrapped."""
        fields: dict[str, Any] = {"bound": math.inf}
        for name, values in {
            "start": environment.init_qpos,
            "motion": environment.init_qvel,
        }.items():
            fields[name] = warp.array(np.array(values), dtype=warp.float64, device=device)
        for name, source in self.numbers.items():
            fields[name] = source
            if isinstance(source, str):
                fields[name] = getattr(environment, source)
            elif callable(source):
                fields[name] = source(environment)
        return filled(Numbers, fields)


@warp.func
def _centred(key: warp.uint64, j: int) -> warp.float64:
    """Uniform in [−1, 1)."""
    return _TWO * share(key, j) - _ONE


@warp.func
def _around(state: State, i: int, key: warp.uint64, numbers: Numbers) -> None:
    """Uniform noise on the initial positions; uniform or normal noise on the velocities."""
    count = state.velocity.shape[1]
    for j in range(state.position.shape[1]):
        state.position[i, j] = float(numbers.start[j] + numbers.noise * _centred(key, j))
    for j in range(count):
        noise = _centred(key + warp.uint64(1), j)
        if numbers.is_normal:
            noise = gaussian(key + warp.uint64(1), j, count)
        state.velocity[i, j] = float(numbers.motion[j] + numbers.noise * noise)


@warp.func
def _bounded(value: float, low: float, high: float) -> float:
    """`value` within the bounds; NaN stays."""
    if value < low:
        return low
    if value > high:
        return high
    return value


@warp.func
def _inside(value: float, low: float, high: float) -> bool:
    return value > low and value < high


@warp.func
def _plain(state: State, i: int, first: bool, numbers: Numbers, out: Matrix) -> None:
    """Observe positions from number `skipped` on, and velocities within ±bound."""
    count = state.position.shape[1] - numbers.skipped
    for j in range(count):
        out[i, j] = state.position[i, numbers.skipped + j]
    for j in range(state.velocity.shape[1]):
        out[i, count + j] = _bounded(state.velocity[i, j], -numbers.bound, numbers.bound)


@warp.func
def _x(state: State, i: int, numbers: Numbers) -> float:
    return state.position[i, 0]


@warp.func
def _always(state: State, i: int, numbers: Numbers) -> bool:
    return True


@warp.func
def _control(state: State, i: int, numbers: Numbers) -> float:
    total = float(0.0)
    for j in range(state.action.shape[1]):
        total += state.action[i, j] * state.action[i, j]
    return numbers.control * total


@warp.func
def _running(state: State, i: int, old_place: float, healthy: bool, numbers: Numbers) -> float:
    """Forward speed and being alive, less the action's cost."""
    speed = (state.position[i, 0] - old_place) / numbers.dt
    return (
        numbers.forward * speed
        + warp.where(healthy, numbers.alive, 0.0)
        - _control(state, i, numbers)
    )


@warp.func
def _upright(state: State, i: int, numbers: Numbers) -> bool:
    height, angle = state.position[i, 1], state.position[i, 2]
    return _inside(height, numbers.low, numbers.high) and _inside(
        angle, numbers.left, numbers.right
    )


@warp.func
def _upright_and_calm(state: State, i: int, numbers: Numbers) -> bool:
    calm = _upright(state, i, numbers)
    for j in range(2, state.position.shape[1]):
        calm = calm and _inside(state.position[i, j], numbers.least, numbers.most)
    for j in range(state.velocity.shape[1]):
        calm = calm and _inside(state.velocity[i, j], numbers.least, numbers.most)
    return calm


@warp.func
def _one(state: State, i: int, old_place: float, healthy: bool, numbers: Numbers) -> float:
    return warp.where(healthy, 1.0, 0.0)


@warp.func
def _pole_is_up(state: State, i: int, numbers: Numbers) -> bool:
    return warp.abs(state.position[i, 1]) <= 0.2


@warp.func
def _poles(state: State, i: int, first: bool, numbers: Numbers, out: Matrix) -> None:
    out[i, 0] = state.position[i, 0]
    for j in range(2):
        out[i, 1 + j] = warp.sin(state.position[i, 1 + j])
        out[i, 3 + j] = warp.cos(state.position[i, 1 + j])
    for j in range(3):
        out[i, 5 + j] = _bounded(state.velocity[i, j], -10.0, 10.0)
    # At the start no limit is reached, so that no constraint acts.
    out[i, 8] = warp.where(first, 0.0, _bounded(state.constraint[i, 0], -10.0, 10.0))


@warp.func
def _balancing(state: State, i: int, old_place: float, healthy: bool, numbers: Numbers) -> float:
    tip = state.sites[i, 0]
    distance = 0.01 * tip[0] * tip[0] + (tip[2] - 2.0) * (tip[2] - 2.0)
    first, second = state.velocity[i, 1], state.velocity[i, 2]
    speed = 0.001 * first * first + 0.005 * second * second
    return warp.where(healthy, numbers.alive, 0.0) - distance - speed


@warp.func
def _tip_is_up(state: State, i: int, numbers: Numbers) -> bool:
    return state.sites[i, 0][2] > 1.0


@warp.func
def _gap(state: State, i: int, numbers: Numbers) -> warp.vec3:
    return state.bodies[i, numbers.finger] - state.bodies[i, numbers.target]


@warp.func
def _arm(state: State, i: int, first: bool, numbers: Numbers, out: Matrix) -> None:
    upper_angle = state.position[i, 0]
    for j in range(2):
        out[i, j] = warp.cos(state.position[i, j])
        out[i, 2 + j] = warp.sin(state.position[i, j])
        out[i, 4 + j] = state.position[i, 2 + j]
        out[i, 6 + j] = state.velocity[i, j]
    gap = _gap(state, i, numbers)
    if first:
        lower_angle = upper_angle + state.position[i, 1]
        x = numbers.upper * warp.cos(upper_angle) + numbers.lower * warp.cos(lower_angle)
        y = numbers.upper * warp.sin(upper_angle) + numbers.lower * warp.sin(lower_angle)
        gap = warp.vec3(x - state.position[i, 2], y - state.position[i, 3], 0.0)
    out[i, 8] = gap[0]
    out[i, 9] = gap[1]


@warp.func
def _reaching(state: State, i: int, old_place: float, healthy: bool, numbers: Numbers) -> float:
    gap = warp.length(_gap(state, i, numbers))
    return -numbers.distance * gap - _control(state, i, numbers)


@warp.func
def _arm_and_goal(state: State, i: int, key: warp.uint64, numbers: Numbers) -> None:
    for j in range(2):
        state.position[i, j] = float(numbers.start[j] + warp.float64(0.1) * _centred(key, j))
        state.velocity[i, j] = float(
            numbers.motion[j] + warp.float64(0.005) * _centred(key + warp.uint64(2), j)
        )
        state.velocity[i, 2 + j] = 0.0
    # Uniform in the disc of radius 0.2, as the points that Gymnasium accepts of a square are.
    radius = 0.2 * warp.sqrt(float(share(key + warp.uint64(1), 0)))
    angle = _CIRCLE * float(share(key + warp.uint64(1), 1))
    state.position[i, 2] = radius * warp.cos(angle)
    state.position[i, 3] = radius * warp.sin(angle)


@warp.func
def _walking(state: State, i: int, first: bool, numbers: Numbers, out: Matrix) -> None:
    """Ant's observation: `_plain`, and the contact forces of all bodies but the world."""
    _plain(state, i, first, numbers, out)
    column = state.position.shape[1] - numbers.skipped + state.velocity.shape[1]
    for body in range(1, state.contact.shape[1]):
        for j in range(6):
            force = _bounded(state.contact[i, body][j], numbers.least, numbers.most)
            out[i, column] = warp.where(first, 0.0, force)
            column += 1


@warp.func
def _walking_reward(
    state: State, i: int, old_place: float, healthy: bool, numbers: Numbers
) -> float:
    # Both positions of the torso are from the beginning of the last substep.
    speed = (state.bodies[i, numbers.torso][0] - old_place) / numbers.dt
    contact = float(0.0)
    for body in range(state.contact.shape[1]):
        for j in range(6):
            force = _bounded(state.contact[i, body][j], numbers.least, numbers.most)
            contact += force * force
    return (
        numbers.forward * speed
        + warp.where(healthy, numbers.alive, 0.0)
        - _control(state, i, numbers)
        - numbers.contact * contact
    )


@warp.func
def _torso_in_range(state: State, i: int, numbers: Numbers) -> bool:
    height = state.position[i, 2]
    return height >= numbers.low and height <= numbers.high


@warp.func
def _torso_x(state: State, i: int, numbers: Numbers) -> float:
    return state.bodies[i, numbers.torso][0]


def _skipped(environment: Any) -> int:
    return environment.observation_structure["skipped_qpos"]


def _end(attribute: str, index: int) -> Any:
    """Read one end of a range."""
    return lambda environment: getattr(environment, attribute)[index]


def _body(name: str) -> Any:
    return lambda environment: environment.model.body(name).id


def _length(name: str) -> Any:
    """Read a body's place along its parent's x [m]."""
    return lambda environment: environment.model.body(name).pos[0]


_NOISE = {"noise": "_reset_noise_scale"}
_RUNNING = {
    **_NOISE,
    "dt": "dt",
    "forward": "_forward_reward_weight",
    "control": "_ctrl_cost_weight",
    "skipped": _skipped,
}
_LEGGED = {
    **_RUNNING,
    "bound": 10.0,
    "alive": "_healthy_reward",
    "low": _end("_healthy_z_range", 0),
    "high": _end("_healthy_z_range", 1),
    "left": _end("_healthy_angle_range", 0),
    "right": _end("_healthy_angle_range", 1),
}
_CALM = {"least": _end("_healthy_state_range", 0), "most": _end("_healthy_state_range", 1)}

TASKS = {
    "HalfCheetah-v5": Task(_plain, _running, _always, _around, _x, {**_RUNNING, "is_normal": True}),
    "Swimmer-v5": Task(_plain, _running, _always, _around, _x, _RUNNING),
    "Hopper-v5": Task(_plain, _running, _upright_and_calm, _around, _x, {**_LEGGED, **_CALM}),
    "Walker2d-v5": Task(_plain, _running, _upright, _around, _x, _LEGGED),
    "InvertedPendulum-v5": Task(_plain, _one, _pole_is_up, _around, _x, _NOISE),
    "InvertedDoublePendulum-v5": Task(
        _poles,
        _balancing,
        _tip_is_up,
        _around,
        _x,
        {**_NOISE, "is_normal": True, "alive": "_healthy_reward"},
    ),
    "Reacher-v5": Task(
        _arm,
        _reaching,
        _always,
        _arm_and_goal,
        _x,
        {
            "distance": "_reward_dist_weight",
            "control": "_reward_control_weight",
            "finger": _body("fingertip"),
            "target": _body("target"),
            "upper": _length("body1"),
            "lower": _length("fingertip"),
        },
    ),
    "Ant-v5": Task(
        _walking,
        _walking_reward,
        _torso_in_range,
        _around,
        _torso_x,
        {
            **_RUNNING,
            "is_normal": True,
            "alive": "_healthy_reward",
            "contact": "_contact_cost_weight",
            "low": _end("_healthy_z_range", 0),
            "high": _end("_healthy_z_range", 1),
            "least": _end("_contact_force_range", 0),
            "most": _end("_contact_force_range", 1),
            "torso": "_main_body",
        },
        contact_forces=True,
    ),
}
"""The task of every environment id of `WARP`."""
