"""Gymnasium's MuJoCo tasks (v5) for M worlds at once, as functions of tensors.

Each task is a set of functions of the state: observation, reward, health, and initial state.
Weights, ranges and noise are read from the Gymnasium environment, never written down here.
"""

# Attributes of Gymnasium's environments have no types.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.train.environments.warp_draws import normal, uniform


@dataclass
class State:
    """The physics of M worlds after a step of the environment, as views without a copy.

    Attributes:
        position: qpos [M, nq]; velocity: qvel [M, nv].
        before: [M], `Task.place` before the step.
        action: [M, A] as sent.
        bodies: xpos [M, nbody, 3]; sites: site_xpos [M, nsite, 3], both from the beginning of the
            last substep, as Gymnasium reads them.
        constraint: qfrc_constraint [M, nv]; contact: cfrc_ext [M, nbody, 6].
    """

    position: Tensor
    velocity: Tensor
    before: Tensor
    action: Tensor
    bodies: Tensor
    sites: Tensor
    constraint: Tensor
    contact: Tensor


@dataclass(frozen=True, kw_only=True)
class Task:
    """The functions that define one environment id.

    Attributes:
        observe: State -> [M, O].
        reward: State, healthy [M] -> [M].
        healthy: State -> bool [M], False where the episode ends.
        begin: keys [M] -> qpos [M, nq], qvel [M, nv] of new episodes.
        first: qpos, qvel -> [M, O], the first observation.
        place: State -> [M], coordinate whose change is the forward speed; initially qpos[0].
        contact_forces: whether `contact` is read.
    """

    observe: Callable[[State], Tensor]
    reward: Callable[[State, Tensor], Tensor]
    healthy: Callable[[State], Tensor]
    begin: Callable[[Tensor], tuple[Tensor, Tensor]]
    first: Callable[[Tensor, Tensor], Tensor]
    place: Callable[[State], Tensor] = lambda state: state.position[:, 0]
    contact_forces: bool = False


def task_of(environment_id: str, environment: Any) -> Task:
    """Return the task of one of `WARP.ids`, given Gymnasium's environment, unwrapped."""
    name = environment_id.removesuffix("-v5")
    makers = {
        "HalfCheetah": _runner,
        "Swimmer": _runner,
        "Hopper": _hopper,
        "Walker2d": _walker,
        "InvertedPendulum": _pendulum,
        "InvertedDoublePendulum": _double_pendulum,
        "Reacher": _reacher,
        "Ant": _ant,
    }
    return makers[name](environment)


def _always(state: State) -> Tensor:
    return torch.ones(len(state.position), dtype=torch.bool, device=state.position.device)


def _around(environment: Any, *, gaussian: bool) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Uniform noise on the initial positions; uniform or Gaussian noise on the velocities."""
    scale = environment._reset_noise_scale
    nq, nv = environment.model.nq, environment.model.nv

    def begin(keys: Tensor) -> tuple[Tensor, Tensor]:
        start, motion = _initial(environment, keys.device)
        position = start + scale * (2 * uniform(keys, nq) - 1)
        drawn = normal(keys + 1, nv) if gaussian else 2 * uniform(keys + 1, nv) - 1
        return position.float(), (motion + scale * drawn).float()

    return begin


def _initial(environment: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    known = environment.__dict__.setdefault("_bench_initial", {})
    if device not in known:
        known[device] = tuple(
            torch.as_tensor(values, device=device)
            for values in (environment.init_qpos, environment.init_qvel)
        )
    return known[device]


def _control_cost(environment: Any, state: State) -> Tensor:
    return environment._ctrl_cost_weight * state.action.square().sum(1)


def _speed(environment: Any, state: State) -> Tensor:
    """Forward speed × its weight, from the positions before and after the step."""
    speed = (state.position[:, 0] - state.before) / environment.dt
    return environment._forward_reward_weight * speed


def _plain(skipped: int, bound: float = math.inf) -> Callable[[Tensor, Tensor], Tensor]:
    """Observe positions from number `skipped` on, and velocities clipped to ±bound."""

    def observe(position: Tensor, velocity: Tensor) -> Tensor:
        if bound < math.inf:
            velocity = velocity.clamp(-bound, bound)
        return torch.cat([position[:, skipped:], velocity], dim=1)

    return observe


def _runner(environment: Any) -> Task:
    skipped = environment.observation_structure["skipped_qpos"]
    see = _plain(skipped)
    return Task(
        observe=lambda state: see(state.position, state.velocity),
        reward=lambda state, healthy: (
            _speed(environment, state) - _control_cost(environment, state)
        ),
        healthy=_always,
        # HalfCheetah draws velocities from a Gaussian, Swimmer uniformly.
        begin=_around(environment, gaussian=skipped == 1),
        first=see,
    )


def _legged(environment: Any, healthy: Callable[[State], Tensor]) -> Task:
    see = _plain(1, 10.0)
    return Task(
        observe=lambda state: see(state.position, state.velocity),
        reward=lambda state, alive: (
            _speed(environment, state)
            + environment._healthy_reward * alive
            - _control_cost(environment, state)
        ),
        healthy=healthy,
        begin=_around(environment, gaussian=False),
        first=see,
    )


def _upright(environment: Any, state: State) -> Tensor:
    low, high = environment._healthy_z_range
    left, right = environment._healthy_angle_range
    height, angle = state.position[:, 1], state.position[:, 2]
    return (height > low) & (height < high) & (angle > left) & (angle < right)


def _hopper(environment: Any) -> Task:
    low, high = environment._healthy_state_range

    def healthy(state: State) -> Tensor:
        rest = torch.cat([state.position[:, 2:], state.velocity], dim=1)
        return _upright(environment, state) & ((rest > low) & (rest < high)).all(1)

    return _legged(environment, healthy)


def _walker(environment: Any) -> Task:
    return _legged(environment, lambda state: _upright(environment, state))


def _pendulum(environment: Any) -> Task:
    see = _plain(0)

    def healthy(state: State) -> Tensor:
        seen = see(state.position, state.velocity)
        return torch.isfinite(seen).all(1) & (seen[:, 1].abs() <= 0.2)

    return Task(
        observe=lambda state: see(state.position, state.velocity),
        reward=lambda state, alive: alive.to(state.position.dtype),
        healthy=healthy,
        begin=_around(environment, gaussian=False),
        first=see,
    )


def _double_pendulum(environment: Any) -> Task:
    def see(position: Tensor, velocity: Tensor, force: Tensor) -> Tensor:
        angles = position[:, 1:]
        return torch.cat(
            [
                position[:, :1],
                angles.sin(),
                angles.cos(),
                velocity.clamp(-10, 10),
                force.clamp(-10, 10),
            ],
            dim=1,
        )

    def reward(state: State, alive: Tensor) -> Tensor:
        x, y = state.sites[:, 0, 0], state.sites[:, 0, 2]
        distance = 0.01 * x.square() + (y - 2).square()
        first, second = state.velocity[:, 1], state.velocity[:, 2]
        speed = 1e-3 * first.square() + 5e-3 * second.square()
        return environment._healthy_reward * alive - distance - speed

    return Task(
        observe=lambda state: see(state.position, state.velocity, state.constraint[:, :1]),
        reward=reward,
        healthy=lambda state: state.sites[:, 0, 2] > 1,
        begin=_around(environment, gaussian=True),
        # At the start no limit is reached, so that no constraint acts.
        first=lambda position, velocity: see(position, velocity, torch.zeros_like(position[:, :1])),
    )


def _reacher(environment: Any) -> Task:
    model = environment.model
    finger, target = (model.body(name).id for name in ("fingertip", "target"))
    arm = float(model.body("body1").pos[0]), float(model.body("fingertip").pos[0])

    def see(position: Tensor, velocity: Tensor, gap: Tensor) -> Tensor:
        theta = position[:, :2]
        return torch.cat(
            [theta.cos(), theta.sin(), position[:, 2:], velocity[:, :2], gap[:, :2]], dim=1
        )

    def gap(state: State) -> Tensor:
        return state.bodies[:, finger] - state.bodies[:, target]

    def begin(keys: Tensor) -> tuple[Tensor, Tensor]:
        start, motion = _initial(environment, keys.device)
        position = start + 0.1 * (2 * uniform(keys, 4) - 1)
        # Uniform in the disc of radius 0.2, as the points that Gymnasium accepts of a square are.
        drawn = uniform(keys + 1, 2)
        radius, angle = 0.2 * drawn[:, :1].sqrt(), 2 * math.pi * drawn[:, 1:]
        goal = torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)
        velocity = motion + 0.005 * (2 * uniform(keys + 2, 4) - 1)
        still = torch.zeros_like(velocity[:, 2:])
        return (
            torch.cat([position[:, :2], goal], dim=1).float(),
            torch.cat([velocity[:, :2], still], dim=1).float(),
        )

    def first(position: Tensor, velocity: Tensor) -> Tensor:
        upper, both = position[:, 0], position[:, 0] + position[:, 1]
        x = arm[0] * upper.cos() + arm[1] * both.cos()
        y = arm[0] * upper.sin() + arm[1] * both.sin()
        tip = torch.stack([x, y], dim=1)
        return see(position, velocity, tip - position[:, 2:])

    return Task(
        observe=lambda state: see(state.position, state.velocity, gap(state)),
        reward=lambda state, alive: (
            -environment._reward_dist_weight * gap(state).norm(dim=1)
            - environment._reward_control_weight * state.action.square().sum(1)
        ),
        healthy=_always,
        begin=begin,
        first=first,
    )


def _ant(environment: Any) -> Task:
    low, high = environment._healthy_z_range
    least, most = environment._contact_force_range
    torso = environment._main_body

    def see(position: Tensor, velocity: Tensor, force: Tensor) -> Tensor:
        return torch.cat([position[:, 2:], velocity, force.flatten(1)], dim=1)

    def forces(state: State) -> Tensor:
        return state.contact.clamp(least, most)

    def healthy(state: State) -> Tensor:
        finite = torch.isfinite(torch.cat([state.position, state.velocity], dim=1)).all(1)
        height = state.position[:, 2]
        return finite & (height >= low) & (height <= high)

    def reward(state: State, alive: Tensor) -> Tensor:
        # Both positions of the torso are from the beginning of the last substep.
        speed = (state.bodies[:, torso, 0] - state.before) / environment.dt
        contact = environment._contact_cost_weight * forces(state).square().sum((1, 2))
        forward = environment._forward_reward_weight * speed
        earned = forward + environment._healthy_reward * alive
        return earned - _control_cost(environment, state) - contact

    return Task(
        observe=lambda state: see(state.position, state.velocity, forces(state)[:, 1:]),
        reward=reward,
        healthy=healthy,
        begin=_around(environment, gaussian=True),
        first=lambda position, velocity: see(
            position,
            velocity,
            position.new_zeros(len(position), environment.model.nbody - 1, 6),
        ),
        place=lambda state: state.bodies[:, torso, 0],
        contact_forces=True,
    )
