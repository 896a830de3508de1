"""One ablation as facts and figures for the templates: its pages, and its part of the supplement."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from matplotlib.figure import Figure

from bench.evidence.caveats import mixed_code, trouble
from bench.evidence.figures.caption import seeds_text, statistic_text
from bench.evidence.figures.figure_3 import experiment
from bench.evidence.figures.style import Look, looks, thousands
from bench.evidence.glyphs import printable
from bench.evidence.measures.cells import range_text, titles
from bench.evidence.measures.normalised import untrained_values
from bench.evidence.pages import table_1
from bench.evidence.pages.figure_3 import beside_figure_3
from bench.evidence.published import figure_3
from bench.evidence.published.rows import family
from bench.evidence.report import curves, figures, steps, supplement
from bench.evidence.report.mechanism import diagnostics, mechanism_of
from bench.evidence.report.plots import plot
from bench.evidence.report.reference_kl import departure
from bench.evidence.report.settings import apart, hyperparameters, reference_of
from bench.evidence.report.tables import Facts, of_section, table
from bench.evidence.report.words import conclusion
from bench.evidence.results import Results
from bench.evidence.verdicts import return_text
from bench.file_names import file_name
from bench.store.schema import IMPORTED

MOST_DIAGNOSTICS: Final = 1
"""Diagnostics whose curves a chapter shows: the first of those that its ablation names."""


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What the templates need of one ablation."""

    facts: dict[str, Any]
    supplement: dict[str, Any]  # empty without results
    figures: dict[str, bytes] = field(default_factory=dict)  # file name -> SVG
    plots: dict[str, Any] = field(default_factory=dict)  # id -> interactive figure; of a page only


def make_chapter(results: Results, command: str, form: str) -> Chapter:
    """An ablation's chapter, as far as its results go.

    Args:
        results: of the ablation.
        command: that reproduces the runs.
        form: "pdf", or "html", which wants the curves as interactive figures too.
    """
    name = file_name(results.name)
    facts: dict[str, Any] = {
        "name": name,
        "title": str(results.plan["title"].iloc[0]),
        "question": str(results.plan["question"].iloc[0]),
        "objectives": _objectives(results),
        "command": command,
        "remarks": list(results.remarks),
    }
    if results.runs.empty or not results.values:
        reason = "no run is there yet" if results.runs.empty else "no episode ended in any run"
        return Chapter(facts=printable({**facts, "empty": reason}), supplement={})
    drawn: dict[str, bytes] = {}

    def add(key: str, figure: Figure) -> str:
        drawn[f"{name}-{key}.svg"] = figures.svg(figure)
        return f"{name}-{key}.svg"

    look = looks(list(results.titles), results.control)
    over_all = [row for row in results.findings.rivals if row.over_all]
    warnings = [*results.remarks, *mixed_code(results.runs)]
    facts |= {
        "variants": _variants(results),
        "size": _size(results),
        "short": _short(results),
        "conclusion": conclusion(results.verdicts, results.titles, over_all),
        "remarks": [*warnings, *results.findings.notes, *trouble(results.scores)],
        "marked": bool(warnings),
        **_pictures(results, look, add),
    }
    if results.name in steps.LADDERS:
        facts["rungs"] = steps.rungs(
            results, lambda rung, chosen: add(f"rung-{rung}", _curves(results, look, chosen))
        )
    told = supplement.part(results, lambda key, figure: add(f"supplement-{key}", figure), look)
    plots = {}
    if form == "html":
        plots[f"{name}-steps"] = plot(results.curves["steps"], results.titles, look, "steps")
    return Chapter(
        facts=printable(facts),
        supplement=printable({"name": name, "title": facts["title"], **told}),
        figures=drawn,
        plots=plots,
    )


def _pictures(
    results: Results, look: Mapping[str, Look], add: Callable[[str, Figure], str]
) -> dict[str, Any]:
    """What the chapter shows; nothing under a key without content."""
    cells = results.curves["steps"]
    found: dict[str, Any] = {}
    if results.page == "figure_3":
        found["figure_3"] = _figure_3(results, add)
    else:
        counts = [len(cell.seeds) for cell, _ in cells]
        found["curves"] = {
            "file": add("steps", _curves(results, look, tuple(results.titles))),
            "caption": f"Line: {statistic_text(counts, 'iqm')} over seeds ({seeds_text(counts)}); "
            "band: its pointwise 95% interval.",
        }
    if results.page == "table_1":
        zeros = untrained_values(results.anchors.untrained_scores, "last_100")
        rows = table_1.surrogates(results.plan, results.scores, zeros)
        found["table_1"] = of_section(table_1.section(results.plan, results.scores, rows))
    paired = {
        (verdict.environment, verdict.variant): results.differences(verdict)
        for verdict in results.verdicts
        if verdict.outcome != "control" and verdict.pairs
    }
    if paired and results.page != "figure_3":
        figure = figures.dots(
            paired,
            results.titles,
            look,
            label="difference to what it is compared with, a pair of seeds [return]",
            statistic="mean",
            zero=True,
        )
        found["pairs"] = add("pairs", figure)
    if told := departure(results, look, add):
        found["departure"] = told
    columns = mechanism_of(results.plan)[:MOST_DIAGNOSTICS]
    shown = diagnostics(results.runs, results.view.updates, columns)
    if shown and "departure" not in found and "figure_3" not in found:
        found["mechanism"] = {
            "file": add("mechanism", curves.diagnostics(shown, results.titles, look)),
            "meanings": [[each.label, each.meaning] for each in shown],
        }
    return found


def _curves(results: Results, look: Mapping[str, Look], variants: tuple[str, ...]) -> Figure:
    chosen = [pair for pair in results.curves["steps"] if pair[0].variant in variants]
    names = {name: title for name, title in results.titles.items() if name in variants}
    return curves.learning_curves(chosen, results.runs, names, look, results.control, x="steps")


def _figure_3(results: Results, add: Callable[[str, Figure], str]) -> dict[str, Any]:
    """Figure 3 of the PPO paper from these results, and what it says beside the paper's."""
    plan, view = results.plan, results.view
    pages = experiment(
        plan, results.runs, view.episodes, view.updates, source=results.source, bare=True
    )
    rows = beside_figure_3.beside_figure_3(plan, results.scores, results.anchors.untrained)
    return {
        "file": add("figure-3", pages.curves),
        "caption": " ".join(pages.caption),
        "missing": pages.missing,
        "paper": _beside_paper(rows),
    }


def _beside_paper(rows: Sequence[beside_figure_3.Beside]) -> Facts:
    """A row an algorithm, a column an environment: our mean score, and the paper's behind it."""
    places = list(dict.fromkeys(row.environment for row in rows))
    cells: dict[str, list[str]] = {}
    for row in rows:
        both = f"{return_text(row.mean)} ({return_text(row.paper)})"
        cells.setdefault(row.title, []).append(both)
    return table(
        ("algorithm", *map(family, places)),
        ("left", *["right"] * len(places)),
        [(title, *row) for title, row in cells.items()],
        [
            "In brackets: the paper's, digitised from its figure, environments of "
            f"{figure_3.VERSION}: physics, observations and rewards differ between versions. "
            "The supplement has n, intervals and the gain reached."
        ],
    )


def _variants(results: Results) -> Facts:
    """A row a variant: what it is compared with, and everything in which the two differ."""
    values = hyperparameters(results)
    algorithms = dict(zip(results.plan["variant"], results.plan["algorithm"], strict=True))
    rows = []
    for variant, title in results.titles.items():
        before = reference_of(results, variant)
        itself = variant == before
        named = results.titles[before]
        differs = "" if itself else apart(values[variant], values[before]).text
        if not itself and algorithms[variant] != algorithms[before]:
            differs = "; ".join(filter(None, (f"algorithm {algorithms[variant]}", differs)))
        rows.append((title, "–" if itself else named, differs or "–"))
    return table(
        ("variant", "compared with", "everything in which the two differ: its value (the other's)"),
        ("left", "left", "left"),
        rows,
    )


def _short(results: Results) -> str:
    """Budget and seeds in a few words: "100k steps, 10 seeds"."""
    budgets = sorted(set(results.plan["budget"]))
    seeds = [len(own) for own in results.values.values()]
    usual = max(set(seeds), key=seeds.count)
    return f"{' and '.join(map(thousands, budgets))} steps, {usual} seeds"


def _size(results: Results) -> str:
    """Environments, budgets and seeds that are there, in a sentence."""
    groups: dict[tuple[str, str], list[str]] = {}
    for environment, plan in results.plan.groupby("environment", sort=False):
        counts = [
            len(results.values.get((str(environment), variant), ())) for variant in plan["variant"]
        ]
        budgets = " and ".join(f"{budget:,}" for budget in sorted(set(plan["budget"])))
        key = (budgets, range_text(min(counts), max(counts)))
        groups.setdefault(key, []).append(str(environment))
    parts = [
        f"{', '.join(names)}: {budgets} steps a run, {seeds} seed{'s' * (seeds != '1')} with a score"
        for (budgets, seeds), names in groups.items()
    ]
    return "; ".join(parts) + "."


def _objectives(results: Results) -> list[dict[str, Any]]:
    """The algorithms of the plan in its order, with what is known of each."""
    found: dict[str, dict[str, Any]] = {}
    names = titles(results.plan)
    for row in results.plan.drop_duplicates("variant").sort_values("variant_order").itertuples():
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
        entry["variants"].append(names[row.variant])
    return list(found.values())
