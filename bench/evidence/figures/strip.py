"""Policies at play: one row of pictures per policy, one column per moment of their episodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from bench.evidence.figures.style import drawing
from bench.visible import visible

MOMENTS: Final = 6
"""Pictures per row."""

SIDE: Final = 0.68
"""Width of a picture [inches]."""
LINE: Final = 0.22
"""Height of the text above a row and below the last one [inches]."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One policy.

    Attributes:
        label: the line above its pictures.
        pictures: uint8 [height, width, 3], from the first moment on; fewer than `MOMENTS` where the
            episode has ended.
    """

    label: str
    pictures: Sequence[npt.NDArray[np.uint8]]


def draw(rows: Sequence[Row], seconds: Sequence[float]) -> Figure:
    """Draw the strip; where an episode has ended, its row stays empty and says so.

    Args:
        rows: from top to bottom, at least one, each with at least one picture.
        seconds: the moment of each column, `MOMENTS` of them [simulated seconds].
    """
    heights = [row.pictures[0].shape[0] / row.pictures[0].shape[1] * SIDE for row in rows]
    width, height = MOMENTS * SIDE, sum(heights) + LINE * (len(rows) + 1)
    with drawing():
        figure = Figure(figsize=(width, height))
        top = height
        for row, row_height in zip(rows, heights, strict=True):
            top -= LINE
            label = visible(row.label)
            figure.text(0, (top + 0.07) / height, label, weight="bold")
            top -= row_height
            for place in range(len(row.pictures) + 1):
                if place == MOMENTS:
                    continue
                box = (place / MOMENTS, top / height, 0.98 / MOMENTS, row_height / height)
                panel = figure.add_axes(box)
                panel.set_axis_off()
                if place < len(row.pictures):
                    panel.imshow(row.pictures[place], aspect="auto")
                else:
                    panel.text(0.08, 0.5, "the episode\nhas ended", transform=panel.transAxes)
        for place, moment in enumerate(seconds):
            text = f"{moment:.2g} s"
            figure.text((place + 0.49) / MOMENTS, 0.07 / height, text, ha="center")
    return figure
