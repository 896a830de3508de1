"""Medians, ratios and warnings from rows whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.evidence.throughput import peer_ratios, summarise


def row(
    kind: str, name: str, round_number: int, core: int, steps: int, **changes: Any
) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": name,
        "environment": "Hopper-v5",
        "seeds": 10 if kind == "training" else 0,
        "environments": 80,
        "round": round_number,
        "core": core,
        "cores": 2,
        "steps": steps,
        "seconds": 2.0,
        "cpu_share": 1.0,
        "physics": 0.5 if kind == "training" else np.nan,
        "acting": 0.1 if kind == "training" else np.nan,
        "update": 0.3 if kind == "training" else np.nan,
        "memory": 100.0,
        **changes,
    }


@pytest.fixture
def rows() -> pd.DataFrame:
    measurements = []
    for round_number, (bare, ours, theirs) in enumerate(
        [(1000, 500, 50), (1040, 546, 52), (960, 456, 40)]
    ):
        for core in range(2):
            measurements += [
                row("bare", "bare", round_number, core, bare),
                row("training", "clipped_ppo", round_number, core, ours),
                row("peer", "slow", round_number, core, theirs, environments=1),
            ]
    return pd.DataFrame(measurements)


def test_rates_add_up_over_cores_and_ratios_are_within_a_round(rows: pd.DataFrame) -> None:
    summary = summarise(rows).set_index("name")
    assert list(summary.index) == ["bare", "clipped_ppo", "slow"]
    ours = summary.loc["clipped_ppo"]
    # Two cores, each so many steps in two seconds.
    assert (ours.low, ours.steps_per_second, ours.high) == (456, 500, 546)
    np.testing.assert_allclose(
        [ours.ratio_low, ours.ratio, ours.ratio_high], [0.475, 0.5, 0.525], rtol=1e-12
    )
    assert ours["rest"] == pytest.approx(0.1)
    assert (ours["rounds"], ours["cores"], ours["memory"]) == (3, 2, 100)
    assert summary["ratio"].isna().tolist() == [True, False, True]


def test_without_a_bare_loop_of_as_many_environments_there_is_no_ratio(rows: pd.DataFrame) -> None:
    rows.loc[rows["kind"] == "bare", "environments"] = 8
    assert summarise(rows)["ratio"].isna().all()


def test_what_spreads_or_shared_its_core_is_noisy(rows: pd.DataFrame) -> None:
    # 456 to 546 is a spread of 20%; 960 to 1040 is one of 8%.
    assert summarise(rows).set_index("name")["noisy"].to_dict() == {
        "bare": False,
        "clipped_ppo": True,
        "slow": True,
    }
    rows.loc[3, "cpu_share"] = 0.5
    assert bool(summarise(rows).set_index("name")["noisy"]["bare"])


def test_how_many_times_a_peer(rows: pd.DataFrame) -> None:
    (peer,) = peer_ratios(rows, "clipped_ppo", 10).itertuples()
    assert (peer.name, peer.environments) == ("slow", 1)
    np.testing.assert_allclose(
        [peer.times_low, peer.times, peer.times_high], [10.0, 10.5, 11.4], rtol=1e-12
    )
    assert peer_ratios(rows, "clipped_ppo", 5).empty
