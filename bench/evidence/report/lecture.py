"""The lecture's own pictures, computed: importance sampling, its variance, the clipped objective.

p = N(−d/2, 1) is the distribution whose mean of f is wanted, q = N(d/2, 1) the one that samples
come from, f(x) = tanh(2x): where p lies f is negative, where q lies it is positive. Hence the
weight p(x)/q(x) = exp(−d·x), and, for every f,

    Var_q[f·p/q] = E_p[f²·p/q] − (E_p[f])²

Source of the formula: Owen 2013, Monte Carlo theory, methods and examples, chapter 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.evidence.figures.grid import PAGE as WIDTH
from bench.evidence.figures.panel import dress_panel
from bench.evidence.figures.style import drawing, power_of_ten
from bench.evidence.measures.alignment import Floats
from bench.evidence.report.tables import significant, table

DISTANCE: Final = 3.5
"""Between the means of p and q in the picture of the estimate."""

SAMPLES: Final = 20_000
STREAMS: Final = 500
COUNTS: Final = (3, 10, 30, 100, 300)
"""Numbers of samples at which the sign of the estimate is looked at."""

DISTANCES: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
VARIANCE_SAMPLES: Final = 100_000
REPETITIONS: Final = 21
"""Independent measurements of the variance at each distance."""

CLIP: Final = 0.2

_P: Final = "#b3261e"
_Q: Final = "#0173b2"
_GREY: Final = "0.6"


def f(x: Floats) -> Floats:
    """The function whose mean is wanted."""
    return np.asarray(np.tanh(2 * x), dtype=np.float64)


def density(x: Floats, mean: float) -> Floats:
    """Of N(mean, 1)."""
    return np.asarray(np.exp(-0.5 * (x - mean) ** 2) / np.sqrt(2 * np.pi), dtype=np.float64)


def weight(x: Floats, distance: float) -> Floats:
    """p(x) / q(x)."""
    return np.asarray(np.exp(-distance * x), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """What is true, by numerical integration."""

    mean: float  # E_p[f]
    variance: float  # Var_p[f]
    weighted: float  # Var_q[f·p/q] by the formula


def moments(distance: float) -> Moments:
    """The integrals on a grid that reaches 12 standard deviations beyond where they live."""
    # E_p[f²·p/q] weighs with exp(−d·x) p(x), whose centre is at −3d/2.
    x = np.linspace(-1.5 * distance - 12, 0.5 * distance + 12, 200_001)
    p = density(x, -distance / 2)
    step = x[1] - x[0]
    mean, square = float((f(x) * p).sum() * step), float((f(x) ** 2 * p).sum() * step)
    second = float((f(x) ** 2 * weight(x, distance) * p).sum() * step)
    return Moments(mean=mean, variance=square - mean**2, weighted=second - mean**2)


def measured_variances(distance: float, generator: np.random.Generator) -> Floats:
    """The sample variance of f·p/q under q, each of `REPETITIONS` from as many samples."""
    x = generator.normal(distance / 2, 1.0, (REPETITIONS, VARIANCE_SAMPLES))
    return np.asarray((f(x) * weight(x, distance)).var(axis=1, ddof=1), dtype=np.float64)


def running_estimates(generator: np.random.Generator) -> Floats:
    """Mean of f·p/q over the first n samples of q: [STREAMS, SAMPLES]."""
    x = generator.normal(DISTANCE / 2, 1.0, (STREAMS, SAMPLES))
    weighted = f(x) * weight(x, DISTANCE)
    return np.asarray(weighted.cumsum(axis=1) / np.arange(1, SAMPLES + 1), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Lecture:
    """The pictures and what is measured in them."""

    facts: dict[str, Any]
    figures: dict[str, Figure]


def lecture(seed: int = 0) -> Lecture:
    """All of the lecture's pictures; equal seeds give equal ones."""
    estimates = running_estimates(np.random.default_rng([seed, 1]))
    truth = moments(DISTANCE)
    variances = {
        distance: measured_variances(distance, np.random.default_rng([seed, 2, place]))
        for place, distance in enumerate(DISTANCES)
    }
    exact = {distance: moments(distance) for distance in DISTANCES}
    wrong = [
        (f"{count:,}", f"{100 * float((estimates[:, count - 1] > 0).mean()):.0f}%")
        for count in COUNTS
    ]
    rows = [
        (
            f"{distance:g}",
            significant(exact[distance].mean),
            significant(exact[distance].variance),
            significant(exact[distance].weighted),
            significant(float(np.median(found))),
            f"{significant(float(found.min()))} to {significant(float(found.max()))}",
        )
        for distance, found in variances.items()
    ]
    return Lecture(
        facts={
            "distance": f"{DISTANCE:g}",
            "truth": significant(truth.mean),
            "streams": f"{STREAMS:,}",
            "variance_samples": f"{VARIANCE_SAMPLES:,}",
            "repetitions": str(REPETITIONS),
            "wrong": table(("samples", "estimates with the wrong sign"), ("right", "right"), wrong),
            "variance": table(
                (
                    *("distance", "E_p[f]", "Var_p[f]", "Var_q[f·p/q], formula"),
                    *("measured, median", "measured, least to most"),
                ),
                ("right", "right", "right", "right", "right", "center"),
                rows,
            ),
        },
        figures={
            "lecture-estimate.svg": _estimate(estimates, truth.mean),
            "lecture-variance.svg": _variance(variances, exact),
            "lecture-clip.svg": _clip(),
        },
    )


def unlucky(estimates: Floats) -> int:
    """The stream whose estimate keeps the wrong sign longest and still ends with the right one."""
    right = np.flatnonzero(estimates[:, -1] < 0)
    last_wrong = SAMPLES - 1 - np.argmax(estimates[right, ::-1] > 0, axis=1)
    # Early enough for what follows to be seen.
    seen = np.where(last_wrong < SAMPLES // 4, last_wrong, -1)
    return int(right[np.argmax(seen)])


def _estimate(estimates: Floats, truth: float) -> Figure:
    x = np.linspace(-6, 6, 400)
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.35])
        dress_panel(left)
        for mean, name, colour in ((-DISTANCE / 2, "p", _P), (DISTANCE / 2, "q", _Q)):
            left.fill_between(x, density(x, mean), color=colour, alpha=0.25, linewidth=0)
            left.plot(x, density(x, mean), color=colour, linewidth=1.5)
            left.text(mean, 0.42, name, color=colour, ha="center", weight="bold")
        left.plot(x, 0.35 * f(x), color="0.2", linewidth=1.2, linestyle=(0, (4, 1.5)))
        left.text(4.2, 0.37, "f", color="0.2", ha="center", weight="bold")
        left.axhline(0, color="0.4", linewidth=0.8)
        left.set_xlabel("x")
        left.set_yticks([])
        left.set_ylim(-0.42, 0.5)
        dress_panel(right)
        shown = np.unique(np.geomspace(1, SAMPLES, 600).astype(int))
        chosen = unlucky(estimates)
        for stream in range(12):
            right.plot(shown, estimates[stream, shown - 1], color=_GREY, linewidth=0.7)
        right.plot(shown, estimates[chosen, shown - 1], color=_Q, linewidth=1.7)
        right.axhline(truth, color=_P, linewidth=1.5)
        right.text(1.2, truth - 0.06, "E_p[f]", color=_P, va="top")
        right.axhline(0, color="0.4", linewidth=0.8)
        right.set_xscale("log")
        right.xaxis.set_major_formatter(FuncFormatter(power_of_ten))
        right.xaxis.set_minor_formatter(NullFormatter())
        right.set_ylim(-2.4, 0.9)
        right.set_xlabel("samples from q")
        right.set_ylabel("estimate of E_p[f]")
    return figure


def _variance(variances: dict[float, Floats], exact: dict[float, Moments]) -> Figure:
    grid = np.linspace(DISTANCES[0], DISTANCES[-1], 61)
    truth = [moments(float(distance)) for distance in grid]
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
        panel = figure.subplots()
        dress_panel(panel)
        panel.plot(
            grid,
            [each.weighted for each in truth],
            color=_Q,
            linewidth=1.6,
            label="Var_q[f·p/q] by the formula",
        )
        panel.plot(
            grid,
            [each.variance for each in truth],
            color="0.4",
            linewidth=1.4,
            linestyle=(0, (4, 1.5)),
            label="Var_p[f], samples from p",
        )
        for place, (distance, found) in enumerate(variances.items()):
            panel.plot([distance] * 2, [found.min(), found.max()], color=_P, linewidth=1.2)
            panel.plot(
                [distance],
                [np.median(found)],
                color=_P,
                marker="o",
                markersize=4.5,
                linestyle="",
                label="" if place else "measured: median, least to most",
            )
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(FuncFormatter(power_of_ten))
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.set_xlabel("distance between the means of p and q [standard deviations]")
        panel.set_ylabel("variance of a sample")
        figure.legend(loc="outside right upper", frameon=False)
    return figure


def _clip() -> Figure:
    ratio = np.linspace(0, 2, 401)
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.2), layout="constrained")
        for panel, advantage in zip(figure.subplots(1, 2), (1.0, -1.0), strict=True):
            _draw_clip(panel, ratio, advantage)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


def clipped_objective(ratio: Floats, advantage: float, epsilon: float = CLIP) -> Floats:
    """min(ρA, clip(ρ, 1 − ε, 1 + ε)A)."""
    clipped = np.clip(ratio, 1 - epsilon, 1 + epsilon)
    return np.minimum(ratio * advantage, clipped * advantage)


def _draw_clip(panel: Axes, ratio: Floats, advantage: float) -> None:
    dress_panel(panel)
    clipped = np.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage
    lines: Sequence[tuple[Floats, str, float, object, str]] = (
        (ratio * advantage, _Q, 1.2, (0, (4, 1.5)), "ρA"),
        (clipped, _GREY, 1.4, (0, (1.2, 1.4)), "clip(ρ, 1−ε, 1+ε)A"),
        (clipped_objective(ratio, advantage), _P, 2.2, "-", "their minimum"),
    )
    for values, colour, width, dashes, label in lines:
        panel.plot(ratio, values, color=colour, linewidth=width, linestyle=dashes, label=label)
    for edge in (1 - CLIP, 1 + CLIP):
        panel.axvline(edge, color="0.75", linewidth=0.8)
    panel.plot([1], [advantage], color="0.1", marker="o", markersize=4)
    panel.set_title("A > 0" if advantage > 0 else "A < 0", loc="left")
    panel.set_xlabel("ratio ρ = p_θ(a|s) / p_θ'(a|s)")
    panel.set_xlim(0, 2)
