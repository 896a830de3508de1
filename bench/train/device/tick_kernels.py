"""What a tick adds to a batch and to the slots' episodes, as two kernels of Warp.

`count` adds up each seed's steps and finds its first part that isn't finite. `record` needs both
for every slot, and writes the batch.
"""

# Warp's kernels are a language of their own.
# mypy: ignore-errors

# A variable that a loop changes is declared by a call, or Warp takes it for a constant.
# ruff: noqa: UP018

from __future__ import annotations

from bench.train.environments.warp_launching import warp

SOUND = warp.constant(4)
"""In place of the index of a part that isn't finite: all four are."""


@warp.struct
class Outcome:
    """What a tick gave S seeds in N slots, [S, N] or [S, N, O].

    acting: slots that took part; sound_actions: whether their actions are finite; last:
    observations before a next episode began; observations: what to act on next; bad: [S], the first
    part that isn't finite in one of the slots, or `SOUND`.
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
    """How far seeds and slots have come.

    [S]: active; steps taken; diverged_at: the step, diverged_by: the part that wasn't finite, −1
    where all are. [S, N]: taken, steps of the slot; lengths, returns: of the episode so far; cut:
    whether its beginning is missing.
    """

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
    """Columns of a batch, [S, ticks, N]; row: [1], the tick that is written.

    step: the seed's; length, whole_return: the episode's, which count where one ended.
    """

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
def count(outcome: Outcome, episodes: Episodes) -> None:
    """Count the seeds' steps, and find what isn't finite, in the order of `rollout._PARTS`."""
    s, n = warp.tid()
    if not outcome.acting[s, n]:
        return
    warp.atomic_add(episodes.steps, s, warp.int64(1))
    bad = SOUND
    if not _is_finite(outcome.observations, s, n):
        bad = 3
    if not _is_finite(outcome.last, s, n):
        bad = 2
    if not warp.isfinite(outcome.rewards[s, n]):
        bad = 1
    if not outcome.sound_actions[s, n]:
        bad = 0
    warp.atomic_min(outcome.bad, s, bad)


@warp.kernel(enable_backward=False)
def record(outcome: Outcome, episodes: Episodes, columns: Columns, trajectories: bool) -> None:
    """Record the tick, end episodes, and stop the seeds in which something isn't finite.

    Args:
        trajectories: whether a slot idles once its episode has ended.
    """
    s, n = warp.tid()
    row = int(columns.row[0])
    acting = outcome.acting[s, n]
    if acting:
        episodes.taken[s, n] = episodes.taken[s, n] + warp.int64(1)
        episodes.lengths[s, n] = episodes.lengths[s, n] + warp.int64(1)
        episodes.returns[s, n] = episodes.returns[s, n] + warp.float64(outcome.rewards[s, n])
    columns.rewards[s, row, n] = outcome.rewards[s, n]
    columns.terminated[s, row, n] = outcome.terminated[s, n]
    columns.truncated[s, row, n] = outcome.truncated[s, n]
    columns.step[s, row, n] = episodes.steps[s]
    columns.length[s, row, n] = episodes.lengths[s, n]
    whole_return = episodes.returns[s, n]
    if episodes.cut[s, n]:
        whole_return = warp.float64(warp.nan)
    columns.whole_return[s, row, n] = whole_return
    ended = acting and (outcome.terminated[s, n] or outcome.truncated[s, n])
    if ended:
        episodes.cut[s, n] = False
        episodes.returns[s, n] = warp.float64(0.0)
        episodes.lengths[s, n] = warp.int64(0)
    diverged = outcome.bad[s] < SOUND
    outcome.acting[s, n] = acting and not diverged and not (trajectories and ended)
    if n == 0 and diverged and episodes.active[s]:
        episodes.diverged_at[s] = episodes.steps[s]
        episodes.diverged_by[s] = warp.int64(outcome.bad[s])
        episodes.active[s] = False
