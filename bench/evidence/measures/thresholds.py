"""How soon a learning curve reaches a return: in steps or in seconds, seed by seed.

A seed that never reaches it is not left out: its time is infinite, so that a median over seeds says
by when half of them were there, and is infinite where more than half never got there.
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
        """The first time by which at least half of the seeds are there; NaN without seeds.

        With an even number of seeds that is the lower one of the two in the middle. Infinite where
        more than half of the seeds never get there.
        """
        number = len(self.times)
        return float(np.sort(self.times)[(number - 1) // 2]) if number else float("nan")


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
