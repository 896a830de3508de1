"""The value of a trial: the mean of its normalised scores over environments.

A run's score is that of `bench.evidence.measures.scores`. Returns of different environments become
comparable by a scale: 0 is the untrained policy, 1 the Experiment's clipped PPO after a million
steps, both as published. In a single environment without a scale, the score is the return itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import InputError
from bench.evidence.measures.normalised import Scale, scales
from bench.plan.back_ends import SEQUENCE
from bench.tune.space import KEPT

if TYPE_CHECKING:
    from bench.store import Store
    from bench.tune.request import Request

RETURN = Scale(zero=0.0, one=1.0)
"""Leaves returns as they are."""


def parsed_scales(texts: Sequence[str], environments: Sequence[str]) -> dict[str, Scale]:
    """Return environment -> scale, from texts like "environment=zero:one" [return].

    Raises:
        InputError: a text isn't understood, or is of none of these environments.
    """
    return dict(_parsed_scale(text, environments) for text in texts)


def trial_scales(environments: Sequence[str], user_scales: Mapping[str, Scale]) -> dict[str, Scale]:
    """Return environment -> its scale: the user's, else the published one.

    A single environment that has neither is measured by its return.

    Args:
        environments: the study's environments.
        user_scales: environment -> scale, where the user gives one.

    Raises:
        InputError: there are several environments, one of them without a scale.
    """
    if all(environment in user_scales for environment in environments):
        return {environment: user_scales[environment] for environment in environments}
    available = {**_published(), **user_scales}
    if len(environments) == 1:
        return {environment: available.get(environment, RETURN) for environment in environments}
    missing = [environment for environment in environments if environment not in available]
    if missing:
        raise InputError(
            f"{missing[0]} has no scale on which its returns could be averaged with those of other "
            f"environments: say what counts as 0 and as 1, like --scale {missing[0]}=-200:1500"
        )
    return {environment: available[environment] for environment in environments}


def trial_score(returns: Mapping[str, float], scales: Mapping[str, Scale]) -> float:
    """Return the mean over environments of the normalised mean return; NaN if one is NaN.

    Args:
        returns: environment -> mean over seeds [return].
        scales: environment -> scale.
    """
    return float(
        np.mean([float(scales[environment](value)) for environment, value in returns.items()])
    )


def gold_environments(back_ends: Mapping[str, str]) -> tuple[str, ...]:
    """Return the environments that have a gold reward.

    Args:
        back_ends: environment -> name of its back end.
    """
    from bench.train.answers.tasks import find_task

    tasks = {
        environment: find_task(environment)
        for environment in back_ends
        if back_ends[environment] == SEQUENCE.name
    }
    return tuple(
        environment
        for environment, task in tasks.items()
        if task is not None and task.gold is not None
    )


def scoring_lines(request: Request) -> Iterator[str]:
    """Yield a line per token environment on the score of trials, and one on what isn't searched."""
    token_environments = [
        environment
        for environment, back_end in request.back_ends.items()
        if back_end == SEQUENCE.name
    ]
    for environment in token_environments:
        if environment in request.gold:
            yield f"{environment}: scored by the gold reward, on which nothing is trained."
        else:
            yield (
                f"{environment} has no gold reward: scored by the reward that is trained on, so a "
                "trial that exploits it wins."
            )
    if token_environments and not {dimension.field for dimension in request.space} & set(KEPT):
        names = ", ".join(KEPT)
        yield f"Not searched: {names}, which holds policies back from exploiting their reward."


def mean_score(store: Store, runs: Sequence[str], *, gold: bool = False) -> float:
    """Return the mean score of stored runs of one description; NaN if no episode ended.

    Args:
        gold: whether the score is the gold reward in the last 10% of the steps, not the return.
    """
    from bench.evidence.measures.reference_kl import scores_with_kl
    from bench.evidence.measures.scores import score_runs
    from bench.store import parquet

    committed = store.committed()
    tables = {
        name: parquet.to_frame(table)
        for name, table in store.read(committed[run] for run in runs).items()
    }
    labels = {
        "variant": "trial",
        "variant_title": "trial",
        "variant_order": 0,
        "environment_order": 0,
    }
    frames = {name: table.assign(**labels) for name, table in tables.items()}
    inputs = frames["runs"], frames["episodes"], frames["updates"]
    scores = score_runs(*inputs)
    column = scores_with_kl(*inputs, scores)["gold"] if gold else scores["score"]
    return float(column.mean(skipna=False)) if len(column) == len(runs) else math.nan


def _published() -> dict[str, Scale]:
    """Return the scales that follow from the published results."""
    from bench.evidence.measures.anchors import anchors_for
    from bench.store import PUBLISHED

    anchors = anchors_for(PUBLISHED)
    return scales(anchors.untrained_means, anchors.ppo_means)


def _parsed_scale(text: str, environments: Sequence[str]) -> tuple[str, Scale]:
    environment, equals, numbers = text.rpartition("=")
    zero, colon, one = numbers.partition(":")
    if not (equals and colon) or environment not in environments:
        raise InputError(
            f"scale {text!r} not understood: write it as ENVIRONMENT=ZERO:ONE, of one of "
            f"{', '.join(environments)}"
        )
    try:
        return environment, Scale(zero=float(zero), one=float(one))
    except ValueError:
        raise InputError(
            f"scale {text!r} not understood: its ZERO must be a number below its ONE"
        ) from None
