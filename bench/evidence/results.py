"""An ablation's results with their statistics: computed once, for every table and figure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

import pandas as pd

from bench.evidence.findings import Findings, findings, page_of, scales_by_control
from bench.evidence.glyphs import printable
from bench.evidence.measures.alignment import Aligned, align
from bench.evidence.measures.anchors import Anchors, anchors_for
from bench.evidence.measures.cells import (
    Cell,
    cell_values,
    complete_environments,
    control_of,
    rows_by_cell,
    titles,
)
from bench.evidence.measures.curves import Axis, Band, SeedCurves, aggregate, aligned_curves
from bench.evidence.measures.normalised import Scale, strata
from bench.evidence.measures.planned_seeds import on_planned_seeds
from bench.evidence.measures.scores import score_aligned
from bench.evidence.statistics.estimates import Floats, Statistic
from bench.evidence.verdicts import Verdict
from bench.store import View


@dataclass(frozen=True, kw_only=True)
class Results:
    """One ablation's results, with titles and names of environments as fonts can show them."""

    view: View
    source: str  # where the results lie, as the reader would write it
    given_anchors: Anchors | None = None  # None: those of `anchors_for`
    remarks: tuple[str, ...] = ()  # what the reader must be warned of: other code, lost files

    as_shown: bool = True  # whether texts are as the fonts of figures and documents can show them
    added_seeds: tuple[str, ...] = field(default=(), init=False)  # sentences on the seeds left out

    def __post_init__(self) -> None:
        view, seed_notes = on_planned_seeds(self.view)
        if self.as_shown:
            frames = (view.plan, view.runs, view.episodes, view.updates)
            plan, runs, episodes, updates = map(_printable, frames)
            view = replace(view, plan=plan, runs=runs, episodes=episodes, updates=updates)
        object.__setattr__(self, "view", view)
        object.__setattr__(self, "added_seeds", seed_notes)

    @property
    def plan(self) -> pd.DataFrame:
        return self.view.plan

    @property
    def runs(self) -> pd.DataFrame:
        return self.view.runs

    @cached_property
    def name(self) -> str:
        return str(self.view.plan["ablation"].iloc[0])

    @cached_property
    def control(self) -> str:
        """The control or, if it has no results, the first variant that has."""
        return control_of(self.plan, self.runs)

    @cached_property
    def titles(self) -> dict[str, str]:
        """Variant -> title, of those with runs."""
        present = set(self.runs["variant"])
        return {name: title for name, title in titles(self.plan).items() if name in present}

    @cached_property
    def anchors(self) -> Anchors:
        """The anchors of normalised scores; read on first use."""
        return self.given_anchors or anchors_for(self.view.source)

    @cached_property
    def aligned(self) -> Aligned:
        return align(self.runs, self.view.episodes, self.view.updates)

    @cached_property
    def findings(self) -> Findings:
        ablation_findings = findings(self.view, anchors=self.given_anchors, aligned=self.aligned)
        return replace(ablation_findings, notes=(*self.added_seeds, *ablation_findings.notes))

    @property
    def page(self) -> str:
        return page_of(self.plan)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The scores of the findings, without waiting for their tests."""
        return score_aligned(self.aligned)

    @cached_property
    def _bands(self) -> dict[tuple[Axis, Statistic], list[tuple[SeedCurves, Band]]]:
        return {}

    def bands(
        self, axis: Axis = "steps", statistic: Statistic = "iqm"
    ) -> list[tuple[SeedCurves, Band]]:
        """The curves that have seeds, with the statistic over them; computed once.

        Raises:
            InputError: an unknown axis or statistic.
        """
        if (axis, statistic) not in self._bands:
            self._bands[axis, statistic] = [
                (cell, aggregate(cell, statistic))
                for cell in aligned_curves(self.aligned, x=axis)
                if cell.seeds
            ]
        return self._bands[axis, statistic]

    @cached_property
    def rows(self) -> dict[Cell, pd.DataFrame]:
        return rows_by_cell(self.scores)

    @cached_property
    def values(self) -> dict[Cell, Floats]:
        return cell_values(self.scores)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return self.findings.verdicts

    def compared_text(self, cells: Collection[Cell]) -> str:
        """What is compared with what, of these cells: “b” and “c” with “a”; “d” with “c”."""
        titles_by_reference: dict[str, dict[str, None]] = {}
        for verdict in self.verdicts:
            if (verdict.environment, verdict.variant) in cells:
                title = self.titles.get(verdict.reference, verdict.reference)
                titles_by_reference.setdefault(title, {})[f"“{self.titles[verdict.variant]}”"] = (
                    None
                )
        return "; ".join(
            f"{' and '.join(variant_titles)} with “{reference}”"
            for reference, variant_titles in titles_by_reference.items()
        )

    @cached_property
    def scale_by_environment(self) -> dict[str, Scale]:
        """Scales by the Experiment's PPO; by the control where the Experiment has no PPO."""
        return scales_by_control(self.scores, self.control, self.anchors)

    @property
    def scale_text(self) -> str:
        """What 0 and 1 of the normalised scores are."""
        control_scaled = [
            name for name in self.scale_by_environment if name not in self.anchors.ppo_means
        ]
        control = self.titles.get(self.control, self.control)
        budgets = self.anchors.ppo_budgets
        sizes = {budgets[name] for name in self.scale_by_environment if name in budgets}
        steps = " and ".join(f"{size:,}" for size in sorted(sizes))
        one_text = f"1 our PPO (Clip) at {steps} steps in the Experiment"
        if control_scaled and len(control_scaled) == len(self.scale_by_environment):
            one_text = f"1 the control, {control}"
        elif control_scaled:
            one_text += (
                f" (on {', '.join(control_scaled)}, where there is none, the control, {control})"
            )
        sources = self.anchors.sources
        used = (sources.get(name, {}).values() for name in self.scale_by_environment)
        folders = dict.fromkeys(chain(*used))
        return (
            f"0 is the mean score of the untrained policy, {one_text}; from "
            f"{' and '.join(folders)}, held fixed"
        )

    @cached_property
    def common_environments(self) -> tuple[str, ...]:
        """The environments with a scale in which every variant with results has some."""
        complete = complete_environments(self.plan, self.values)
        return tuple(name for name in complete if name in self.scale_by_environment)

    def strata(self, environments: Sequence[str]) -> dict[str, list[Floats]]:
        """Variant -> its normalised scores on each environment, for variants that have them all."""
        return strata(self.values, self.scale_by_environment, environments, self.titles)


def _printable(frame: pd.DataFrame) -> pd.DataFrame:
    changed = {}
    for column in ("title", "question", "variant_title", "environment"):
        if column in frame:
            texts = {text: printable(text) for text in frame[column].unique()}
            if any(text != shown for text, shown in texts.items()):
                changed[column] = frame[column].map(texts)
    return frame.assign(**changed) if changed else frame
