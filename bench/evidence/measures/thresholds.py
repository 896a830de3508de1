"""How soon a learning curve reaches a return: in steps or in seconds, seed by seed.

A seed that never reaches it is not left out: its time is infinite, so that a median over seeds says
by when half of them were there, and is infinite where more than half never got there.
"""

from __future__ import annotations

import numpy as np

from bench.evidence.measures.curves import SeedCurves
from bench.evidence.statistics.estimates import Floats


def times_to(curves: SeedCurves, threshold: float) -> Floats:
    """The first grid point at which each seed's curve is at the threshold or above; else infinite.

    Args:
        curves: of one variant on one environment, on a grid of steps or of seconds.
        threshold: a return.
    """
    # A comparison with NaN, before the first episode, is false.
    reached = curves.values >= threshold
    times: Floats = np.where(reached, curves.grid, np.inf).min(axis=1)
    return times


def median_time(times: Floats) -> float:
    """The first time by which at least half of the seeds are there; NaN without seeds.

    With an even number of seeds that is the lower one of the two in the middle. Infinite where
    more than half of the seeds never get there.
    """
    return float(np.sort(times)[(len(times) - 1) // 2]) if len(times) else float("nan")
