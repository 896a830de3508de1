"""The lecture's own pictures, computed: importance sampling, its variance, the clipped objective.

p = N(−d/2, 1) is the distribution whose mean of f is wanted, q = N(d/2, 1) the one that samples
come from, f(x) = tanh(2x): where p lies f is negative, where q lies it is positive. Hence the
weight p(x)/q(x) = exp(−d·x), and, for every f,

    Var_q[f·p/q] = E_p[f²·p/q] − (E_p[f])²

Source of the formula: Owen 2013, Monte Carlo theory, methods and examples, chapter 9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bench.evidence.statistics.estimates import Floats

DISTANCE: Final = 3.5
"""Distance between the means of p and q in the picture of the estimate."""

SAMPLES: Final = 20_000
STREAMS: Final = 500
COUNTS: Final = (3, 10, 30, 100, 300)
"""Numbers of samples at which the sign of the estimate is checked."""

DISTANCES: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
VARIANCE_SAMPLES: Final = 100_000
REPETITIONS: Final = 21
"""Independent measurements of the variance at each distance."""

SAMPLED_ACTIONS: Final = (
    ("s₁", "left", 0.7, 3.0),
    ("s₁", "right", 0.2, -1.0),
    ("s₂", "fire", 0.1, 3.0),
)
"""State, action, its probability under the policy, and the return of its trajectory."""


def f(x: Floats) -> Floats:
    """The function whose mean is wanted."""
    return np.asarray(np.tanh(2 * x), dtype=np.float64)


def density(x: Floats, mean: float) -> Floats:
    """The density of N(mean, 1) at x."""
    return np.asarray(np.exp(-0.5 * (x - mean) ** 2) / np.sqrt(2 * np.pi), dtype=np.float64)


def weight(x: Floats, distance: float) -> Floats:
    """p(x) / q(x)."""
    return np.asarray(np.exp(-distance * x), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """True moments, by numerical integration."""

    mean: float  # E_p[f]
    variance: float  # Var_p[f]
    weighted: float  # Var_q[f·p/q] by the formula


def moments(distance: float) -> Moments:
    """Integrate on a grid that reaches 12 standard deviations beyond the integrands' centres."""
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


def variances() -> dict[float, Floats]:
    """`measured_variances` at every distance of `DISTANCES`; equal at every call."""
    return {
        distance: measured_variances(distance, np.random.default_rng([0, 2, place]))
        for place, distance in enumerate(DISTANCES)
    }


def facts(estimates: Floats) -> dict[str, Any]:
    """What the pictures show, in numbers.

    Args:
        estimates: of `running_estimates`.
    """
    wrong = [
        f"{100 * float((estimates[:, count - 1] > 0).mean()):.0f}% at {count:,}" for count in COUNTS
    ]
    return {
        "distance": f"{DISTANCE:g}",
        "truth": f"{moments(DISTANCE).mean:.2f}".replace("-", "−"),
        "streams": f"{STREAMS:,}",
        "variance_samples": f"{VARIANCE_SAMPLES:,}",
        "repetitions": str(REPETITIONS),
        "wrong": ", ".join(wrong),
        "cross_entropy": cross_entropy(),
    }


def cross_entropy() -> dict[str, Any]:
    """The loss of three samples: the cross-entropy of each action taken, times its return."""
    rows, total = [], 0.0
    for state, action, probability, trajectory_return in SAMPLED_ACTIONS:
        entropy = -math.log(probability)
        total += trajectory_return * entropy
        numbers = (
            f"{probability:g}",
            f"{entropy:.2f}",
            f"{trajectory_return:+g}",
            f"{trajectory_return * entropy:+.2f}",
        )
        rows.append([state, action, *(number.replace("-", "−") for number in numbers)])
    rows.append(["", "", "", "", "loss = sum", f"{total:+.2f}".replace("-", "−")])
    header = ["state", "action taken", "p_θ(a|s)", "cross-entropy −log p", "R(τ)", "R × that"]
    return {"header": header, "align": ["left", "left", *["right"] * 4], "rows": rows, "notes": []}


def unlucky_stream(estimates: Floats) -> int:
    """The stream whose estimate keeps the wrong sign longest and still ends with the right one."""
    right = np.flatnonzero(estimates[:, -1] < 0)
    last_wrong = SAMPLES - 1 - np.argmax(estimates[right, ::-1] > 0, axis=1)
    # The last wrong sign comes early enough for the rest of the curve to be visible.
    early = np.where(last_wrong < SAMPLES // 4, last_wrong, -1)
    return int(right[np.argmax(early)])
