"""Figure 3 of the PPO paper: where its six curves end after 1M steps, read off the figure.

Source: Schulman et al. 2017, Proximal Policy Optimization Algorithms, arXiv 1707.06347, Figure 3,
`-v1` environments. `figure_3.csv` holds, in units of the return, the last point of each curve, the
mean of its last 10% and its maximum; `figure_3_panels.csv` each panel's accuracy and vertical
range. The values were digitised from the figure; an empty field could not be read, as where a curve
is hidden behind another (Vanilla PG, Adaptive on InvertedDoublePendulum). The paper states neither
the number of seeds, nor what the bands are, nor the hyperparameters of the five algorithms besides
PPO.
"""

from __future__ import annotations

import functools
from typing import Final

import pandas as pd

from bench.evidence.published.rows import family, table

SOURCE: Final = "Schulman et al. 2017, arXiv 1707.06347, Figure 3"
STEPS: Final = 1_000_000
"""Environment steps of a curve."""

VERSION: Final = "v1"

_PANELS: Final = table("figure_3_panels.csv").set_index("environment").astype(float)

ACCURACY: Final[dict[str, float]] = _PANELS["accuracy"].to_dict()
"""Family -> a digitised value's accuracy, ± [return]."""

AXES: Final = {name: (low, high) for name, _, low, high in _PANELS.itertuples()}
"""Family -> approximate vertical range of the figure's panel [return]."""

LEGEND: Final = {
    "a2c": "A2C",
    "a2c_trust_region": "A2C + Trust Region",
    "cem": "CEM",
    "clipped_ppo": "PPO (Clip)",
    "adaptive_policy_gradient": "Vanilla PG, Adaptive",
    "trpo": "TRPO",
}
"""Variant of the ablation `experiment` -> its name in the figure, in the legend's order."""


@functools.cache
def curve_ends() -> pd.DataFrame:
    """All ends of curves in the order of the figure's panels; NaN where one can't be read.

    Columns: environment, with its version; algorithm, as in the legend; final, a curve's last
    point; last_10_percent, the mean of its last 10%; maximum [return].
    """
    return table("figure_3.csv")


def last_10_percent(environment: str) -> dict[str, float]:
    """Variant -> the mean of the last 10% of its curve on this environment, whatever its version.

    Curves that the figure lacks, or that could not be read, are left out.
    """
    variants = {name: variant for variant, name in LEGEND.items()}
    ends = curve_ends().dropna(subset="last_10_percent")
    environment_ends = ends[ends["environment"].map(family) == family(environment)]
    return dict(
        zip(
            environment_ends["algorithm"].map(variants),
            environment_ends["last_10_percent"],
            strict=True,
        )
    )
