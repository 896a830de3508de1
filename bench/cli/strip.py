"""What `watch` writes as a .png, .pdf or .svg file: a row of pictures per policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.choosing import description_of, not_played_because
from bench.cli.evaluate import load_policy
from bench.errors import InputError
from bench.formatting import count
from bench.plan.back_ends import SEQUENCE
from bench.terminal.console import shown

if TYPE_CHECKING:
    import pandas as pd

    from bench.evidence.figures.strip import Row
    from bench.policies.playback import Moment
    from bench.store import Store

STEPS = 100
"""Default number of steps after which an episode is cut off."""


def write_strip(
    store: Store, chosen: pd.DataFrame, output: Path, *, sampled: bool, steps: int, seed: int
) -> None:
    """Let every chosen policy play the same episode and draw all of them into one file.

    Args:
        store, chosen: the store, and the rows of its runs, in one environment.
        output: the file.
        sampled: whether actions are samples of π_θ; else its modes.
        steps: length at which the episode is cut off [environment steps].
        seed: seed of the episode.

    Raises:
        InputError: the runs are of several environments or of a token environment, or a policy
            can't be played or shown.
    """
    from bench.evidence.figures.output import save
    from bench.evidence.figures.strip import MOMENTS, draw
    from bench.policies.playback import Stage

    environment, *others = chosen["environment"].unique()
    if others:
        raise InputError("a strip shows one environment; choose it with --env")
    if (chosen["back_end"] == SEQUENCE.name).any():
        raise InputError(f"{environment} is read, not seen: leave out --output")
    every = max(1, round(steps / (MOMENTS - 1)))
    rows = []
    for run in chosen.itertuples():
        if reason := not_played_because(run):
            raise InputError(f"{run.run}: {reason}")
        stage = Stage(environment, "rgb_array", description_of(run).time_limit)
        label = run.title if chosen["seed"].nunique() == 1 else f"{run.title}, seed {run.seed}"
        try:
            policy = load_policy(store, run, sampled=sampled)
            moments = stage.play(
                policy, episode=0, sampled=sampled, every=every, steps=steps, seed=seed
            )
            rows.append(_row(list(moments), label))
        finally:
            stage.close()
        print(rows[-1].label)
    save(draw(rows, [index * every / stage.rate for index in range(MOMENTS)]), output)
    print(f"{shown(output)}: {count(MOMENTS, 'picture')} per policy, {count(every, 'step')} apart")


def _row(moments: Sequence[Moment], label: str) -> Row:
    from bench.evidence.figures.strip import MOMENTS, Row

    end = moments[-1]
    earned = f"{end.earned:,.1f}".replace("-", "−")
    pictures = [moment.picture for moment in moments if moment.picture is not None]
    return Row(
        label=f"{label}: return {earned} in {count(end.steps, 'step')}",
        # Where the spacing is rounded down, one more may be due before the end.
        pictures=pictures[:MOMENTS],
    )
