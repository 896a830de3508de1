"""From a results folder to the content of a report file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ablations import in_order
from ablations.claims import CLAIMS
from bench.errors import InputError
from bench.evidence.claims import NOTES, Judgement, counts, judge_claims
from bench.evidence.figures.output import svg
from bench.evidence.measures.anchors import anchors_for
from bench.evidence.measures.normalised import UNTRAINED
from bench.evidence.report import batch_reuse, document, excerpts, lecture, steps
from bench.evidence.report.chapter import Chapter, make_chapter
from bench.evidence.report.pictures import all_pictures
from bench.evidence.report.processes import Mapped
from bench.evidence.report.steps import LADDERS
from bench.evidence.report.tables import table
from bench.evidence.results import Results
from bench.formatting import seed_ranges, thousands
from bench.store import View, load, planned_ablations
from bench.store.imported import is_imported, trained

REUSING: Final = ("importance_sampling", "kl_penalty", "clipping")
"""The ablations that show how long a batch can be reused."""

Remarks = Callable[[View], tuple[str, ...]]
"""Returns the warnings that a view needs: other code, mixed versions, lost files."""


Progress = Callable[[int, int], None]
"""Called with the number of chapters made and with their total."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report, to be written to files of one folder."""

    files: dict[str, bytes]  # by name
    source: str  # where the results lie
    remarks: tuple[str, ...]  # its warnings, for the terminal too


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One ablation's part of the whole document, made by a process that has read its results."""

    chapter: Chapter
    runs: pd.DataFrame  # their run, steps and back_end
    source: str
    remarks: tuple[str, ...]
    reused: dict[str, batch_reuse.Point]  # by description
    judged: tuple[Judgement, ...]  # claims of the literature about it


@dataclass(frozen=True, kw_only=True)
class Builder:
    """Makes reports from what every chapter needs.

    Attributes:
        results: the results folder; None: the user's own, or else the published results.
        remarks: returns a view's warnings.
        shown: returns a path as text for the reader.
    """

    results: Path | None
    remarks: Remarks
    shown: Callable[[Path], str]

    def chapter_document(self, name: str, form: str, stem: str) -> Report:
        """Make the report of one ablation.

        Args:
            name: of the ablation.
            form: "pdf" or "html".
            stem: of the report's file name.

        Raises:
            InputError: no such ablation, or no results folder.
        """
        results = self._results(load(name, self.results))
        chapter = make_chapter(results, _command(results), form)
        facts = {"whole": False, "chapters": {chapter.facts["name"]: chapter.facts}}
        return Report(
            files=_files([chapter], facts, {}, form, stem),
            source=results.source,
            remarks=results.remarks,
        )

    def whole_document(
        self,
        form: str,
        stem: str,
        on_chapter: Progress = lambda made, total: None,
        mapped: Mapped = map,
    ) -> Report:
        """Make the report of all ablations with results, in the lecture's order.

        Args:
            form: "pdf" or "html".
            stem: of the report's file name.
            on_chapter: called with the number of chapters made and with their total.
            mapped: `map`, or the same by several processes.

        Raises:
            InputError: there is no results folder, or no plan in it.
        """
        planned = planned_ablations(self.results)
        names = in_order({*planned} - {UNTRAINED})
        on_chapter(0, len(names))
        ladder = next((name for name in reversed(LADDERS) if name in names), "")
        # Other processes begin at the end, where the largest are.
        growing = sorted(names, key=planned.__getitem__)
        pending = mapped(self._part, growing, repeat(form), repeat(ladder))
        estimates = lecture.running_estimates(np.random.default_rng([0, 1]))
        pictures = all_pictures(estimates).items()
        svgs = {f"lecture-{key}.svg": svg(figure) for key, figure in pictures}
        by_name: dict[str, _Part | None] = {}
        for made, (name, part) in enumerate(zip(growing, pending, strict=True), 1):
            by_name[name] = part
            on_chapter(made, len(names))
        parts = {name: part for name in names if (part := by_name[name])}
        if not parts:
            raise InputError(
                "there are no results to report; train some with `python -m bench run`"
            )
        lecture_facts = lecture.facts(estimates)
        reused = batch_reuse.unique_points(parts[name].reused for name in REUSING if name in parts)
        if reused:
            svgs["lecture-reuse.svg"] = svg(batch_reuse.draw(reused))
        ladders = [name for name in LADDERS if parts.get(name) and parts[name].chapter.supplement]
        facts = {
            "whole": True,
            "chapters": {name: part.chapter.facts for name, part in parts.items()},
            "order": list(parts),
            "lecture": {
                **lecture_facts,
                "reuse": bool(reused),
                "extent": _extent(list(parts.values())),
            },
            "steps": [steps.step_facts(step) for step in steps.STEPS],
            "ladders": ladders,
            "claims": _claims(judgement for part in parts.values() for judgement in part.judged),
        }
        return Report(
            files=_files(
                [part.chapter for part in parts.values()], facts, svgs, form, stem, mapped
            ),
            source=_sources(parts.values()),
            remarks=tuple(
                f"{name}: {remark}" for name, part in parts.items() for remark in part.remarks
            ),
        )

    def _part(self, name: str, form: str, ladder: str) -> _Part | None:
        """Make one ablation's part; None if it has no results and no results folder was named."""
        try:
            view = load(name, self.results)
        except InputError:
            if self.results is not None:
                raise
            return None
        results = self._results(view)
        return _Part(
            chapter=make_chapter(
                results, _command(results), form, one_of_many=True, shows_steps=name == ladder
            ),
            runs=results.runs[["run", "steps", "back_end"]],
            source=results.source,
            remarks=results.remarks,
            reused=batch_reuse.points(results) if name in REUSING and results.runs.size else {},
            judged=judge_claims(name, results),
        )

    def _results(self, view: View) -> Results:
        return Results(
            view=view,
            source=self.shown(view.source),
            given_anchors=anchors_for(view.source, self.shown),
            remarks=self.remarks(view),
        )


def _files(
    chapters: Sequence[Chapter],
    facts: dict[str, Any],
    svgs: dict[str, bytes],
    form: str,
    stem: str,
    mapped: Mapped = map,
) -> dict[str, bytes]:
    """The report's files by name."""
    figures = {
        **svgs,
        **{name: figure for chapter in chapters for name, figure in chapter.figures.items()},
    }
    supplements = [chapter.supplement for chapter in chapters if chapter.supplement]
    facts = {**facts, "supplement": supplements}
    if form == "pdf":
        return document.pdf(facts, figures, stem, mapped)
    plots = {name: plot for chapter in chapters for name, plot in chapter.plots.items()}
    facts["sources"] = {
        code["file"]: excerpts.source(code["file"])
        for step in facts.get("steps", ())
        for code in step["code"]
    }
    return document.html(facts, figures, plots, _pages(facts), stem, mapped)


def _pages(facts: dict[str, Any]) -> dict[str, str]:
    """The pages of the HTML form: key -> title."""
    chapters = facts["chapters"]
    if not facts["whole"]:
        ((name, chapter),) = chapters.items()
        supplements = {f"supplement-{part['name']}": "Supplement" for part in facts["supplement"]}
        return {f"ablation-{name}": chapter["title"], **supplements}
    pages = {"front": "What each step bought"}
    pages |= {step["key"]: step["title"] for step in facts["steps"]}
    in_steps = {*(step["ablation"] for step in facts["steps"]), *facts["ladders"]}
    pages |= {
        f"ablation-{name}": chapter["title"]
        for name, chapter in chapters.items()
        if name not in in_steps
    }
    pages |= {"claims": "What papers claim", "measured": "How it is measured", "code": "The code"}
    return pages | {
        f"supplement-{part['name']}": f"Supplement: {part['title']}" for part in facts["supplement"]
    }


def _claims(judged: Iterable[Judgement]) -> dict[str, Any]:
    """The literature's claims that these results test, as a table, and those that they don't."""
    by_name = {judgement.claim.name: judgement for judgement in judged}
    judgements = [by_name.get(name, Judgement(claim=claim)) for name, claim in CLAIMS.items()]
    tested = [judgement for judgement in judgements if judgement.decision != "not tested"]
    rows = [
        (
            judgement.claim.claim,
            judgement.claim.source,
            judgement.decision,
            "; ".join(judgement.lines),
        )
        for judgement in tested
    ]
    return {
        **table(
            ("claim", "source", "verdict", "what decides it"), ("left",) * 4, rows, list(NOTES)
        ),
        "long": True,
        "counts": counts(judgements),
        "untested": [judgement.claim.claim for judgement in judgements if judgement not in tested],
    }


def _extent(parts: Sequence[_Part]) -> str:
    """How much was trained for the document, in a sentence."""
    runs = trained(pd.concat([part.runs for part in parts])).drop_duplicates("run")
    total_steps = thousands(float(f"{runs['steps'].sum():.3g}"))
    return f"{len(runs):,} runs and {total_steps} environment steps: {_sources(parts)}."


def _sources(parts: Iterable[_Part]) -> str:
    return " and ".join(dict.fromkeys(part.source for part in parts))


def _command(results: Results) -> str:
    """The command that trains or imports the runs again, with their seeds and budget."""
    imports = results.plan.apply(is_imported, axis="columns")
    if imports.all():
        first = results.plan.iloc[0]
        return (
            f"python -m bench import FILES --algorithm {first.algorithm} --env {first.environment}"
        )
    plan = results.plan[~imports]
    runs = results.runs[results.runs["description"].isin(plan["description"])]
    seeds = seed_ranges(map(int, runs["seed"]))
    seeds_option = f" --seeds {seeds}" if seeds else ""
    budgets = sorted(set(plan["budget"]))
    steps_option = f" --steps {budgets[0]}" if len(budgets) == 1 else ""
    metadata = json.loads(plan["metadata"].iloc[0])
    options = metadata.get("options", f"--ablation {results.name}")
    return f"python -m bench run {options}{seeds_option}{steps_option}"
