"""Figure 3 of the PPO paper: where its six curves end after 1M steps, read off the figure.

Source: Schulman et al. 2017, Proximal Policy Optimization Algorithms, arXiv 1707.06347, Figure 3,
`-v1` environments. `figure_3.csv` holds, in units of the return, the last point of each curve, the
mean of its last 10% and its maximum. The values were digitised from the figure and are as accurate
as `ACCURACY` says; an empty field could not be read, as where a curve is hidden behind another
(Vanilla PG, Adaptive on InvertedDoublePendulum). The paper states neither the number of seeds, nor
what the bands are, nor the hyperparameters of the five algorithms besides PPO.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bench.evidence.published.rows import family, number, rows

SOURCE: Final = "Schulman et al. 2017, arXiv 1707.06347, Figure 3"
STEPS: Final = 1_000_000
"""Environment steps of a curve."""

VERSION: Final = "v1"

ACCURACY: Final[Mapping[str, float]] = MappingProxyType(
    {
        "HalfCheetah": 10.0,
        "Hopper": 10.0,
        "InvertedDoublePendulum": 31.0,
        "InvertedPendulum": 3.6,
        "Reacher": 0.4,
        "Swimmer": 0.5,
        "Walker2d": 13.0,
    }
)
"""Family -> a digitised value's accuracy, ± [return]."""

AXES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "HalfCheetah": (-500.0, 2000.0),
        "Hopper": (0.0, 2500.0),
        "InvertedDoublePendulum": (0.0, 8000.0),
        "InvertedPendulum": (0.0, 1000.0),
        "Reacher": (-120.0, -20.0),
        "Swimmer": (0.0, 120.0),
        "Walker2d": (0.0, 3000.0),
    }
)
"""Family -> about the vertical range of the figure's panel [return]."""

LEGEND: Final[Mapping[str, str]] = MappingProxyType(
    {
        "a2c": "A2C",
        "a2c_trust_region": "A2C + Trust Region",
        "cem": "CEM",
        "clipped_ppo": "PPO (Clip)",
        "adaptive_policy_gradient": "Vanilla PG, Adaptive",
        "trpo": "TRPO",
    }
)
"""Variant of the ablation `experiment` -> its name in the figure, in the legend's order."""


@dataclass(frozen=True, kw_only=True)
class CurveEnd:
    """The end of one curve [return]; NaN where it could not be read."""

    environment: str  # with its version, as in the figure
    algorithm: str  # as in the figure's legend
    final: float  # its last point
    last_10_percent: float  # mean of its last 10%
    maximum: float


@functools.cache
def curve_ends() -> tuple[CurveEnd, ...]:
    """All ends of curves, in the order of the figure's panels."""
    return tuple(
        CurveEnd(
            environment=row["environment"],
            algorithm=row["algorithm"],
            final=number(row["final"]),
            last_10_percent=number(row["last_10_percent"]),
            maximum=number(row["maximum"]),
        )
        for row in rows("figure_3.csv")
    )


def last_10_percent(environment: str) -> dict[str, float]:
    """Variant -> the mean of the last 10% of its curve on this environment, whatever its version.

    What the figure does not have, or could not be read, is not there.
    """
    variants = {name: variant for variant, name in LEGEND.items()}
    return {
        variants[each.algorithm]: each.last_10_percent
        for each in curve_ends()
        if family(each.environment) == family(environment) and math.isfinite(each.last_10_percent)
    }
