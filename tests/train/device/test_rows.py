"""Rows of several descriptions in one group: each is what it would be alone, whatever differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.train.device import trainer
from bench.train.device.programs import NOT_BY_ROW, program
from bench.train.device.rows import PerRow
from bench.train.results import RunResult
from tests.train.device.assertions import assert_same
from tests.train.device.row_descriptions import NAMES, described, numbers_of
from tests.train.device.tensor_environments import TensorEnvironments

pytestmark = pytest.mark.warp

OPTIMIZER = {"learning_rate", "learning_rate_decay_steps", "gradient_norm_clip", "adam_epsilon"}
# Algorithm, what it is asked to do, and the numbers that do nothing then.
INERT: dict[str, list[tuple[dict[str, Any], set[str]]]] = {
    "baseline": [
        ({"baseline": "learned"}, {"moving_average_decay"}),
        ({"baseline": "moving_average"}, {"critic_learning_rate"}),
    ],
    "reward_to_go": [
        ({"baseline": "learned"}, {"moving_average_decay"}),
        ({"baseline": "moving_average"}, {"critic_learning_rate"}),
    ],
    "trajectory_importance_sampling": [({"minibatch": 2}, set())],
    "kl_ppo": [({"adaptive": True}, set()), ({"adaptive": False}, {"kl_target"})],
    "a2c": [({}, {"adam_epsilon"})],
    "a2c_trust_region": [({}, {"adam_epsilon"})],
    "cem": [({}, OPTIMIZER)],
    "trpo": [({}, {"learning_rate", "gradient_norm_clip"})],
    "untrained": [({}, OPTIMIZER)],
    "uniform_random": [({}, OPTIMIZER | {"observation_clip"})],
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "WarpEnvironments", TensorEnvironments)


@pytest.mark.parametrize(
    ("algorithm", "choice", "inert"),
    [(name, *case) for name in NAMES for case in INERT.get(name, [({}, set[str]())])],
)
def test_a_row_is_what_it_would_be_alone_whatever_number_differs(
    algorithm: str, choice: dict[str, Any], inert: set[str]
) -> None:
    """Every algorithm and every number that it declares; each number that matters is seen to."""
    base = described(algorithm, **choice)
    names = [name for name in numbers_of(base) if name not in NOT_BY_ROW]
    changed = [
        described(algorithm, **choice, **{name: base.hyperparameters[name] / 4}) for name in names
    ]
    rows = [base, *changed]
    assert len({program(row) for row in rows}) == 1
    base_result, *results = trainer.train(rows, [3] * len(rows))
    assert_same(base_result, trainer.train(base, [3])[0])
    without_effect = set()
    for name, row, result in zip(names, changed, results, strict=True):
        assert_same(result, trainer.train(row, [3])[0], name)
        if same(result, base_result):
            without_effect.add(name)
    assert without_effect == inert
    assert len(base_result.updates["step"]) > 1


def same(first: RunResult, other: RunResult) -> bool:
    try:
        assert_same(first, other)
    except AssertionError:
        return False
    return True


def test_seeds_and_descriptions_mix_and_order_does_not_matter() -> None:
    first, other = described("clipped_ppo"), described("clipped_ppo", clip_range=0.3, discount=0.5)
    rows = [(first, 3), (other, 3), (other, 8), (first, 5)]
    group = trainer.train(*map(list, zip(*rows, strict=True)))
    for (description, seed), result in zip(rows, group, strict=True):
        assert_same(result, trainer.train(description, [seed])[0])


@pytest.mark.parametrize("name", NOT_BY_ROW)
def test_a_number_that_cannot_differ_by_row_is_refused_and_would_fail(name: str) -> None:
    """So no number is left out that need not be."""
    candidates = (
        (algorithm, described(algorithm)) for algorithm in NAMES if algorithm != "a2c_trust_region"
    )
    algorithm, base = next(
        candidate for candidate in candidates if name in candidate[1].hyperparameters
    )
    row = described(algorithm, **{name: base.hyperparameters[name] / 4})
    assert program(row) != program(base)
    long = [replace(description, steps=150) for description in (base, row)]
    with pytest.raises(TypeError):
        trainer.train(long, [3, 3])


def test_rows_that_differ_in_more_than_numbers_are_refused() -> None:
    rows = [described("clipped_ppo"), described("clipped_ppo", epochs=3)]
    with pytest.raises(ValueError, match=r"can't differ in epochs: \[2, 3\]"):
        trainer.train(rows, [0, 0])


def test_no_number_meets_its_first_tensor_after_the_second_minibatch() -> None:
    """What first met a tensor within a CUDA graph would be copied from the host at every launch."""
    base = described("clipped_ppo")
    changed = {name: base.hyperparameters[name] / 4 for name in numbers_of(base)}
    rows = [base, described("clipped_ppo", **changed)]
    known_counts: list[int] = []
    original = trainer.DeviceLearner.minibatches

    def counting(self: Any, *args: Any) -> Any:
        for minibatch in original(self, *args):
            yield minibatch
            numbers = vars(self.hyperparameters).values()
            known_counts.append(sum(len(x._tensors) for x in numbers if isinstance(x, PerRow)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer.DeviceLearner, "minibatches", counting)
        trainer.train(rows, [3, 3])
    assert len(known_counts) == 18 and len(set(known_counts[1:6])) == 1
