"""Numbers, durations, seeds and commands in words."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path


def duration(seconds: float) -> str:
    """A duration like "48 s", "3 min 05 s" or "2 h 10 min"."""
    rounded = round(seconds)
    if rounded < 60:
        return f"{rounded} s"
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60:02} s"
    return f"{rounded // 3600} h {rounded % 3600 // 60:02} min"


def command_line(*words: str, results: Path | None = None) -> str:
    """Return the command `python -m bench` with these words, as a shell takes it.

    Args:
        words: what follows the program's name.
        results: the folder that the user named for results, if any.
    """
    place = [] if results is None else ["--results", str(results)]
    return shlex.join(["python", "-m", "bench", *words, *place])


def setting_text(value: object) -> str:
    """Return a hyperparameter's value as `--set` takes it."""
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def thousands(value: float, _position: int | None = None) -> str:
    """A number in short, as of a tick: 250000 is "250k", 1500000 is "1.5M", 0.5 is "0.5"."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9999999:
            return f"{value / size:.6g}{suffix}".replace("-", "−")
    return f"{value:.6g}".replace("-", "−")


def count(number: int, noun: str) -> str:
    """A number with its noun, like "1 run" or "12 runs"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def seed_ranges(seeds: Iterable[int]) -> str:
    """Return seeds like "0-4,7", as `--seeds` takes them."""
    ranges: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if ranges and ranges[-1][1] == seed - 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)
