"""The tables of the page `hundred_seeds`: how reliable few seeds are, counted on a hundred.

The coverage printed beside intervals elsewhere is in `statistics/real_coverage.csv`, made by

    python -m bench.evidence.pages.hundred_seeds [RESULTS]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import Cell, cell_values, titles
from bench.evidence.measures.scores import score_runs
from bench.evidence.statistics.claimable import FEWEST_PAIRS
from bench.evidence.statistics.clusters import best_split, clusters_p
from bench.evidence.statistics.coverage import REAL_TABLE
from bench.evidence.statistics.estimates import Floats
from bench.evidence.statistics.real_returns import (
    DATA_SETS,
    PAIRS_TRIED,
    POPULATIONS,
    Measured,
    claim_rates,
    coverage,
    gate_rates,
    seeds_for_claims,
)
from bench.evidence.verdicts import p_text, return_text
from bench.store import PUBLISHED, load

SEEDS: Final = (3, 5, 10, 20)
"""Seeds in a sample."""

EFFECTS: Final = (0.1, 0.2, 0.5)
"""Shares of the gain over the untrained policy that a claim is planned for."""

MARGIN: Final = 0.1
"""The share of the gain that `compare --against` may see lost."""

FEWEST: Final = 50
"""The fewest known seeds with which a cell enters the tables."""


def sections(
    plan: pd.DataFrame, scores: pd.DataFrame, untrained: Mapping[str, float]
) -> tuple[Section, ...]:
    """The tables of all cells with enough seeds; none without such a cell.

    Args:
        plan: the store's plan of the ablation.
        scores: the frame of `scores.score_runs`.
        untrained: environment -> the untrained policy's mean score [return].
    """
    known_scores = _known(scores)
    if not known_scores:
        return ()
    names = titles(plan)
    # Against the NaN of an environment whose untrained policy is not known, nothing is a gain.
    gained = {
        cell: seed_scores
        for cell, seed_scores in known_scores.items()
        if seed_scores.mean() > untrained.get(cell[0], math.nan)
    }
    made = (
        _coverage(known_scores, names),
        _claims(known_scores, names, str(plan["control"].iloc[0])),
        _pairs_needed(gained, names, untrained),
        _gate(gained, names, untrained),
        _modes(known_scores, names),
    )
    return tuple(section for section in made if section.cells)


def real_coverages(scores: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of `real_coverage.csv`.

    Args:
        scores: the frame of `scores.score_runs`.
    """
    intervals = {"mean, bootstrap": "mean", "interquartile mean, bootstrap": "iqm"}
    for (environment, variant), seed_scores in _known(scores).items():
        for number in SEEDS:
            shares = coverage(seed_scores, number, np.random.default_rng([0, number]))
            for interval, statistic in intervals.items():
                yield {
                    "environment": environment,
                    "variant": variant,
                    "known": len(seed_scores),
                    "statistic": statistic,
                    "seeds": number,
                    "share": shares[interval].share,
                    "error": round(shares[interval].error, 4),
                }


def _known(scores: pd.DataFrame) -> dict[Cell, Floats]:
    """The scores of all cells with enough seeds."""
    cells = cell_values(scores).items()
    return {cell: values for cell, values in cells if len(values) >= FEWEST}


def _coverage(known_scores: Mapping[Cell, Floats], names: Mapping[str, str]) -> Section:
    cells = []
    for (environment, variant), seed_scores in known_scores.items():
        rows = _by_size(partial(coverage, seed_scores))
        cells += [(environment, names[variant], str(len(seed_scores)), *row) for row in rows]
    columns = {"environment": "left", "variant": "left", "known": "right", "interval": "left"}
    return _of_samples("Coverage of nominal 95% intervals", columns, "n = {}", cells)


def _claims(known_scores: Mapping[Cell, Floats], names: Mapping[str, str], control: str) -> Section:
    cells = []
    for (environment, variant), seed_scores in known_scores.items():
        control_scores = known_scores.get((environment, control))
        if control_scores is None:
            continue
        samples = f"{names[control]} and {'itself' if variant == control else names[variant]}"
        rows = _by_size(partial(claim_rates, seed_scores, control_scores))
        cells += [(environment, samples, *row) for row in rows]
    return _of_samples(
        "How often a test names a difference at 5%",
        dict.fromkeys(("environment", "samples of", "test"), "left"),
        "n = {} each",
        cells,
        "Between a variant and itself every claim is an error; between two, it is none if they "
        "differ, which a hundred seeds of each don't settle. The sign-flip test is exact there: "
        "its row is a check, not a finding.",
    )


def _pairs_needed(
    gained: Mapping[Cell, Floats], names: Mapping[str, str], untrained: Mapping[str, float]
) -> Section:
    cells = []
    for (environment, variant), seed_scores in gained.items():
        gain = float(seed_scores.mean()) - untrained[environment]
        pairs_by_effect = seeds_for_claims(seed_scores, gain, EFFECTS, np.random.default_rng(0))
        numbers = ("more than 100" if n is None else str(n) for n in pairs_by_effect.values())
        cells.append((environment, names[variant], *numbers))
    return Section(
        heading="### Pairs of seeds that a claim needs",
        header=("environment", "variant", *(f"{effect:.0%} of the gain" for effect in EFFECTS)),
        alignment=("left", "left", *["right"] * len(EFFECTS)),
        cells=cells,
        notes=(
            "With a chance of 80%, by the sign-flip test at 5%, one comparison alone, pairs taken "
            f"as independent; at least the {FEWEST_PAIRS} that every claim needs, beyond 20 the "
            f"next of {', '.join(str(n) for n in PAIRS_TRIED if n > 20)}. The gain is that over "
            "the untrained policy.",
        ),
    )


def _gate(
    gained: Mapping[Cell, Floats], names: Mapping[str, str], untrained: Mapping[str, float]
) -> Section:
    cells = []
    for (environment, variant), seed_scores in gained.items():
        rows = _by_size(partial(gate_rates, seed_scores, untrained[environment], MARGIN))
        cells += [(environment, names[variant], *row) for row in rows]
    return _of_samples(
        "How often `compare --against` is right",
        dict.fromkeys(("environment", "variant", "verdict"), "left"),
        "n = {} each",
        cells,
        f"Stored and new runs of one variant, one cell, with a margin of {MARGIN:.0%} of the gain "
        "over the untrained policy. “Worse” where nothing is lost and “no worse” where the margin "
        "is are errors, of at most 5% for normal scores; the other two verdicts are right.",
    )


def _modes(known_scores: Mapping[Cell, Floats], names: Mapping[str, str]) -> Section:
    cells = []
    for (environment, variant), seed_scores in known_scores.items():
        ordered, (share, lower) = np.sort(seed_scores), best_split(seed_scores)
        groups = (ordered[:lower], ordered[lower:])
        ranges = (f"{return_text(g[0])} to {return_text(g[-1])}, n = {len(g)}" for g in groups)
        p_value = p_text(clusters_p(seed_scores))
        cells.append((environment, names[variant], *ranges, f"{share:.2f}", p_value))
    return Section(
        heading="### Modes",
        header=("environment", "variant", "lower group", "upper group", "spread left", "p"),
        alignment=("left", "left", "left", "left", "right", "left"),
        cells=cells,
        notes=(
            "The split of the sorted scores that leaves the least spread within two groups, and p "
            "of scores no further apart than normal ones, by simulation, not adjusted.",
        ),
    )


def _of_samples(
    heading: str,
    columns: Mapping[str, str],
    size: str,
    cells: Sequence[Sequence[str]],
    *notes: str,
) -> Section:
    """A table of shares of samples, with a column per size of a sample behind these columns.

    Args:
        columns: name -> alignment.
        size: the title of a size's column, with a place for the number of seeds.
    """
    return Section(
        heading=f"### {heading}",
        header=(*columns, *map(size.format, SEEDS)),
        alignment=(*columns.values(), *["right"] * len(SEEDS)),
        cells=cells,
        notes=(_SAMPLES, *notes),
    )


_SAMPLES: Final = (
    f"Shares of {DATA_SETS:,} samples, drawn with replacement from the known seeds, ± the "
    f"deviation over {POPULATIONS} populations drawn from these: a hundred seeds are a sample too."
)


def _by_size(
    measure: Callable[[int, np.random.Generator], Mapping[str, Measured]],
) -> list[tuple[str, ...]]:
    """One row per name that `measure` returns: the name, and its share at each sample size."""
    measurements = [measure(number, np.random.default_rng([0, number])) for number in SEEDS]
    by_name = {name: [shares[name] for shares in measurements] for name in measurements[0]}
    return [
        (
            name,
            *(f"{100 * measured.share:.1f} ± {100 * measured.error:.1f}%" for measured in entries),
        )
        for name, entries in by_name.items()
    ]


if __name__ == "__main__":
    view = load("hundred_seeds", Path(sys.argv[1]) if len(sys.argv) > 1 else PUBLISHED)
    rows = real_coverages(score_runs(view.runs, view.episodes, view.updates))
    pd.DataFrame(rows).to_csv(REAL_TABLE, index=False, lineterminator="\n")
