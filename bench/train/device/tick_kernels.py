"""What a tick adds to a batch and to the slots' episodes, as two kernels of Warp.

The first counts, as a slot's record has its seed's steps; the second records.
"""

# Warp's kernels are a language of their own.
# mypy: ignore-errors

# A variable that a loop changes is declared by a call, or Warp takes it for a constant.
# ruff: noqa: UP018

from __future__ import annotations

from bench.train.environments.warp_launching import warp

SOUND = warp.constant(4)
"""Number of the parts of a tick that have to be finite; as an index: all of them are."""


@warp.struct
class Tick:
    """A tick of S seeds in N slots, [S, N, …], before it is recorded.

    acting: slots that took part; bad: [S], the first part that isn't finite in one of them, or
    `SOUND`; sound_actions: whether actions are finite.
    """

    acting: warp.array2d(dtype=bool)
    sound_actions: warp.array2d(dtype=bool)
    rewards: warp.array2d(dtype=float)
    terminated: warp.array2d(dtype=bool)
    truncated: warp.array2d(dtype=bool)
    last: warp.array3d(dtype=float)
    observations: warp.array3d(dtype=float)
    bad: warp.array(dtype=int)


@warp.struct
class Episodes:
    """Where seeds and slots stand: [S] active, steps, diverged_…; [S, N] the rest."""

    active: warp.array(dtype=bool)
    steps: warp.array(dtype=warp.int64)
    diverged_at: warp.array(dtype=warp.int64)
    diverged_by: warp.array(dtype=warp.int64)
    taken: warp.array2d(dtype=warp.int64)
    lengths: warp.array2d(dtype=warp.int64)
    returns: warp.array2d(dtype=warp.float64)
    cut: warp.array2d(dtype=bool)


@warp.struct
class Columns:
    """Columns of a batch, [S, ticks, N], and the tick that is written, [1]."""

    row: warp.array(dtype=warp.int64)
    rewards: warp.array3d(dtype=float)
    terminated: warp.array3d(dtype=bool)
    truncated: warp.array3d(dtype=bool)
    step: warp.array3d(dtype=warp.int64)
    length: warp.array3d(dtype=warp.int64)
    whole_return: warp.array3d(dtype=warp.float64)


@warp.func
def _is_finite(values: warp.array3d(dtype=float), s: int, n: int) -> bool:
    finite = bool(True)
    for j in range(values.shape[2]):
        finite = finite and warp.isfinite(values[s, n, j])
    return finite


@warp.kernel(enable_backward=False)
def count(tick: Tick, episodes: Episodes) -> None:
    """Count the seeds' steps, and find what isn't finite, in the order of `rollout._PARTS`."""
    s, n = warp.tid()
    if not tick.acting[s, n]:
        return
    warp.atomic_add(episodes.steps, s, warp.int64(1))
    bad = SOUND
    if not _is_finite(tick.observations, s, n):
        bad = 3
    if not _is_finite(tick.last, s, n):
        bad = 2
    if not warp.isfinite(tick.rewards[s, n]):
        bad = 1
    if not tick.sound_actions[s, n]:
        bad = 0
    warp.atomic_min(tick.bad, s, bad)


@warp.kernel(enable_backward=False)
def record(tick: Tick, episodes: Episodes, columns: Columns, trajectories: bool) -> None:
    """Record the tick, end episodes, and stop the seeds in which something isn't finite.

    Args:
        trajectories: whether a slot idles once its episode has ended.
    """
    s, n = warp.tid()
    row = int(columns.row[0])
    acting = tick.acting[s, n]
    if acting:
        episodes.taken[s, n] = episodes.taken[s, n] + warp.int64(1)
        episodes.lengths[s, n] = episodes.lengths[s, n] + warp.int64(1)
        episodes.returns[s, n] = episodes.returns[s, n] + warp.float64(tick.rewards[s, n])
    columns.rewards[s, row, n] = tick.rewards[s, n]
    columns.terminated[s, row, n] = tick.terminated[s, n]
    columns.truncated[s, row, n] = tick.truncated[s, n]
    columns.step[s, row, n] = episodes.steps[s]
    columns.length[s, row, n] = episodes.lengths[s, n]
    whole = episodes.returns[s, n]
    if episodes.cut[s, n]:
        whole = warp.float64(warp.nan)
    columns.whole_return[s, row, n] = whole
    ended = acting and (tick.terminated[s, n] or tick.truncated[s, n])
    if ended:
        episodes.cut[s, n] = False
        episodes.returns[s, n] = warp.float64(0.0)
        episodes.lengths[s, n] = warp.int64(0)
    diverged = tick.bad[s] < SOUND
    tick.acting[s, n] = acting and not diverged and not (trajectories and ended)
    if n == 0 and diverged and episodes.active[s]:
        episodes.diverged_at[s] = episodes.steps[s]
        episodes.diverged_by[s] = warp.int64(tick.bad[s])
        episodes.active[s] = False
