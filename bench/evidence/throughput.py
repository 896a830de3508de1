"""Summaries of a measurement session: medians, ratios, and whether they are too noisy to quote."""

from __future__ import annotations

from typing import Final

import pandas as pd

RIVAL: Final = ["kind", "name", "environment", "seeds", "environments"]
"""Columns that identify a rival."""

NOISY_SPREAD: Final = 1.15
"""Fastest round over slowest: beyond it, no figure of the rival should be quoted."""
NOISY_CPU_SHARE: Final = 0.9
"""Processor time over wall time: below it, another process used the core."""


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per rival, in the order in which they were first measured.

    Args:
        rows: of one session, as `bench.store.schema.THROUGHPUT` describes them.

    Returns:
        the columns of `RIVAL`, and: steps_per_second, its low and high (median, least and most
        over the rounds of the sum over the cores); ratio, ratio_low, ratio_high to the bare loop of
        the same environment, environments and round (NaN without one); physics, acting, update,
        rest (mean shares of the wall time, NaN for a loop or a peer); memory [MiB per process];
        cpu_share (the least over rounds and cores); rounds, cores; noisy.
    """
    rated = rows.assign(rate=rows["steps"] / rows["seconds"])
    means = dict.fromkeys(("physics", "acting", "update", "memory"), "mean")
    over_cores = {"rate": "sum", **means, "cpu_share": "min", "cores": "first"}
    rounds = rated.groupby([*RIVAL, "round"], sort=False).agg(over_cores).reset_index()
    keys = ["environment", "environments", "round"]
    bare = rounds.loc[rounds["kind"] == "bare", [*keys, "rate"]]
    rounds = rounds.merge(bare.rename(columns={"rate": "bare"}), on=keys, how="left")
    rounds["ratio"] = (rounds["rate"] / rounds["bare"]).where(rounds["kind"] == "training")
    rounds["rest"] = 1 - rounds["physics"] - rounds["acting"] - rounds["update"]
    summary = (
        rounds.groupby(RIVAL, sort=False)
        .agg(
            steps_per_second=("rate", "median"),
            low=("rate", "min"),
            high=("rate", "max"),
            ratio=("ratio", "median"),
            ratio_low=("ratio", "min"),
            ratio_high=("ratio", "max"),
            **{name: (name, "mean") for name in ("physics", "acting", "update", "rest", "memory")},
            cpu_share=("cpu_share", "min"),
            rounds=("round", "nunique"),
            cores=("cores", "first"),
        )
        .reset_index()
    )
    spread = summary["high"] / summary["low"]
    summary["noisy"] = (spread > NOISY_SPREAD) | (summary["cpu_share"] < NOISY_CPU_SHARE)
    return summary


def peer_ratios(rows: pd.DataFrame, ours: str, seeds: int) -> pd.DataFrame:
    """Ratios of our steps per second to each peer's, over the rounds.

    Args:
        rows: of one session; ours: an algorithm; seeds: number of seeds in its groups.

    Returns:
        one row per peer, environment and number of environments: name, environment, environments,
        times, times_low, times_high (median, least and most over the rounds).
    """
    rated = rows.assign(rate=rows["steps"] / rows["seconds"])
    our_rows = rated.query("kind == 'training' and name == @ours and seeds == @seeds")
    our_rates = our_rows.groupby(["environment", "round"])["rate"].sum().rename("own").reset_index()
    peer_rows = rated[rated["kind"] == "peer"]
    keys = ["name", "environment", "environments"]
    rounds = peer_rows.groupby([*keys, "round"], sort=False)["rate"].sum().reset_index()
    rounds = rounds.merge(our_rates, on=["environment", "round"])
    times = rounds.assign(times=rounds["own"] / rounds["rate"]).groupby(keys, sort=False)["times"]
    return times.agg(times="median", times_low="min", times_high="max").reset_index()
