"""An ablation's results with their statistics: computed once, for every table and figure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from bench.evidence.alignment import Aligned, Floats, align
from bench.evidence.cells import (
    Cell,
    by_seed,
    cell_values,
    complete_environments,
    paired_differences,
    titles,
)
from bench.evidence.curves import Axis, Band, SeedCurves, aggregate, aligned_curves
from bench.evidence.experiment.improvement import Improvement, improvements
from bench.evidence.glyphs import printable
from bench.evidence.normalised import UNTRAINED, Scale, scales, untrained_values
from bench.evidence.scores import score_aligned
from bench.evidence.verdicts import Verdict, judge_plan
from bench.store import View

EXPERIMENT = "experiment"
PPO = "clipped_ppo"
"""The ablation and its variant whose mean is the 1 of normalised scores."""


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """What normalised scores are measured by [return], by environment, and where it lies."""

    untrained: Mapping[str, Floats]  # the untrained policy's scores, one a seed
    ones: Mapping[str, float]
    source: str
    runs: Mapping[str, Mapping[str, str]]  # by environment: what -> the runs it is the mean of

    @property
    def zeros(self) -> dict[str, float]:
        """Their means."""
        return {environment: float(own.mean()) for environment, own in self.untrained.items()}


def anchors(
    untrained: pd.DataFrame | None, experiment: pd.DataFrame | None, source: str
) -> Anchors:
    """The mean scores of the untrained policy and of the Experiment's PPO, where there are any.

    Args:
        untrained: the frame of `scores.score_runs` for the ablation `untrained`.
        experiment: that of the Experiment.
        source: the folder of these results.
    """
    values = {} if experiment is None else cell_values(experiment)
    runs: dict[str, dict[str, str]] = {}
    for scores, chosen in ((untrained, UNTRAINED), (experiment, PPO)):
        if scores is None:
            continue
        there = scores[(scores["variant"] == chosen) & scores["score"].notna()]
        for environment, cell in there.groupby("environment", sort=False):
            runs.setdefault(str(environment), {})[chosen] = run_ids(cell)
    return Anchors(
        untrained=untrained_values(untrained),
        ones={where: float(own.mean()) for (where, name), own in values.items() if name == PPO},
        source=source,
        runs=runs,
    )


def run_ids(runs: pd.DataFrame) -> str:
    """Every run's id behind its seed; its status too where it did not finish."""
    found = runs.drop_duplicates("run").sort_values("seed")
    return "  ".join(
        f"{row.seed}:\u00a0{row.run}" + ("" if row.status == "finished" else f" ({row.status})")
        for row in found.itertuples()
    )


@dataclass(frozen=True, kw_only=True)
class Material:
    """One ablation's results, every text in them printable in the document's fonts."""

    view: View
    source: str  # where the results lie, as the reader would write it
    anchors: Anchors
    remarks: tuple[str, ...] = ()  # what the reader must be warned of: other code, lost files

    def __post_init__(self) -> None:
        view = self.view
        frames = (view.plan, view.runs, view.episodes, view.updates)
        plan, runs, episodes, updates = map(_printable, frames)
        shown = replace(view, plan=plan, runs=runs, episodes=episodes, updates=updates)
        object.__setattr__(self, "view", shown)

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
        """The control that has results; the first variant with results where it has none."""
        named = str(self.plan["control"].iloc[0])
        present = list(dict.fromkeys(self.runs["variant"]))
        return named if named in present or not present else present[0]

    @cached_property
    def titles(self) -> dict[str, str]:
        """Variant -> title, of those with runs."""
        present = set(self.runs["variant"])
        return {name: title for name, title in titles(self.plan).items() if name in present}

    @cached_property
    def aligned(self) -> Aligned:
        return align(self.runs, self.view.episodes, self.view.updates)

    @cached_property
    def scores(self) -> pd.DataFrame:
        return score_aligned(self.aligned)

    @cached_property
    def curves(self) -> dict[Axis, list[tuple[SeedCurves, Band]]]:
        """By axis: the curves that have seeds, with their interquartile means over them."""
        axes: tuple[Axis, ...] = ("steps", "seconds")
        return {
            axis: [
                (cell, aggregate(cell))
                for cell in aligned_curves(self.aligned, x=axis)
                if cell.seeds
            ]
            for axis in axes
        }

    @cached_property
    def values(self) -> dict[Cell, Floats]:
        return cell_values(self.scores)

    @cached_property
    def improvements(self) -> tuple[Improvement, ...]:
        """The Experiment's PPO against its rivals, on each environment and over all of them."""
        if self.name != EXPERIMENT:
            return ()
        named = str(self.plan["control"].iloc[0])
        return improvements(self.plan, self.scores, named, self.scale_by_environment)

    @cached_property
    def judged(self) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
        """Verdicts and what they had to replace; all tests of the chapter are adjusted together."""
        over_all = [row.p_value for row in self.improvements if row.over_all]
        further = [p_value for p_value in over_all if math.isfinite(p_value)]
        return judge_plan(self.plan, self.scores, further=further)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return self.judged[0]

    def differences(self, verdict: Verdict) -> Floats:
        """Variant − reference by common seed [return]."""
        seeds = by_seed(self.scores)
        return paired_differences(
            seeds[verdict.environment, verdict.variant],
            seeds.get((verdict.environment, verdict.reference), {}),
        )

    @cached_property
    def scale_by_environment(self) -> dict[str, Scale]:
        """Scales by the Experiment's PPO; by the control where it has no PPO."""
        found: dict[str, Scale] = {}
        for environment in dict.fromkeys(self.scores["environment"]):
            one = self.anchors.ones.get(environment)
            if one is None and (environment, self.control) in self.values:
                one = float(self.values[environment, self.control].mean())
            if one is not None:
                found |= scales(self.anchors.zeros, {environment: one})
        return found

    @property
    def scale_text(self) -> str:
        """What 0 and 1 of the normalised scores are."""
        own = [name for name in self.scale_by_environment if name not in self.anchors.ones]
        control = self.titles.get(self.control, self.control)
        one = "1 our PPO (Clip) at 1M steps in the Experiment"
        if own and len(own) == len(self.scale_by_environment):
            one = f"1 the control, {control}"
        elif own:
            one += f" (on {', '.join(own)}, where there is none, the control, {control})"
        return (
            f"0 is the mean score of the untrained policy, {one}; both from "
            f"{self.anchors.source} and held fixed"
        )

    @cached_property
    def common_environments(self) -> tuple[str, ...]:
        """Those with a scale, in which every variant with results has some."""
        complete = complete_environments(self.plan, self.values)
        return tuple(name for name in complete if name in self.scale_by_environment)

    def strata(self, variant: str) -> list[Floats]:
        """Its normalised scores, by environment of `common_environments`."""
        return [
            self.scale_by_environment[name](self.values[name, variant])
            for name in self.common_environments
        ]


def _printable(frame: pd.DataFrame) -> pd.DataFrame:
    changed = {}
    for column in ("title", "question", "variant_title", "environment"):
        if column in frame:
            texts = {text: printable(text) for text in frame[column].unique()}
            changed[column] = frame[column].map(texts)
    return frame.assign(**changed)
