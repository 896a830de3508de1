"""Learning curves of every seed on a fixed grid, and their aggregate over seeds.

Episodes end at other steps in every seed; to average over seeds, each seed's episodes are averaged
between the points of a grid. Curves are neither smoothed nor cut to the shortest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from bench.errors import unknown
from bench.evidence.measures.alignment import Aligned, Integers, align
from bench.evidence.measures.wall_time import one_machine
from bench.evidence.statistics.estimates import (
    REPETITIONS,
    Floats,
    Statistic,
    estimate,
    intervals_of_seeds,
)

Axis = Literal["steps", "seconds"]

AXES: Final = ("steps", "seconds")
"""The horizontal axes of a curve."""

POINTS: Final = 100
"""Grid points of a curve where episodes are frequent enough to fill them."""

_FEWEST_POINTS: Final = 5


@dataclass(frozen=True, kw_only=True)
class SeedCurves:
    """The curves of all seeds of one variant on one environment.

    `values[s, g]` is the mean return of the episodes of seed `seeds[s]` that ended (or whose batch
    ended) after `grid[g − 1]` and not after `grid[g]`; where none did, the value before is
    carried forward; before the first episode it is NaN. Episodes past the last point count
    towards it. A diverged seed keeps its last value. Runs in which no episode ended are not among
    the seeds.
    """

    environment: str
    variant: str
    title: str
    seeds: tuple[int, ...]
    grid: Floats  # [G] steps or seconds, the points' right ends; starts at extent/G, not at 0
    values: Floats  # [S, G] return


@dataclass(frozen=True, kw_only=True)
class Band:
    """A curve over seeds: NaN until every seed has a value, so that n is the same all along."""

    centre: Floats  # [G] mean or interquartile mean [return]
    low: Floats  # [G] pointwise interval; NaN also where there is one seed only
    high: Floats  # [G]


def seed_curves(
    runs: pd.DataFrame,
    episodes: pd.DataFrame,
    updates: pd.DataFrame | None = None,
    *,
    x: Axis = "steps",
    points: int | None = None,
) -> tuple[SeedCurves, ...]:
    """Every seed's learning curve, by environment and variant in the order of the page.

    The grid of a variant on an environment has equal distances up to the budget (steps), or up to
    the wall time of its slowest seed (seconds). Each seed's own seconds are used; a seed that
    finished earlier keeps its last value while the slowest still trains; one whose seconds are not
    known, or are another machine's (`wall_time`), is left out.

    Args:
        runs: the store's view of an ablation, one row per run.
        episodes: the store's view, one row per episode.
        updates: the store's view, one row per update, to place an episode at the end of its batch
            instead of at its own; see `alignment`.
        x: "steps" (environment steps of the seed) or "seconds" (wall time since training began).
        points: points of the grid; by default as many, between 5 and 100, as a variant's episodes
            fill, so that curves do not become staircases of values carried forward.

    Returns:
        One entry per variant and environment with at least one run that did not fail.

    Raises:
        InputError: there are no runs, or an unknown axis.
        ValueError: fewer than one point, or a seed twice under one variant and environment.
    """
    return aligned_curves(align(runs, episodes, updates), x=x, points=points)


def aligned_curves(
    aligned: Aligned, *, x: Axis = "steps", points: int | None = None, shared: bool = False
) -> tuple[SeedCurves, ...]:
    """`seed_curves` of episodes that are already matched to their runs.

    Args:
        aligned: the matched episodes; x, points: as in `seed_curves`.
        shared: give all variants of an environment as many points as the coarsest one fills: when
            a curve first reaches a return depends on its grid, so times are compared on one grid.
    """
    if x not in AXES:
        raise unknown("x axis", x, AXES)
    if points is not None and points < 1:
        raise ValueError(f"a grid needs at least one point, got {points}")
    runs = aligned.runs
    usable = runs[~aligned.failed]
    if x == "seconds":
        usable = usable[one_machine(usable)]
    if usable.empty:
        return ()
    extents = _extents(aligned, x)
    position = aligned.step if x == "steps" else np.nan_to_num(aligned.seconds)
    point_counts = np.zeros(len(runs), dtype=np.int64)
    point_counts[usable.index] = points or 0
    if points is None:
        gaps = _typical_gaps(aligned, position, extents)
        cells = [usable["environment"], usable["variant"]]
        typical = gaps[usable.index].groupby(cells, sort=False).transform("median")
        if shared:
            typical = typical.groupby(cells[0], sort=False).transform("max")
        point_counts[usable.index] = typical.map(_points)

    values = _gather(aligned, position, extents, point_counts)
    curves = []
    for names, group in usable.groupby(["environment", "variant", "variant_title"], sort=False):
        members = group.index.to_numpy()
        count = int(point_counts[members[0]])
        extent = float(extents[members[0]])
        block = values[members, :count]
        with_episodes = ~np.isnan(block[:, -1])
        environment, variant, title = (str(name) for name in names)
        curves.append(
            SeedCurves(
                environment=environment,
                variant=variant,
                title=title,
                seeds=tuple(int(s) for s in runs["seed"].to_numpy()[members[with_episodes]]),
                grid=extent * np.arange(1, count + 1) / count,
                values=block[with_episodes],
            )
        )
    return tuple(curves)


def aggregate(
    curves: SeedCurves,
    statistic: Statistic = "iqm",
    *,
    repetitions: int = REPETITIONS,
) -> Band:
    """The curve over seeds with its pointwise bootstrap interval.

    Args:
        curves: all seeds of a variant on an environment.
        statistic: "iqm" or "mean".
        repetitions: bootstrap resamples.

    Raises:
        InputError: an unknown statistic.
    """
    centre = over_seeds(curves.values, statistic)
    low, high = np.full((2, len(centre)), np.nan)
    complete = np.isfinite(centre)
    if complete.any():
        low[complete], high[complete] = intervals_of_seeds(
            curves.values[:, complete], statistic, repetitions
        )
    return Band(centre=centre, low=low, high=high)


def over_seeds(values: Floats, statistic: Statistic) -> Floats:
    """The statistic over seeds, [S, G] -> [G]; NaN until every seed has a value."""
    complete = np.isfinite(values).all(axis=0)
    centre = np.full(values.shape[1], np.nan)
    if len(values) and complete.any():
        centre[complete] = estimate(values[:, complete], statistic)
    return centre


def _extents(aligned: Aligned, x: Axis) -> Floats:
    """The right end of each run's grid: the same for all seeds of a variant and environment."""
    ends = aligned.runs["budget" if x == "steps" else "seconds"].where(~aligned.failed)
    cell = ends.groupby([aligned.runs["environment"], aligned.runs["variant"]], sort=False)
    extents: Floats = cell.transform("max").to_numpy(dtype=np.float64)
    return np.fmax(extents, np.finfo(np.float64).tiny)


def _typical_gaps(aligned: Aligned, position: Floats | Integers, extents: Floats) -> pd.Series:
    """The upper quartile of the distances between a run's episode ends, as a share of its grid."""
    gaps = np.zeros(len(aligned.runs))
    starts = np.searchsorted(aligned.row, np.arange(len(gaps) + 1))
    for index in range(len(gaps)):
        distances = np.diff(np.sort(position[starts[index] : starts[index + 1]]))
        distances = distances[distances > 0]  # episodes of several environments can end together
        if len(distances):
            gaps[index] = np.quantile(distances, 0.75) / extents[index]
    return pd.Series(gaps)


def _points(gap: float) -> int:
    if gap <= 1 / POINTS:
        return POINTS
    return max(int(1 / gap), _FEWEST_POINTS)


def _gather(
    aligned: Aligned, position: Floats | Integers, extents: Floats, point_counts: Integers
) -> Floats:
    """Means of the episodes between grid points, carried forward: [R, widest grid].

    NaN for runs with a grid of no points.
    """
    widest = int(point_counts.max())
    gridded = point_counts[aligned.row] > 0
    row, returns = aligned.row[gridded], aligned.returns[gridded]
    share = position[gridded] * point_counts[row] / extents[row]
    # An end on a grid point belongs to it; rounding must not push it over.
    point = np.ceil(share - 1e-9).astype(np.int64) - 1
    point = np.clip(point, 0, point_counts[row] - 1)
    flat_index = row * widest + point
    size = len(aligned.runs) * widest
    counts = np.bincount(flat_index, minlength=size)
    sums = np.bincount(flat_index, weights=returns, minlength=size)
    means = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
    means = means.reshape(len(aligned.runs), widest)
    filled = np.where(counts.reshape(means.shape) > 0, np.arange(widest), 0)
    last_filled = np.maximum.accumulate(filled, axis=1)
    return np.take_along_axis(means, last_filled, axis=1)
