"""Title, legend and caption around a figure, which grows by their height."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text

from bench.evidence.figures.grid import lay_out
from bench.evidence.figures.style import FONT_SIZE, drawing
from bench.evidence.figures.wrapping import text_width, wrapped

LEGEND: Final = "legend "
"""Prefix of the name (gid) of a line without points that becomes an entry of the legend."""

_MARGIN: Final = 0.06
_GAP: Final = 0.08
_HANDLE: Final = 3.2  # length of a legend's line, in letters
_BESIDE: Final = 6.0  # width of an entry besides its text, in letters


def furnish(
    figure: Figure,
    *,
    title: str = "",
    caption: Sequence[str] = (),
    font_size: float = FONT_SIZE,
) -> Figure:
    """Put a title and a legend above a figure and a caption below it.

    Args:
        figure: with a constrained layout; the lines that belong in the legend are in it.
        title: a sentence, wrapped to the width; none if empty.
        caption: paragraphs, wrapped to the width.
        font_size: of the figure [points].
    """
    width, height = figure.get_size_inches()
    inner = width - 2 * _MARGIN
    with drawing(font_size):
        above: list[Text | Legend] = []
        if title:
            above.append(_text(figure, [title], inner, 1.35 * font_size, "title", weight="bold"))
        above += _legend(figure, inner, font_size)
        below = _text(figure, caption, inner, 0.88 * font_size, "caption", color="0.25")
    canvas: Any = FigureCanvasAgg(figure)  # matplotlib types neither canvas nor renderer
    renderer = canvas.get_renderer()

    def outer_height(part: Artist) -> float:
        return float(part.get_window_extent(renderer).height) / figure.dpi + _GAP

    bottom = outer_height(below) if caption else 0.0
    total = height + bottom + sum(map(outer_height, above))
    figure.set_figheight(total)
    top = total
    for part in above:
        place = (_MARGIN / width, (top - _GAP / 2) / total)
        top -= outer_height(part)
        if isinstance(part, Legend):
            part.set_bbox_to_anchor(place)
        else:
            part.set_position(place)
    below.set_position((_MARGIN / width, (bottom - _GAP / 2) / total))
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0, bottom / total, 1, height / total))  # type: ignore[call-arg]
    # Laid out once and for all: each run of the layout would move things by a hair.
    lay_out(figure)
    figure.set_layout_engine(None)  # "none" would leave one behind, and draw every figure twice
    return figure


def _text(
    figure: Figure, paragraphs: Sequence[str], width: float, size: float, gid: str, **style: Any
) -> Text:
    weight = str(style.get("weight", "normal"))
    lines = [wrapped(paragraph, width, size, weight) for paragraph in paragraphs]
    return figure.text(
        0, 0, "\n".join(lines), fontsize=size, va="top", linespacing=1.25, gid=gid, **style
    )


def _legend(figure: Figure, width: float, size: float) -> list[Legend]:
    entries = [
        child
        for panel in figure.axes
        for child in panel.get_lines()
        if isinstance(child, Line2D) and str(child.get_gid()).startswith(LEGEND)
    ]
    if not entries:
        return []
    beside = _BESIDE * size / 72
    texts = [wrapped(str(entry.get_label()), width - beside, size) for entry in entries]
    lines = [line for text in texts for line in text.split("\n")]
    widest = max(text_width(line, size) for line in lines) + beside
    rows = -(-len(entries) // max(1, int(width / widest)))
    legend = figure.legend(
        entries,
        [str(place) for place in range(len(entries))],
        ncols=-(-len(entries) // rows),
        loc="upper left",
        frameon=False,
        handlelength=_HANDLE,
        columnspacing=1.4,
        labelspacing=0.4,
        borderaxespad=0.0,
        borderpad=0.0,
    )
    legend.set_in_layout(False)
    # Set afterwards: a label given above that starts with "_" would be dropped.
    for text, label in zip(legend.get_texts(), texts, strict=True):
        text.set_text(label)
    return [legend]
