"""The columns and tags under which programs write steps and returns, and what these returns are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bench.kinds import EPISODES, EVALUATIONS, MEANS, UNSAID


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column, or a tag of event files, that holds returns; names in lower case.

    Attributes:
        returns: the column's name.
        kind: kind of the returns, one of `bench.kinds`.
        producer: the program, in words.
        steps: names of the column of steps, the best first; none: known as a tag only.
        seconds: name of the column of wall time.
    """

    returns: str
    kind: str
    producer: str
    steps: tuple[str, ...] = ()
    seconds: str = ""


# For each program, training comes before evaluations: the first column that a file has is read.
KNOWN: Final = tuple(
    Column(returns=name, kind=kind, producer=producer, steps=steps, seconds=seconds)
    for producer, steps, seconds, returns in (
        ("a table", ("step",), "seconds", {"return": UNSAID}),
        ("TensorBoard's download", ("step",), "wall time", {"value": UNSAID}),
        (
            "Stable-Baselines3",
            ("time/total_timesteps", "time/total timesteps"),
            "time/time_elapsed",
            {"rollout/ep_rew_mean": MEANS, "eval/mean_reward": EVALUATIONS},
        ),
        (
            "CleanRL",
            ("global_step",),
            "",
            {"charts/episodic_return": EPISODES, "eval/episodic_return": EVALUATIONS},
        ),
        (
            "RLlib",
            ("num_env_steps_sampled_lifetime", "num_env_steps_sampled", "timesteps_total"),
            "time_total_s",
            {
                "env_runners/episode_return_mean": MEANS,
                "env_runners/episode_reward_mean": MEANS,
                "sampler_results/episode_reward_mean": MEANS,
                "episode_reward_mean": MEANS,
                "evaluation/env_runners/episode_return_mean": EVALUATIONS,
                "evaluation/env_runners/episode_reward_mean": EVALUATIONS,
                "evaluation/episode_reward_mean": EVALUATIONS,
            },
        ),
        (
            "openai/baselines",
            ("misc/total_timesteps", "total_timesteps", "timestepssofar"),
            "misc/time_elapsed",
            {"eprewmean": MEANS, "ep_reward_mean": MEANS},
        ),
        (
            "Spinning Up",
            ("totalenvinteracts",),
            "time",
            {"averageepret": MEANS, "averagetestepret": EVALUATIONS},
        ),
        (
            "Tianshou",
            (),
            "",
            {
                "train/returns_stat/mean": MEANS,
                "train/reward": MEANS,
                "test/returns_stat/mean": EVALUATIONS,
                "test/reward": EVALUATIONS,
            },
        ),
        ("this suite", (), "", {"episode/return": EPISODES}),
    )
    for name, kind in returns.items()
)
"""One entry per column of returns."""

_BY_NAME: Final = {column.returns: column for column in KNOWN}


def plain(name: str) -> str:
    """Return a name as names are compared: in lower case, without spaces around it."""
    return name.strip().lower()


def known_column(name: str) -> Column | None:
    """Return the known column or tag of this name; Ray calls RLlib's tags ray/tune/NAME."""
    return _BY_NAME.get(plain(name).removeprefix("ray/tune/"))


def kind_of_name(name: str) -> str:
    """Return the kind of returns under a name; an unknown name may say that it is evaluation."""
    column = known_column(name)
    if column is not None:
        return column.kind
    return EVALUATIONS if is_evaluation(name) else UNSAID


def is_evaluation(name: str) -> bool:
    """Whether the name of a file, column or tag says that it is of evaluations."""
    words = set(re.split("[^a-z]+", name.lower()))
    return not words.isdisjoint({"eval", "evaluation", "evaluations", "test"})


def best_tag(tags: Iterable[str]) -> str | None:
    """Return the tag that is known to hold returns; None if there is none."""
    by_name = {plain(tag).removeprefix("ray/tune/"): tag for tag in tags}
    return next((by_name[column.returns] for column in KNOWN if column.returns in by_name), None)
