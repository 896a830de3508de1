"""`evaluate`: what trained policies earn in new episodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.choosing import (
    Imports,
    OnlyAblation,
    OnlyEnvironments,
    OnlySeeds,
    OnlyVariants,
    description_of,
    not_played_because,
    policies,
)
from bench.cli.json_output import JsonOption, answering
from bench.cli.options import PlayedTimeLimitOption, ResultsOption
from bench.cli.text_tables import print_table
from bench.errors import InputError
from bench.formatting import count
from bench.kinds import ACTIONS
from bench.plan.back_ends import SEQUENCE
from bench.plan.parsing import LARGEST_SEED
from bench.requests.plan_request import specification
from bench.terminal.console import shown, wide_console

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from rich.console import Console

    from bench.policies.evaluation import PlayedEpisodes
    from bench.policies.saved_policy import SavedPolicy
    from bench.store import Store

MODES = dict(zip(ACTIONS, (False, True), strict=True))
HEADER = ("variant", "seed", "run", *MODES, "steps", "in training")
ALIGNMENT = ("left", "right", "left", "right", "right", "right", "right")
EpisodeSeed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        max=LARGEST_SEED,
        help="Seed of the new episodes.",
        show_default="one that training never uses",
    ),
]


def evaluate(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Run ids, or their beginnings.", show_default="all"),
    ] = None,
    ablation: OnlyAblation = None,
    variants: OnlyVariants = None,
    environments: OnlyEnvironments = None,
    seeds: OnlySeeds = None,
    episodes: Annotated[
        int,
        typer.Option("--episodes", min=1, help="Number of episodes per policy and way of acting."),
    ] = 20,
    seed: EpisodeSeed = None,
    time_limit: PlayedTimeLimitOption = None,
    modules: Imports = None,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play new episodes with saved policies, by their likeliest actions and by sampled ones."""
    store, chosen = policies(results, runs, ablation, variants, environments, seeds, modules)

    from bench.policies.evaluation import SEED
    from bench.store.evaluations import write_evaluation

    console = wide_console()
    base_seed = SEED if seed is None else seed
    played: dict[str, dict[str, PlayedEpisodes]] = {}
    notes: dict[str, None] = {}
    unplayed: dict[str, str] = {}
    failed = False
    for run in chosen.itertuples():
        if reason := not_played_because(run):
            unplayed[run.run] = reason
            continue
        try:
            with console.status(run.run):
                limit = episode_limit(run, time_limit)
                played[run.run], chooses = _played(store, run, episodes, base_seed, limit)
        except InputError as error:
            unplayed[run.run], failed = str(error), True
            continue
        if chooses:
            notes[
                f"{run.algorithm} chose its actions in training by other means than sampling."
            ] = None
        if not store.read_only:
            write_evaluation(store.path, run.run, _rows(played[run.run], base_seed, limit, run))
    reasons = [f"{run}: {reason}" for run, reason in unplayed.items()]
    if not played:
        raise InputError("; ".join(reasons))
    with answering(as_json) as answer:
        answer.update(_print(console, store, chosen[chosen["run"].isin(played)], played))
        answer.update({run: {"not_played": reason} for run, reason in unplayed.items()})
        print(
            f"{count(len(played), 'run')} of {shown(store.path)}, "
            f"{count(episodes, 'new episode')} each way, the same for all. Returns are raw: their "
            "mean over the episodes ± their standard deviation; steps: mean length; in training: "
            "mean return of the last 100 episodes. Stored: "
            f"{'no, these results are only read' if store.read_only else 'evaluations/'}."
        )
        for note in [*notes, *reasons, *store.problems]:
            print(note)
        if failed:
            raise typer.Exit(1)


def _rows(
    played: Mapping[str, PlayedEpisodes], seed: int, time_limit: int | None, run: pd.Series
) -> list[dict[str, object]]:
    columns = {
        "run": run.run,
        "seed": seed,
        "time_limit": time_limit,
        "trained": run.started,
    }
    return [
        {**columns, "actions": actions, "episode": number, "return": value, "length": length}
        for actions, evaluation in played.items()
        for number, (value, length) in enumerate(
            zip(evaluation.returns.tolist(), evaluation.lengths.tolist(), strict=True)
        )
    ]


def _print(
    console: Console,
    store: Store,
    chosen: pd.DataFrame,
    played: Mapping[str, dict[str, PlayedEpisodes]],
) -> dict[str, object]:
    """Print a table per environment, one row per run; return the numbers for JSON output."""
    answer: dict[str, object] = {}
    for environment, runs in chosen.groupby("environment", sort=False):
        cells = []
        for run in runs.itertuples():
            evaluations = played[run.run]
            steps = next(iter(evaluations.values())).lengths.mean()
            texts = [_text(evaluations[name]) if name in evaluations else "–" for name in MODES]
            cells.append(
                (
                    run.title,
                    str(run.seed),
                    run.run,
                    *texts,
                    f"{steps:,.0f}",
                    _training_return(store, run.run),
                )
            )
            answer[run.run] = {
                "variant": run.title,
                "environment": environment,
                "seed": run.seed,
                **{name: evaluation.returns.tolist() for name, evaluation in evaluations.items()},
            }
        print_table(console, str(environment), HEADER, ALIGNMENT, cells)
    return answer


def _played(
    store: Store, run: pd.Series, episodes: int, seed: int, time_limit: int | None
) -> tuple[dict[str, PlayedEpisodes], bool]:
    """Return mode -> what a run's policy earns, and whether its algorithm chose its actions."""
    play, chooses = player(store, run, episodes, seed, time_limit)
    modes = {"deterministic": False} if chooses else MODES
    return {name: play(sampled) for name, sampled in modes.items()}, chooses


def player(
    store: Store, run: pd.Series, episodes: int, seed: int, time_limit: int | None
) -> tuple[Callable[[bool], PlayedEpisodes], bool]:
    """Return a function that plays a run's policy, and whether its algorithm chose its actions.

    The function takes whether actions are sampled.
    """
    if run.back_end == SEQUENCE.name:
        from bench.policies.written_answers import score_answers, write_answers

        policy = written_policy(store, run)

        def write(sampled: bool) -> PlayedEpisodes:
            answers = write_answers(run.environment, policy, episodes, sampled=sampled, seed=seed)
            return score_answers(run.environment, answers)

        return write, False
    from bench.policies.evaluation import evaluate

    saved = load_policy(store, run)
    return (
        lambda sampled: evaluate(
            saved,
            run.environment,
            episodes=episodes,
            sampled=sampled,
            seed=seed,
            time_limit=time_limit,
        ),
        saved.chooses,
    )


def episode_limit(run: pd.Series, requested: int | None, option: str | None = None) -> int | None:
    """Return the time limit to play a run's policy under; None for the environment's own.

    It is the requested one, else the one of the run's training. `option` says how to set a limit.

    Raises:
        InputError: no limit cuts its episodes off, the environment's own included.
    """
    from bench.plan.time_limits import OPTION, check_can_be_limited, check_ends

    check_can_be_limited(run.environment, run.back_end, requested)
    limit = requested or description_of(run).time_limit
    if limit is None:
        environment_limit = specification(run.environment).time_limit
        reason = "episodes are played to their end"
        check_ends(run.environment, environment_limit, reason, option or OPTION)
    return limit


def load_policy(store: Store, run: pd.Series, *, sampled: bool = False) -> SavedPolicy:
    """Return the saved policy of a stored run, to act by samples or by modes.

    Raises:
        InputError: it is torn or can't act, or its training never sampled from it.
    """
    from bench.policies.saved_policy import saved_policy

    arrays, environment = _arrays(store, run), specification(run.environment)
    policy = saved_policy(description_of(run), arrays, environment)
    if sampled and policy.chooses:
        raise InputError(
            f"{run.run}: {run.algorithm} chose its actions in training by other means than "
            "sampling: leave out --sampled"
        )
    return policy


def written_policy(store: Store, run: pd.Series) -> np.ndarray:
    """Return the saved parameters of a stored run on a token environment; InputError if torn."""
    from bench.policies.written_answers import saved_parameters

    policy = f"the saved policy of {run.algorithm}"
    return saved_parameters(_arrays(store, run), policy, run.environment)


def _arrays(store: Store, run: pd.Series) -> dict[str, np.ndarray]:
    try:
        return store.policy(run.run)
    except OSError as error:
        raise InputError(f"{store.policy_path(run.run)} can't be read: {error}") from error


def _text(played: PlayedEpisodes) -> str:
    from bench.evidence.verdicts import return_text

    returns = played.returns
    deviation = returns.std(ddof=1) if len(returns) > 1 else float("nan")
    return f"{return_text(float(returns.mean()))} ± {return_text(float(deviation))}"


def _training_return(store: Store, run: str) -> str:
    from bench.evidence.measures.scores import LAST_EPISODES
    from bench.evidence.verdicts import return_text

    returns = store.episodes([run])["return"].tail(LAST_EPISODES)
    return return_text(float(returns.mean()))
