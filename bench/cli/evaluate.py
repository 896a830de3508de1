"""`evaluate`: what trained policies earn in new episodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.choosing import (
    Imports,
    OnlyAblation,
    OnlyEnvironments,
    OnlySeeds,
    OnlyVariants,
    described,
    not_played_because,
    policies,
)
from bench.cli.options import ResultsOption, TimeLimitOption, specification
from bench.cli.words import shown, wide_console
from bench.errors import InputError
from bench.formatting import count
from bench.plan.back_ends import SEQUENCE
from bench.plan.parsing import LARGEST_SEED

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from bench.policies.evaluation import Played
    from bench.policies.saved_policy import SavedPolicy
    from bench.store import Store

MODES = {"deterministic": False, "sampled": True}
EpisodeSeed = Annotated[
    int | None,
    typer.Option(
        "--seed", min=0, max=LARGEST_SEED, help="Of the episodes.", show_default="one of its own"
    ),
]


def evaluate(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Ids of runs, or how they begin.", show_default="all"),
    ] = None,
    ablation: OnlyAblation = None,
    variants: OnlyVariants = None,
    environments: OnlyEnvironments = None,
    seeds: OnlySeeds = None,
    episodes: Annotated[
        int, typer.Option("--episodes", min=1, help="Episodes of each policy, each way.")
    ] = 20,
    seed: EpisodeSeed = None,
    time_limit: TimeLimitOption = None,
    modules: Imports = None,
    results: ResultsOption = None,
) -> None:
    """Let saved policies play new episodes, with their modes and with samples of them."""
    store, chosen = policies(results, runs, ablation, variants, environments, seeds, modules)

    from rich.table import Table

    from bench.policies.evaluation import SEED

    console = wide_console()
    columns = ("run", "algorithm", "environment", "seed", "actions", "mean", "deviation")
    table = Table(*columns, "smallest", "largest", "steps", "in training", box=None)
    notes: dict[str, None] = {}
    unplayed = []
    for run in chosen.itertuples():
        used = SEED if seed is None else seed
        try:
            with console.status(run.run):
                played, chooses = _played(store, run, episodes, used, time_limit)
        except InputError as error:
            unplayed.append(f"{run.run}: {error}")
            continue
        if chooses:
            notes[
                f"{run.algorithm} chose its actions in training by other means than sampling."
            ] = None
        trained = _last(store, run.run)
        for name, each in played.items():
            place = (run.run, run.algorithm, run.environment, str(run.seed), name)
            table.add_row(*place, *_numbers(each), trained)
    if len(unplayed) == len(chosen):
        raise InputError("; ".join(unplayed))
    console.print(table)
    runs_played = count(len(chosen) - len(unplayed), "run")
    print(
        f"{runs_played} of {shown(store.path)}, {count(episodes, 'new episode')} each way, the "
        "same for all. Mean: of the raw returns; deviation: their standard "
        "deviation; steps: mean length; in training: mean return of the last 100 episodes."
    )
    for note in [*notes, *unplayed]:
        print(note)
    for problem in store.problems:
        print(problem)


def _played(
    store: Store, run: pd.Series, episodes: int, seed: int, time_limit: int | None
) -> tuple[dict[str, Played], bool]:
    """What a stored run's policy earns by mode, and whether it chose its actions in training."""
    if reason := not_played_because(run):
        raise InputError(reason)
    play, chooses = player(store, run, episodes, seed, episode_limit(run, time_limit))
    modes = {"deterministic": False} if chooses else MODES
    return {name: play(sampled) for name, sampled in modes.items()}, chooses


def player(
    store: Store, run: pd.Series, episodes: int, seed: int, time_limit: int | None
) -> tuple[Callable[[bool], Played], bool]:
    """What plays with a stored run's policy, sampled or not, and whether it chose its actions."""
    if run.back_end == SEQUENCE.name:
        from bench.policies.written_answers import worth, written

        policy = written_policy(store, run)

        def write(sampled: bool) -> Played:
            found = written(run.environment, policy, episodes, sampled=sampled, seed=seed)
            return worth(run.environment, found)

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


def episode_limit(run: pd.Series, given: int | None, option: str | None = None) -> int | None:
    """The limit to play a stored run's policy under, where it isn't the environment's own.

    It is the given one, else the one that the run was trained under. `option` says what gives one.

    Raises:
        InputError: none cuts its episodes off, the environment's own included.
    """
    from bench.plan.time_limits import OPTION, check_can_be_limited, check_ends

    check_can_be_limited(run.environment, run.back_end, given)
    limit = given or described(run).time_limit
    if limit is None:
        own = specification(run.environment).time_limit
        why = "episodes are played to their end"
        check_ends(run.environment, own, why, option or OPTION)
    return limit


def load_policy(store: Store, run: pd.Series) -> SavedPolicy:
    """The saved policy of a stored run; InputError where it is torn or can't act."""
    from bench.policies.saved_policy import saved_policy

    return saved_policy(described(run), _arrays(store, run), specification(run.environment))


def written_policy(store: Store, run: pd.Series) -> np.ndarray:
    """The saved parameters of a stored run on a token environment; InputError if torn."""
    from bench.policies.written_answers import saved_parameters

    policy = f"the saved policy of {run.algorithm}"
    return saved_parameters(_arrays(store, run), policy, run.environment)


def _arrays(store: Store, run: pd.Series) -> dict[str, np.ndarray]:
    try:
        return store.policy(run.run)
    except OSError as error:
        raise InputError(f"{store.policy_path(run.run)} can't be read: {error}") from error


def _numbers(played: Played) -> tuple[str, ...]:
    from bench.evidence.verdicts import return_text

    returns = played.returns
    values = (returns.mean(), returns.std(ddof=1) if len(returns) > 1 else float("nan"))
    texts = map(return_text, (*values, returns.min(), returns.max()))
    return (*texts, f"{played.lengths.mean():,.0f}")


def _last(store: Store, run: str) -> str:
    from bench.evidence.measures.scores import LAST_EPISODES
    from bench.evidence.verdicts import return_text

    returns = store.episodes([run])["return"].tail(LAST_EPISODES)
    return return_text(float(returns.mean()))
