"""From a results folder to the content of a report file."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Final

import pandas as pd

from bench.errors import InputError
from bench.evidence.figures.output import svg
from bench.evidence.figures.style import thousands
from bench.evidence.measures.anchors import anchors_for
from bench.evidence.measures.normalised import UNTRAINED
from bench.evidence.report import appendix, batch_reuse, document
from bench.evidence.report.chapter import Chapter, make_chapter
from bench.evidence.report.lecture import lecture
from bench.evidence.results import Results
from bench.store import Store, View, load, result_folders
from bench.store.editions import edition_text
from bench.store.imported import is_imported, trained

REUSING: Final = ("importance_sampling", "kl_penalty", "clipping")
"""The ablations that show how far a batch carries."""

_anchors_for = cache(anchors_for)
"""Read once a process."""

Remarks = Callable[[View], tuple[str, ...]]
"""What the reader must be warned of about a view: other code, mixed versions, lost files."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report, to be written to a file."""

    content: bytes
    source: str  # where the results lie
    remarks: tuple[str, ...]  # its warnings, for the terminal too


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What the whole document has of one ablation, made by a process that has read its results."""

    chapter: Chapter
    runs: pd.DataFrame  # their run, steps and back_end
    source: str
    remarks: tuple[str, ...]
    reused: dict[str, batch_reuse.Point]  # by description


@dataclass(frozen=True, kw_only=True)
class Builder:
    """What every chapter of a report needs.

    Attributes:
        results: the folder that was named; None for a user's own or else the published results.
        remarks: finds a view's warnings.
        shown: how a path is written.
        workers: processes that make chapters side by side.
    """

    results: Path | None
    remarks: Remarks
    shown: Callable[[Path], str]
    workers: int = 1

    def one(self, name: str, form: str) -> Report:
        """The report of one ablation.

        Raises:
            InputError: no such ablation, or no results folder.
        """
        material = self._material(load(name, self.results))
        chapter = make_chapter(material, _command(material), form)
        return Report(
            content=document.one(chapter, form),
            source=material.source,
            remarks=material.remarks,
        )

    def whole(self, form: str) -> Report:
        """All ablations that there are results of, in the lecture's order.

        Raises:
            InputError: there is no results folder, or no plan in it.
        """
        names = self._planned()
        with _mapping(min(self.workers, len(names))) as mapped:
            begun = mapped(self._part, names, repeat(form))
            parts = {name: part for name, part in zip(names, begun, strict=True) if part}
        if not parts:
            raise InputError(
                "there are no results to report; train some with `python -m bench run`"
            )
        drawn = lecture()
        figures = {name: svg(figure) for name, figure in drawn.figures.items()}
        chapters = {name: part.chapter for name, part in parts.items()}
        facts = {**drawn.facts, "extent": _extent(list(parts.values()))}
        facts["scale"] = appendix.shared_scale(
            chapter.facts.get("scale") for chapter in chapters.values()
        )
        reused = batch_reuse.each_once(parts[name].reused for name in REUSING if name in parts)
        if reused:
            facts["reuse"] = batch_reuse.facts(reused)
            figures["lecture-reuse.svg"] = svg(batch_reuse.draw(reused))
        return Report(
            content=document.whole(chapters, facts, figures, form),
            source=_sources(parts.values()),
            remarks=tuple(
                f"{name}: {remark}" for name, part in parts.items() for remark in part.remarks
            ),
        )

    def _planned(self) -> list[str]:
        """The names of the ablations with a plan."""
        places = map(Store, result_folders(self.results))
        planned = [name for place in places for name in place.plans()["ablation"].to_pylist()]
        return sorted(set(planned) - {UNTRAINED})

    def _part(self, name: str, form: str) -> _Part | None:
        """Of one ablation; None where it was planned and no folder is named that has results."""
        try:
            view = load(name, self.results)
        except InputError:
            if self.results is not None:
                raise
            return None
        material = self._material(view)
        return _Part(
            chapter=make_chapter(material, _command(material), form),
            runs=material.runs[["run", "steps", "back_end"]],
            source=material.source,
            remarks=material.remarks,
            reused=batch_reuse.points(material) if name in REUSING and material.runs.size else {},
        )

    def _material(self, view: View) -> Results:
        return Results(
            view=view,
            source=self.shown(view.source) + edition_text(view.runs),
            given_anchors=_anchors_for(view.source, self.shown),
            remarks=self.remarks(view),
        )


@contextmanager
def _mapping(workers: int) -> Iterator[Callable[..., Iterator[_Part | None]]]:
    """What `map` does, by this many processes."""
    if workers <= 1:
        yield map
        return
    # Spawned, never forked: pyarrow has threads.
    context = multiprocessing.get_context("spawn")
    ending = (signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends them without a word
    with ProcessPoolExecutor(workers, context, signal.signal, ending) as pool:
        yield pool.map


def _extent(parts: Sequence[_Part]) -> str:
    """How much was trained for the document, in a sentence."""
    runs = trained(pd.concat([each.runs for each in parts])).drop_duplicates("run")
    steps = thousands(float(f"{runs['steps'].sum():.3g}"))
    return f"{len(runs):,} runs and {steps} environment steps: {_sources(parts)}."


def _sources(parts: Iterable[_Part]) -> str:
    return " and ".join(dict.fromkeys(each.source for each in parts))


def _command(material: Results) -> str:
    """What trains the runs again: seeds and budgets where they are not the ablation's own."""
    imports = material.plan.apply(is_imported, axis="columns")
    if imports.all():
        first = material.plan.iloc[0]
        return (
            f"python -m bench import FILES --algorithm {first.algorithm} --env {first.environment}"
        )
    plan = material.plan[~imports]
    runs = material.runs[material.runs["description"].isin(plan["description"])]
    seeds = sorted(set(runs["seed"]))
    chosen = f" --seeds {seeds[0]}-{seeds[-1]}" if len(seeds) > 1 else ""
    budgets = sorted(set(plan["budget"]))
    steps = f" --steps {budgets[0]}" if len(budgets) == 1 else ""
    metadata = json.loads(plan["metadata"].iloc[0])
    options = metadata.get("options", f"--ablation {material.name}")
    return f"python -m bench run {options}{chosen}{steps}"
