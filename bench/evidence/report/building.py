"""From a results folder to the content of a report file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.evidence.normalised import UNTRAINED
from bench.evidence.report import document
from bench.evidence.report.chapter import Chapter, make_chapter
from bench.evidence.report.material import EXPERIMENT, Anchors, Material, anchors
from bench.evidence.scores import score_runs
from bench.store import PUBLISHED, Store, View, load

Remarks = Callable[[View], tuple[str, ...]]
"""What the reader must be warned of about a view: other code, mixed versions, lost files."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report, to be written to a file."""

    content: bytes
    source: str  # where the results lie
    remarks: tuple[str, ...]  # its warnings, for the terminal too


@dataclass(frozen=True, kw_only=True)
class Builder:
    """What every chapter of a report needs.

    Attributes:
        results: the folder that was named; None for a user's own or else the published results.
        remarks: finds a view's warnings.
        shown: how a path is written.
    """

    results: Path | None
    remarks: Remarks
    shown: Callable[[Path], str]

    def one(self, name: str, form: str) -> Report:
        """The report of one ablation.

        Raises:
            InputError: no such ablation, or no results folder.
        """
        material = self._material(load(name, self.results))
        chapter = self._chapter(material)
        return Report(
            content=document.one(chapter, form),
            source=material.source,
            remarks=material.remarks,
        )

    def _material(self, view: View) -> Material:
        return Material(
            view=view,
            source=self.shown(view.source),
            anchors=self._anchors(view.source),
            remarks=self.remarks(view),
        )

    def _chapter(self, material: Material) -> Chapter:
        return make_chapter(material, command=_command(material))

    def _anchors(self, source: Path) -> Anchors:
        """From the same store where it has the untrained policy, else from the published one."""
        for place in dict.fromkeys((source, PUBLISHED)):
            untrained = _scores(UNTRAINED, place)
            if untrained is not None:
                return anchors(untrained, _scores(EXPERIMENT, place), self.shown(place))
        return anchors(None, None, self.shown(source))


def _scores(name: str, place: Path) -> pd.DataFrame | None:
    """The ablation's scores in this store; None without any."""
    if not place.is_dir() or name not in Store(place).plans()["ablation"].to_pylist():
        return None
    view = load(name, place)
    return None if view.runs.empty else score_runs(view.runs, view.episodes, view.updates)


def _command(material: Material) -> str:
    """What trains the runs again: seeds and budgets where they are not the ablation's own."""
    seeds = sorted(set(material.runs["seed"])) if len(material.runs) else []
    chosen = f" --seeds {seeds[0]}-{seeds[-1]}" if len(seeds) > 1 else ""
    budgets = sorted(set(material.plan["budget"]))
    steps = f" --steps {budgets[0]}" if len(budgets) == 1 else ""
    return f"python -m bench run --ablation {material.name}{chosen}{steps}"
