"""Estimate how long training takes from the time that stored runs took."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.formatting import count, duration
from bench.plan.identity import Description

if TYPE_CHECKING:
    from bench.store import Store


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds per step of one seed on one core, by algorithm and environment."""

    step_seconds: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, store: Store) -> Estimate:
        """The estimate from a store's results: their median for each algorithm and environment."""
        from bench.store.imported import trained

        runs = trained(store.marked_runs())
        runs = runs[(runs["status"] == "finished") & (runs["steps"] > 0) & (runs["seconds"] > 0)]
        # A group's seconds are shared by its seeds.
        per_step = runs["seconds"] / (runs["steps"] * runs["group_size"])
        medians = per_step.groupby([runs["algorithm"], runs["environment"]]).median()
        return cls(
            step_seconds={
                (str(algorithm), str(environment)): float(value)
                for (algorithm, environment), value in medians.items()
            }
        )

    def seconds_per_step(self, description: Description) -> float:
        """Return seconds to order work by; if unknown, the median of the known ones."""
        key = (description.algorithm, description.environment)
        typical = median(self.step_seconds.values()) if self.step_seconds else 1.0
        return self.step_seconds.get(key, typical)

    def seconds(self, runs: Iterable[Description], workers: int) -> float | None:
        """Return the wall time to train one seed of each of `runs`; None if one is unknown."""
        total = 0.0
        for description in runs:
            key = (description.algorithm, description.environment)
            if key not in self.step_seconds:
                return None
            total += self.step_seconds[key] * description.steps
        return total / workers


@cache
def _published_estimate(folder: Path) -> Estimate:
    from bench.store import Store

    return Estimate.of(Store(folder, read_only=True))


def training_time_text(missing: Collection[Description], store: Store, workers: int) -> str:
    """Return a sentence on how long training takes.

    Args:
        missing: one description per run.
        store: its runs give the time per step; if one is unknown there, the published runs do.
        workers: number of processes.
    """
    from bench.store import PUBLISHED

    local, published = partial(Estimate.of, store), partial(_published_estimate, PUBLISHED)
    for estimate, source in ((local, "your runs"), (published, "the published runs")):
        seconds = estimate().seconds(missing, workers)
        if seconds is not None:
            wall_time = f"about {duration(seconds)} on {count(workers, 'core')}"
            return f"Training them takes {wall_time}, by what {source} took."
    return "How long training takes is not known: no run like some of them is stored yet."
