"""The tables of a chapter, as text for the templates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.evidence.alignment import Floats
from bench.evidence.cells import range_text, titles
from bench.evidence.curves import SeedCurves
from bench.evidence.figures.style import thousands
from bench.evidence.markdown import Section
from bench.evidence.normalised import interval_text, number_text, pooled
from bench.evidence.power import pairs_for_claim, pairs_text
from bench.evidence.profiles import optimality_gap
from bench.evidence.report import mechanism as mechanism_module
from bench.evidence.report.material import Material
from bench.evidence.report.mechanism import LABELS, typical
from bench.evidence.statistics import (
    bootstrap_interval,
    improvement_interval,
    mean_probability_of_improvement,
    probability_of_improvement,
)
from bench.evidence.table import ALIGNMENT, HEADER, make_tables
from bench.evidence.thresholds import times_to
from bench.evidence.verdicts import FEWEST_PAIRS, p_text, return_text

Facts = dict[str, Any]

NONE: Final = "–"


def table(
    header: Sequence[str],
    alignment: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str] = (),
) -> Facts:
    """A table for the templates: texts, and where the text of each column stands."""
    return {
        "header": list(header),
        "align": list(alignment),
        "rows": [list(row) for row in rows],
        "notes": list(notes),
    }


def of_section(section: Section) -> Facts:
    """A section of a Markdown page for the templates."""
    cells = [[cell.replace("**", "") for cell in row] for row in section.cells]
    found = table(section.header, section.alignment, cells, section.notes)
    return {**found, "title": section.heading.lstrip("# ")}


def scores(material: Material) -> list[Facts]:
    """A table an environment: scores with n, interval and claim."""
    made = make_tables(material.scores, material.verdicts)
    return [
        {**table(HEADER, ALIGNMENT, each.cells, each.notes), "title": each.environment}
        for each in made
    ]


def variants(material: Material) -> Facts:
    """What is compared: a row a variant, only what differs."""
    plan = material.plan.drop_duplicates("variant").sort_values("variant_order")
    told: dict[str, set[str]] = {}  # algorithm -> what any of its variants sets
    for row in plan.itertuples():
        told.setdefault(row.algorithm, set()).update(json.loads(row.differs))
    control, named = str(plan["control"].iloc[0]), titles(plan)
    rows = []
    for row in plan.itertuples():
        compared = row.compared_with if isinstance(row.compared_with, str) else control
        differs, known = (
            json.loads(row.differs),
            json.loads(row.metadata).get("hyperparameters", {}),
        )
        # A default is told where another variant of the algorithm leaves it.
        chosen = [f"{name} = {_value(value)}" for name, value in differs.items()] + [
            f"{name} = {_value(known[name]['default'])}"
            for name in sorted(told[row.algorithm] - set(differs))
            if name in known
        ]
        rows.append(
            (
                row.variant_title or row.variant,
                row.algorithm,
                ", ".join(chosen) or NONE,
                "control" if row.variant == control else named.get(compared, compared),
            )
        )
    return table(
        ("variant", "algorithm", "what is set", "compared with"),
        ("left", "left", "left", "left"),
        rows,
    )


def size(material: Material) -> Facts:
    """Environments, budgets and seeds that are there."""
    rows = []
    for environment, plan in material.plan.groupby("environment", sort=False):
        counts = [
            len(material.values.get((str(environment), variant), ())) for variant in plan["variant"]
        ]
        rows.append(
            (
                str(environment),
                " and ".join(f"{budget:,}" for budget in sorted(set(plan["budget"]))),
                range_text(min(counts), max(counts)),
            )
        )
    return table(("environment", "steps a run", "seeds"), ("left", "right", "right"), rows)


def details(material: Material) -> Facts:
    """Every hyperparameter of every variant: a row a name; values that differ are told apart."""
    meanings: dict[str, str] = {}
    for text in material.plan["metadata"]:
        for name, known in json.loads(text).get("hyperparameters", {}).items():
            unit = f" [{known['unit']}]" if known.get("unit") else ""
            meanings.setdefault(name, f"{known['meaning']}{unit}")
    of_variant = {
        str(row.variant): json.loads(row.hyperparameters)
        for row in material.runs.drop_duplicates("variant").itertuples()
    }
    names = dict.fromkeys(name for each in of_variant.values() for name in each)
    rows = []
    for name in names:
        having: dict[str, list[str]] = {}
        for variant, values in of_variant.items():
            if name in values:
                text = _value(values[name])
                having.setdefault(text, []).append(material.titles[variant])
        everyone = sum(map(len, having.values())) == len(of_variant)
        if len(having) == 1 and everyone:
            text = next(iter(having))
        else:
            text = "; ".join(f"{value} ({', '.join(who)})" for value, who in having.items())
        rows.append((name, text, meanings.get(name, "")))
    return table(("hyperparameter", "value", "meaning"), ("left", "left", "left"), rows)


def differences(material: Material) -> Facts:
    """A row a variant and environment: pairs, difference, test, and what a claim would need."""
    rows = []
    for verdict in material.verdicts:
        if verdict.outcome == "control":
            continue
        values = material.differences(verdict)
        needed = NONE
        if len(values) > 1:
            count = max(1, verdict.comparisons)
            needed = pairs_text(pairs_for_claim(values, count))
        rows.append(
            (
                verdict.environment,
                material.titles[verdict.variant],
                material.titles.get(verdict.reference, verdict.reference),
                str(verdict.pairs),
                return_text(verdict.difference),
                _interval(values),
                p_text(verdict.p_value).removeprefix("p = ").removeprefix("p ")
                if math.isfinite(verdict.p_value)
                else f"n < {FEWEST_PAIRS}",
                p_text(verdict.adjusted).removeprefix("p = ").removeprefix("p ")
                if math.isfinite(verdict.adjusted)
                else "no claim",
                needed,
            )
        )
    tested = next((verdict.comparisons for verdict in material.verdicts), 0)
    notes = [
        "Difference: mean over pairs of common seeds of variant − reference, with its 95% "
        "percentile-bootstrap interval. p: exact sign-flip test; Holm: adjusted over the "
        f"{tested} comparison{'' if tested == 1 else 's'} tested here. Pairs for a claim: with how "
        "many pairs a difference as large, beside its spread, as the one observed would be claimed "
        "in 80% of all cases: a plan for new seeds, no evidence."
    ]
    if any(verdict.outcome == "untested" for verdict in material.verdicts):
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


def improvement(material: Material) -> Facts:
    """How probably a seed of each variant beats a seed of its reference."""
    rows = []
    over: dict[tuple[str, str], list[tuple[str, Floats, Floats]]] = {}
    for verdict in material.verdicts:
        if verdict.outcome == "control":
            continue
        own = material.values.get((verdict.environment, verdict.variant))
        other = material.values.get((verdict.environment, verdict.reference))
        if own is None or other is None:
            continue
        over.setdefault((verdict.variant, verdict.reference), []).append(
            (verdict.environment, own, other)
        )
    for (variant, reference), found in over.items():
        groups = [(name, [(own, other)]) for name, own, other in found]
        if len(found) > 1:
            groups.append((f"mean over {len(found)}", [(a, b) for _, a, b in found]))
        for where, pairs in groups:
            low, high = improvement_interval(pairs, np.random.default_rng(0))
            probability = (
                mean_probability_of_improvement(pairs)
                if len(pairs) > 1
                else probability_of_improvement(*pairs[0])
            )
            rows.append(
                (
                    material.titles[variant],
                    material.titles.get(reference, reference),
                    where,
                    f"{probability:.2f}",
                    f"{low:.2f} to {high:.2f}" if math.isfinite(low) else NONE,
                )
            )
    return table(
        ("variant", "compared with", "environment", "P(variant > reference)", "95% interval"),
        ("left", "left", "left", "right", "center"),
        rows,
        [
            "P: the share of pairs of a seed of the variant and a seed of its reference in which "
            "the variant has the higher score, a tie counting one half. Interval: 95% percentile "
            "bootstrap over seeds within each environment. An interval of 1.00 to 1.00 (or 0.00 to "
            "0.00) says that every seed trained beats every seed of the other, not that the next "
            "one must."
        ],
    )


def aggregates(material: Material) -> Facts | None:
    """Every variant over all environments on the common scale; None where there is no scale."""
    common = material.common_environments
    if not common:
        return None
    rows = []
    for variant, title in material.titles.items():
        if any((name, variant) not in material.values for name in common):
            continue
        found = pooled(material.values, material.scale_by_environment, common, variant, title)
        gap, low, high = optimality_gap(material.strata(variant), np.random.default_rng(0))
        rows.append((*found.cells, number_text(gap), interval_text(low, high)))
    return table(
        (
            *("variant", "environments", "n each", "mean", "95% interval"),
            *("IQM", "95% interval", "optimality gap", "95% interval"),
        ),
        ("left", "right", "right", *["right", "center"] * 3),
        rows,
        [
            f"Normalised scores of {', '.join(common)}: {material.scale_text}. Optimality gap: how "
            "far the scores fall short of 1 on average; what is above 1 does not make up. "
            "Intervals: 95% stratified percentile bootstrap, seeds resampled within each "
            "environment."
        ],
    )


def thresholds(
    material: Material, by_steps: Sequence[SeedCurves], by_seconds: Sequence[SeedCurves]
) -> Facts:
    """When the seeds' curves first reach the control's final score, in steps and in seconds."""
    seconds = {(each.environment, each.variant): each for each in by_seconds}
    rows = []
    for curves in by_steps:
        bar = material.values.get((curves.environment, material.control))
        if bar is None or not curves.seeds:
            continue
        threshold = float(bar.mean())
        steps = times_to(curves, threshold)
        clock = times_to(seconds[curves.environment, curves.variant], threshold)
        rows.append(
            (
                curves.environment,
                return_text(threshold),
                material.titles[curves.variant],
                f"{steps.number} of {len(curves.seeds)}",
                thousands(float(f"{steps.median:.3g}")) if math.isfinite(steps.median) else "never",
                f"{clock.median:.1f} s" if math.isfinite(clock.median) else "never",
            )
        )
    control = material.titles.get(material.control, material.control)
    return table(
        ("environment", "threshold", "variant", "seeds there", "median steps", "median seconds"),
        ("left", "right", "left", "right", "right", "right"),
        rows,
        [
            f"Threshold: the mean final score of the control, {control}. A seed is there when its "
            "curve, gathered between the points of a grid, is first at the threshold or above; a "
            "seed that never is counts with an infinite time. Median: by when at least half of the "
            "seeds are there. Seconds: wall time of training; the seeds of a variant train "
            "together in one program."
        ],
    )


def mechanism(material: Material, columns: Sequence[str]) -> Facts:
    """The typical value of each diagnostic: a row a variant and environment."""
    found = {name: typical(material.view.updates, name) for name in columns}
    found = {name: frame for name, frame in found.items() if len(frame)}
    cells = {
        (row.environment, row.variant, name): row.value
        for name, frame in found.items()
        for row in frame.itertuples()
    }
    rows = [
        (
            environment,
            title,
            *(significant(cells.get((environment, variant, name), math.nan)) for name in found),
        )
        for environment in dict.fromkeys(material.runs["environment"])
        for variant, title in material.titles.items()
        if any((environment, variant, name) in cells for name in found)
    ]
    return table(
        ("environment", "variant", *(LABELS.get(n, n.replace("_", " ")) for n in found)),
        ("left", "left", *["right"] * len(found)),
        rows,
        ["Median over a seed's updates, then over the seeds. –: does not apply."],
    )


def first_variances(material: Material) -> Facts:
    """The gradient's variance where only the estimator differs, beside the control's."""
    found = {
        (row.environment, row.variant): row
        for row in mechanism_module.first_variances(material.view.updates).itertuples()
    }
    rows = []
    for (environment, variant), row in found.items():
        control = found.get((environment, material.control))
        ratio = row.value / control.value if control is not None else math.nan
        title = material.titles[variant]
        rows.append((environment, title, str(row.n), significant(row.value), significant(ratio)))
    return table(
        ("environment", "variant", "n", "gradient variance", "beside the control's"),
        ("left", "left", "right", "right", "right"),
        rows,
        [
            "First batch of every seed, median over the seeds: there all variants of a seed still "
            "have the same policy, so that what differs is the estimator alone. What learns from "
            "earlier batches has learned nothing yet. Another scale of the weights is another "
            "scale of the gradient: the signal-to-noise ratio above has none."
        ],
    )


def run_ids(material: Material) -> Facts:
    """Every run behind the chapter: a row a variant and environment."""
    rows = []
    keys = ["environment", "variant_title", "variant"]
    for (environment, title, variant), cell in material.runs.groupby(keys, sort=False):
        runs = [
            f"{row.seed}: {row.run}" + ("" if row.status == "finished" else f" ({row.status})")
            for row in cell.sort_values("seed").itertuples()
        ]
        digests = " / ".join(dict.fromkeys(cell["digest"]))
        rows.append((environment, title or variant, digests, "  ".join(runs)))
    return table(
        ("environment", "variant", "code digest", "seed: run"),
        ("left", "left", "left", "left"),
        rows,
    )


def provenance(material: Material) -> list[list[str]]:
    """What the runs were made with, as pairs of a name and a text."""
    runs = material.runs.drop_duplicates("run")
    status = runs["status"].value_counts()
    pairs = [
        ("Results", material.source),
        ("Runs", ", ".join(f"{number} {name}" for name, number in status.items())),
        ("Trained", _span(runs["started"])),
        ("Commits", ", ".join(sorted({str(each)[:10] for each in runs["commit"].dropna()}))),
        ("Machines", "; ".join(sorted({_machine(text) for text in runs["machine"]}))),
        ("Devices", ", ".join(sorted(set(runs["device"])))),
        ("Versions", "; ".join(sorted({_versions(text) for text in runs["versions"]}))),
    ]
    return [[name, text] for name, text in pairs if text]


def significant(value: float) -> str:
    """Three significant digits."""
    if not math.isfinite(value):
        return NONE
    if abs(value) < 1e-12:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    text = f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"
    return text.replace("-", "−")


def _interval(values: Floats) -> str:
    if len(values) < 2:
        return NONE
    low, high = bootstrap_interval(values, np.random.default_rng([0, len(values)]), "mean")
    return f"{return_text(float(low))} to {return_text(float(high))}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return " × ".join(map(str, value))
    return "∞" if value == "inf" else str(value).lower() if isinstance(value, bool) else str(value)


def _span(started: pd.Series) -> str:
    days = [each.date().isoformat() for each in (started.min(), started.max())]
    return " to ".join(dict.fromkeys(days))


def _machine(text: str) -> str:
    known: Mapping[str, Any] = json.loads(text)
    cores = f"{known['cores']} cores" if "cores" in known else ""
    return ", ".join(filter(None, (str(known.get("processor", "")), cores)))


def _versions(text: str) -> str:
    return ", ".join(f"{name} {version}" for name, version in json.loads(text).items())
