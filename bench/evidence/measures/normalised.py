"""Scores on a common scale: returns of different environments cannot be averaged as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bench.evidence.measures.cells import Cell, cell_values, range_text
from bench.evidence.statistics.estimates import (
    Floats,
    Statistic,
    estimate,
    stratified_bootstrap_interval,
)

UNTRAINED: Final = "untrained"
"""The ablation, and its variant, whose mean is the 0 of normalised scores."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What counts as 0 and as 1 on one environment [return]; `one` is above `zero`.

    Both are estimates, but held fixed: the interval of a normalised score does not have their
    error in it.
    """

    zero: float
    one: float

    def __post_init__(self) -> None:
        if not self.one > self.zero:
            raise ValueError(f"1 of a scale must be above its 0, got {self.one} and {self.zero}")

    def __call__(self, returns: ArrayLike) -> Floats:
        """Returns as normalised scores."""
        checked = np.asarray(returns, dtype=np.float64)
        return (checked - self.zero) / (self.one - self.zero)


def scales(zeros: Mapping[str, float], ones: Mapping[str, float]) -> dict[str, Scale]:
    """Environment -> its scale, where there is one.

    Args:
        zeros: environment -> the return that counts as 0.
        ones: environment -> the return that counts as 1. Where it is not above the 0, the
            environment has no scale.
    """
    return {
        environment: Scale(zero=zeros[environment], one=one)
        for environment, one in ones.items()
        if environment in zeros and one > zeros[environment]
    }


def variant_means(
    scores: pd.DataFrame | None, variant: str, column: str = "score"
) -> dict[str, float]:
    """Environment -> the mean over seeds of what a variant earned [return].

    Args:
        scores: the frame of `scores.score_runs`; None: of an ablation that was not run.
        variant: of that ablation.
        column: "score" or "last_100".
    """
    values = {} if scores is None else cell_values(scores, column)
    return {
        environment: float(seed_scores.mean())
        for (environment, name), seed_scores in values.items()
        if name == variant
    }


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """A variant's normalised scores, the seeds of all environments pooled."""

    variant: str
    title: str
    environments: tuple[str, ...]
    seeds: tuple[int, int]  # the fewest and the most of any environment
    mean: float
    mean_low: float  # stratified 95% bootstrap interval; NaN where no environment has two seeds
    mean_high: float
    iqm: float
    iqm_low: float
    iqm_high: float

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text: title, environments, n, mean, interval, IQM, interval."""
        return (
            self.title,
            str(len(self.environments)),
            range_text(self.seeds),
            number_text(self.mean),
            interval_text(self.mean_low, self.mean_high),
            number_text(self.iqm),
            interval_text(self.iqm_low, self.iqm_high),
        )


def number_text(value: float) -> str:
    """A normalised score as text: two decimals, a dash where there is none."""
    # + 0.0 turns −0.0 into 0.0.
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−") if np.isfinite(value) else "–"


def interval_text(low: float, high: float, text: Callable[[float], str] = number_text) -> str:
    """An interval of normalised scores, or of what `text` writes; a dash where there is none."""
    return f"{text(low)} to {text(high)}" if np.isfinite(low) else "–"


def strata(
    values: Mapping[Cell, Floats],
    scales: Mapping[str, Scale],
    environments: Sequence[str],
    variants: Iterable[str],
) -> dict[str, list[Floats]]:
    """Variant -> its normalised scores on each environment, for variants that have them all.

    Args:
        values: the seeds' returns by cell.
        scales: environment -> scale, of every environment.
        environments: names; if there are none, the result is empty.
        variants: names.
    """
    return {
        variant: [scales[name](values[name, variant]) for name in environments]
        for variant in variants
        if environments and all((name, variant) in values for name in environments)
    }


def pooled(
    values: Mapping[Cell, Floats],
    scales: Mapping[str, Scale],
    environments: tuple[str, ...],
    titles: Mapping[str, str],
) -> tuple[Aggregate, ...]:
    """The aggregate of each variant that has every environment.

    Args:
        values, scales, environments: as in `strata`.
        titles: variant -> what tables call it.
    """
    return tuple(
        _pooled(scores, environments, variant, titles[variant])
        for variant, scores in strata(values, scales, environments, titles).items()
    )


def _pooled(
    strata: Sequence[Floats], environments: tuple[str, ...], variant: str, title: str
) -> Aggregate:
    estimates: dict[Statistic, tuple[float, float, float]] = {
        statistic: (
            float(estimate(np.concatenate(strata), statistic)),
            *stratified_bootstrap_interval(strata, np.random.default_rng(0), statistic),
        )
        for statistic in ("mean", "iqm")
    }
    mean, mean_low, mean_high = estimates["mean"]
    iqm, iqm_low, iqm_high = estimates["iqm"]
    return Aggregate(
        variant=variant,
        title=title,
        environments=environments,
        seeds=(min(map(len, strata)), max(map(len, strata))),
        mean=mean,
        mean_low=mean_low,
        mean_high=mean_high,
        iqm=iqm,
        iqm_low=iqm_low,
        iqm_high=iqm_high,
    )
