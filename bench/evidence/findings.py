"""An ablation's findings: the one way from a view to its scores, tests, verdicts and tables."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import pandas as pd

from bench.evidence.letters import Letters, letters
from bench.evidence.measures.alignment import Aligned, align
from bench.evidence.measures.anchors import Anchors, anchors_for
from bench.evidence.measures.cells import control_of
from bench.evidence.measures.normalised import Scale, scales, variant_means
from bench.evidence.measures.planned_seeds import on_planned_seeds
from bench.evidence.measures.reference_kl import has_reference, scores_with_kl
from bench.evidence.measures.scores import score_aligned
from bench.evidence.rivals import Improvement, improvements
from bench.evidence.tables import Table, make_tables
from bench.evidence.verdicts import Verdict, judge_plan
from bench.formatting import count
from bench.store import View

_GOLD = " (gold)"
"""Suffix of an environment's name that makes the gold reward's comparisons cells of their own."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The scores, tests, verdicts and tables of one ablation.

    All tests of a question are one family, wherever they are shown.

    Attributes:
        plan: the store's plan of the ablation.
        scores: the frame of `scores.score_runs`, on the seeds that count.
        with_kl: the frame of `reference_kl.scores_with_kl`; None if no run has a reference.
        rivals: the control against each other variant, where the page is Figure 3's.
        verdicts: on the scores; `golden`: on gold rewards, where some are reported.
        notes: a line for each reference that another one had to replace, for each comparison of
            unlike scores, and for seeds beyond the plan's.
        find_anchors: returns the anchors of normalised scores.
    """

    plan: pd.DataFrame
    scores: pd.DataFrame
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]
    find_anchors: Callable[[], Anchors]
    with_kl: pd.DataFrame | None = None
    golden: tuple[Verdict, ...] = ()
    rivals: tuple[Improvement, ...] = ()

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """One table per environment."""
        return make_tables(self.scores, self.verdicts)

    @property
    def over_all(self) -> tuple[Improvement, ...]:
        """Of the rivals, the comparisons over several environments together."""
        return tuple(row for row in self.rivals if row.over_all)

    @cached_property
    def tested(self) -> tuple[Verdict, ...]:
        """The verdicts of the family that were tested: on scores, on gold rewards, over all."""
        over_all = (row.verdict for row in self.over_all)
        return tuple(
            verdict
            for verdict in (*self.verdicts, *self.golden, *over_all)
            if math.isfinite(verdict.p_value)
        )

    @property
    def family_text(self) -> str:
        """How many comparisons are tested, and what they are besides scores; at least one is."""
        parts = (
            (self.tested[0].further, "over several environments on the normalised scale"),
            (sum(verdict.p_value >= 0 for verdict in self.golden), "on gold rewards"),
        )
        among = "".join(f", {number} of them {what}" for number, what in parts if number)
        return f"{count(len(self.tested), 'comparison')}{among}"

    @cached_property
    def letters(self) -> Letters | None:
        """The compact letter display of all variants; None if there are few variants."""
        control = control_of(self.plan, self.scores)
        scales_for = partial(scales_by_control, self.scores, control)
        return letters(self.plan, self.scores, lambda: scales_for(self.find_anchors()))


def findings(
    view: View,
    *,
    anchors: Anchors | None = None,
    aligned: Aligned | None = None,
    extended: bool = False,
) -> Findings:
    """Compute the findings of an ablation's results.

    The family of tests is: each variant against its reference on each environment; where a gold
    reward is reported, the same on it; where the page is Figure 3's, the control against each rival
    over all environments. The letters are another question, with a family of their own.

    Args:
        view: the results.
        anchors: the anchors of normalised scores; None: those of `anchors_for`.
        aligned: the view's episodes on the plan's seeds, if they are aligned already.
        extended: also count seeds that were added to the plan's after there were results.

    Raises:
        InputError: there are no runs.
    """
    view, seed_notes = on_planned_seeds(view, extended=extended)
    scores = score_aligned(aligned or align(view.runs, view.episodes, view.updates))
    with_kl = None
    if has_reference(view.updates):
        with_kl = scores_with_kl(view.runs, view.episodes, view.updates, scores)
    find_anchors = partial(anchors_for, view.source) if anchors is None else lambda: anchors
    ablation_findings = findings_on_scores(view.plan, scores, find_anchors, with_kl=with_kl)
    return replace(ablation_findings, notes=(*seed_notes, *ablation_findings.notes))


def findings_on_scores(
    plan: pd.DataFrame,
    scores: pd.DataFrame,
    find_anchors: Callable[[], Anchors],
    *,
    with_kl: pd.DataFrame | None = None,
) -> Findings:
    """Compute the findings of scores.

    Args:
        plan: the store's plan of the ablation.
        scores: the frame of `scores.score_runs`.
        find_anchors, with_kl: as in `Findings`.
    """
    golden: tuple[Verdict, ...] = ()
    rivals: tuple[Improvement, ...] = ()
    if with_kl is not None:
        verdicts, golden, notes = judge_with_gold(plan, scores, with_kl)
    else:
        verdicts, notes = judge_plan(plan, scores)
    if with_kl is None and page_of(plan) == "figure_3":
        control = str(plan["control"].iloc[0])
        scale_by_environment = scales_by_control(scores, control, find_anchors())
        verdicts, rivals = improvements(plan, scores, control, scale_by_environment, verdicts)
    return Findings(
        plan=plan,
        scores=scores,
        with_kl=with_kl,
        verdicts=verdicts,
        golden=golden,
        rivals=rivals,
        notes=notes,
        find_anchors=find_anchors,
    )


def page_of(plan: pd.DataFrame) -> str:
    """Return the kind of the ablation's page, one of `ablations.spec.PAGES`.

    Args:
        plan: the store's plan of the ablation.
    """
    pages = (json.loads(text).get("page") for text in plan["metadata"])
    return str(next(filter(None, pages), "curves"))


def scales_by_control(scores: pd.DataFrame, control: str, anchors: Anchors) -> dict[str, Scale]:
    """Environment -> its scale, where 1 is the Experiment's PPO or, without it, the control.

    Args:
        scores: the frame of `scores.score_runs`.
        control: a variant.
        anchors: the anchors of normalised scores.
    """
    ones = {**variant_means(scores, control), **anchors.ppo_means}
    environments = dict.fromkeys(scores["environment"])
    return scales(
        anchors.untrained_means, {name: ones[name] for name in environments if name in ones}
    )


def judge_with_gold(
    plan: pd.DataFrame, scores: pd.DataFrame, with_kl: pd.DataFrame
) -> tuple[tuple[Verdict, ...], tuple[Verdict, ...], tuple[str, ...]]:
    """Judge rewards and gold rewards as one page: Holm's adjustment runs over both together.

    Args:
        plan: the store's plan of the ablation.
        scores: the frame of `scores.score_runs`.
        with_kl: the frame of `scores_with_kl`.

    Returns:
        The verdicts on the scores; those on the gold rewards, none if no run reports them; and the
        notes of `verdicts.judge_plan`.
    """
    gold_rows = with_kl[with_kl["gold"].notna()]
    golden = gold_rows.assign(
        score=gold_rows["gold"], environment=gold_rows["environment"].astype(str) + _GOLD
    )
    combined = pd.concat([scores.assign(environment=scores["environment"].astype(str)), golden])
    verdicts, notes = judge_plan(plan, combined)
    return (
        tuple(verdict for verdict in verdicts if not verdict.environment.endswith(_GOLD)),
        tuple(
            replace(verdict, environment=verdict.environment.removesuffix(_GOLD))
            for verdict in verdicts
            if verdict.environment.endswith(_GOLD)
        ),
        notes,
    )
