"""`evaluate`: what trained policies earn in new episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.choosing import (
    OnlyAblation,
    OnlyEnvironments,
    OnlySeeds,
    OnlyVariants,
    described,
    policies,
)
from bench.cli.options import ResultsOption
from bench.cli.words import count, shown, wide_console
from bench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from bench.store import Store
    from bench.train.evaluation import Played
    from bench.train.saved_policy import SavedPolicy

MODES = {"deterministic": False, "sampled": True}
EpisodeSeed = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Of the episodes.", show_default="one of its own"),
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
    results: ResultsOption = None,
) -> None:
    """Let saved policies play new episodes, with their modes and with samples of them."""
    store, chosen = policies(results, runs, ablation, variants, environments, seeds)

    from rich.table import Table

    from bench.train.evaluation import SEED, evaluate

    console = wide_console()
    columns = ("run", "algorithm", "environment", "seed", "actions", "mean", "deviation")
    table = Table(*columns, "smallest", "largest", "steps", "in training", box=None)
    notes: dict[str, None] = {}
    for run in chosen.itertuples():
        policy = load_policy(store, run)
        modes = dict(MODES)
        if policy.chooses:
            del modes["sampled"]
            notes[
                f"{run.algorithm} chose its actions in training by other means than sampling."
            ] = None
        trained = _last(store, run.run)
        for name, sampled in modes.items():
            with console.status(f"{run.run}, {name}"):
                played = evaluate(
                    policy,
                    run.environment,
                    episodes=episodes,
                    sampled=sampled,
                    seed=SEED if seed is None else seed,
                )
            place = (run.run, run.algorithm, run.environment, str(run.seed), name)
            table.add_row(*place, *_numbers(played), trained)
    console.print(table)
    print(
        f"{count(len(chosen), 'run')} of {shown(store.path)}, {count(episodes, 'new episode')} "
        "each way, the same for all. Mean: of the raw returns; deviation: their standard "
        "deviation; steps: mean length; in training: mean return of the last 100 episodes."
    )
    for note in notes:
        print(note)
    for problem in store.problems:
        print(problem)


def load_policy(store: Store, run: pd.Series) -> SavedPolicy:
    """The saved policy of a stored run; InputError where it is torn or can't act."""
    import safetensors

    from bench.train.environments import describe
    from bench.train.saved_policy import saved_policy

    try:
        arrays = store.policy(run.run)
    except (safetensors.SafetensorError, OSError) as error:
        raise InputError(f"{store.policy_path(run.run)} can't be read: {error}") from error
    return saved_policy(described(run), arrays, describe(run.environment))


def _numbers(played: Played) -> tuple[str, ...]:
    from bench.evidence.verdicts import return_text

    returns = played.returns
    values = (returns.mean(), returns.std(ddof=1) if len(returns) > 1 else float("nan"))
    texts = map(return_text, (*values, returns.min(), returns.max()))
    return (*texts, f"{played.lengths.mean():,.0f}")


def _last(store: Store, run: str) -> str:
    from bench.evidence.scores import LAST_EPISODES
    from bench.evidence.verdicts import return_text

    returns = store.episodes([run])["return"].tail(LAST_EPISODES)
    return return_text(float(returns.mean()))
