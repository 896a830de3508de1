"""When a difference may be claimed at all: the level, and the fewest pairs of seeds."""

from __future__ import annotations

import math
from typing import Final

FEWEST_PAIRS: Final = 10
"""Pairs of seeds below which no difference is claimed."""

ALPHA: Final = 0.05
"""Chance of one or more wrong claims among a page's comparisons with a reference, where no variant
differs from its own in distribution; and among its letters, which are a family of their own."""


def pairs_needed(comparisons: int) -> int:
    """The fewest pairs with which any claim is possible among `comparisons` comparisons.

    The sign-flip test's p is at least 2¹⁻ⁿ, and the first of m adjusted p-values is m times it.
    """
    return max(FEWEST_PAIRS, math.ceil(1 + math.log2(max(1, comparisons) / ALPHA)))
