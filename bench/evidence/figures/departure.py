"""Reward against the KL to the reference: what a tuned policy earns, and how far it goes for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.errors import InputError
from bench.evidence.alignment import Floats
from bench.evidence.cells import titles
from bench.evidence.curves import SeedCurves, seed_curves
from bench.evidence.departure import departures, has_reference, per_answer
from bench.evidence.figures.caption import paragraphs, provenance, seeds_text, statistic_text
from bench.evidence.figures.layout import make_page
from bench.evidence.figures.panel import dress_panel, line
from bench.evidence.figures.style import Look, drawing, looks, thousands
from bench.evidence.scores import score_runs
from bench.evidence.statistics import Statistic, estimate
from bench.evidence.trouble import mixed_code, trouble

_POINTS: Final = 40
_MARKS: Final = 5
_TICKS: Final = (0, 1, 5, 10, 25, 50, 100, 200, 300, 500, 1000)
_NO_STRIP: Final = 0.02


@dataclass(frozen=True, kw_only=True)
class _Path:
    """One variant on one environment: where its seeds went, and where they ended."""

    variant: str
    divergence: Floats  # [G] over training, the statistic over seeds [nats]
    rewards: Floats  # [G]
    ends: Floats  # [seeds, 2] divergence and reward of the last 10% of a seed's steps


def reward_against_divergence(
    runs: pd.DataFrame,
    episodes: pd.DataFrame,
    updates: pd.DataFrame,
    *,
    title: str,
    source: str,
    control: str | None = None,
    statistic: Statistic = "iqm",
) -> Figure:
    """Draw reward, and gold reward where it is told, against the KL of whole answers.

    A line is a variant's way through training, the statistic over seeds of both coordinates; a dot
    is where a seed ended. The axis of KL is that of its square root, on which small tunings are
    told apart (as in Gao et al. 2023, arXiv 2210.10760).

    Args:
        runs, episodes, updates: the store's view of an ablation.
        title: the ablation's question.
        source: where the results come from, for the caption.
        control: the variant that the others are compared with; drawn dark grey and solid.
        statistic: "iqm" or "mean".

    Raises:
        InputError: no run tells its KL to a reference.
    """
    if not has_reference(updates):
        raise InputError(
            "no run tells its KL to a reference: rewards can be drawn against it for token "
            "environments only; choose --x steps or seconds"
        )
    scores = score_runs(runs, episodes, updates)
    ends = departures(runs, episodes, updates, scores)
    told = per_answer(updates, episodes)
    kinds = {"reward": "score"}
    if ends["gold"].notna().any():
        kinds["gold reward"] = "gold"
    curves = {
        "divergence": _curves(runs, told, "divergence"),
        "reward": seed_curves(runs, episodes, updates, points=_POINTS),
        "gold reward": _curves(runs, told, "gold_reward") if "gold reward" in kinds else (),
    }
    environments = list(dict.fromkeys(cell.environment for cell in curves["divergence"]))
    panels = {
        (environment, kind): _paths(environment, curves, kind, ends, column, statistic)
        for environment in environments
        for kind, column in kinds.items()
    }
    names = titles(runs)
    drawn = [name for name in names if any(p.variant == name for e in panels.values() for p in e)]
    numbers = sorted({len(path.ends) for paths in panels.values() for path in paths})
    with drawing():
        look = looks(list(names), control)
        page = make_page(
            len(panels),
            title=title,
            handles=[line([], [], look[name]) for name in drawn],
            labels=[names[name] + (" (control)" if name == control else "") for name in drawn],
            caption=_caption(runs, scores, numbers, source, statistic, len(kinds) > 1),
            strip_width=_NO_STRIP,
        )
        for strip in page.strips:
            strip.set_visible(False)
        for place, ((environment, kind), paths) in enumerate(panels.items()):
            panel = page.panels[place]
            same = [
                path for (where, _), own in panels.items() if where == environment for path in own
            ]
            _limit(panel, same)
            for path in paths:
                _draw(panel, path, look)
            dress_panel(panel)
            _square_root(panel)
            panel.set_title(f"{environment}: {kind}  ({seeds_text(numbers)})", loc="left")
            if page.first_in_row[place]:
                panel.set_ylabel("reward of an answer")
            if page.last_in_column[place]:
                panel.set_xlabel("KL(policy ‖ reference) of an answer [nats]")
    return page.figure


def _curves(runs: pd.DataFrame, told: pd.DataFrame, column: str) -> tuple[SeedCurves, ...]:
    """Curves of a diagnostic, as `mechanism.diagnostics` has them."""
    events = told[told[column].notna()]
    return seed_curves(runs, events.assign(**{"return": events[column]}), points=_POINTS)


def _paths(
    environment: str,
    curves: Mapping[str, Sequence[SeedCurves]],
    kind: str,
    ends: pd.DataFrame,
    column: str,
    statistic: Statistic,
) -> list[_Path]:
    found = []
    rewards = {each.variant: each for each in curves[kind] if each.environment == environment}
    for cell in curves["divergence"]:
        if cell.environment != environment or cell.variant not in rewards or not cell.seeds:
            continue
        own = ends[(ends["environment"] == environment) & (ends["variant"] == cell.variant)]
        found.append(
            _Path(
                variant=cell.variant,
                divergence=_centre(cell.values, statistic),
                rewards=_centre(rewards[cell.variant].values, statistic),
                ends=own[["divergence", column]].to_numpy(dtype=np.float64),
            )
        )
    return found


def _centre(values: Floats, statistic: Statistic) -> Floats:
    """The statistic over seeds [S, G] -> [G]; NaN until every seed has a value."""
    complete = np.isfinite(values).all(axis=0)
    centre = np.full(values.shape[1], np.nan)
    if complete.any():
        centre[complete] = estimate(values[:, complete], statistic)
    return centre


def _limit(panel: Axes, paths: Sequence[_Path]) -> None:
    """The same limits for all panels of an environment: the gap between them is what they show."""
    x = np.concatenate([*(path.divergence for path in paths), *(p.ends[:, 0] for p in paths)])
    y = np.concatenate([*(path.rewards for path in paths), *(path.ends[:, 1] for path in paths)])
    low, high = float(np.nanmin(y)), float(np.nanmax(y))
    margin = 0.05 * (high - low) or 1.0
    panel.set_ylim(low - margin, high + margin)
    panel.set_xscale("function", functions=(lambda v: np.sqrt(np.maximum(v, 0)), np.square))
    panel.set_xlim(0, 1.05 * float(np.nanmax(x)) or 1.0)


def _draw(panel: Axes, path: _Path, look: Mapping[str, Look]) -> None:
    own = look[path.variant]
    way = line(path.divergence, path.rewards, own)
    way.set_markevery(max(1, len(path.rewards) // _MARKS))
    way.set_linewidth(1.1)
    way.set_gid(path.variant)
    panel.add_line(way)
    panel.plot(
        path.ends[:, 0],
        path.ends[:, 1],
        linestyle="",
        marker="o",
        markersize=3.4,
        color=own.colour,
        markeredgecolor="white",
        markeredgewidth=0.4,
        zorder=3,
        gid=f"{path.variant} ends",
    )


def _square_root(panel: Axes) -> None:
    ticks = [tick for tick in _TICKS if tick <= panel.get_xlim()[1]]
    panel.set_xticks(ticks, [thousands(tick) for tick in ticks])


def _caption(
    runs: pd.DataFrame,
    scores: pd.DataFrame,
    numbers: Sequence[int],
    source: str,
    statistic: Statistic,
    golden: bool,
) -> tuple[str, ...]:
    meaning = [
        f"Line: a variant's way through training, {statistic_text(numbers, statistic)} over seeds "
        "of the mean reward of its answers and of KL(policy ‖ reference), summed over an answer's "
        "tokens from their whole distributions. Dot: a seed's last 10% of steps. The KL is on an "
        "axis of its square root."
    ]
    if golden:
        meaning.append(
            "Reward: what is trained on. Gold reward: what it stands for, which nothing is trained "
            "on; where it falls while the reward rises, the reward is exploited."
        )
    return paragraphs(
        meaning,
        [*trouble(scores, marked="", left_out="not drawn"), *mixed_code(runs)],
        provenance(runs, source),
    )
