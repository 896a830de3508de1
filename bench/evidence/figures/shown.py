"""What a figure shows of an ablation's results, and how large it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import pandas as pd

from bench.errors import InputError, unknown
from bench.evidence.figures.style import FONT_SIZE, Look, looks
from bench.evidence.measures.cells import Cell, planned, titles
from bench.evidence.measures.curves import Axis, Band, SeedCurves
from bench.evidence.results import Results
from bench.evidence.statistics.estimates import Statistic

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Some variants and environments of an ablation, in its order."""

    results: Results
    variants: Mapping[str, str]  # name -> title
    environments: tuple[str, ...]
    look: Mapping[str, Look]  # of every variant, by its place in the whole ablation
    control: str | None  # the variant that a legend marks as control
    width: float | None = None  # [inches]; None: for a screen
    font_size: float = FONT_SIZE  # of names [points]

    @property
    def letter(self) -> float:
        """The height of a letter [inches]."""
        return self.font_size / 72

    @cached_property
    def names(self) -> dict[str, str]:
        """Variant -> its name in a legend."""
        return {
            name: title + (" (control)" if name == self.control else "")
            for name, title in self.variants.items()
        }

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The runs that are shown."""
        return self.rows(self.results.runs)

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows that are shown, of a frame with the columns variant and environment."""
        return frame[
            frame["variant"].isin(self.variants) & frame["environment"].isin(self.environments)
        ]

    def of(self, cells: Mapping[Cell, T]) -> dict[Cell, T]:
        """The cells that are shown, by environment and variant."""
        pairs = [(environment, name) for environment in self.environments for name in self.variants]
        return {pair: cells[pair] for pair in pairs if pair in cells}

    def curves(self, x: Axis, statistic: Statistic) -> list[tuple[SeedCurves, Band]]:
        """The learning curves that are shown.

        Raises:
            InputError: there is none, or an unknown axis or statistic.
        """
        cells = [
            (curves, band)
            for curves, band in self.results.bands(x, statistic)
            if curves.variant in self.variants and curves.environment in self.environments
        ]
        if not cells:
            untimed = x == "seconds" and self.runs["seconds"].isna().all()
            reason = "no run has wall times" if untimed else "no episode ended in any run"
            raise InputError(f"there is nothing to draw: {reason}")
        return cells


def select(
    results: Results,
    variants: Sequence[str] | None = None,
    environments: Sequence[str] | None = None,
    *,
    missing: bool = False,
    width: float | None = None,
    font_size: float = FONT_SIZE,
) -> Shown:
    """Select the variants and environments that a figure shows.

    Args:
        results: of an ablation.
        variants, environments: names; None: all with runs.
        missing: whether planned variants and environments without runs are shown too, as in a
            publication's figure, whose legend marks no control.
        width: of the figure [inches]; None: for a screen.
        font_size: of names [points].

    Raises:
        InputError: there are no runs, or none of a variant or an environment.
    """
    if results.runs.empty:
        raise InputError("there is nothing to draw: there are no runs")
    planned_titles, present = titles(results.plan), set(results.runs["environment"])
    worlds = [
        name
        for name in dict.fromkeys(name for name, _ in planned(results.plan))
        if missing or name in present
    ]
    available = planned_titles if missing else results.titles
    for kind, names, allowed in (
        ("variant with runs", variants, list(available)),
        ("environment with runs", environments, worlds),
    ):
        for name in names or ():
            if name not in allowed:
                raise unknown(kind, name, allowed)
    return Shown(
        results=results,
        variants={name: available[name] for name in available if not variants or name in variants},
        environments=tuple(n for n in worlds if not environments or n in environments),
        look=looks(list(planned_titles), results.control),
        control=None if missing else results.control,
        width=width,
        font_size=font_size,
    )
