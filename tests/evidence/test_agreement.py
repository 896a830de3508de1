"""Whether a run trained again agrees with the stored one: the cases, and the rule's error rate."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bench.evidence.agreement import ALPHA, agree, predict, summary_lines
from bench.store import SCHEMAS

VERSIONS = {"torch": "2.13.0+cpu", "numpy": "2.4.6", "mujoco": "4.0.0", "envpool": "1.2.5"}
MACHINE = {"processor": "P", "cores": 2, "blas": "B, K", "llvm": "l"}
NORMAL = tuple(float(score) for score in (90, 94, 96, 98, 99, 101, 102, 104, 106, 110))


def tables(
    scores: Mapping[str, float], *, changes: Mapping[str, object] | None = None
) -> dict[str, pa.Table]:
    """A run a score, of one description: every episode has the score as its return."""
    rows, episodes = [], []
    for seed, (run, score) in enumerate(sorted(scores.items())):
        row: dict[str, Any] = dict.fromkeys(SCHEMAS["runs"].names)
        number_columns = ("budget", "steps", "episodes", "updates", "group_size", "threads")
        row |= {
            name: "x"
            for name, kind in zip(row, SCHEMAS["runs"].types, strict=True)
            if kind == pa.string()
        }
        row |= dict.fromkeys(number_columns, 1000) | {"run": run, "seed": seed, "seconds": 1.0}
        row |= {"status": "finished", "reason": None, "commit": None, "started": 0}
        row |= {"device": "cpu", "back_end": "envpool", "digest": "c0de", "environment": "E-v0"}
        row |= {"machine": json.dumps(MACHINE), "adopted": None, "rounding": None}
        rows.append(row | {"versions": json.dumps(VERSIONS)} | dict(changes or {}))
        if not math.isnan(score):
            for step in (500, 1000):
                values = {"step": step, "return": score, "length": 500, "seconds": 1.0}
                episodes.append({"run": run, **values})
    return {
        "runs": pa.Table.from_pylist(rows, schema=SCHEMAS["runs"]),
        "episodes": pa.Table.from_pylist(episodes, schema=SCHEMAS["episodes"]),
        "updates": SCHEMAS["updates"].empty_table(),
    }


def stored(scores: Sequence[float] = NORMAL) -> dict[str, pa.Table]:
    return tables({f"r{place:02}": score for place, score in enumerate(scores)})


def retrained(score: float, **changes: object) -> dict[str, pa.Table]:
    return tables({"r00": score}, changes=changes)


def test_equal_runs_are_equal_bit_for_bit() -> None:
    agreement = agree(stored(), retrained(NORMAL[0], seconds=7.0, commit="c0ffee", group_size=3))[
        "r00"
    ]
    assert (agreement.outcome, agreement.holds) == ("equal", True)
    assert agreement.sentence == "bit for bit"


def test_other_bits_where_equal_ones_are_expected_break_it() -> None:
    agreement = agree(stored(), retrained(np.nextafter(NORMAL[0], 0)))["r00"]
    assert (agreement.outcome, agreement.holds) == ("broken", False)
    assert agreement.sentence == (
        "NOT bit for bit, though processor, versions and code are the same: "
        "episodes, row 0, return: 90.0 stored, 89.99999999999999 trained again"
    )
    assert agreement.prediction is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"machine": json.dumps(MACHINE | {"processor": "Q"})}, "processor P stored, Q here"),
        ({"machine": json.dumps(MACHINE | {"model": "M"})}, "processor P stored, P (M)"),
        ({"versions": json.dumps(VERSIONS | {"torch": "2.11.0"})}, "torch 2.13.0+cpu stored, 2.1"),
        ({"versions": json.dumps(VERSIONS | {"numpy": "2"})}, "numpy 2.4.6 stored, 2 here"),
        ({"versions": json.dumps(VERSIONS | {"mujoco": "3"})}, "mujoco 4.0.0 stored, 3 here"),
        ({"versions": json.dumps(VERSIONS | {"envpool": "1"})}, "envpool 1.2.5 stored, 1 here"),
        ({"digest": "0ther"}, "code c0de stored, 0ther here"),
        ({"machine": json.dumps(MACHINE | {"blas": "B, L"})}, "blas B, K stored, B, L here"),
        ({"machine": json.dumps(MACHINE | {"llvm": "m"})}, "llvm l stored, m here"),
    ],
)
def test_in_other_surroundings_the_score_is_compared(
    changes: dict[str, object], reason: str
) -> None:
    inside = agree(stored(), retrained(95.0, **changes))["r00"]
    assert (inside.outcome, inside.holds) == ("inside", True)
    assert inside.sentence.startswith(f"bits may differ ({reason}")
    assert "score 95.0, inside the 99% prediction 79.9 to 120 of n = 10 stored" in inside.sentence
    outside = agree(stored(), retrained(79.0, **changes))["r00"]
    assert (outside.outcome, outside.holds) == ("outside", False)
    assert "score 79.0, OUTSIDE the 99% prediction 79.9 to 120" in outside.sentence
    equal = agree(stored(), retrained(NORMAL[0], **changes))["r00"]
    assert (equal.outcome, equal.holds) == ("equal", True)
    assert equal.sentence.startswith(f"bit for bit, although {reason}")


def test_on_a_gpu_bits_are_not_expected() -> None:
    stored_tables = stored()
    devices = pa.array(["cuda"] * len(NORMAL))
    place = SCHEMAS["runs"].names.index("device")
    stored_tables["runs"] = stored_tables["runs"].set_column(
        place, SCHEMAS["runs"].field("device"), devices
    )
    agreement = agree(stored_tables, retrained(95.0, device="cuda"))["r00"]
    assert agreement.outcome == "inside"
    assert agreement.surroundings == ("on cuda bits are not promised",)


@pytest.mark.parametrize(
    ("scores", "score", "message"),
    [
        (NORMAL[:9], 1e9, "nothing can be concluded from n = 9 stored seeds (< 10)"),
        ((*NORMAL[:9], math.nan), 1e9, "nothing can be concluded from n = 9 stored seeds (< 10)"),
        (NORMAL[:1], 1e9, "nothing can be concluded from n = 1 stored seeds (< 10)"),
        ((500.0,) * 10, 499.0, "nothing can be concluded from n = 10 stored seeds that all score"),
        (NORMAL, math.nan, "no episode ended, so nothing can be concluded"),
    ],
)
def test_what_does_not_suffice_leaves_it_open(
    scores: tuple[float, ...], score: float, message: str
) -> None:
    agreement = agree(stored(scores), retrained(score, digest="0ther"))["r00"]
    assert (agreement.outcome, agreement.holds) == ("open", True)
    assert message in agreement.sentence


def test_seeds_of_other_code_do_not_predict() -> None:
    stored_tables = stored()
    digests = pa.array(["c0de"] * 9 + ["0lder"])
    place = SCHEMAS["runs"].names.index("digest")
    stored_tables["runs"] = stored_tables["runs"].set_column(
        place, SCHEMAS["runs"].field("digest"), digests
    )
    agreement = agree(stored_tables, retrained(95.0, digest="0ther"))["r00"]
    assert agreement.prediction is not None
    assert agreement.prediction.seeds == 9


def test_the_chance_of_error_is_shared_by_all_that_are_compared() -> None:
    scores = {f"r{place:02}": 95.0 for place in range(3)}
    agreements = agree(stored(), tables(scores, changes={"digest": "0ther"}))
    levels = {
        agreement.prediction.level for agreement in agreements.values() if agreement.prediction
    }
    assert levels == {1 - ALPHA / 3}
    (first, *_), (single,) = (
        agreements.values(),
        agree(stored(), retrained(95.0, digest="0ther")).values(),
    )
    assert first.prediction is not None and single.prediction is not None
    assert first.prediction.low < single.prediction.low
    assert next(summary_lines(agreements)) == "3 inside the prediction"
    assert "assumes that scores are normally distributed" in list(summary_lines(agreements))[1]
    assert list(summary_lines(agree(stored(), retrained(NORMAL[0])))) == ["1 bit for bit"]


def test_the_interval_is_that_of_the_t_distribution() -> None:
    prediction = predict(NORMAL, level=0.99)
    # Table of Student's t: 3.250 at 9 degrees of freedom, 0.995.
    half_width = 3.250 * float(np.std(NORMAL, ddof=1)) * math.sqrt(1.1)
    assert (prediction.low, prediction.high) == pytest.approx(
        (100 - half_width, 100 + half_width), rel=1e-3
    )
    assert math.isnan(predict([1.0, math.nan], level=0.99).low)


@pytest.mark.parametrize("n", [10, 30])
def test_a_further_normal_score_lies_inside_as_often_as_is_said(n: int) -> None:
    generator = np.random.default_rng(n)
    repetitions, level = 4000, 0.9
    inside = 0
    for _ in range(repetitions):
        *scores, next_score = generator.normal(5.0, 3.0, n + 1)
        prediction = predict(scores, level=level)
        inside += prediction.low <= next_score <= prediction.high
    # Four standard errors.
    assert abs(inside / repetitions - level) < 4 * math.sqrt(level * (1 - level) / repetitions)
