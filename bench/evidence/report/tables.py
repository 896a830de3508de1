"""The tables of a chapter, as text for the templates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from bench.evidence import rivals
from bench.evidence.markdown import Section
from bench.evidence.measures.cells import Cell, planned
from bench.evidence.measures.curves import aligned_curves
from bench.evidence.measures.diagnostics import label_of, typical_values
from bench.evidence.measures.normalised import interval_text, number_text, pooled
from bench.evidence.measures.thresholds import median_time, times_to
from bench.evidence.measures.wall_time import other_machines
from bench.evidence.report.words import significant
from bench.evidence.results import Results
from bench.evidence.statistics.claimable import FEWEST_PAIRS
from bench.evidence.statistics.coverage import (
    AGGREGATES,
    aggregates_text,
    coverages_text,
)
from bench.evidence.statistics.estimates import Floats, estimate, interval_of_seeds
from bench.evidence.statistics.power import pairs_for_claim, pairs_text
from bench.evidence.statistics.profiles import optimality_gap
from bench.evidence.verdicts import p_text, return_text
from bench.formatting import thousands

Facts = dict[str, Any]

NONE: Final = "–"


def table(
    header: Sequence[str],
    alignment: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str] = (),
) -> Facts:
    """A table for the templates: texts, and the alignment of each column."""
    return {
        "header": list(header),
        "align": list(alignment),
        "rows": [list(row) for row in rows],
        "notes": list(notes),
    }


def of_section(section: Section) -> Facts:
    """A section of a Markdown page for the templates."""
    cells = [[cell.replace("**", "") for cell in row] for row in section.cells]
    facts = table(section.header, section.alignment, cells, section.notes)
    return {**facts, "title": section.heading.lstrip("# ").replace("`", "")}


def scores(results: Results) -> list[Facts]:
    """A table per environment: scores with n, interval and claim."""
    return [of_section(page_table.section) for page_table in results.findings.tables]


def differences(results: Results) -> Facts:
    """A row per variant and environment: pairs, difference, test, and what a claim would need."""
    rows = []
    # With fewer pairs a comparison isn't tested yet; with those that a claim needs, all would be.
    judged = (*results.verdicts, *results.findings.golden)
    tests = sum(verdict.outcome != "control" for verdict in judged)
    tests += len(results.findings.over_all)
    for verdict in results.verdicts:
        if verdict.outcome == "control":
            continue
        values, needed = verdict.differences, NONE
        if len(values) > 1:
            needed = pairs_text(pairs_for_claim(values, tests))
        rows.append(
            (
                verdict.environment,
                results.titles[verdict.variant],
                results.titles.get(verdict.reference, verdict.reference),
                str(verdict.pairs),
                return_text(verdict.difference),
                interval_text(*interval_of_seeds(values, "mean"), return_text),
                _p(verdict.p_value, "unlike" if verdict.unlike else f"n < {FEWEST_PAIRS}"),
                _p(verdict.adjusted, "no claim"),
                needed,
            )
        )
    notes = [
        "Difference: mean over pairs of common seeds of variant − reference, with its 95% "
        f"percentile-bootstrap interval{_covered(results)}. Pairs for a claim: with how many "
        "pairs a difference as large, beside its spread, as the one observed would be claimed in "
        "80% of all cases: a plan for new seeds, no evidence."
    ]
    if results.findings.tested:
        family = results.findings.family_text
        notes.append(f"p: exact sign-flip test; Holm: adjusted over {family}.")
    untested = [verdict for verdict in results.verdicts if verdict.outcome == "untested"]
    if reasons := dict.fromkeys(verdict.unlike for verdict in untested if verdict.unlike):
        notes.append(f"Unlike: scores that are not the same quantity: {'; '.join(reasons)}.")
    if any(not verdict.unlike for verdict in untested):
        notes.append(
            f"Below {FEWEST_PAIRS} pairs nothing is tested and nothing is claimed: too few seeds."
        )
    return table(
        (
            *("environment", "variant", "compared with", "pairs", "difference"),
            *("95% interval", "p", "Holm", "pairs for a claim"),
        ),
        ("left", "left", "left", "right", "right", "center", "right", "right", "right"),
        rows,
        notes,
    )


def _p(value: float, otherwise: str) -> str:
    return p_text(value).removeprefix("p ").removeprefix("= ") if value >= 0 else otherwise


def _covered(results: Results) -> str:
    """The measured coverage of the intervals of mean differences, in words."""
    measured = coverages_text((verdict.pairs for verdict in results.verdicts), "mean")
    return f" (measured coverage, for normal data: {measured})" if measured else ""


def improvement(results: Results) -> Facts:
    """How probably a seed of each variant beats a seed of its reference."""
    rows = []
    by_comparison: dict[tuple[str, str], dict[str, tuple[Floats, Floats]]] = {}
    for verdict in results.verdicts:
        if verdict.outcome == "control" or verdict.unlike:
            continue
        environment, comparison = verdict.environment, (verdict.variant, verdict.reference)
        if all((environment, name) in results.values for name in comparison):
            variant_scores, reference_scores = (
                results.values[environment, name] for name in comparison
            )
            by_comparison.setdefault(comparison, {})[environment] = variant_scores, reference_scores
    environments: set[int] = set()  # numbers of environments that an interval is over
    seeds: set[int] = set()
    certain = False
    for (variant, reference), by_environment in by_comparison.items():
        environments |= {1, len(by_environment)}
        seeds |= {min(map(len, pair)) for pair in by_environment.values()}
        groups = {name: [pair] for name, pair in by_environment.items()}
        if len(by_environment) > 1:
            groups[f"mean over {len(by_environment)}"] = list(by_environment.values())
        for label, pairs in groups.items():
            probability, low, high = rivals.improvement(pairs)
            certain |= low == high
            rows.append(
                (
                    results.titles[variant],
                    results.titles.get(reference, reference),
                    label,
                    number_text(probability),
                    interval_text(low, high),
                )
            )
    return table(
        ("variant", "compared with", "environment", "P(variant > reference)", "95% interval"),
        ("left", "left", "left", "right", "center"),
        rows,
        rivals.improvement_notes(
            "the variant", "its reference", environments, seeds, certain=certain
        ),
    )


def aggregates(results: Results) -> Facts:
    """Every variant over all environments on the common scale."""
    common = results.common_environments
    rows, strata = [], results.strata(common)
    for aggregate in pooled(results.values, results.scale_by_environment, common, results.titles):
        gap, low, high = optimality_gap(strata[aggregate.variant], np.random.default_rng(0))
        rows.append((*aggregate.cells, number_text(gap), interval_text(low, high)))
    seeds = {len(stratum) for variant_strata in strata.values() for stratum in variant_strata}
    return table(
        (
            *("variant", "environments", "n each", "mean", "95% interval"),
            *("IQM", "95% interval", "optimality gap", "95% interval"),
        ),
        ("left", "right", "right", *["right", "center"] * 3),
        rows,
        [
            f"Normalised scores of {', '.join(common)}: {results.scale_text}. Optimality gap: how "
            "far the scores fall short of 1 on average; what is above 1 does not make up. "
            "Intervals: 95% stratified percentile bootstrap, seeds resampled within each "
            "environment.",
            *aggregates_text(AGGREGATES[:3], len(common), seeds),
        ],
    )


def thresholds(results: Results) -> Facts:
    """When the seeds' curves first reach the control's final score, in steps and in seconds."""
    timing = aligned_curves(results.aligned, x="seconds", shared=True)
    seconds = {(cell.environment, cell.variant): cell for cell in timing if cell.seeds}
    rows = []
    for curves in aligned_curves(results.aligned, shared=True):
        control_scores = results.values.get((curves.environment, results.control))
        if not curves.seeds or control_scores is None:
            continue
        threshold = float(control_scores.mean())
        steps = times_to(curves, threshold)
        median_steps = median_time(steps)
        timed = seconds.get((curves.environment, curves.variant))
        clock = None if timed is None else median_time(times_to(timed, threshold))
        rows.append(
            (
                curves.environment,
                return_text(threshold),
                results.titles[curves.variant],
                f"{np.isfinite(steps).sum()} of {len(curves.seeds)}",
                thousands(float(f"{median_steps:.3g}")) if math.isfinite(median_steps) else "never",
                NONE if clock is None else f"{clock:,.1f}" if math.isfinite(clock) else "never",
            )
        )
    control = results.titles.get(results.control, results.control)
    return table(
        (
            *("environment", "threshold [return]", "variant", "seeds there"),
            *("median steps", "median seconds"),
        ),
        ("left", "right", "left", "right", "right", "right"),
        rows,
        [
            f"Threshold: the mean final score of the control, {control}. A seed is there when its "
            "curve, gathered between the points of a grid, is first at the threshold or above; a "
            "seed that never is counts with an infinite time. Median: by when at least half of the "
            "seeds are there. Seconds: wall time of training; the seeds of a variant train "
            "together in one program.",
            *other_machines(results.runs),
        ],
    )


def mechanism(results: Results, columns: Sequence[str]) -> Facts | None:
    """The typical value of each diagnostic: a row per variant and environment; None without any."""
    frames = {name: typical_values(results.view.updates, name) for name in columns}
    frames = {name: frame for name, frame in frames.items() if len(frame)}
    if not frames:
        return None
    cells = {
        (row.environment, row.variant, name): row.value
        for name, frame in frames.items()
        for row in frame.itertuples()
    }
    rows = [
        (
            environment,
            title,
            *(significant(cells.get((environment, variant, name), math.nan)) for name in frames),
        )
        for environment in dict.fromkeys(results.runs["environment"])
        for variant, title in results.titles.items()
        if any((environment, variant, name) in cells for name in frames)
    ]
    return table(
        ("environment", "variant", *map(label_of, frames)),
        ("left", "left", *["right"] * len(frames)),
        rows,
        ["Median over a seed's updates, then over the seeds. –: does not apply."],
    )


def first_gradients(
    results: Results,
    variances: Mapping[Cell, Mapping[int, float]],
    ratios: Mapping[Cell, Mapping[int, float]],
) -> Facts:
    """The gradient's noise in the first batch, where only the estimator differs.

    Args:
        results: the ablation's.
        variances: the gradient's variance by seed, of each cell.
        ratios: its signal-to-noise ratio, likewise.
    """

    def middle(values: Mapping[int, float] | None) -> float:
        return float(estimate(np.array([*values.values()]))) if values else math.nan

    rows = []
    for environment, variant in filter(variances.__contains__, planned(results.plan)):
        value = middle(variances[environment, variant])
        beside = middle(variances.get((environment, results.control)))
        rows.append(
            (
                environment,
                results.titles[variant],
                str(len(variances[environment, variant])),
                significant(value),
                significant(value / beside if beside else math.nan),
                significant(middle(ratios.get((environment, variant)))),
            )
        )
    return table(
        (*("environment", "variant", "n"), "variance", "beside the control's", "signal / noise"),
        ("left", "left", "right", "right", "right", "right"),
        rows,
        [
            "First batch of every seed, interquartile mean over the seeds: there all variants of "
            "a seed still have the same policy, so that what differs is the estimator alone. What "
            "learns from earlier batches has learned nothing yet. Another scale of the weights is "
            "another scale of the gradient: the signal-to-noise ratio, whose estimate is at or "
            "below 0 where no signal can be seen, has none."
        ],
    )
