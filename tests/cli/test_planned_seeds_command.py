"""The plan fixes n: what a request changes of it, and what it doesn't."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.store import Store, load

OWN = """
from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="own",
    title="Own",
    question="What is n?",
    environments=("InvertedPendulum-v5",),
    variants=(Variant(name="none", algorithm="vanilla_policy_gradient"),),
    control="none",
    steps=64,
    seeds=tuple(range(10)),
)
"""


@pytest.fixture
def train_seeds(tmp_path: Path) -> Callable[[str], tuple[list[int], int]]:
    """Asks for seeds, and gives the plan's and the number of stored runs."""
    file = tmp_path / "own.py"
    file.write_text(OWN)
    results = tmp_path / "results"

    def train(seeds: str) -> tuple[list[int], int]:
        options = ["--seeds", seeds, "--workers", "1", "--results", str(results)]
        assert main(["run", "--ablation", str(file), *options]) == 0
        store = Store(results)
        (text,) = store.plans()["metadata"].to_pylist()
        return json.loads(text)["seeds"], len(store.runs())

    return train


def test_seeds_after_a_look_are_none_of_the_plan_s(
    train_seeds: Callable[[str], tuple[list[int], int]], capsys: pytest.CaptureFixture[str]
) -> None:
    ten = list(range(10))
    # A part of the ablation is asked for: n is the ablation's.
    assert train_seeds("0-4") == (ten, 5)
    assert train_seeds("5-9") == (ten, 10)
    capsys.readouterr()
    assert train_seeds("0-15") == (ten, 16)
    assert "Seeds 10-15 are beyond the plan's 0-9 and not" in capsys.readouterr().out


def test_parts_of_a_held_out_ablation_stay_planned(tmp_path: Path) -> None:
    """A later part would else hide the earlier one's results and release its seeds to others."""
    file, results = tmp_path / "own.py", tmp_path / "results"
    own = OWN.replace('    control="none"', '    held_out=True,\n    control="none"')
    more = 'Variant(name="mean", algorithm="baseline"),)'
    file.write_text(own.replace(",),\n    held", f", {more},\n    held"))
    for part in (["none", "--seeds", "0-1"], ["mean", "--seeds", "2"]):
        options = ["--workers", "1", "--results", str(results), "--variant", *part]
        assert main(["run", "--ablation", str(file), *options]) == 0
    store = Store(results)
    plan = store.plans().to_pylist()
    assert [row["variant"] for row in plan] == ["none", "mean"]
    assert [json.loads(row["metadata"])["held_out"] for row in plan] == [[*range(10)]] * 2
    runs = load("own", results).runs
    assert [*zip(runs["variant"], runs["seed"], strict=True)] == [
        ("none", 0),
        ("none", 1),
        ("mean", 2),
    ]


def test_more_seeds_asked_for_at_first_are_the_plan_s(
    train_seeds: Callable[[str], tuple[list[int], int]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_seeds("0-11") == (list(range(12)), 12)
    assert train_seeds("0-9")[0] == list(range(12))
    assert "beyond the plan" not in capsys.readouterr().out


def test_n_may_grow_as_long_as_nothing_can_be_tested(
    train_seeds: Callable[[str], tuple[list[int], int]],
) -> None:
    assert train_seeds("0-4") == (list(range(10)), 5)
    assert train_seeds("0-11") == (list(range(12)), 12)
    assert train_seeds("0-13")[0] == list(range(12))
