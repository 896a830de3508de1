"""One ablation as facts and figures for the templates: its chapter, and its supplement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.evidence.caveats import mixed_code, run_caveats
from bench.evidence.figures.caption import seeds_text, statistic_text
from bench.evidence.figures.furniture import furnish
from bench.evidence.figures.kinds import KINDS, SMALL_FONT_SIZE
from bench.evidence.figures.output import svg
from bench.evidence.figures.shown import select
from bench.evidence.figures.style import FONT_SIZE
from bench.evidence.glyphs import printable
from bench.evidence.measures.cells import missing_text, range_text, titles
from bench.evidence.measures.diagnostics import label_of, meaning_of, mechanism_of
from bench.evidence.pages import hundred_seeds, reference_kl, table_1
from bench.evidence.pages.figure_3 import beside_figure_3
from bench.evidence.published import figure_3
from bench.evidence.published.rows import family
from bench.evidence.report import steps, supplement
from bench.evidence.report.pictures import WIDTH
from bench.evidence.report.settings import differences, hyperparameters, reference_of
from bench.evidence.report.tables import Facts, of_section, table
from bench.evidence.report.words import conclusion, told_apart
from bench.evidence.results import Results
from bench.evidence.verdicts import return_text
from bench.file_names import file_name
from bench.formatting import thousands
from bench.store.schema import IMPORTED

MOST_DIAGNOSTICS: Final = 1
"""Diagnostics whose curves a chapter shows: the first of those that its ablation names."""

_FLAT: Final = 0.64
"""Height of a picture on the page, as a share of its height when it stands alone."""
_LEAST_ROW: Final = 1.6
"""Height of a row of panels below which no picture is made flatter [inches]."""


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What the templates need of one ablation."""

    facts: dict[str, Any]
    supplement: dict[str, Any]  # empty without results
    figures: dict[str, bytes] = field(default_factory=dict)  # file name -> SVG
    plots: dict[str, str] = field(default_factory=dict)  # id -> an HTML element; in HTML pages only


def make_chapter(
    results: Results,
    command: str,
    form: str,
    *,
    one_of_many: bool = False,
    shows_steps: bool = False,
) -> Chapter:
    """An ablation's chapter, as far as its results go.

    Args:
        results: of the ablation.
        command: that reproduces the runs.
        form: "pdf", or "html", which needs the curves as interactive figures too.
        one_of_many: whether the report has other chapters; then a mechanism is drawn only where a
            step of the lecture shows it.
        shows_steps: whether the ablation is the ladder whose rungs the steps show.
    """
    name = file_name(results.name)
    facts: dict[str, Any] = {
        "name": name,
        "title": str(results.plan["title"].iloc[0]),
        "question": str(results.plan["question"].iloc[0]),
        "objectives": _objectives(results),
        "command": command,
        "source": results.source,
        "remarks": list(results.remarks),
    }
    if results.runs.empty or not results.values:
        reason = "no run is there yet" if results.runs.empty else "no episode ended in any run"
        return Chapter(facts=printable({**facts, "empty": reason}), supplement={})
    draw = Drawer(results)
    warnings = [*results.remarks, *mixed_code(results.runs)]
    facts |= {
        "variants": _variants(results),
        "size": _size(results),
        "short": _short(results),
        "conclusion": " ".join(
            filter(
                None, (say(results.findings, results.titles) for say in (conclusion, told_apart))
            )
        ),
        "remarks": [*warnings, *results.findings.notes, *run_caveats(results.scores)],
        "marked": bool(warnings),
        **_pictures(results, draw, one_of_many),
    }
    if results.name in steps.LADDERS:
        facts["rungs"] = steps.rungs(results)
        facts["step_pictures"] = steps.pictures(results, draw) if shows_steps else {}
    supplement_facts = {"name": name, "title": facts["title"], **supplement.part(results)}
    plots = {}
    if form == "html":
        from bench.evidence.figures import interactive  # plotly takes a second to import

        plots[f"{name}-steps"] = interactive.curves(results)
    return Chapter(
        facts=printable(facts),
        supplement=printable(supplement_facts),
        figures=draw.files,
        plots=plots,
    )


class Drawer:
    """Draws an ablation's pictures; `files` has them, file name -> SVG."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.files: dict[str, bytes] = {}

    def __call__(
        self,
        kind: str,
        key: str = "",
        *,
        variants: Sequence[str] | None = None,
        width: float = WIDTH,
        **options: Any,
    ) -> str:
        """Draw a picture with its legend, and return the name of its file.

        Args:
            kind: of `figures.kinds.KINDS`.
            key: last part of the file's name; the kind if empty.
            variants: names of those that are drawn; None: all.
            width: [inches]; a narrow picture has small letters.
            options: options of this kind only.
        """
        size = FONT_SIZE if width == WIDTH else SMALL_FONT_SIZE
        missing = kind == "figure_3"
        shown = select(self.results, variants, missing=missing, width=width, font_size=size)
        figure = KINDS[kind].draw(shown, **options)
        if kind in ("curves", "mechanism"):
            height = figure.get_figheight()
            rows = len({panel.get_position().y0 for panel in figure.axes})
            figure.set_figheight(min(height, max(_FLAT * height, _LEAST_ROW * rows)))
            for panel in figure.axes:  # labels wrapped to the former height are now too long
                panel.set_ylabel(panel.get_ylabel().replace(" [", "\n["))
        furnish(figure, font_size=size)
        file = f"{file_name(self.results.name)}-{key or kind}.svg"
        self.files[file] = svg(figure)
        return file


def _pictures(results: Results, draw: Drawer, one_of_many: bool) -> dict[str, Any]:
    """The chapter's pictures and tables; a key without content is absent."""
    pictures: dict[str, Any] = {}
    if results.page == "figure_3":
        pictures["figure_3"] = _figure_3(results, draw)
    else:
        pictures["curves"] = {
            "file": draw("curves", strip=False),
            "caption": _line_and_band([len(cell.seeds) for cell, _ in results.bands("steps")]),
        }
        if any(verdict.outcome != "control" and verdict.pairs for verdict in results.verdicts):
            pictures["pairs"] = draw("differences")
    if results.page == "table_1":
        untrained = results.anchors.untrained_scores
        rows = table_1.surrogates(results.plan, results.scores, untrained)
        pictures["tables"] = [of_section(table_1.section(results.plan, results.scores, rows))]
    if results.page == "hundred_seeds":
        untrained_means = results.anchors.untrained_means
        sections = hundred_seeds.sections(results.plan, results.scores, untrained_means)
        pictures["tables"] = [of_section(section) for section in sections]
    explained = not one_of_many or results.name in {
        step.ablation for step in steps.STEPS if step.shows_diagnostic
    }
    columns = mechanism_of(results.plan)[:MOST_DIAGNOSTICS] if explained else ()
    if results.findings.with_kl is not None:
        pictures["departure"] = _departure(results, draw)
    elif "figure_3" not in pictures and results.view.updates[list(columns)].notna().any(axis=None):
        pictures["mechanism"] = {
            "file": draw("mechanism", columns=columns),
            "meanings": [[label_of(column), meaning_of(column)] for column in columns],
        }
    return pictures


def _line_and_band(counts: list[int]) -> str:
    if max(counts) == 1:
        return "One seed: no interval can be given."
    statistic = statistic_text(counts, "iqm")
    return f"Line: {statistic} over seeds ({seeds_text(counts)}); band: its pointwise 95% interval."


def _departure(results: Results, draw: Drawer) -> dict[str, Any]:
    """Rewards against the KL to the reference, of an ablation on token environments."""
    with_kl, golden = results.findings.with_kl, results.findings.golden
    assert with_kl is not None
    return {
        "file": draw("kl"),
        "golden": bool(with_kl["gold"].notna().any()),
        "caption": KINDS["kl"].caption(select(results, width=WIDTH)),
        "tables": [
            of_section(reference_kl.section(environment, with_kl, golden))
            for environment in dict.fromkeys(with_kl["environment"])
        ],
    }


def _figure_3(results: Results, draw: Drawer) -> dict[str, Any]:
    """Figure 3 of the PPO paper from these results, and a table of them beside the paper's."""
    untrained = results.anchors.untrained_means
    rows = beside_figure_3.beside_figure_3(results.plan, results.scores, untrained)
    return {
        "file": draw("figure_3"),
        "caption": " ".join(KINDS["figure_3"].caption(select(results, missing=True))[:2]),
        "missing": missing_text(results.plan, results.values),
        "paper": _beside_paper(rows),
    }


def _beside_paper(rows: Sequence[beside_figure_3.Beside]) -> Facts:
    """A row per algorithm, a column per environment: our mean score, and the paper's behind it."""
    environments = list(dict.fromkeys(row.environment for row in rows))
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        means = f"{return_text(row.mean)} ({return_text(row.paper)})"
        no_cells = dict.fromkeys(environments, "–")
        cells.setdefault(row.title, no_cells)[row.environment] = means
    return table(
        ("algorithm", *map(family, environments)),
        ("left", *["right"] * len(environments)),
        [(title, *row.values()) for title, row in cells.items()],
        [
            "In brackets: the paper's, digitised from its figure, environments of "
            f"{figure_3.VERSION}: physics, observations and rewards differ between versions. "
            "The supplement has n, intervals and the gain reached."
        ],
    )


def _variants(results: Results) -> Facts:
    """A row per variant: what it is compared with, and everything in which the two differ."""
    values = hyperparameters(results)
    algorithms = dict(zip(results.plan["variant"], results.plan["algorithm"], strict=True))
    rows = []
    for variant, title in results.titles.items():
        reference = reference_of(results, variant)
        is_reference = variant == reference
        reference_title = results.titles[reference]
        differs = "" if is_reference else differences(values[variant], values[reference]).text
        if not is_reference and algorithms[variant] != algorithms[reference]:
            differs = "; ".join(filter(None, (f"algorithm {algorithms[variant]}", differs)))
        rows.append((title, "–" if is_reference else reference_title, differs or "–"))
    return table(
        ("variant", "compared with", "everything in which the two differ: its value (the other's)"),
        ("left", "left", "left"),
        rows,
    )


def _short(results: Results) -> str:
    """Budget and seeds in a few words: "100k steps, 10 seeds"."""
    budgets = sorted(set(results.plan["budget"]))
    seeds = [len(scores) for scores in results.values.values()]
    usual = max(set(seeds), key=seeds.count)
    return f"{' and '.join(map(thousands, budgets))} steps, {usual} seeds"


def _size(results: Results) -> str:
    """A sentence: environments, budgets, and numbers of seeds with a score."""
    groups: dict[tuple[str, str], list[str]] = {}
    for environment, plan in results.plan.groupby("environment", sort=False):
        counts = [
            len(results.values.get((str(environment), variant), ())) for variant in plan["variant"]
        ]
        budgets = " and ".join(f"{budget:,}" for budget in sorted(set(plan["budget"])))
        key = (budgets, range_text(counts))
        groups.setdefault(key, []).append(str(environment))
    parts = [
        f"{', '.join(names)}: {budgets} steps per run, "
        f"{seeds} seed{'s' * (seeds != '1')} with a score"
        for (budgets, seeds), names in groups.items()
    ]
    return "; ".join(parts) + "."


def _objectives(results: Results) -> list[dict[str, Any]]:
    """The algorithms of the plan in its order, with what is known of each."""
    algorithms: dict[str, dict[str, Any]] = {}
    names = titles(results.plan)
    for row in results.plan.drop_duplicates("variant").sort_values("variant_order").itertuples():
        metadata = json.loads(row.metadata)
        entry = algorithms.setdefault(
            row.algorithm,
            {
                "algorithm": row.algorithm,
                "title": metadata.get("title", row.algorithm),
                "equation": metadata.get("equation", ""),
                "file": metadata.get("source", "")
                or ("none: imported" * bool(metadata.get(IMPORTED))),
                "variants": [],
            },
        )
        entry["variants"].append(names[row.variant])
    return list(algorithms.values())
