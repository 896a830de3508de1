"""Seeds for people."""

from __future__ import annotations

from collections.abc import Iterable


def seed_ranges(seeds: Iterable[int]) -> str:
    """Like "0-4,7": what `--seeds` takes."""
    ranges: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if ranges and ranges[-1][1] == seed - 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges)
