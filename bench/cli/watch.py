"""`watch`: a trained policy at play, in a window or as a video."""

from __future__ import annotations

import math
from pathlib import Path
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
from bench.cli.evaluate import EpisodeSeed, episode_limit, load_policy, written_policy
from bench.cli.interruption import interruptible
from bench.cli.options import ResultsOption
from bench.errors import InputError
from bench.formatting import count
from bench.plan.back_ends import SEQUENCE
from bench.terminal.console import shown

if TYPE_CHECKING:
    import numpy as np

    from bench.policies.saved_policy import SavedPolicy

CUT = "--steps N cuts them after N steps"


def watch(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN", help="A run's id, or how it begins.", show_default="the first"
        ),
    ] = None,
    ablation: OnlyAblation = None,
    variants: OnlyVariants = None,
    environments: OnlyEnvironments = None,
    seeds: OnlySeeds = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="A .mp4 or .gif file.", show_default="a window"),
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", min=1, help="One after the other.")] = 1,
    sampled: Annotated[
        bool, typer.Option("--sampled", help="Samples of the policy, as in training; not its mode.")
    ] = False,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Most steps of an episode.")
    ] = None,
    seed: EpisodeSeed = None,
    modules: Imports = None,
    results: ResultsOption = None,
) -> None:
    """Watch a saved policy play, in a window or as a video; read what it writes."""
    from bench.policies import offscreen_rendering
    from bench.policies.video import RATES

    if output is not None and output.suffix.lower() not in RATES:
        allowed = " or ".join(RATES)
        raise InputError(f"cannot write {str(output)!r}: its name must end in {allowed}")
    store, chosen = policies(
        results, [run] if run else None, ablation, variants, environments, seeds, modules
    )
    row = next(chosen.itertuples())
    tokens = row.back_end == SEQUENCE.name
    if tokens and output is not None:
        raise InputError(f"{row.environment} is read, not seen: leave out --output")
    if not tokens and output is None and (lack := offscreen_rendering.no_window_because()):
        raise InputError(f"{lack}; write a video with --output")
    if reason := not_played_because(row):
        raise InputError(f"{row.run}: {reason}")
    told = f"{row.algorithm} in {row.environment}, seed {row.seed}, {row.steps:,} steps"
    if tokens:
        parameters = written_policy(store, row)
        print(f"{row.run}: {told}")
        _read(parameters, row.environment, episodes, sampled, seed)
        return
    limit = described(row).time_limit if steps else episode_limit(row, None, CUT)
    policy = load_policy(store, row)
    print(f"{row.run}: {told}")
    with interruptible("Interrupted. No video was written."):
        _show(policy, row.environment, limit, output, episodes, sampled, steps or math.inf, seed)
    for problem in store.problems:
        print(problem)


def _read(
    policy: np.ndarray, environment: str, episodes: int, sampled: bool, seed: int | None
) -> None:
    from bench.policies.evaluation import SEED
    from bench.policies.written_answers import as_words, worth, written

    used = SEED if seed is None else seed
    found = written(environment, policy, episodes, sampled=sampled, seed=used)
    rewards = worth(environment, found).returns
    for words, reward in zip(as_words(environment, found), rewards, strict=True):
        print(f"{words}  ({reward:,.1f})")


def _show(
    policy: SavedPolicy,
    environment: str,
    time_limit: int | None,
    output: Path | None,
    episodes: int,
    sampled: bool,
    steps: float,
    seed: int | None,
) -> None:
    from bench.policies.evaluation import SEED
    from bench.policies.playback import Stage
    from bench.policies.video import Video

    stage = Stage(environment, "human" if output is None else "rgb_array", time_limit)
    video = None if output is None else Video(output, stage.rate)
    try:
        for episode in range(episodes):
            for moment in stage.play(
                policy,
                episode=episode,
                sampled=sampled,
                every=video.every if video else 1,
                steps=steps,
                seed=SEED if seed is None else seed,
            ):
                if video is not None and moment.picture is not None:
                    video.add(moment.picture)
            print(
                f"Episode {episode + 1}: return {moment.earned:,.1f} in "
                f"{count(moment.steps, 'step')}"
            )
        if video is not None:
            video.save()
            print(f"{shown(video.path)}: {video.seconds:.1f} s at {video.rate:g} pictures a second")
    finally:
        stage.close()
        if video is not None:
            video.close()
