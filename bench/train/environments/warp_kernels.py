"""The kernels beside the physics, for M worlds of any task, one thread per world.

`begin` begins an episode. Before a tick's physics `send` writes the actions; after it `receive`
does all the rest: reward, end, observation and the next episode.
"""

# Warp's kernels are a language of their own.
# mypy: ignore-errors

# A variable that a loop changes is declared by a call, or Warp takes it for a constant.
# ruff: noqa: UP018

from __future__ import annotations

import functools
from typing import Any

from bench.train.environments.warp_draws import addressed
from bench.train.environments.warp_launching import warp

# Separates these random numbers from those of actions and minibatches.
_DOMAIN = warp.constant(warp.uint64(int.from_bytes(b"begin", "big")))
# MuJoCo's mjMAXVAL: a position or velocity beyond it is bad, and the world begins anew.
_LARGEST = warp.constant(1e10)

Matrix = warp.array2d(dtype=float)


@warp.struct
class State:
    """The physics of M worlds, as the engine's own arrays.

    position: qpos [M, nq]; velocity, warm_start: qvel, qacc_warmstart [M, nv]; action: ctrl [M, A].
    bodies: xpos [M, nbody] and sites: site_xpos [M, nsite], points from the beginning of the last
    substep, as Gymnasium reads them. constraint: qfrc_constraint [M, nv]; contact: cfrc_ext
    [M, nbody], torque and force.
    """

    position: Matrix
    velocity: Matrix
    warm_start: Matrix
    action: Matrix
    bodies: warp.array2d(dtype=warp.vec3)
    sites: warp.array2d(dtype=warp.vec3)
    constraint: Matrix
    contact: warp.array2d(dtype=warp.spatial_vector)


@warp.struct
class Slots:
    """What M slots have beside the physics, each [M, …].

    place: coordinate whose change is the forward speed; finite: whether the action's numbers are;
    observations: what to act on next; last: the same before a next episode began; kept_…: the
    physics before the tick, to which idle slots go back.
    """

    seeds: warp.array(dtype=warp.int64)
    slots: warp.array(dtype=warp.int64)
    elapsed: warp.array(dtype=warp.int64)
    episode: warp.array(dtype=warp.int64)
    place: warp.array(dtype=float)
    finite: warp.array(dtype=bool)
    observations: Matrix
    last: Matrix
    rewards: warp.array(dtype=float)
    terminated: warp.array(dtype=bool)
    truncated: warp.array(dtype=bool)
    kept_position: Matrix
    kept_velocity: Matrix
    kept_warm_start: Matrix


@warp.struct
class Numbers:
    """Constants of one environment, read from Gymnasium; a task uses some of them.

    start: initial qpos [nq], motion: initial qvel [nv]; noise: scale of the noise on both, normal
    on velocities if is_normal. skipped: positions that aren't observed; bound: of the velocities
    observed. Weights of a reward: forward, control, alive, distance, contact. Healthy ranges: low,
    high (height), left, right (angle), least, most (the other numbers; Ant: of contact forces).
    dt: a tick [s]. torso, finger, target: bodies; upper, lower: the arm's lengths [m].
    """

    start: warp.array(dtype=warp.float64)
    motion: warp.array(dtype=warp.float64)
    noise: warp.float64
    is_normal: bool
    skipped: int
    bound: float
    dt: float
    forward: float
    control: float
    alive: float
    distance: float
    contact: float
    low: float
    high: float
    left: float
    right: float
    least: float
    most: float
    torso: int
    finger: int
    target: int
    upper: float
    lower: float


@warp.kernel(enable_backward=False)
def send(actions: Matrix, state: State, slots: Slots) -> None:
    """Write the actions [M, A], 0 where one isn't finite, and keep the physics."""
    i = warp.tid()
    finite = bool(True)
    for j in range(actions.shape[1]):
        finite = finite and warp.isfinite(actions[i, j])
    slots.finite[i] = finite
    for j in range(actions.shape[1]):
        state.action[i, j] = warp.where(finite, actions[i, j], 0.0)
    for j in range(state.position.shape[1]):
        slots.kept_position[i, j] = state.position[i, j]
    for j in range(state.velocity.shape[1]):
        slots.kept_velocity[i, j] = state.velocity[i, j]
        slots.kept_warm_start[i, j] = state.warm_start[i, j]


@functools.cache
def kernels(task_functions: tuple[Any, ...]) -> tuple[Any, Any]:
    """Make the kernels `begin` and `receive` of a task's five functions, in the order of `Task`."""
    observe, reward, healthy, draw, place = task_functions

    @warp.func(module="unique")
    def begin_episode(state: State, slots: Slots, numbers: Numbers, i: int) -> None:
        key = addressed(_DOMAIN, slots.seeds[i], slots.slots[i], slots.episode[i])
        draw(state, i, key, numbers)
        for j in range(state.warm_start.shape[1]):
            state.warm_start[i, j] = 0.0
        observe(state, i, True, numbers, slots.observations)
        slots.place[i] = state.position[i, 0]
        slots.elapsed[i] = warp.int64(0)
        slots.episode[i] = slots.episode[i] + warp.int64(1)

    @warp.kernel(module="unique", enable_backward=False)
    def begin(state: State, slots: Slots, numbers: Numbers) -> None:
        begin_episode(state, slots, numbers, warp.tid())

    @warp.kernel(module="unique", enable_backward=False)
    def receive(
        state: State,
        slots: Slots,
        numbers: Numbers,
        limit: warp.int64,
        active: warp.array(dtype=bool),
    ) -> None:
        i = warp.tid()
        if not active[i]:
            # Idle worlds are stepped like all others, which costs nothing, and then put back.
            for j in range(state.position.shape[1]):
                state.position[i, j] = slots.kept_position[i, j]
            for j in range(state.velocity.shape[1]):
                state.velocity[i, j] = slots.kept_velocity[i, j]
                state.warm_start[i, j] = slots.kept_warm_start[i, j]
            for j in range(slots.last.shape[1]):
                slots.last[i, j] = slots.observations[i, j]
            slots.rewards[i] = 0.0
            slots.terminated[i] = False
            slots.truncated[i] = False
            return
        _begin_anew_if_bad(state, i, numbers)
        alive = healthy(state, i, numbers)
        earned = reward(state, i, slots.place[i], alive, numbers)
        slots.rewards[i] = warp.where(slots.finite[i], earned, warp.nan)
        slots.place[i] = place(state, i, numbers)
        slots.elapsed[i] = slots.elapsed[i] + warp.int64(1)
        late = alive and slots.elapsed[i] >= limit
        slots.terminated[i] = not alive
        slots.truncated[i] = late
        observe(state, i, False, numbers, slots.last)
        if late or not alive:
            begin_episode(state, slots, numbers, i)
        else:
            for j in range(slots.last.shape[1]):
                slots.observations[i, j] = slots.last[i, j]

    return begin, receive


@warp.func
def _begin_anew_if_bad(state: State, i: int, numbers: Numbers) -> None:
    """Put a world beyond all bounds back to `start`, as `mj_checkPos` and `mj_checkVel` do.

    Other worlds then don't pay for it, least of all for the contacts of a heap of NaN.
    """
    bad = bool(False)
    # A comparison with NaN is false.
    for j in range(state.position.shape[1]):
        bad = bad or not (warp.abs(state.position[i, j]) <= _LARGEST)
    for j in range(state.velocity.shape[1]):
        bad = bad or not (warp.abs(state.velocity[i, j]) <= _LARGEST)
    if bad:
        for j in range(state.position.shape[1]):
            state.position[i, j] = float(numbers.start[j])
        for j in range(state.velocity.shape[1]):
            state.velocity[i, j] = 0.0
            state.warm_start[i, j] = 0.0
