"""One ablation as facts and figures for `chapter.typ`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.figure import Figure

from bench.evidence import rivals
from bench.evidence.caveats import mixed_code, trouble
from bench.evidence.figures import interactive
from bench.evidence.figures.grid import PAGE as WIDTH
from bench.evidence.figures.kinds import picture
from bench.evidence.figures.mechanism import draw_first_variances
from bench.evidence.figures.output import svg
from bench.evidence.figures.shown import select
from bench.evidence.glyphs import printable
from bench.evidence.measures.cells import missing_text, titles
from bench.evidence.measures.curves import Axis
from bench.evidence.measures.diagnostics import diagnostics, first_variances, mechanism_of
from bench.evidence.pages import reference_kl
from bench.evidence.pages.figure_3 import beside_figure_3, beside_sources
from bench.evidence.report import appendix, tables
from bench.evidence.report.conclusion import conclusion
from bench.evidence.results import Results
from bench.file_names import file_name
from bench.store.schema import IMPORTED

_AXES: Final[dict[Axis, str]] = {"steps": "environment steps", "seconds": "wall time"}


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What the template needs."""

    facts: dict[str, Any]
    figures: dict[str, bytes]  # file name -> SVG
    plots: dict[str, str]  # id -> interactive curves, an HTML element; none unless asked for


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
        drawn[f"{name}-{key}.svg"] = svg(figure)
        return f"{name}-{key}.svg"

    over_all = [row for row in material.findings.rivals if row.over_all]
    warnings = [*material.remarks, *mixed_code(material.runs)]
    facts |= _results(material, add)
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
    axes = [axis for axis in _AXES if form == "html" and material.bands(axis)]
    plots = {f"{name}-{axis}": interactive.curves(material, axis) for axis in axes}
    return Chapter(facts=printable(facts), figures=drawn, plots=plots)


def _results(material: Results, add: Callable[[str, Figure], str]) -> dict[str, Any]:
    def drawn(kind: str, key: str, **options: Any) -> dict[str, Any]:
        made = picture(material, kind, width=WIDTH, title=False, caption=False, **options)
        return {"file": add(key, made.figure), "caption": [made.caption[0]]}

    found: dict[str, Any] = {"curves": []}
    if material.page == "figure_3":
        found["experiment"] = {**drawn("figure_3", "figure-3"), **_experiment(material)}
    for axis, what in _AXES.items():
        if (axis == "steps" and "experiment" in found) or not material.bands(axis):
            continue  # Figure 3 is drawn against steps
        made = drawn("curves", axis, x=axis, strip=False)
        found["curves"].append({"key": axis, "what": what, **made})
    found["scores"] = tables.scores(material)
    found["dots"] = drawn("scores", "scores")["file"]
    found["departure"] = None
    if material.findings.with_kl is not None:
        reached, golden = material.findings.with_kl, material.findings.golden
        found["departure"] = {
            **drawn("kl", "departure"),
            "golden": bool(reached["gold"].notna().any()),
            "tables": [
                tables.of_section(reference_kl.section(environment, reached, golden))
                for environment in dict.fromkeys(reached["environment"])
            ],
        }
    found["differences"] = tables.differences(material)
    if any(each.pairs and each.outcome != "control" for each in material.verdicts):
        found["pairs"] = drawn("differences", "pairs")["file"]
        if material.page != "figure_3":  # whose page has the table already
            found["improvement"] = tables.improvement(material)
    found["aggregates"] = tables.aggregates(material)
    if found["aggregates"]:
        found["profile"] = drawn("profile", "profile")["file"]
        found["profile_notes"] = tables.profile_notes(material)
    found["mechanism"] = _mechanism(material, drawn, add)
    return found


def _mechanism(
    material: Results, drawn: Callable[..., dict[str, Any]], add: Callable[[str, Figure], str]
) -> dict[str, Any] | None:
    columns = mechanism_of(material.plan)
    shown = diagnostics(material.runs, material.view.updates, columns)
    if not shown:
        return None
    found: dict[str, Any] = {
        **drawn("mechanism", "mechanism"),
        "table": tables.mechanism(material, [each.column for each in shown]),
        "meanings": [
            [
                each.label,
                each.meaning + ("; what is below the axis is drawn at its edge" * each.cut),
            ]
            for each in shown
        ],
        "first": None,
    }
    if "gradient_variance" in columns:
        first = first_variances(material.view.updates)
        if first and min(own.min() for own in first.values()) > 0:
            found["first"] = {
                "file": add("first", draw_first_variances(select(material, width=WIDTH))),
                "table": tables.first_variances(material, first),
            }
    return found


def _experiment(material: Results) -> dict[str, Any]:
    """The tables beside Figure 3 of the PPO paper, and what is missing there."""
    plan, scores = material.plan, material.scores
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
        "missing": missing_text(plan, material.values),
        **{key: [tables.of_section(part) for part in found] for key, found in parts.items()},
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
