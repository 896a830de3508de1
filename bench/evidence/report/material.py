"""An ablation's results with their statistics: computed once, for every table and figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from bench.evidence.alignment import Floats
from bench.evidence.cells import (
    Cell,
    by_seed,
    cell_values,
    complete_environments,
    paired_differences,
    titles,
)
from bench.evidence.normalised import Scale, scales, untrained_values
from bench.evidence.report.glyphs import printable
from bench.evidence.scores import score_runs
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
    return Anchors(
        untrained=untrained_values(untrained),
        ones={where: float(own.mean()) for (where, name), own in values.items() if name == PPO},
        source=source,
    )


@dataclass(frozen=True, kw_only=True)
class Material:
    """One ablation's results, every text in them printable in the document's fonts."""

    view: View
    source: str  # where the results lie, as the reader would write it
    anchors: Anchors
    remarks: tuple[str, ...] = ()  # what the reader must be warned of: other code, lost files

    @cached_property
    def plan(self) -> pd.DataFrame:
        return _printable(self.view.plan)

    @cached_property
    def runs(self) -> pd.DataFrame:
        return _printable(self.view.runs)

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
    def scores(self) -> pd.DataFrame:
        return score_runs(self.runs, self.view.episodes, self.view.updates)

    @cached_property
    def values(self) -> dict[Cell, Floats]:
        return cell_values(self.scores)

    @cached_property
    def judged(self) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
        return judge_plan(self.plan, self.scores)

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
    shown = frame.copy()
    for column in ("title", "question", "variant_title", "environment"):
        if column in shown:
            shown[column] = [printable(text) for text in shown[column]]
    return shown
