"""Two variants over several environments: one test of their differences on the normalised scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.evidence.measures.normalised import Scale
from bench.evidence.statistics.claimable import FEWEST_PAIRS
from bench.evidence.statistics.estimates import Floats
from bench.evidence.statistics.significance import sign_flip_interval, sign_flip_test


@dataclass(frozen=True, kw_only=True)
class PooledDifferences:
    """Paired differences of all environments, each environment weighing alike.

    Attributes:
        pairs: pairs of common seeds, on the environment with the fewest.
        values: the differences [normalised score].
        weights: of each difference in the mean over environments; their sum is 1.
    """

    pairs: int
    values: Floats
    weights: Floats

    @property
    def difference(self) -> float:
        """The mean over environments of their mean differences; NaN without pairs somewhere."""
        return float(self.values @ self.weights) if self.pairs else math.nan

    def p_value(self) -> float:
        """The sign-flip test's p-value, with runs on different environments independent.

        NaN where an environment has fewer than `FEWEST_PAIRS` pairs.
        """
        if self.pairs < FEWEST_PAIRS:
            return math.nan
        return sign_flip_test(self.values * self.weights, np.random.default_rng(0))

    def interval(self, level: float) -> tuple[float, float]:
        """The `significance.sign_flip_interval` of the difference; NaN where `p_value` is."""
        if self.pairs < FEWEST_PAIRS:
            return math.nan, math.nan
        generator = np.random.default_rng(0)
        return sign_flip_interval(self.values, generator, weights=self.weights, level=level)


def pool(differences: Sequence[Floats], scales: Sequence[Scale]) -> PooledDifferences:
    """Put the differences of several environments on their scales.

    Args:
        differences: one array of paired differences per environment [return].
        scales: of the environments.
    """
    strata = [
        values / (scale.one - scale.zero) for values, scale in zip(differences, scales, strict=True)
    ]
    weights = [np.full(len(stratum), 1 / max(1, len(stratum)) / len(strata)) for stratum in strata]
    return PooledDifferences(
        pairs=min(map(len, strata)), values=np.concatenate(strata), weights=np.concatenate(weights)
    )
