"""`watch`: trained policies at play, in a window, as a video or as a strip of pictures."""

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
    description_of,
    not_played_because,
    policies,
)
from bench.cli.evaluate import EpisodeSeed, episode_limit, load_policy, written_policy
from bench.cli.interruption import interruptible
from bench.cli.options import ResultsOption
from bench.cli.output import check_ending
from bench.cli.strip import STEPS, write_strip
from bench.errors import InputError
from bench.formatting import count
from bench.plan.back_ends import SEQUENCE
from bench.terminal.console import shown

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from bench.policies.saved_policy import SavedPolicy
    from bench.store import Store

CUT = "--steps N cuts them after N steps"


def watch(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="The id of a run, or its beginning. A strip shows all runs that are chosen, "
            "a window or a video the first of them.",
            show_default="all",
        ),
    ] = None,
    ablation: OnlyAblation = None,
    variants: OnlyVariants = None,
    environments: OnlyEnvironments = None,
    seeds: OnlySeeds = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="A .mp4 or .gif file for a video; a .png, .pdf or .svg file for a strip of six "
            "pictures per policy.",
            show_default="a window",
        ),
    ] = None,
    episodes: Annotated[
        int, typer.Option("--episodes", min=1, help="Number of episodes to show.")
    ] = 1,
    sampled: Annotated[
        bool,
        typer.Option(
            "--sampled", help="Sample actions, as in training, instead of taking the likeliest."
        ),
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            min=1,
            help="Cut an episode off after this many steps.",
            show_default="its own end; 100 in a strip",
        ),
    ] = None,
    seed: EpisodeSeed = None,
    modules: Imports = None,
    results: ResultsOption = None,
) -> None:
    """Watch saved policies play, in a window, as a video or as a strip; read what they write."""
    from bench.evidence.figures.output import ENDINGS
    from bench.policies.evaluation import SEED
    from bench.policies.video import RATES

    check_ending(output, (*RATES, *ENDINGS), "what a policy does")
    store, chosen = policies(results, runs, ablation, variants, environments, seeds, modules)
    seed = SEED if seed is None else seed
    if output is not None and output.suffix.lower() in ENDINGS:
        if episodes > 1:
            raise InputError("a strip shows one episode: leave out --episodes")
        with interruptible("Interrupted. No strip was written."):
            write_strip(store, chosen, output, sampled=sampled, steps=steps or STEPS, seed=seed)
    else:
        _play(store, next(chosen.itertuples()), output, episodes, sampled, steps, seed)
    for problem in store.problems:
        print(problem)


def _play(
    store: Store,
    row: pd.Series,
    output: Path | None,
    episodes: int,
    sampled: bool,
    steps: int | None,
    seed: int,
) -> None:
    """Show the policy of one run in a window or a video, or print what it writes."""
    from bench.policies import offscreen_rendering

    tokens = row.back_end == SEQUENCE.name
    if tokens and output is not None:
        raise InputError(f"{row.environment} is read, not seen: leave out --output")
    if not tokens and output is None and (obstacle := offscreen_rendering.no_window_because()):
        raise InputError(f"{obstacle}; write a video with --output")
    if reason := not_played_because(row):
        raise InputError(f"{row.run}: {reason}")
    title = f"{row.algorithm} in {row.environment}, seed {row.seed}, {row.steps:,} steps"
    if tokens:
        parameters = written_policy(store, row)
        print(f"{row.run}: {title}")
        _read(parameters, row.environment, episodes, sampled, seed)
        return
    limit = description_of(row).time_limit if steps else episode_limit(row, None, CUT)
    policy = load_policy(store, row, sampled=sampled)
    print(f"{row.run}: {title}")
    with interruptible("Interrupted. No video was written."):
        _show(policy, row.environment, limit, output, episodes, sampled, steps or math.inf, seed)


def _read(policy: np.ndarray, environment: str, episodes: int, sampled: bool, seed: int) -> None:
    from bench.policies.written_answers import as_words, score_answers, write_answers

    answers = write_answers(environment, policy, episodes, sampled=sampled, seed=seed)
    rewards = score_answers(environment, answers).returns
    for words, reward in zip(as_words(environment, answers), rewards, strict=True):
        print(f"{words}  ({reward:,.1f})")


def _show(
    policy: SavedPolicy,
    environment: str,
    time_limit: int | None,
    output: Path | None,
    episodes: int,
    sampled: bool,
    steps: float,
    seed: int,
) -> None:
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
                seed=seed,
            ):
                if video is not None and moment.picture is not None:
                    video.add(moment.picture)
            print(
                f"Episode {episode + 1}: return {moment.earned:,.1f} in "
                f"{count(moment.steps, 'step')}"
            )
        if video is not None:
            video.save()
            print(f"{shown(video.path)}: {video.seconds:.1f} s at {video.rate:g} frames per second")
    finally:
        stage.close()
        if video is not None:
            video.close()
