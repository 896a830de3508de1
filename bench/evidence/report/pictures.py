"""The pictures of the lecture that this project follows, computed and drawn.

`lecture` has the mathematics of importance sampling; what the other pictures show is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.evidence.figures.panel import dress_panel
from bench.evidence.figures.style import drawing, power_of_ten
from bench.evidence.report import lecture
from bench.evidence.report.lecture import DISTANCE, DISTANCES, SAMPLES
from bench.evidence.statistics.estimates import Floats

WIDTH: Final = 6.7
"""Width of the text on the page [inches]."""

RED: Final = "#b3261e"
BLUE: Final = "#0173b2"
GREY: Final = "0.6"

RETURNS: Final = (3.0, 2.0, 1.0)
"""Returns of three actions, all positive: the first is best."""

SAMPLED: Final = (1, 2)
"""The actions that are sampled: not the best."""

TRAJECTORIES: Final = ((5.0, 0.0, -2.0), (-5.0, 0.0, -2.0))
"""The rewards of two trajectories."""

DISCOUNTS: Final = (1.0, 0.9)

CLIP: Final = 0.2

HORIZON: Final = 200
"""Steps over which bias and noise of λ are summed."""


def all_pictures(estimates: Floats) -> dict[str, Figure]:
    """Every picture by its key.

    Args:
        estimates: of `lecture.running_estimates`.
    """
    with drawing():
        return {
            "loop": loop(),
            "actions": actions(),
            "credit": credit(),
            "trade": trade(),
            "importance": importance(estimates),
            "behaviour": behaviour(),
            "clip": clip(),
        }


def loop() -> Figure:
    """Actor and environment, and the trajectory that they make together."""
    figure, panel = _blank(1.75, 10, 2.6)
    for left, top, text, colour in (
        (0.3, 1.55, "actor  p_θ(a|s)", BLUE),
        (6.9, 1.55, "environment  p(s'|s, a)", "0.3"),
    ):
        panel.add_patch(_box(left, top, 2.8, 0.75, colour))
        panel.text(left + 1.4, top + 0.37, text, ha="center", va="center", color=colour)
    for start, end, height, text in (
        (3.1, 6.9, 2.15, "action a"),
        (6.9, 3.1, 1.7, "next state s', reward r"),
    ):
        panel.add_patch(_arrow((start, height), (end, height)))
        panel.text(5, height + 0.06, text, ha="center", va="bottom", fontsize=8)
    chain = ("s₁", "a₁", "s₂", "a₂", "…", "s_T", "a_T")
    for place, text in enumerate(chain):
        x = 0.9 + 1.2 * place
        colour = BLUE if text.startswith("a") else "0.3"
        panel.text(x, 0.55, text, ha="center", va="center", color=colour, fontsize=10)
        if place < len(chain) - 1:
            panel.add_patch(_arrow((x + 0.3, 0.55), (x + 0.9, 0.55)))
        if text.startswith("a"):
            panel.text(x, 0.08, text.replace("a", "r"), ha="center", color=RED, fontsize=9)
    panel.text(9.75, 0.08, "R(τ) = Σ r", ha="right", color=RED, fontsize=9)
    panel.text(0.05, 0.55, "τ =", ha="left", va="center", fontsize=9)
    return figure


def after_step(weights: Sequence[float], batch: Sequence[int] | None) -> Floats:
    """Probabilities of three actions, equal before, after a step of size 1 up the policy gradient.

    Args:
        weights: the factor of ∇log p, one per action.
        batch: the actions sampled, one each; None: the exact expectation over all.
    """
    before = np.full(3, 1 / 3)
    samples = range(3) if batch is None else batch
    # ∂ log p_a / ∂ logits = e_a − p; uniform, so that each action's share is 1 / their number.
    gradient = sum(weights[a] * (np.eye(3)[a] - before) for a in samples) / len(samples)
    raised = np.exp(np.asarray(gradient))
    return np.asarray(raised / raised.sum(), dtype=np.float64)


def actions() -> Figure:
    """Why a baseline helps: a step on the expectation over three actions, and on two samples."""
    centred = [value - float(np.mean(RETURNS)) for value in RETURNS]
    figure, panels = side_by_side(3, 1.75, sharey=True)
    for panel, (title, probabilities) in zip(
        panels,
        (
            ("ideal: every action counts", after_step(RETURNS, None)),
            ("sampled: only b and c were", after_step(RETURNS, SAMPLED)),
            ("sampled, return − baseline", after_step(centred, SAMPLED)),
        ),
        strict=True,
    ):
        panel.bar(range(3), probabilities, color=[RED, BLUE, BLUE], width=0.6, alpha=0.8)
        panel.axhline(1 / 3, color="0.2", linewidth=1, linestyle=(0, (4, 1.5)))
        for place, height in enumerate(probabilities):
            panel.text(place, 0.03, f"{height:.2f}", ha="center", fontsize=8, color="white")
        names = [f"{name}, R = {value:g}" for name, value in zip("abc", RETURNS, strict=True)]
        panel.set_xticks(range(3), names)
        panel.set_ylim(0, 0.62)
        panel.set_title(title, loc="left", fontsize=8)
    figure.axes[0].set_ylabel("probability after a step")
    return figure


def rewards_to_go(rewards: Sequence[float], discount: float) -> list[float]:
    """G_t = Σ γ^(t'−t) r_t' over t' ≥ t."""
    returns: list[float] = []
    for reward in reversed(rewards):
        returns.insert(0, reward + discount * (returns[0] if returns else 0.0))
    return returns


def credit() -> Figure:
    """What each action of two trajectories is credited with, by three rules."""
    figure, panel = _blank(1.7, 10, 4.3)
    panel.set_ylim(-0.4, 4.3)
    rules = ("reward", "whole return R(τ)", *(f"reward-to-go, γ = {d:g}" for d in DISCOUNTS))
    for row, rule in enumerate(rules):
        panel.text(0, 3.1 - row, rule, va="center", fontsize=8)
    for place, rewards in enumerate(TRAJECTORIES):
        left = 2.9 + 3.7 * place
        rows = [rewards, [sum(rewards)] * 3, *(rewards_to_go(rewards, d) for d in DISCOUNTS)]
        for column in range(3):
            x = left + 1.1 * column
            panel.text(
                x + 0.5, 3.95, f"s{'₁₂₃'[column]}, a{'₁₂₃'[column]}", ha="center", fontsize=8
            )
            for row, values in enumerate(rows):
                value = values[column]
                colour = "0.5" if value == 0 else BLUE if value > 0 else RED
                shade = min(1.0, abs(value) / 7)
                panel.add_patch(_box(x, 2.75 - row, 1.0, 0.7, colour, fill=0.08 + 0.4 * shade))
                text = f"{value:+.3g}".replace("-", "−") if value else "0"
                panel.text(x + 0.5, 3.1 - row, text, ha="center", va="center", fontsize=8.5)
    return figure


def trade_of(gae_lambda: Floats) -> tuple[Floats, Floats]:
    """The trade-off of λ at γ = 0.99: (bias, noise) of A_t.

    Critics' errors and rewards' noise have SD 1. The critic's error at s_t itself is a baseline and
    biases nothing; that at s_(t+l) enters with γ^l λ^(l−1) (1 − λ). The noise of r_(t+l) enters
    with (γλ)^l.
    """
    steps = np.arange(1, HORIZON + 1)[:, None]
    discount = 0.99
    errors = discount**steps * gae_lambda ** (steps - 1) * (1 - gae_lambda)
    noise = (discount * gae_lambda) ** (steps - 1)
    return np.sqrt((errors**2).sum(axis=0)), np.sqrt((noise**2).sum(axis=0))


def trade() -> Figure:
    """Bias and noise of the advantage against λ."""
    figure, (panel,) = side_by_side(1, 1.9)
    grid = np.linspace(0, 1, 201)
    bias, noise = trade_of(grid)
    panel.plot(grid, bias, color=RED, linewidth=1.8, label="bias, from the critic's errors")
    (dashed,) = panel.plot(grid, noise, color=BLUE, linewidth=1.8, label="noise, of the rewards")
    dashed.set_linestyle((0, (4, 1.5)))
    panel.axvline(0.95, color="0.4", linewidth=0.8)
    panel.text(0.945, 6, "λ = 0.95", ha="right", fontsize=8)
    panel.set_xlabel("λ")
    panel.set_ylabel("standard deviation")
    panel.set_xlim(0, 1)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def importance(estimates: Floats) -> Figure:
    """p, q and f; estimates of E_p[f] from samples of q; their variance as p and q move apart."""
    figure, (left, middle, right) = side_by_side(3, 1.85, width_ratios=[0.9, 1.2, 1.2])
    _densities(left)
    _estimates(middle, estimates, lecture.moments(DISTANCE).mean)
    _variances(right)
    return figure


def _densities(panel: Axes) -> None:
    x = np.linspace(-6, 6, 400)
    for mean, name, colour in ((-DISTANCE / 2, "p", RED), (DISTANCE / 2, "q", BLUE)):
        panel.fill_between(x, lecture.density(x, mean), color=colour, alpha=0.25, linewidth=0)
        panel.text(mean, 0.42, name, color=colour, ha="center", weight="bold")
    panel.plot(x, 0.35 * lecture.f(x), color="0.2", linewidth=1.2, linestyle=(0, (4, 1.5)))
    panel.text(4.6, 0.38, "f", color="0.2", ha="center", weight="bold")
    panel.axhline(0, color="0.4", linewidth=0.8)
    panel.set_xlabel("x")
    panel.set_yticks([])
    panel.set_ylim(-0.42, 0.5)


def _estimates(panel: Axes, estimates: Floats, truth: float) -> None:
    counts = np.unique(np.geomspace(1, SAMPLES, 300).astype(int))
    for stream in range(12):
        panel.plot(counts, estimates[stream, counts - 1], color=GREY, linewidth=0.7)
    unlucky = lecture.unlucky_stream(estimates)
    panel.plot(counts, estimates[unlucky, counts - 1], color=BLUE, linewidth=1.7)
    panel.axhline(truth, color=RED, linewidth=1.5)
    panel.text(1.2, truth - 0.06, "E_p[f]", color=RED, va="top")
    panel.axhline(0, color="0.4", linewidth=0.8)
    panel.set_xscale("log")
    logarithmic(panel.xaxis)
    panel.set_ylim(-2.4, 0.9)
    panel.set_xlabel("samples from q")
    panel.set_ylabel("estimate")


def _variances(panel: Axes) -> None:
    grid = np.linspace(DISTANCES[0], DISTANCES[-1], 31)
    true_moments = [lecture.moments(float(distance)) for distance in grid]
    panel.plot(grid, [moments.weighted for moments in true_moments], color=BLUE, linewidth=1.6)
    panel.text(0.75, 100, "Var_q[f·p/q]", color=BLUE, fontsize=8)
    dashes = (0, (4, 1.5))
    panel.plot(grid, [moments.variance for moments in true_moments], color="0.4", linestyle=dashes)
    panel.text(0.1, 0.15, "Var_p[f]", color="0.3", fontsize=8)
    for distance, measured in lecture.variances().items():
        panel.plot([distance] * 2, [measured.min(), measured.max()], color=RED, linewidth=1.2)
        panel.plot([distance], [np.median(measured)], color=RED, marker="o", markersize=4)
    panel.set_yscale("log")
    logarithmic(panel.yaxis)
    panel.set_xlabel("distance of p and q [SD]")
    panel.set_ylabel("variance of a sample")


def divergence(shift: float, deviation: float) -> float:
    """KL of two normal distributions of this deviation whose means are this far apart [nats]."""
    return shift**2 / (2 * deviation**2)


def behaviour() -> Figure:
    """Two pairs of policies, equally far apart in parameters and not in behaviour."""
    figure, panels = side_by_side(2, 1.7)
    shift = 0.2
    x = np.linspace(-2, 2, 401)
    for panel, deviation in zip(panels, (0.6, 0.06), strict=True):
        for mean, name, colour in ((0.0, "θ'", BLUE), (shift, "θ", RED)):
            density = lecture.density((x - mean) / deviation, 0) / deviation
            panel.fill_between(x, density, color=colour, alpha=0.3, linewidth=0, label=name)
        kl = f"{divergence(shift, deviation):.2g}"
        panel.set_title(f"σ = {deviation:g}: KL = {kl} nats", loc="left", fontsize=8)
        panel.set_xlabel("action a")
        panel.set_yticks([])
        panel.set_xlim(-1.5, 1.5)
    figure.axes[0].legend(frameon=False, loc="upper left")
    return figure


def clipped_objective(ratio: Floats, advantage: float) -> Floats:
    """min(ρA, clip(ρ, 1 − ε, 1 + ε)A)."""
    clipped = np.clip(ratio, 1 - CLIP, 1 + CLIP)
    return np.minimum(ratio * advantage, clipped * advantage)


def clip() -> Figure:
    """The clipped objective of one sample against the ratio, for either sign of the advantage."""
    ratio = np.linspace(0, 2, 401)
    figure, panels = side_by_side(2, 2.05)
    for panel, advantage in zip(panels, (1.0, -1.0), strict=True):
        clipped = np.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage
        lines: Sequence[tuple[Floats, str, float, Any, str]] = (
            (ratio * advantage, BLUE, 1.2, (0, (4, 1.5)), "ρA"),
            (clipped, GREY, 1.4, (0, (1.2, 1.4)), "clip(ρ, 1−ε, 1+ε)A"),
            (clipped_objective(ratio, advantage), RED, 2.2, "-", "their minimum"),
        )
        for values, colour, width, dashes, label in lines:
            panel.plot(ratio, values, color=colour, linewidth=width, linestyle=dashes, label=label)
        for edge in (1 - CLIP, 1 + CLIP):
            panel.axvline(edge, color="0.75", linewidth=0.8)
        panel.plot([1], [advantage], color="0.1", marker="o", markersize=4)
        panel.set_title("A > 0" if advantage > 0 else "A < 0", loc="left")
        panel.set_xlabel("ratio ρ = p_θ(a|s) / p_θ'(a|s)")
        panel.set_xlim(0, 2)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


def side_by_side(number: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """Make a figure as wide as the text, with `number` panels side by side.

    Args:
        number: of panels.
        height: of the figure [inches].
        options: of matplotlib's `subplots`.
    """
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panels = list(figure.subplots(1, number, squeeze=False, **options).flat)
    for panel in panels:
        dress_panel(panel)
    return figure, panels


def logarithmic(axis: Axis) -> None:
    """Label only the decades of a logarithmic axis."""
    axis.set_major_formatter(FuncFormatter(power_of_ten))
    axis.set_minor_formatter(NullFormatter())


def _blank(height: float, x_end: float, y_end: float) -> tuple[Figure, Axes]:
    """A figure with one panel without axes, to draw on."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panel = figure.subplots()
    panel.set_xlim(0, x_end)
    panel.set_ylim(0, y_end)
    panel.set_axis_off()
    return figure, panel


def _box(
    left: float, bottom: float, width: float, height: float, colour: str, fill: float = 0.08
) -> FancyBboxPatch:
    shape = FancyBboxPatch(
        (left, bottom), width, height, boxstyle="round,pad=0,rounding_size=0.08", linewidth=0
    )
    shape.set_facecolor(colour)
    shape.set_alpha(fill)
    return shape


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> FancyArrowPatch:
    return FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, color="0.4", linewidth=1)
