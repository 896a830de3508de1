"""Whether the texts of a figure can be read: inside of it, and none on another."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


def texts_drawn(figure: Figure) -> list[Text]:
    """Texts of the figure, its legends and its visible axes."""
    texts = [*figure.texts]
    for legend in figure.legends:
        texts += legend.get_texts()
    for axes in figure.axes:
        if not axes.get_visible() or not axes.axison:
            continue
        texts += [*axes.texts, axes.xaxis.label, axes.yaxis.label, axes._left_title]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            texts += [tick.label1 for tick in ticks]
    return [text for text in texts if text.get_text() and text.get_visible()]


def assert_readable(figure: Figure, more_than: int) -> None:
    """Every text lies inside and on no other; no legend or text of the figure lies on a panel.

    Args:
        figure: laid out.
        more_than: the figure must have more texts than this.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts_drawn(figure)]
    assert len(boxes) > more_than
    width, height = canvas.get_width_height()
    for text, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text
    for place, (text, box) in enumerate(boxes):
        for other_text, other_box in boxes[:place]:
            overlap_x = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
            overlap_y = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
            assert overlap_x <= 1 or overlap_y <= 1, (text, other_text)
    panels = [axes.get_window_extent() for axes in figure.axes]
    artists = [*figure.legends, *(text for text in figure.texts if text.get_text())]
    for artist in artists:
        box = artist.get_window_extent(renderer)
        assert not any(box.overlaps(panel) for panel in panels)
    assert not any(text.get_parse_math() for text in texts_drawn(figure))
