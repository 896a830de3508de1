"""The kinds of pictures of an ablation, and any of them as a figure that stands alone."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from matplotlib.figure import Figure

from bench.errors import InputError, unknown
from bench.evidence.figures import (
    differences,
    figure_3,
    learning_curves,
    mechanism,
    profile,
    reference_kl,
    scores,
    seed_curves,
)
from bench.evidence.figures.caption import whole_caption
from bench.evidence.figures.furniture import furnish
from bench.evidence.figures.grid import COLUMN, PAGE
from bench.evidence.figures.shown import select
from bench.evidence.figures.style import FONT_SIZE
from bench.evidence.measures.cells import missing_text
from bench.evidence.measures.curves import AXES
from bench.evidence.results import Results
from bench.evidence.statistics.estimates import STATISTICS

SMALL_FONT_SIZE: Final = 7.0
"""Default font size of a figure of one column [points]."""

WIDTHS: Final = {"column": COLUMN, "page": PAGE}

_WIDTH_RANGE: Final = (2.0, 40.0)
_FONT_RANGE: Final = (4.0, 40.0)


KINDS: Final[dict[str, ModuleType]] = {
    "curves": learning_curves,
    "seeds": seed_curves,
    "scores": scores,
    "differences": differences,
    "profile": profile,
    "mechanism": mechanism,
    "figure_3": figure_3,
    "kl": reference_kl,
}
"""What `figure --kind` calls a picture -> the module whose `draw` and `caption` make it."""

_MARKED: Final = ("curves", "figure_3")
"""The kinds that mark, over steps, where seeds diverged."""


def default_kind(page: str) -> str:
    """Return the kind of figure that an ablation is drawn as by default.

    Args:
        page: the kind of its page, one of `ablations.spec.PAGES`.
    """
    return page if page in ("figure_3", "kl") else "curves"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure and its caption."""

    figure: Figure
    caption: tuple[str, ...]  # paragraphs
    missing: str  # planned cells without runs, on a page like Figure 3; empty elsewhere


def picture(
    results: Results,
    kind: str | None = None,
    *,
    width: str | float | None = None,
    font_size: float | None = None,
    variants: Sequence[str] | None = None,
    environments: Sequence[str] | None = None,
    title: bool = True,
    caption: bool = True,
    **options: Any,
) -> Picture:
    """An ablation's figure with title, legend and caption, and the caption's text.

    Args:
        results: of the ablation.
        kind: one of `KINDS`; None: that of the ablation's page.
        width: "column" (3.3 inches), "page" (7 inches) or inches; None: for a screen.
        font_size: of names [points]; None: 8.5, or 7 in a column.
        variants, environments: names of what is drawn; None: all.
        title: whether the ablation's question stands above.
        caption: whether the caption stands below.
        options: options of this kind only (x, statistic, paper); None: as if not given.

    Raises:
        InputError: nothing to draw; an unknown kind, variant, environment or option; a width or a
            size that no page has.
    """
    name = kind or default_kind(results.page)
    if name not in KINDS:
        raise unknown("kind of figure", name, KINDS)
    module, inches = KINDS[name], in_inches(width)
    default_size = SMALL_FONT_SIZE if inches and inches <= COLUMN else FONT_SIZE
    size = default_size if font_size is None else font_size
    _check("font size", "points", size, _FONT_RANGE)
    arguments = {key: value for key, value in options.items() if value is not None}
    parameters = inspect.signature(module.draw).parameters
    for key, value in arguments.items():
        if key not in parameters:
            raise InputError(f"a figure of kind {name} has no option {key}")
        allowed = {"x": AXES, "statistic": STATISTICS}.get(key)
        if allowed is not None and value not in allowed:
            raise unknown("x axis" if key == "x" else key, value, allowed)
    is_figure_3 = name == "figure_3"
    shown = select(
        results, variants, environments, missing=is_figure_3, width=inches, font_size=size
    )
    figure = module.draw(shown, **arguments)
    marked = name in _MARKED and arguments.get("x") != "seconds"
    sentences, returns = module.caption(shown, **arguments), name != "mechanism"
    paragraphs = whole_caption(shown, sentences, marked=marked, returns=returns)
    question = str(results.plan["question"].iloc[0]) if title else ""
    furnish(figure, title=question, caption=paragraphs if caption else (), font_size=size)
    missing = missing_text(shown.rows(results.plan), results.values) if is_figure_3 else ""
    return Picture(figure=figure, caption=paragraphs, missing=missing)


def in_inches(width: str | float | None) -> float | None:
    """Convert a width, as given to `figure --width`, to inches.

    Raises:
        InputError: it is neither of `WIDTHS` nor a number that a page can have.
    """
    if width is None:
        return None
    try:
        inches = WIDTHS[width] if width in WIDTHS else float(width)
    except ValueError:
        raise InputError(
            f"width {width!r} is neither {' nor '.join(WIDTHS)} nor a number of inches"
        ) from None
    _check("width", "inches", inches, _WIDTH_RANGE)
    return inches


def _check(quantity: str, unit: str, value: float, allowed: tuple[float, float]) -> None:
    low, high = allowed
    if not low <= value <= high:
        raise InputError(f"a {quantity} of {value:g} {unit} is not from {low:g} to {high:g}")
