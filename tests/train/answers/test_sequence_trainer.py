"""Whole runs on token environments: reproducible to the bit, counted by tokens, and they learn."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import letters
import numpy as np
import pytest

from algorithms import SEQUENCE_ALGORITHMS
from bench.errors import InputError
from bench.plan.back_ends import SEQUENCE
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.train import loop
from bench.train.answers import trainer
from bench.train.answers.tasks import TASKS
from bench.train.answers.trainer import train
from bench.train.results import Progress, RunResult

SMALL: dict[str, Any] = {"prompts": 2, "samples": 4}
BATCH = 8 * letters.ANSWER
"""Tokens of one batch."""


def described(algorithm: str, updates: int, **changes: Any) -> Description:
    name = f"sequence_{algorithm}"
    return Description(
        algorithm=name,
        hyperparameters=dataclasses.asdict(
            load_algorithm(name).hyperparameters(**{**SMALL, **changes})
        ),
        environment="Letters-v0",
        steps=updates * BATCH,
        back_end="sequence",
    )


def same(first: RunResult, second: RunResult) -> bool:
    for part in ("episodes", "updates", "policy"):
        a, b = getattr(first, part), getattr(second, part)
        assert a.keys() == b.keys()
        if any(a[name].tobytes() != b[name].tobytes() for name in a.keys() - {"seconds"}):
            return False
    return (first.seed, first.status, first.steps) == (second.seed, second.status, second.steps)


@pytest.mark.parametrize("name", [name.removeprefix("sequence_") for name in SEQUENCE_ALGORITHMS])
def test_a_seed_is_the_same_alone_and_in_any_group(name: str) -> None:
    changes = {"epochs": 2, "minibatch": 3} if name[0] in "ick" else {}
    task = described(name, 4, **changes)
    by_seed = {result.seed: result for result in train(task, range(10))}
    assert len({result.policy["policy"].tobytes() for result in by_seed.values()}) == 10
    for group in ([3], [7, 2], [6, 5, 4, 3, 2, 1, 0]):
        assert all(same(result, by_seed[result.seed]) for result in train(task, group))


def test_it_is_the_trainer_of_its_back_end() -> None:
    assert SEQUENCE.trainer == trainer.__name__


def test_tokens_are_steps_and_answers_are_episodes() -> None:
    reports: list[Progress] = []
    (result,) = train(described("baseline", 3), [5], [reports.append])
    assert result.status == "finished" and result.steps == 3 * BATCH
    assert result.updates["step"].tolist() == [BATCH, 2 * BATCH, 3 * BATCH]
    assert result.updates["update"].tolist() == [0, 1, 2]
    assert result.episodes["step"].tolist() == [b * BATCH for b in (1, 2, 3) for _ in range(8)]
    assert (result.episodes["length"] == letters.ANSWER).all()
    assert result.episodes["return"].dtype == np.float64
    assert set(result.updates) >= {"reference_kl", "gold_reward", "kl_mean", "gradient_variance"}
    assert result.updates["reference_kl"][0] == 0 < result.updates["reference_kl"][1]
    assert [report.steps for report in reports] == [(BATCH,), (2 * BATCH,), (3 * BATCH,)]
    assert reports[0].last_return == result.episodes["return"][7]
    # What is kept is the policy that the last batch's update left.
    assert result.policy["policy"].shape == (TASKS["Letters-v0"].network.size,)


def test_the_last_batch_goes_beyond_a_budget_between_two() -> None:
    task = dataclasses.replace(described("baseline", 3), steps=2 * BATCH + 1)
    (result,) = train(task, [0])
    assert result.steps == 3 * BATCH


def test_a_longer_budget_continues_a_shorter_one() -> None:
    changes = {"learning_rate_decay_steps": 5.0 * BATCH}
    short, long = (train(described("clipped_ppo", n, **changes), [0])[0] for n in (2, 4))
    for name in ("step", "return"):
        count = len(short.episodes[name])
        np.testing.assert_array_equal(long.episodes[name][:count], short.episodes[name])
    rates = 3e-4 * np.array([1, 0.8, 0.6, 0.4])
    np.testing.assert_allclose(long.updates["learning_rate"], rates)


def test_a_thousandth_of_the_budget_has_one_row_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "RECORDS", 3)
    (result,) = train(described("baseline", 10), [0])
    assert result.updates["step"].tolist() == [BATCH, 4 * BATCH, 7 * BATCH, 10 * BATCH]
    assert len(result.episodes["step"]) == 80


@pytest.mark.parametrize("value", [np.nan, 1e39])
def test_a_seed_whose_numbers_stop_being_finite_leaves_the_others_alone(value: float) -> None:
    """One seed's reward is no number, or none of float32, from its second batch on."""
    original = TASKS["Letters-v0"]
    calls: list[int] = []

    def broken(sequences: np.ndarray) -> np.ndarray:
        scores = letters.reward(sequences)
        # The texts that a task is tried out on are none of the three seeds' answers.
        calls.extend([1] * (len(sequences) == 24))
        if len(calls) > 1:
            scores[8:16] = value
        return scores

    task = described("clipped_ppo", 4)
    expected = train(task, [0, 1, 2])
    TASKS["Letters-v0"] = dataclasses.replace(original, reward=broken)
    try:
        results = train(task, [0, 1, 2])
    finally:
        TASKS["Letters-v0"] = original
    assert [result.status for result in results] == ["finished", "diverged", "finished"]
    assert same(results[0], expected[0]) and same(results[2], expected[2])
    assert results[1].diverged_at == results[1].steps == 2 * BATCH
    reward = f"the reward of Letters-v0 ({__name__}.{broken.__qualname__})"
    assert results[1].reason == f"{reward} not finite at step {2 * BATCH}"
    assert np.isfinite(results[1].policy["policy"]).all()
    assert results[1].updates["step"].tolist() == [BATCH]
    # A return that float64 can hold is one.
    assert len(results[1].episodes["return"]) == (8 if np.isnan(value) else 16)
    assert results[0].steps == 4 * BATCH


LEARNING = [
    ("policy_gradient", {"learning_rate": 0.02}),
    ("baseline", {"learning_rate": 0.02}),
    ("reward_to_go", {"learning_rate": 0.02}),
    ("importance_sampling", {"learning_rate": 0.01}),
    ("kl_ppo", {"learning_rate": 0.01}),
    ("clipped_ppo", {"learning_rate": 0.01}),
]


def last_rewards(task: Description, seeds: Sequence[int] = range(5)) -> list[float]:
    return [float(result.episodes["return"][-40:].mean()) for result in train(task, seeds)]


@pytest.mark.parametrize(("name", "changes"), LEARNING)
def test_the_reward_is_learned(name: str, changes: dict[str, Any]) -> None:
    """The reference writes 0.9 `c` of 5; without a penalty each rung learns to write most."""
    rewards = last_rewards(described(name, 60, reference_penalty=0.0, **changes))
    assert min(rewards) > 4, rewards


def test_without_a_step_size_nothing_is_learned() -> None:
    rewards = last_rewards(described("clipped_ppo", 30, learning_rate=0.0))
    assert max(rewards) < 2, rewards


def test_the_penalty_decides_how_far_from_the_reference_it_goes() -> None:
    """The known answer: the best policy is p_ref(y) exp(score(y)/β)/Z, whose KL is log-convex in
    1/β: the larger the penalty, the nearer."""
    divergences = []
    for penalty in (0.0, 1.0, 10.0):
        task = described("clipped_ppo", 60, learning_rate=0.01, reference_penalty=penalty)
        results = train(task, range(3))
        divergences.append(np.mean([result.updates["reference_kl"][-10:] for result in results]))
    free, near, nearest = divergences
    assert free > 3 * near > 9 * nearest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"environment": "Hopper-v5"}, "unknown token environment 'Hopper-v5'"),
        ({"algorithm": "clipped_ppo"}, "'clipped_ppo' writes no answers"),
        ({"algorithm": "sequence_cliped_ppo"}, "Did you mean 'sequence_clipped_ppo'"),
    ],
)
def test_what_does_not_fit_is_bad_input(changes: dict[str, str], message: str) -> None:
    task = dataclasses.replace(described("clipped_ppo", 1), **changes)
    with pytest.raises(InputError, match=message):
        train(task, [0])


def test_hyperparameters_out_of_range_are_bad_input() -> None:
    with pytest.raises(InputError, match="samples = 1; allowed: 2 to inf"):
        train(described("clipped_ppo", 1, samples=1), [0])
