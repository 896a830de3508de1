"""Places for title, panels, legend and caption, from the measured size of every text.

Sizes are in inches. The figure grows downwards as its texts need, so that nothing is cut and
nothing overlaps, whatever the number of panels or the length of a name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text

from bench.evidence.glyphs import printable

NO_BREAK: Final = "\u00a0"
"""A space at which a caption is not wrapped."""

_MARGIN: Final = 0.15
_AXIS_LABELS: Final = 0.68  # left of the first column: tick labels and the axis' name
_TICK_LABELS: Final = 0.55  # left of the other columns: tick labels only
_STRIP_GAP: Final = 0.1
_ABOVE_PANEL: Final = 0.3
_BELOW_PANEL: Final = 0.5
_GAP: Final = 0.07
_LEGEND_HANDLE: Final = 0.75  # a legend entry's width besides its text
_PANEL_SIZES: Final = {1: (5.0, 3.1), 2: (3.5, 2.5), 3: (2.7, 2.1), 4: (2.3, 1.85)}
_TITLE_SIZE: Final = 12.0
_NAME_SIZE: Final = 9.0
_GRID_GAP: Final = 0.12
_GRID_RIGHT: Final = 0.12  # half of a tick label's width beyond the last panel
_CAPTION_SIZE: Final = 7.5
_MEASURING_DOTS_PER_INCH: Final = 200.0
_MOST_LETTERS: Final = 6000
"""Of a paragraph: captions are shorter, and an image has a largest height."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A figure with empty panels in reading order; each has a narrow strip at its right."""

    figure: Figure
    panels: tuple[Axes, ...]
    strips: tuple[Axes, ...]
    first_in_row: tuple[bool, ...]  # panels that carry the name of the y axis
    last_in_column: tuple[bool, ...]  # panels that carry the name of the x axis


def make_page(
    panels: int,
    *,
    title: str,
    handles: Sequence[Line2D],
    labels: Sequence[str],
    caption: Sequence[str],
    strip_width: float,
    panel_size: tuple[float, float] | None = None,
) -> Page:
    """Lay out a page: title, legend, panels and caption from top to bottom.

    The legend takes the free place of the last row where there is one that holds it.

    Args:
        panels: number of panels, at least 1.
        title: a sentence, wrapped to the width.
        handles: what the legend shows.
        labels: the legend's texts, one a handle; long ones are wrapped.
        caption: paragraphs, wrapped to the width, though not at `NO_BREAK`.
        strip_width: width of the strip at each panel's right [inches].
        panel_size: width and height of a panel [inches]; by default by the number of columns.
    """
    columns = _columns(panels)
    rows = -(-panels // columns)
    panel_width, panel_height = panel_size or _PANEL_SIZES[columns]
    cell_width = panel_width + _STRIP_GAP + strip_width
    row_height = _ABOVE_PANEL + panel_height + _BELOW_PANEL
    width = 2 * _MARGIN + _AXIS_LABELS + columns * cell_width + (columns - 1) * _TICK_LABELS
    inner = width - 2 * _MARGIN

    figure = Figure(figsize=(width, 1.0), dpi=_MEASURING_DOTS_PER_INCH)
    heading = _paragraphs(figure, [title], inner, "title", fontsize=_TITLE_SIZE, weight="bold")
    remarks = _paragraphs(
        figure, caption, inner, "caption", fontsize=_CAPTION_SIZE, weight="normal", color="0.25"
    )
    lefts = [
        _MARGIN + _AXIS_LABELS + column * (cell_width + _TICK_LABELS) for column in range(columns)
    ]
    legend, beside = _place_legend(
        figure,
        handles,
        labels,
        width=width - _MARGIN - lefts[0],
        free_width=width - _MARGIN - lefts[panels % columns] if panels % columns else 0.0,
        free_height=row_height - _ABOVE_PANEL,
    )
    title_height, caption_height, legend_height = (
        _size(figure, part)[1] for part in (heading, remarks, legend)
    )
    if beside:
        legend_height = 0.0
    height = 2 * _MARGIN + title_height + rows * row_height + caption_height + 2 * _GAP
    height += legend_height + (_GAP if legend_height else 0.0)
    figure.set_size_inches(width, height)

    top = height - _MARGIN
    heading.set_position((_MARGIN / width, top / height))
    top -= title_height + _GAP
    if not beside:
        top -= _GAP
        _anchor(legend, lefts[0] / width, top / height)
        top -= legend_height
    axes, strips = [], []
    for index in range(panels):
        row, column = divmod(index, columns)
        left = lefts[column]
        bottom = (top - (row + 1) * row_height + _BELOW_PANEL) / height
        panel = figure.add_axes((left / width, bottom, panel_width / width, panel_height / height))
        left += panel_width + _STRIP_GAP
        strip = figure.add_axes(
            (left / width, bottom, strip_width / width, panel_height / height), sharey=panel
        )
        axes.append(panel)
        strips.append(strip)
    if beside:
        last_row = top - (rows - 1) * row_height - _ABOVE_PANEL
        _anchor(legend, lefts[panels % columns] / width, last_row / height)
    remarks.set_position((_MARGIN / width, (_MARGIN + caption_height) / height))
    return Page(
        figure=figure,
        panels=tuple(axes),
        strips=tuple(strips),
        first_in_row=tuple(index % columns == 0 for index in range(panels)),
        last_in_column=tuple(index + columns >= panels for index in range(panels)),
    )


def name_panel(page: Page, place: int, name: str, detail: str, **style: Any) -> None:
    """Write a panel's name above it, cut where it would reach the next panel.

    Args:
        page: the page, laid out; place: the panel's.
        name: of an environment.
        detail: stands behind it, never cut.
        style: of the text.
    """
    panel = page.panels[place]
    title = panel.set_title("", loc="left", **style)
    left, bottom = panel.get_position().min
    width = page.figure.get_figwidth()
    places = [other.get_position() for other in page.panels]
    behind = [other.x0 for other in places if other.x0 > left and other.y0 == bottom]
    room = min(behind, default=1.0) * width - _MARGIN - left * width
    text = _cut(page.figure, name, detail, room, title.get_fontproperties())
    title.set_text(text)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A figure with empty panels in rows that share their vertical axis, under named columns."""

    figure: Figure
    panels: tuple[tuple[Axes, ...], ...]  # [row][column]


def make_grid(
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    caption: Sequence[str],
    panel_size: tuple[float, float],
) -> Grid:
    """Lay out a grid: title, names of the columns, rows of panels and caption from top to bottom.

    Args:
        rows: their names, each above its row's first panel.
        columns: their names, each above its column, wrapped to the panel's width.
        title: a sentence, wrapped to the width.
        caption: paragraphs, wrapped to the width, though not at `NO_BREAK`.
        panel_size: width and height of a panel [inches].
    """
    panel_width, panel_height = panel_size
    left = _MARGIN + _AXIS_LABELS
    inner = _AXIS_LABELS + len(columns) * panel_width + (len(columns) - 1) * _GRID_GAP
    width = inner + 2 * _MARGIN + _GRID_RIGHT
    figure = Figure(figsize=(width, 1.0), dpi=_MEASURING_DOTS_PER_INCH)
    heading = _paragraphs(figure, [title], inner, "title", fontsize=_TITLE_SIZE, weight="bold")
    remarks = _paragraphs(
        figure, caption, inner, "caption", fontsize=_CAPTION_SIZE, weight="normal", color="0.25"
    )
    names = [
        _paragraphs(figure, [name], panel_width, "column", fontsize=_NAME_SIZE, weight="bold")
        for name in columns
    ]
    title_height, caption_height = (_size(figure, part)[1] for part in (heading, remarks))
    names_height = max(_size(figure, part)[1] for part in names)
    row_height = _ABOVE_PANEL + panel_height
    height = 2 * _MARGIN + title_height + names_height + len(rows) * row_height
    height += _BELOW_PANEL + caption_height + 4 * _GAP
    figure.set_size_inches(width, height)

    top = height - _MARGIN
    heading.set_position((_MARGIN / width, top / height))
    top -= title_height + 2 * _GAP
    for place, name in enumerate(names):
        middle = left + place * (panel_width + _GRID_GAP) + panel_width / 2
        name.set_position((middle / width, (top - names_height) / height))
        name.set(ha="center", va="bottom", multialignment="center")
    top -= names_height + _GAP
    panels: list[tuple[Axes, ...]] = []
    for row, row_name in enumerate(rows):
        bottom = top - (row + 1) * row_height
        figure.text(
            left / width,
            (bottom + panel_height + 0.05) / height,
            _cut(figure, row_name, "", inner - _AXIS_LABELS, FontProperties(size=_NAME_SIZE)),
            fontsize=_NAME_SIZE,
            va="bottom",
            gid="row",
        )
        made: list[Axes] = []
        for column in range(len(columns)):
            place_left = left + column * (panel_width + _GRID_GAP)
            box = (place_left, bottom, panel_width, panel_height)
            made.append(
                figure.add_axes(
                    (box[0] / width, box[1] / height, box[2] / width, box[3] / height),
                    sharey=made[0] if made else None,
                )
            )
        panels.append(tuple(made))
    remarks.set_position((_MARGIN / width, (_MARGIN + caption_height) / height))
    return Grid(figure=figure, panels=tuple(panels))


def _columns(panels: int) -> int:
    if panels <= 3:
        return panels
    if panels == 4:
        return 2
    return 3 if panels in (5, 6, 9) else 4


def _paragraphs(
    figure: Figure,
    paragraphs: Sequence[str],
    width: float,
    gid: str,
    *,
    fontsize: float,
    weight: str,
    color: str = "0.1",
) -> Text:
    font = FontProperties(size=fontsize, weight=weight)
    lines = [line for text in paragraphs for line in _wrap(figure, text, width, font)]
    return figure.text(
        0,
        0,
        "\n".join(lines),
        fontproperties=font,
        color=color,
        va="top",
        linespacing=1.25,
        gid=gid,
    )


def _wrap(figure: Figure, text: str, width: float, font: FontProperties) -> list[str]:
    """Break a text into lines of at most `width` inches, and a longer word where it has to be.

    Words joined by a no-break space stay together; it becomes an ordinary one.
    """
    fits = _fitting(figure, width, font)
    lines: list[str] = []
    current = ""
    for word in _bounded(text).split(" "):
        longer = f"{current} {word}".strip()
        if fits(longer):
            current = longer
            continue
        *full, rest = _pieces(word, fits)
        lines += [line for line in (current, *full) if line]
        current = rest
    return [line.replace(NO_BREAK, " ") for line in (*lines, current)]


def _fitting(figure: Figure, width: float, font: FontProperties) -> Callable[[str], bool]:
    """Whether a line is at most `width` inches wide."""
    renderer = _renderer(figure)
    limit = width * figure.dpi * 0.985  # vector backends measure a hair differently

    def fits(line: str) -> bool:
        return bool(renderer.get_text_width_height_descent(line, font, False)[0] <= limit)

    return fits


def _bounded(text: str) -> str:
    """A text as the fonts show it, on one line; one that would fill pages is cut."""
    shown: str = printable(text.replace("\n", " "))
    return shown if len(shown) <= _MOST_LETTERS else shown[: _MOST_LETTERS - 1] + "…"


def _cut(figure: Figure, text: str, detail: str, width: float, font: FontProperties) -> str:
    """As much of a text as fits before `detail` within `width` inches."""
    fits, whole = _fitting(figure, width, font), _bounded(text)
    if fits(whole + detail):
        return whole + detail
    letters = bisect_left(range(len(whole)), True, key=lambda n: not fits(f"{whole[:n]}…{detail}"))
    return f"{whole[: max(letters - 1, 0)]}…{detail}"


def _pieces(word: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """A word in pieces that fit, of one letter at least."""
    if not fits(word):
        start = 0
        for end in range(2, len(word) + 1):
            if not fits(word[start:end]):
                yield word[start : end - 1]
                start = end - 1
        word = word[start:]
    yield word


def _place_legend(
    figure: Figure,
    handles: Sequence[Line2D],
    labels: Sequence[str],
    *,
    width: float,
    free_width: float,
    free_height: float,
) -> tuple[Legend, bool]:
    """The legend in one column for the free place if it fits there, else in as few rows as fit."""
    if free_width:
        legend = _legend(figure, handles, labels, free_width, columns=1)
        size = _size(figure, legend)
        if size[0] <= free_width and size[1] <= free_height:
            return legend, True
        legend.remove()
    for columns in range(len(labels), 0, -1):
        legend = _legend(figure, handles, labels, width, columns=columns)
        if columns == 1 or _size(figure, legend)[0] <= width:
            return legend, False
        legend.remove()
    raise ValueError("a figure needs at least one line")


def _legend(
    figure: Figure,
    handles: Sequence[Line2D],
    labels: Sequence[str],
    width: float,
    *,
    columns: int,
) -> Legend:
    legend = figure.legend(
        handles,
        [str(place) for place in range(len(labels))],
        ncols=columns,
        loc="upper left",
        frameon=False,
        handlelength=3.4,
        columnspacing=1.6,
        labelspacing=0.45,
        borderaxespad=0.0,
        borderpad=0.0,
    )
    # Set afterwards: a label given above that starts with "_" would be dropped.
    for text, label in zip(legend.get_texts(), labels, strict=True):
        lines = _wrap(figure, label, width - _LEGEND_HANDLE, text.get_fontproperties())
        text.set_text("\n".join(lines))
    return legend


def _size(figure: Figure, artist: Artist) -> tuple[float, float]:
    """Width and height in inches, as drawn."""
    extent = artist.get_window_extent(_renderer(figure))
    return float(extent.width / figure.dpi), float(extent.height / figure.dpi)


def _renderer(figure: Figure) -> Any:
    canvas: Any = FigureCanvasAgg(figure)  # matplotlib annotates neither it nor the renderer
    return canvas.get_renderer()


def _anchor(legend: Legend, x: float, y: float) -> None:
    legend.set_loc("upper left")
    legend.set_bbox_to_anchor((x, y))
