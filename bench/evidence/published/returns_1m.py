"""Returns of PPO, TRPO, A2C and REINFORCE at 1M steps from public benchmarks.

Each row of `returns_1m.csv` names its source, environment version, number of seeds and metric; the
returns are exact where the source tabulates them, and computed from the raw logs for ikostrikov.
They are not directly comparable:

* Only HalfCheetah and Swimmer behave the same in v4 and v5; Walker2d has another foot friction,
  Reacher another timing of its reward, InvertedDoublePendulum another observation.
* The maximum over evaluations (Tianshou) is above the last 100 training episodes of the same
  agent, and a deterministic evaluation (Stable-Baselines3) leaves out the actions' noise.
* Swimmer is limited by the discount: about 110–130 at γ = 0.99, about 280–365 at γ = 0.9999.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.evidence.published.rows import table

ALGORITHMS: Final = {"clipped_ppo": "PPO", "trpo": "TRPO", "a2c": "A2C"}
"""Variant of the ablation `experiment` -> the algorithm it is compared with."""

_DESCRIPTION: Final = ["algorithm", "source", "environment_version", "seeds", "metric"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """What one source reports of one algorithm."""

    algorithm: str
    source: str
    environment_version: str
    seeds: str  # a number or "not stated"
    metric: str
    returns: Mapping[str, float]  # by environment without its version; those reported only

    @property
    def of_last_100(self) -> bool:
        """Whether the metric is the mean of the last 100 training episodes."""
        return self.metric.startswith("mean of the last 100 training episodes")


@functools.cache
def sources() -> tuple[Source, ...]:
    """All sources, in the order of the file."""
    described = table("returns_1m.csv").set_index(_DESCRIPTION)
    return tuple(
        Source(**dict(zip(_DESCRIPTION, source, strict=True)), returns=row.dropna().to_dict())
        for source, row in described.iterrows()
    )
