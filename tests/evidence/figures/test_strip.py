"""A strip shows every picture where and when it was, and says where an episode has ended."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from bench.evidence.figures.strip import MOMENTS, Row, draw


def picture(value: int) -> np.ndarray:
    return np.full((20, 30, 3), value, np.uint8)


def texts(panel: Axes) -> list[str]:
    return [text.get_text() for text in panel.texts]


def test_pictures_stand_in_the_columns_of_their_moments() -> None:
    full = Row(label="stays", pictures=[picture(10 * place) for place in range(MOMENTS)])
    short = Row(label="falls", pictures=[picture(1), picture(2)])
    seconds = [0.5 * place for place in range(MOMENTS)]
    figure = draw([full, short], seconds)
    assert [text.get_text() for text in figure.texts] == [
        *("stays", "falls"),
        *("0 s", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s"),
    ]
    first, second = figure.axes[:MOMENTS], figure.axes[MOMENTS:]
    values = [int(panel.images[0].get_array()[0, 0, 0]) for panel in first]
    assert values == [10 * place for place in range(MOMENTS)]
    lefts = [panel.get_position().x0 for panel in first]
    assert lefts == sorted(lefts) and [panel.get_position().x0 for panel in second] == lefts[:3]
    assert [len(panel.images) for panel in second] == [1, 1, 0]
    assert texts(second[2]) == ["the episode\nhas ended"]
    assert all(panel.get_position().y0 > second[0].get_position().y1 for panel in first)
