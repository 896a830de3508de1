"""How reliable intervals and tests over a few seeds are, counted on a hundred known returns.

Samples are drawn with replacement from the known scores, so the truth about them is known: coverage
and error rates are counted, not assumed. The known scores are a sample themselves; the error of a
share is therefore its standard deviation over samples of these, drawn with replacement.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.evidence.statistics.claimable import ALPHA, FEWEST_PAIRS
from bench.evidence.statistics.estimates import LEVEL, Floats, estimate, rank_counts
from bench.evidence.statistics.power import POWER
from bench.evidence.statistics.significance import sign_flip_test
from bench.evidence.statistics.welch import shares_of_gain

DATA_SETS: Final = 2_000
"""Samples behind a share."""

POPULATIONS: Final = 10
"""Samples of the known scores, from which a share's error is computed."""

PAIRS_TRIED: Final = (*range(FEWEST_PAIRS, 21), 25, 30, 40, 50, 75, 100)
"""Numbers of pairs among which the one is found that a claim needs."""

# Of a bootstrap, and sign patterns of a test: their own error is small beside that of the samples.
_RESAMPLES: Final = 2_000


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A share, and its standard deviation over populations like the known one."""

    share: float
    error: float


def coverage(scores: Floats, seeds: int, generator: np.random.Generator) -> dict[str, Measured]:
    """How often nominal 95% intervals over `seeds` seeds contain the true value.

    Args:
        scores: the known scores [return].
        seeds: number of seeds in a sample, at least two.
        generator: the source of the samples.

    Returns:
        "mean, bootstrap", "mean, t" and "interquartile mean, bootstrap" -> coverage.
    """

    def measure(population: Floats, data_sets: int) -> dict[str, float]:
        values = generator.choice(population, (data_sets, seeds))
        mean, iqm = float(estimate(population, "mean")), float(estimate(population, "iqm"))
        half = stats.t.ppf((1 + LEVEL) / 2, seeds - 1) * values.std(axis=1, ddof=1) / seeds**0.5
        held = {
            "mean, bootstrap": _held(_resampled(values, 0, generator), mean),
            "mean, t": np.abs(values.mean(axis=1) - mean) <= half,
            "interquartile mean, bootstrap": _held(_resampled(values, seeds // 4, generator), iqm),
        }
        return {name: float(np.mean(hits)) for name, hits in held.items()}

    return _with_error(measure, scores, generator)


def claim_rates(
    first: Floats, second: Floats, seeds: int, generator: np.random.Generator
) -> dict[str, Measured]:
    """How often the field's tests name a difference at 5% between samples of two variants.

    Between a variant and itself every claim is an error: pass the same array twice to count these.

    Args:
        first, second: the known scores of the variants [return].
        seeds: in a sample of either, at least two.
        generator: the source of the samples.

    Returns:
        "Welch", "Mann–Whitney", "bootstrap of the mean", "bootstrap of the interquartile mean" and
        "sign-flip, pairs" -> share of claims.
    """
    split = len(first)

    def measure(population: Floats, data_sets: int) -> dict[str, float]:
        first_scores, second_scores = population[:split], population[split:]
        left = generator.choice(first_scores, (data_sets, seeds))
        right = generator.choice(second_scores, (data_sets, seeds))
        with _warnings_silenced():
            welch = stats.ttest_ind(left, right, axis=1, equal_var=False).pvalue
        ranks = stats.mannwhitneyu(left, right, axis=1).pvalue

        def bootstrap_claims(trimmed: int) -> float:
            """How often the interval of a difference of (trimmed) means leaves out 0."""
            means = [_resampled(side, trimmed, generator) for side in (left, right)]
            return float(np.mean(~_held(means[0] - means[1], 0.0)))

        return {
            "Welch": float(np.mean(np.nan_to_num(welch, nan=1.0) <= ALPHA)),
            "Mann–Whitney": float(np.mean(ranks <= ALPHA)),
            "bootstrap of the mean": bootstrap_claims(0),
            "bootstrap of the interquartile mean": bootstrap_claims(seeds // 4),
            "sign-flip, pairs": claimed_share(left - right, generator),
        }

    same = first is second

    def resampled(population: Floats) -> Floats:
        """Resampled scores of both variants; for a variant and itself, the same sample twice."""
        first_sample = generator.choice(population[:split], split)
        second_scores = population[split:]
        return np.concatenate(
            [
                first_sample,
                first_sample if same else generator.choice(second_scores, len(second_scores)),
            ]
        )

    return _with_error(measure, np.concatenate([first, second]), generator, resampled)


def gate_rates(
    scores: Floats, untrained: float, margin: float, seeds: int, generator: np.random.Generator
) -> dict[str, Measured]:
    """How often `compare --against` is right and wrong about one variant's new runs.

    Args:
        scores: the known scores of the variant [return]; the new runs' are these, less a loss.
        untrained: the untrained policy's mean score [return], below the variant's.
        margin: the largest loss accepted, as a share of the gain over the untrained policy.
        seeds: stored ones, and new ones; at least three.
        generator: the source of the samples.

    Returns:
        "nothing lost: no worse", "nothing lost: worse", "the margin lost: no worse", "half of the
        gain lost: worse" -> share of these verdicts. The two in the middle are errors.
    """

    def measure(population: Floats, data_sets: int) -> dict[str, float]:
        stored, new = (generator.choice(population, (data_sets, seeds)) for _ in range(2))
        true_gain = float(population.mean()) - untrained

        def verdicts(loss: float) -> tuple[float, float]:
            """The shares of "no worse" and "worse" where this share of the gain is lost."""
            lesser, level = new - loss * true_gain, 1 - ALPHA
            _, low, high = shares_of_gain(lesser, stored, untrained, level, level)
            return float(np.mean(low > -margin)), float(np.mean(high < -margin))

        passed, refused = verdicts(0.0)
        return {
            "nothing lost: no worse": passed,
            "nothing lost: worse": refused,
            "the margin lost: no worse": verdicts(margin)[0],
            "half of the gain lost: worse": verdicts(0.5)[1],
        }

    return _with_error(measure, scores, generator)


def seeds_for_claims(
    scores: Floats,
    gain: float,
    effects: tuple[float, ...],
    generator: np.random.Generator,
) -> dict[float, int | None]:
    """How many pairs of seeds claim an effect with `power.POWER`, by the sign-flip test at 5%.

    Args:
        scores: the known scores of a variant; the other's are these plus the effect [return].
        gain: of the variant over the untrained policy [return]; effects are shares of it.
        effects: the shares.
        generator: the source of the samples.

    Returns:
        effect -> pairs, at least `FEWEST_PAIRS`, None beyond 100. Pairs are taken as independent:
        common random streams can only help.
    """
    pairs_by_effect: dict[float, int | None] = {}
    for effect in effects:
        pairs_by_effect[effect] = None
        for number in PAIRS_TRIED:
            first, second = (generator.choice(scores, (DATA_SETS, number)) for _ in range(2))
            if claimed_share(first - second + effect * gain, generator) >= POWER:
                pairs_by_effect[effect] = number
                break
    return pairs_by_effect


def claimed_share(differences: Floats, generator: np.random.Generator) -> float:
    """The share of data sets in which the sign-flip test claims a difference at 5%.

    Args:
        differences: paired ones, [data sets, pairs].
        generator: the source of the sign patterns beyond 12 pairs, which all data sets share.
    """
    pairs = differences.shape[1]
    if pairs <= 12:
        return float(np.mean([sign_flip_test(row, generator) <= ALPHA for row in differences]))
    signs = generator.choice((-1.0, 1.0), (pairs, _RESAMPLES))
    observed = np.abs(differences.sum(axis=1)) - 1e-12 * np.abs(differences).sum(axis=1)
    hits = np.count_nonzero(np.abs(differences @ signs) >= observed[:, None], axis=1)
    return float(np.mean((1 + hits) / (1 + _RESAMPLES) <= ALPHA))


@contextmanager
def _warnings_silenced() -> Iterator[None]:
    """Silence warnings of samples of a single repeated seed: their NaN p-value claims nothing."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _resampled(samples: Floats, trimmed: int, generator: np.random.Generator) -> Floats:
    """Means of resamples, without so many values at either end, [data sets, resamples].

    One draw of ranks serves every sample, as in `estimates.bootstrap_interval`.

    Args:
        samples: [data sets, seeds].
    """
    number = samples.shape[1]
    counts = rank_counts(number, trimmed, generator, _RESAMPLES)
    means: Floats = np.sort(samples, axis=1) @ counts / (number - 2 * trimmed)
    return means


def _held(resampled: Floats, truth: float) -> NDArray[np.bool_]:
    """Whether the percentile interval of each row holds a value: by counting, without sorting."""
    outside = (1 - LEVEL) / 2 * resampled.shape[1]
    sides = (resampled <= truth, resampled >= truth)
    held: NDArray[np.bool_] = np.minimum(*(side.sum(axis=1) for side in sides)) > outside
    return held


def _with_error(
    measure: Callable[[Floats, int], Mapping[str, float]],
    population: Floats,
    generator: np.random.Generator,
    resample: Callable[[Floats], Floats] | None = None,
) -> dict[str, Measured]:
    """The shares in the known population, and their deviations over populations like it."""
    draw = resample or (lambda scores: generator.choice(scores, len(scores)))
    repeats = [measure(draw(population), DATA_SETS // 5) for _ in range(POPULATIONS)]
    return {
        name: Measured(
            share=share, error=float(np.std([shares[name] for shares in repeats], ddof=1))
        )
        for name, share in measure(population, DATA_SETS).items()
    }
