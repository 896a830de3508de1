"""One ablation as facts and figures for `chapter.typ`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from bench.evidence import rivals
from bench.evidence.caveats import mixed_code, trouble
from bench.evidence.figures.caption import meaning, seconds_text
from bench.evidence.figures.figure_3 import experiment
from bench.evidence.figures.style import Look, looks
from bench.evidence.glyphs import printable
from bench.evidence.measures.cells import titles
from bench.evidence.measures.curves import Axis
from bench.evidence.pages.figure_3 import beside_figure_3, beside_sources
from bench.evidence.report import appendix, curves, figures, tables
from bench.evidence.report.conclusion import conclusion
from bench.evidence.report.mechanism import diagnostics, first_variances, mechanism_of
from bench.evidence.report.plots import plot
from bench.evidence.report.reference_kl import departure
from bench.evidence.results import Results
from bench.evidence.statistics.profiles import Profile, performance_profile
from bench.file_names import file_name
from bench.store.schema import IMPORTED

_AXES: Final[dict[Axis, str]] = {"steps": "environment steps", "seconds": "wall time"}


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What the template needs."""

    facts: dict[str, Any]
    figures: dict[str, bytes]  # file name -> SVG
    plots: dict[str, Any]  # id -> interactive curves; none unless asked for


def make_chapter(material: Results, command: str, form: str) -> Chapter:
    """An ablation's chapter, as far as its results go.

    Args:
        material: the results.
        command: that reproduces the runs.
        form: "pdf", or "html", which wants the curves as data too.
    """
    name = file_name(material.name)
    facts: dict[str, Any] = {
        "name": name,
        "title": str(material.plan["title"].iloc[0]),
        "question": str(material.plan["question"].iloc[0]),
        "objectives": _objectives(material),
        "variants": appendix.variants(material),
        "command": command,
        "remarks": list(material.remarks),
    }
    if material.runs.empty or not material.values:
        reason = "no run is there yet" if material.runs.empty else "no episode ended in any run"
        return Chapter(facts=printable({**facts, "empty": reason}), figures={}, plots={})
    drawn: dict[str, bytes] = {}

    def add(key: str, figure: Figure) -> str:
        drawn[f"{name}-{key}.svg"] = figures.svg(figure)
        return f"{name}-{key}.svg"

    look = looks(list(material.titles), material.control)
    over_all = [row for row in material.findings.rivals if row.over_all]
    warnings = [*material.remarks, *mixed_code(material.runs)]
    facts |= _results(material, look, add)
    facts |= {
        "thresholds": tables.thresholds(material),
        "conclusion": conclusion(material.verdicts, material.titles, over_all),
        "size": appendix.size(material),
        "details": appendix.details(material),
        "scale": appendix.scale(material),
        "runs": appendix.run_ids(material),
        "provenance": appendix.provenance(material),
        "remarks": [*warnings, *material.findings.notes, *trouble(material.scores)],
        "marked": bool(warnings),
    }
    plots = {
        f"{name}-{axis}": plot(found, material.titles, look, axis)
        for axis, found in material.curves.items()
        if form == "html"
    }
    return Chapter(facts=printable(facts), figures=drawn, plots=plots)


def _results(
    material: Results, look: Mapping[str, Look], add: Callable[[str, Figure], str]
) -> dict[str, Any]:
    names = material.titles
    found: dict[str, Any] = {"curves": []}
    if material.page == "figure_3":
        found["experiment"] = _experiment(material, add)
    for axis, what in _AXES.items():
        if axis == "steps" and "experiment" in found:
            continue  # Figure 3 is drawn against steps
        cells = material.curves[axis]
        drawn = curves.learning_curves(cells, material.runs, names, look, material.control, x=axis)
        # What line and band are is said once.
        sentences = (
            seconds_text(material.runs)
            if found["curves"]
            else meaning(material.runs, [cell for cell, _ in cells], axis)
        )
        found["curves"].append(
            {
                "key": axis,
                "file": add(axis, drawn),
                "what": what,
                "caption": sentences,
            }
        )
    found["scores"] = tables.scores(material)
    found["dots"] = add(
        "scores", figures.dots(material.values, names, look, label="score of a seed [return]")
    )
    found["departure"] = departure(material, look, add)
    found |= _comparisons(material, look, add)
    found["aggregates"] = tables.aggregates(material)
    if found["aggregates"]:
        profiles = _profiles(material)
        found["profile"] = add("profile", figures.profiles(profiles, names, look))
        found["profile_notes"] = tables.profile_notes(material)
    columns = mechanism_of(material.plan)
    found["mechanism"] = _mechanism(material, columns, look, add)
    return found


def _comparisons(
    material: Results, look: Mapping[str, Look], add: Callable[[str, Figure], str]
) -> dict[str, Any]:
    """Each variant beside its reference: differences by pairs of seeds, and how often it wins."""
    paired = {
        (verdict.environment, verdict.variant): material.differences(verdict)
        for verdict in material.verdicts
        if verdict.outcome != "control" and verdict.pairs
    }
    found: dict[str, Any] = {"differences": tables.differences(material)}
    if not paired:
        return found
    drawn = figures.dots(
        paired,
        material.titles,
        look,
        label="difference to the reference, a pair of seeds [return]",
        statistic="mean",
        zero=True,
    )
    found["pairs"] = add("pairs", drawn)
    if material.page != "figure_3":  # whose page has the table already
        found["improvement"] = tables.improvement(material)
    return found


def _mechanism(
    material: Results,
    columns: Sequence[str],
    look: Mapping[str, Look],
    add: Callable[[str, Figure], str],
) -> dict[str, Any] | None:
    drawn = diagnostics(material.runs, material.view.updates, columns)
    if not drawn:
        return None
    found: dict[str, Any] = {
        "file": add("mechanism", curves.diagnostics(drawn, material.titles, look)),
        "table": tables.mechanism(material, [each.column for each in drawn]),
        "meanings": [
            [
                each.label,
                each.meaning + ("; what is below the axis is drawn at its edge" * each.cut),
            ]
            for each in drawn
        ],
        "first": None,
    }
    if "gradient_variance" in columns:
        first = first_variances(material.view.updates)
        if first and min(own.min() for own in first.values()) > 0:
            label = "variance of the gradient in a seed's first batch"
            figure = figures.dots(first, material.titles, look, label=label, logarithmic=True)
            found["first"] = {
                "file": add("first", figure),
                "table": tables.first_variances(material, first),
            }
    return found


def _experiment(material: Results, add: Callable[[str, Figure], str]) -> dict[str, Any]:
    """Figure 3 of the PPO paper from these results, and the tables beside it."""
    plan, scores = material.plan, material.scores
    pages = experiment(
        plan,
        material.runs,
        material.view.episodes,
        material.view.updates,
        source=material.source,
        bare=True,
    )
    untrained = material.anchors.untrained
    control = str(plan["control"].iloc[0])
    parts = {
        "paper": [
            beside_figure_3.section(beside_figure_3.beside_figure_3(plan, scores, untrained)),
        ],
        "sources": beside_sources.sections(
            plan, scores, beside_sources.beside_sources(plan, scores)
        ),
        "rivals": [rivals.section(material.findings.rivals, titles(plan).get(control, control))],
    }
    return {
        "file": add("figure-3", pages.curves),
        "caption": list(pages.caption),
        "missing": pages.missing,
        **{key: [tables.of_section(part) for part in found] for key, found in parts.items()},
    }


def _profiles(material: Results) -> dict[str, Profile]:
    strata = {
        variant: material.strata(variant)
        for variant in material.titles
        if all((name, variant) in material.values for name in material.common_environments)
    }
    every = np.concatenate([values for found in strata.values() for values in found])
    low = min(0.0, float(every.min()))
    high = min(figures.PROFILE_END, max(1.0, float(every.max())))
    marks = np.linspace(low - 0.02 * (high - low), high, 201)
    return {
        variant: performance_profile(found, marks, np.random.default_rng(0))
        for variant, found in strata.items()
    }


def _objectives(material: Results) -> list[dict[str, Any]]:
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
                "file": known.get("source", "") or ("none: imported" * bool(known.get(IMPORTED))),
                "variants": [],
            },
        )
        entry["variants"].append(row.variant_title or row.variant)
    return list(found.values())
