"""How many pairs of seeds a claim of the observed size would need.

The claims' test is the sign-flip test, whose power at a given effect is that of the paired t-test
but for a little (Hoeffding 1952, The large-sample power of tests based on permutations). Hence, for
a mean difference d with standard deviation s, level α/m (the first step of Holm's adjustment over
m comparisons) and n pairs,

    power(n) = P(|T| > t_{n−1, 1−α/2m}),    T noncentral t with n − 1 degrees and shift √n · d/s

and never fewer pairs than the exact test's smallest p-value needs. It is a plan for new seeds, not
evidence: an observed difference is as noisy as the seeds it comes from.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.evidence.statistics.significance import ALPHA, FEWEST_PAIRS

POWER: Final = 0.8
"""The chance to claim a difference that is there and as large as the one observed."""

MOST_PAIRS: Final = 1_000
"""Beyond so many pairs none is looked for: the difference is too small to matter here."""


def pairs_for_claim(
    differences: ArrayLike, comparisons: int, *, power: float = POWER
) -> int | None:
    """The fewest pairs with which a difference of the observed size would be claimed.

    Args:
        differences: finite paired differences, 1-D, at least two.
        comparisons: how many comparisons the page tests, this one included.
        power: chance of the claim, in (0, 1).

    Returns:
        Pairs, at least `verdicts.pairs_needed(comparisons)`; None where more than `MOST_PAIRS`
        would be needed, as with a difference of 0.

    Raises:
        ValueError: fewer than two differences, one that is not finite, or a power outside (0, 1).
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.all(np.isfinite(values)):
        raise ValueError("planning needs two finite paired differences or more")
    if not 0 < power < 1:
        raise ValueError(f"a power lies between 0 and 1, got {power}")
    fewest = pairs_needed(max(1, comparisons))
    effect = abs(observed_effect(values))
    if math.isnan(effect):  # all differences are the same
        return fewest if values[0] else None
    numbers = np.arange(fewest, MOST_PAIRS + 1)
    reached = np.flatnonzero(t_power(numbers, effect, ALPHA / max(1, comparisons)) >= power)
    return int(numbers[reached[0]]) if len(reached) else None


def smallest_p(pairs: int, comparisons: int) -> float:
    """The smallest Holm-adjusted p that so many pairs can reach: above 0.05, no claim can be made.

    The sign-flip test's p is at least 2¹⁻ⁿ, and the first of m adjusted p-values is m times it.
    """
    return min(1.0, comparisons * 2.0 ** (1 - pairs))


def pairs_needed(comparisons: int) -> int:
    """The fewest pairs with which any claim is possible among so many comparisons."""
    pairs = FEWEST_PAIRS
    while smallest_p(pairs, comparisons) > ALPHA:
        pairs += 1
    return pairs


def t_power(pairs: ArrayLike, effect: float, level: float) -> np.ndarray:
    """Power of the two-sided paired t-test.

    Args:
        pairs: numbers of pairs, at least 2.
        effect: |mean difference| over its standard deviation.
        level: of the test.
    """
    numbers = np.asarray(pairs, dtype=np.float64)
    degrees = numbers - 1
    bar = stats.t.ppf(1 - level / 2, degrees)
    shift = np.sqrt(numbers) * effect
    upper = stats.nct.sf(bar, degrees, shift)
    # Far to the left the noncentral t underflows to nothing, which is what is left of it.
    lower = np.nan_to_num(stats.nct.cdf(-bar, degrees, shift))
    return np.asarray(upper + lower, dtype=np.float64)


def pairs_text(pairs: int | None) -> str:
    """A number of pairs for people."""
    return f"more than {MOST_PAIRS:,}" if pairs is None else str(pairs)


def observed_effect(differences: ArrayLike) -> float:
    """Mean difference over its standard deviation; NaN below two pairs or without spread."""
    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 2 or values.std(ddof=1) == 0:
        return math.nan
    return float(values.mean() / values.std(ddof=1))
