"""One seed's learning curve from a file made elsewhere, and what is odd about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.errors import InputError

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

HOLE: Final = 10
"""A gap between points of more than this many median gaps is a hole, if it exceeds LEAST_HOLE."""

LEAST_HOLE: Final = 0.05
"""Share of the budget. Early episodes are short: ten times their length is no hole yet."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Returns by step, in the order of the file; at least one. `points.curve` makes them.

    Attributes:
        name: the file's name, with which every error message begins.
        sha256: hash of the file's content.
        format: the file's format, in words.
        kind: what the returns are, one of `bench.kinds`.
        detail: the program and column that the returns come from, in words.
        step: [E] environment steps of the seed until then; from 1 on, not decreasing.
        returns: [E] return, finite; a row per episode or point.
        length: [E] steps of the episode, 0 where it isn't known.
        seconds: [E] wall time since training started, NaN where it isn't known.
        seed: the seed that the file names; None if it names none.
        started: when training started, as far as the file says.
        environments: ids that the file names.
        remarks: oddities of the file itself.
        beside: files of the same folder that could be read, too, and were not; at the end how many
            weren't looked at.
    """

    name: str
    sha256: str
    format: str
    kind: str
    detail: str
    step: Integers
    returns: Floats
    length: Integers
    seconds: Floats
    seed: int | None = None
    started: datetime | None = None
    environments: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def evaluation(self) -> str:
        """What the returns are, in words that begin with their kind."""
        return f"{self.kind}, {self.detail}"

    @property
    def last(self) -> int:
        """The last step."""
        return int(self.step[-1])

    @property
    def content(self) -> str:
        """A hash of the curve, whatever its file is called."""
        digest = hashlib.sha256()
        for array, kind in (
            (self.step, "<i8"),
            (self.returns, "<f8"),
            (self.length, "<i8"),
            (self.seconds, "<f8"),
        ):
            digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
        return digest.hexdigest()

    def until(self, budget: int) -> Curve:
        """Return the curve up to a budget [environment steps].

        Raises:
            InputError: it begins later.
        """
        inside = self.step <= budget
        if not inside.any():
            raise InputError(f"{self.name}: it begins at step {self.step[0]:,}, after {budget:,}")
        if inside.all():
            return self
        values = {**vars(self)}
        for name in ("step", "returns", "length", "seconds"):
            values[name] = values[name][inside]
        return Curve(**values)

    def holes(self, budget: int) -> Iterator[str]:
        """Yield a clause for each hole in the curve, from 0 to the budget."""
        marks = np.unique(np.concatenate([[0], self.step, [budget]]))
        gaps = np.diff(marks)
        median_gap = np.median(np.diff(np.unique(np.concatenate([[0], self.step]))))
        for hole in np.flatnonzero((gaps > HOLE * median_gap) & (gaps > LEAST_HOLE * budget)):
            yield f"nothing between steps {marks[hole]:,} and {marks[hole + 1]:,}"
