"""One ablation as facts and figures for `chapter.typ`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.evidence.curves import Axis, SeedCurves, seed_curves
from bench.evidence.experiment.page import experiment_sections
from bench.evidence.figures.experiment import experiment
from bench.evidence.figures.learning_curves import bare_learning_curves
from bench.evidence.figures.style import looks
from bench.evidence.profiles import Profile, performance_profile
from bench.evidence.report import figures, tables
from bench.evidence.report.conclusion import conclusion
from bench.evidence.report.glyphs import printable
from bench.evidence.report.material import EXPERIMENT, Material
from bench.evidence.report.mechanism import diagnostics, mechanism_of
from bench.evidence.report.plots import plot
from bench.evidence.trouble import mixed_code, trouble


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What the template needs."""

    facts: dict[str, Any]
    figures: dict[str, bytes]  # file name -> SVG
    plots: dict[str, Any]  # id -> interactive curves; none unless asked for


def make_chapter(material: Material, command: str, *, interactive: bool = False) -> Chapter:
    """An ablation's chapter, as far as its results go.

    Args:
        material: the results.
        command: that reproduces the runs.
        interactive: whether curves are wanted as data too.
    """
    name = material.name
    facts: dict[str, Any] = {
        "name": name,
        "title": str(material.plan["title"].iloc[0]),
        "question": str(material.plan["question"].iloc[0]),
        "objectives": _objectives(material),
        "variants": tables.variants(material),
        "command": command,
        "remarks": list(material.remarks),
    }
    if material.runs.empty or not material.values:
        reason = "no run is there yet" if material.runs.empty else "no episode ended in any run"
        return Chapter(facts=printable({**facts, "empty": reason}), figures={}, plots={})
    curves_by_axis: dict[Axis, tuple[SeedCurves, ...]] = {
        "steps": _curves(material, "steps"),
        "seconds": _curves(material, "seconds"),
    }
    drawn: dict[str, bytes] = {}

    def add(key: str, figure: Figure) -> str:
        drawn[f"{name}-{key}.svg"] = figures.svg(figure)
        return f"{name}-{key}.svg"

    facts |= _results(material, add)
    facts |= {
        "thresholds": tables.thresholds(
            material, curves_by_axis["steps"], curves_by_axis["seconds"]
        ),
        "conclusion": conclusion(material.verdicts, material.titles),
        "size": tables.size(material),
        "details": tables.details(material),
        "runs": tables.run_ids(material),
        "provenance": tables.provenance(material),
        "remarks": [
            *material.remarks,
            *material.judged[1],
            *trouble(material.scores),
            *mixed_code(material.runs),
        ],
    }
    look = looks(list(material.titles), material.control)
    plots = {
        f"{name}-{axis}": plot(curves, material.titles, look, axis)
        for axis, curves in curves_by_axis.items()
        if interactive
    }
    return Chapter(facts=printable(facts), figures=drawn, plots=plots)


def _results(material: Material, add: Callable[[str, Figure], str]) -> dict[str, Any]:
    look = looks(list(material.titles), material.control)
    found: dict[str, Any] = {"curves": []}
    if material.name == EXPERIMENT:
        found["experiment"] = _experiment(material, add)
    for axis, what in (("steps", "environment steps"), ("seconds", "wall time")):
        if axis == "steps" and "experiment" in found:
            continue  # Figure 3 is drawn against steps
        captioned = bare_learning_curves(
            figures.shortened(material.runs),
            material.view.episodes,
            material.view.updates,
            source=material.source,
            control=material.control,
            x=axis,  # type: ignore[arg-type]
        )
        found["curves"].append(
            {
                "key": axis,
                "file": add(axis, captioned.figure),
                "title": f"Learning curves against {what}.",
                "caption": list(() if found["curves"] else captioned.caption[:1]),
            }
        )
    found["scores"] = tables.scores(material)
    values = dict(material.values)
    found["dots"] = add(
        "scores", figures.dots(values, material.titles, look, label="score of a seed [return]")
    )
    paired = {
        (verdict.environment, verdict.variant): material.differences(verdict)
        for verdict in material.verdicts
        if verdict.outcome != "control" and verdict.pairs
    }
    found["differences"] = tables.differences(material)
    if paired:
        label = "difference to the reference, a pair of seeds [return]"
        found["pairs"] = add(
            "pairs", figures.dots(paired, material.titles, look, label=label, zero=True)
        )
        found["improvement"] = tables.improvement(material)
    found["aggregates"] = tables.aggregates(material)
    if found["aggregates"]:
        found["profile"] = add(
            "profile", figures.profiles(_profiles(material), material.titles, look)
        )
    columns = mechanism_of(material.plan)
    drawn = diagnostics(material.runs, material.view.updates, columns)
    if drawn:
        found["mechanism"] = {
            "file": add("mechanism", figures.diagnostics(drawn, material.titles, look)),
            "table": tables.mechanism(material, [each.column for each in drawn]),
            "first": tables.first_variances(material) if "gradient_variance" in columns else None,
            "meanings": [[each.label, each.meaning] for each in drawn],
        }
    return found


def _experiment(material: Material, add: Callable[[str, Figure], str]) -> dict[str, Any]:
    """Figure 3 of the PPO paper from these results, and the tables beside it."""
    pages = experiment(
        material.plan,
        material.runs,
        material.view.episodes,
        material.view.updates,
        source=material.source,
        bare=True,
    )
    untrained = material.anchors.untrained
    sections = experiment_sections(material.plan, material.scores, untrained)
    return {
        "file": add("figure-3", pages.curves),
        "caption": list(pages.caption),
        "missing": pages.missing,
        "tables": [tables.of_section(section) for section in sections],
    }


def _profiles(material: Material) -> dict[str, Profile]:
    strata = {
        variant: material.strata(variant)
        for variant in material.titles
        if all((name, variant) in material.values for name in material.common_environments)
    }
    every = np.concatenate([values for found in strata.values() for values in found])
    low, high = min(0.0, float(every.min())), max(1.0, float(every.max()))
    marks = np.linspace(low - 0.02 * (high - low), high, 201)
    return {
        variant: performance_profile(found, marks, np.random.default_rng(0))
        for variant, found in strata.items()
    }


def _curves(material: Material, axis: Axis) -> tuple[SeedCurves, ...]:
    return seed_curves(material.runs, material.view.episodes, material.view.updates, x=axis)


def _objectives(material: Material) -> list[dict[str, Any]]:
    """The algorithms of the plan in its order, with what is known of each."""
    found: dict[str, dict[str, Any]] = {}
    plan = material.plan.drop_duplicates("variant").sort_values("variant_order")
    for row in plan.itertuples():
        known = json.loads(row.metadata)
        entry = found.setdefault(
            row.algorithm,
            {
                "algorithm": row.algorithm,
                "title": known.get("title", row.algorithm),
                "equation": known.get("equation", ""),
                "file": known.get("source", ""),
                "variants": [],
            },
        )
        entry["variants"].append(row.variant_title or row.variant)
    return list(found.values())
