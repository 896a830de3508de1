"""How soon a learning curve reaches a return: in steps or in seconds, seed by seed.

A seed that never reaches it is not left out: its time is infinite, so that a median over seeds says
what happened to the typical one, and is infinite where more than half never got there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.evidence.measures.curves import SeedCurves
from bench.evidence.statistics.estimates import Floats


@dataclass(frozen=True, kw_only=True)
class Reached:
    """When the seeds of one variant on one environment reach a return."""

    environment: str
    variant: str
    threshold: float  # [return]
    times: Floats  # [S] in units of the grid (steps or seconds); infinite where never
    extent: float  # the end of the grid

    @property
    def number(self) -> int:
        """How many seeds reach it."""
        return int(np.isfinite(self.times).sum())

    @property
    def median(self) -> float:
        """Median over all seeds: infinite where half of them or more never reach it, NaN without.

        With an even number of seeds the upper one of the two in the middle, so that it is a time
        by which at least half of the seeds are there.
        """
        return float(np.sort(self.times)[len(self.times) // 2]) if len(self.times) else float("nan")


def times_to(curves: SeedCurves, threshold: float) -> Reached:
    """The first grid point at which each seed's curve is at the threshold or above.

    Args:
        curves: of one variant on one environment, on a grid of steps or of seconds.
        threshold: a return.
    """
    there = curves.values >= threshold  # a comparison with NaN, before the first episode, is false
    first = np.argmax(there, axis=1) if there.size else np.zeros(len(there), dtype=np.int64)
    times = np.where(there.any(axis=1), curves.grid[first], np.inf)
    return Reached(
        environment=curves.environment,
        variant=curves.variant,
        threshold=float(threshold),
        times=np.asarray(times, dtype=np.float64),
        extent=float(curves.grid[-1]),
    )
