"""How many pairs of seeds a claim of the observed size would need.

The claims' test is the sign-flip test. For a mean difference d with standard deviation s, level α/m
(the first step of Holm's adjustment over m comparisons) and n pairs, its power is nearly that of
the paired t-test (Hoeffding 1952, The large-sample power of tests based on permutations),

    power(n) = P(|T| > t_{n−1, 1−α/2m}),    T noncentral t with n − 1 degrees and shift √n · d/s

as long as the exact test has many p-values below α/m. Its p-values are multiples of 2¹⁻ⁿ: where
only few of them are that small, the level that it can use lies below α/m (ten pairs and 14
comparisons: 0.0020 instead of 0.0036), and there its own power is simulated. The result is a plan
for new seeds, not evidence: an observed difference is as noisy as the seeds it comes from.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.evidence.statistics.claimable import ALPHA, pairs_needed
from bench.evidence.statistics.significance import rejecting_patterns

POWER: Final = 0.8
"""The chance to claim a difference that is there and as large as the one observed."""

MOST_PAIRS: Final = 1_000
"""The most pairs considered: a difference that needs more is too small to matter here."""

SMOOTH: Final = 100
"""Where p ≤ α/m allows more sign patterns than this, the grid of p-values does not bind."""

_DATA_SETS: Final = 10_000


def pairs_for_claim(differences: ArrayLike, comparisons: int) -> int | None:
    """The fewest pairs with which a difference of the observed size would be claimed.

    Args:
        differences: finite paired differences, 1-D, at least two.
        comparisons: how many comparisons the page tests, this one included.

    Returns:
        Pairs, at least `pairs_needed(comparisons)`; None where more than `MOST_PAIRS` would be
        needed, as with a difference of 0.

    Raises:
        ValueError: fewer than two differences, or one that is not finite.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.all(np.isfinite(values)):
        raise ValueError("planning needs two finite paired differences or more")
    fewest = pairs_needed(max(1, comparisons))
    spread = float(values.std(ddof=1))
    if not spread:  # all differences are the same
        return fewest if values[0] else None
    effect = abs(float(values.mean()) / spread)
    level = ALPHA / max(1, comparisons)
    numbers = np.arange(fewest, MOST_PAIRS + 1)
    reached = np.flatnonzero(t_power(numbers, effect, level) >= POWER)
    if not len(reached):
        return None
    pairs = int(numbers[reached[0]])
    while (patterns := rejecting_patterns(pairs, level)) <= SMOOTH and exact_power(
        pairs, effect, patterns
    ) < POWER:
        pairs += 1
    return pairs


@cache
def exact_power(pairs: int, effect: float, patterns: int) -> float:
    """The exact sign-flip test's power for normal differences, by simulation.

    With a the sorted |differences|, a pattern's sum is at least the observed |S| exactly if the
    values that it flips, against the pattern of all pluses, sum to at most t = (Σa − |S|)/2. So the
    test claims a difference if no more than `patterns` subset sums of a are that small.

    Args:
        pairs: of seeds.
        effect: mean difference over its standard deviation.
        patterns: how many sign patterns the level allows, at least 1.

    Returns:
        A share of 10,000 data sets: a standard error of at most 0.5 percentage points.
    """
    differences = effect + np.random.default_rng([0, pairs]).standard_normal((_DATA_SETS, pairs))
    sizes = np.sort(np.abs(differences), axis=1)
    threshold = (sizes.sum(axis=1) - np.abs(differences.sum(axis=1))) / 2
    least = np.zeros((_DATA_SETS, 1))  # the least subset sums, one more than allowed
    for column in sizes.T:
        sums = np.concatenate([least, least + column[:, None]], axis=1)
        least = np.sort(sums, axis=1)[:, : patterns + 1]
    # The observed pattern is one of them, and its sum may round differently.
    return float(np.mean(least[:, -1] > threshold + 1e-12 * sizes.sum(axis=1)))


def t_power(pairs: ArrayLike, effect: float, level: float) -> np.ndarray:
    """Power of the two-sided paired t-test.

    Args:
        pairs: numbers of pairs, at least 2.
        effect: |mean difference| over its standard deviation.
        level: of the test.
    """
    numbers = np.asarray(pairs, dtype=np.float64)
    degrees = numbers - 1
    critical_value = stats.t.ppf(1 - level / 2, degrees)
    shift = np.sqrt(numbers) * effect
    upper = stats.nct.sf(critical_value, degrees, shift)
    # Far in the left tail the noncentral t underflows to NaN; the probability there is 0.
    lower = np.nan_to_num(stats.nct.cdf(-critical_value, degrees, shift))
    return np.asarray(upper + lower, dtype=np.float64)


def pairs_text(pairs: int | None) -> str:
    """A number of pairs as text; None is "more than 1,000"."""
    return f"more than {MOST_PAIRS:,}" if pairs is None else str(pairs)
