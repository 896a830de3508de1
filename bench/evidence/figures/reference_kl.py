"""Reward against the KL to the reference: what a tuned policy earns, and how far it goes for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.errors import InputError
from bench.evidence.figures.caption import seeds_text, statistic_text
from bench.evidence.figures.grid import (
    column_count,
    make_grid,
    name_axes,
    panel_height,
    screen_width,
    settle,
)
from bench.evidence.figures.panel import dress_panel, line, name_lines
from bench.evidence.figures.shown import Shown
from bench.evidence.figures.style import Look, drawing, scale
from bench.evidence.measures.curves import SeedCurves, over_seeds, seed_curves
from bench.evidence.measures.reference_kl import per_answer
from bench.evidence.statistics.estimates import Floats, Statistic
from bench.formatting import thousands

REWARD: Final = "reward of an answer"
DIVERGENCE: Final = "KL(policy ‖ reference) of an answer [nats]"

_POINTS: Final = 40
_MARKS: Final = 5
_TICKS: Final = (0, 1, 5, 10, 25, 50, 100, 200, 300, 500, 1000)
_LEAST: Final = 13.0  # width of a panel, in letters' heights


@dataclass(frozen=True, kw_only=True)
class KLCurve:
    """One variant on one environment: its curve over training, and where its seeds ended."""

    variant: str
    divergence: Floats  # [G] over training, the statistic over seeds [nats]
    rewards: Floats  # [G]
    ends: Floats  # [seeds, 2] divergence and reward of the last 10% of a seed's steps


KLCurves = Mapping[tuple[str, str], Sequence[KLCurve]]
"""(environment, "reward" or "gold reward") -> the curves of the variants there."""


def draw(shown: Shown, *, statistic: Statistic = "iqm") -> Figure:
    """Draw reward, and gold reward where it is reported, against the KL of whole answers.

    A line is a variant's way through training, the statistic over seeds of both coordinates
    ("iqm" or "mean"); a dot is where a seed ended. The KL axis has a square-root scale, which
    separates policies near the reference (as in Gao et al. 2023, arXiv 2210.10760).
    """
    curves = _kl_curves(shown, statistic)
    present = {curve.variant for group in curves.values() for curve in group}
    drawn = [name for name in shown.variants if name in present]
    places = [(key, near) for near in (False, True)[: 1 + _crowded(curves)] for key in curves]
    width = shown.width or screen_width(len(places))
    # The enlarged panels stand below the others.
    columns = column_count(len(curves), width, _LEAST * shown.letter)
    cell_width, height = width / columns, panel_height(width / columns, shown.font_size)
    with drawing(shown.font_size):
        figure, panels, _ = make_grid(len(places), columns, width)
        for panel, ((environment, kind), near) in zip(panels, places, strict=True):
            panel_curves = curves[environment, kind]
            if near:
                _zoom(panel, [curve for curve in panel_curves if _is_near(curve, curves)])
            else:
                groups = [group for (name, _), group in curves.items() if name == environment]
                _limit(panel, [curve for group in groups for curve in group], cell_width)
            for curve in panel_curves:
                _draw(panel, curve, shown.look[curve.variant], 0.55 if near else 1.0)
            count = (
                ", where most end"
                if near
                else f" ({seeds_text([len(curve.ends) for curve in panel_curves])})"
            )
            panel.set_title(f"{environment}: {kind}{count}", loc="left")
        name_axes(panels, columns, height, DIVERGENCE, REWARD)
        name_lines(panels[0], shown, drawn)
        return settle(figure, panels, height)


def caption(shown: Shown, *, statistic: Statistic = "iqm") -> list[str]:
    """Sentences: what the lines and dots of `draw` are with the same arguments."""
    curves = _kl_curves(shown, statistic)
    numbers = sorted({len(curve.ends) for group in curves.values() for curve in group})
    sentences = [
        f"Line: a variant's way through training, {statistic_text(numbers, statistic)} over seeds "
        "of the mean reward of its answers and of KL(policy ‖ reference), summed over an answer's "
        "tokens from their whole distributions. Dot: a seed's last 10% of steps. The KL is on an "
        "axis of its square root" + (", save below, where most end." if _crowded(curves) else ".")
    ]
    if any(kind != "reward" for _, kind in curves):
        sentences.append(
            "Reward: what is trained on. Gold reward: what it stands for, which nothing is trained "
            "on; where it falls while the reward rises, the reward is exploited."
        )
    return sentences


def _kl_curves(shown: Shown, statistic: Statistic) -> KLCurves:
    """Rewards, and gold rewards where some are reported, with the KL of whole answers."""
    view, ends = shown.results.view, shown.results.findings.with_kl
    if ends is None:
        raise InputError(
            "no run reports its KL to a reference: rewards can be drawn against it for token "
            "environments only; choose --x steps or seconds"
        )
    answers = per_answer(view.updates, view.episodes)
    divergences = _curves(shown.runs, answers, "divergence")
    rewards = seed_curves(shown.runs, view.episodes, view.updates, points=_POINTS)
    kinds = {"reward": ("score", rewards)}
    if ends["gold"].notna().any():
        kinds["gold reward"] = ("gold", _curves(shown.runs, answers, "gold_reward"))
    return {
        (environment, kind): _of_cells(environment, divergences, curves, ends, column, statistic)
        for environment in dict.fromkeys(cell.environment for cell in divergences)
        for kind, (column, curves) in kinds.items()
    }


def _ticks(end: float, width: float) -> list[int]:
    """As many ticks as fit on a square-root axis that is `width` inches long."""
    ticks: list[int] = []
    room = 2.6 * matplotlib.rcParams["font.size"] / 72 / width
    for tick in reversed([tick for tick in _TICKS if tick <= end]):
        if not ticks or np.sqrt(ticks[0] / end) - np.sqrt(tick / end) > room:
            ticks.insert(0, tick)
    return ticks


def _crowded(curves: KLCurves) -> bool:
    """Whether some variants end so far away that the others overlap."""
    all_curves = [curve for group in curves.values() for curve in group]
    return any(not _is_near(curve, curves) for curve in all_curves)


def _is_near(curve: KLCurve, curves: KLCurves) -> bool:
    """Whether a variant ends within twice the median variant's KL."""
    median = float(np.median([_end(other) for group in curves.values() for other in group]))
    return _end(curve) <= 2 * median


def _end(curve: KLCurve) -> float:
    return float(np.nanmedian(curve.ends[:, 0])) if len(curve.ends) else 0.0


def _curves(runs: pd.DataFrame, answers: pd.DataFrame, column: str) -> tuple[SeedCurves, ...]:
    """Curves of a diagnostic, as `mechanism.diagnostics` has them."""
    events = answers[answers[column].notna()]
    return seed_curves(runs, events.assign(**{"return": events[column]}), points=_POINTS)


def _of_cells(
    environment: str,
    divergences: Sequence[SeedCurves],
    rewards: Sequence[SeedCurves],
    ends: pd.DataFrame,
    column: str,
    statistic: Statistic,
) -> list[KLCurve]:
    by_variant = {curves.variant: curves for curves in rewards if curves.environment == environment}
    rows = ends[ends["environment"] == environment]
    return [
        KLCurve(
            variant=cell.variant,
            divergence=over_seeds(cell.values, statistic),
            rewards=over_seeds(by_variant[cell.variant].values, statistic),
            ends=rows.loc[rows["variant"] == cell.variant, ["divergence", column]].to_numpy(float),
        )
        for cell in divergences
        if cell.environment == environment and cell.variant in by_variant and cell.seeds
    ]


def _limit(panel: Axes, curves: Sequence[KLCurve], width: float) -> None:
    """Set the limits that all panels of an environment share, so that they can be compared.

    Args:
        panel: the axes, `width` inches wide with its tick labels.
        curves: those on this environment, of rewards and gold rewards.
    """
    x = np.concatenate(
        [*(curve.divergence for curve in curves), *(curve.ends[:, 0] for curve in curves)]
    )
    y = np.concatenate(
        [*(curve.rewards for curve in curves), *(curve.ends[:, 1] for curve in curves)]
    )
    low, high = float(np.nanmin(y)), float(np.nanmax(y))
    margin = 0.05 * (high - low) or 1.0
    panel.set_ylim(low - margin, high + margin)
    panel.set_xscale("function", functions=(lambda v: np.sqrt(np.maximum(v, 0)), np.square))
    panel.set_xlim(0, 1.05 * float(np.nanmax(x)) or 1.0)
    dress_panel(panel)
    ticks = _ticks(panel.get_xlim()[1], width)
    panel.set_xticks(ticks, [thousands(tick) for tick in ticks])


def _zoom(panel: Axes, curves: Sequence[KLCurve]) -> None:
    """Set limits around where most variants end."""
    ends = np.concatenate([curve.ends for curve in curves])
    low, high = np.nanmin(ends, axis=0), np.nanmax(ends, axis=0)
    margin = np.where(high > low, 0.06 * (high - low), 1.0)
    panel.set_xlim(low[0] - margin[0], high[0] + margin[0])
    panel.set_ylim(low[1] - margin[1], high[1] + margin[1])
    dress_panel(panel)


def _draw(panel: Axes, curve: KLCurve, look: Look, opacity: float) -> None:
    drawn_line = line(curve.divergence, curve.rewards, look)
    spacing = max(1, len(curve.rewards) // _MARKS)
    drawn_line.set(markevery=spacing, linewidth=1.1 * scale(), alpha=opacity, gid=curve.variant)
    panel.add_line(drawn_line)
    panel.plot(
        *curve.ends.T,
        linestyle="",
        marker="o",
        markersize=3.4 * scale(),
        color=look.colour,
        markeredgecolor="white",
        markeredgewidth=0.4 * scale(),
        zorder=3,
        gid=f"{curve.variant} ends",
    )
