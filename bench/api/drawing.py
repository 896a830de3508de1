"""`View.figure`: what `python -m bench figure` draws, as a matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.evidence.figures.kinds import picture
from bench.evidence.results import Results
from bench.store.load import View
from bench.terminal.console import shown


def figure(
    view: View,
    kind: str | None = None,
    *,
    x: str | None = None,
    statistic: str | None = None,
    paper: bool | None = None,
    variants: Sequence[str] | None = None,
    environments: Sequence[str] | None = None,
    width: str | float | None = None,
    font_size: float | None = None,
    title: bool = False,
    caption: bool = False,
) -> Figure:
    """Draw an ablation's results, outside of pyplot, with a legend if there are lines.

    Args:
        view: the ablation's view.
        kind: one of `bench.evidence.figures.kinds.KINDS`; None: the kind of the ablation's page.
        x: for curves and seeds: "steps" or "seconds".
        statistic: for curves, seeds, scores, figure_3 and kl: "iqm" or "mean".
        paper: for figure_3: whether the PPO paper's values stand beside the curves.
        variants, environments: names of those to draw; None: all with runs.
        width: "column" (3.3 inches), "page" (7 inches) or inches; None: for a screen.
        font_size: of names [points]; None: 8.5, or 7 in a column.
        title: whether the ablation's question stands above.
        caption: whether the caption stands below.

    Raises:
        InputError: there is nothing to draw, or an option is unknown or not for this kind.
    """
    drawing = picture(
        Results(view=view, source=shown(view.source)),
        kind,
        width=width,
        font_size=font_size,
        variants=variants,
        environments=environments,
        title=title,
        caption=caption,
        x=x,
        statistic=statistic,
        paper=paper,
    )
    return drawing.figure
