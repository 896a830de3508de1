"""Training with everything on one device: alone as in company, interrupted as at one go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import InputError
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.train.device import trainer as module
from bench.train.device.trainer import train
from bench.train.results import Progress
from tests.train.device.assertions import assert_same
from tests.train.device.row_descriptions import of_pendulum

pytestmark = pytest.mark.warp

SMALL = {
    "clipped_ppo": {"slots": 4, "batch_steps": 64, "minibatch": 16, "epochs": 2},
    "kl_ppo": {"slots": 4, "batch_steps": 64, "minibatch": 16, "epochs": 2},
    "baseline": {"slots": 4, "baseline": "learned", "critic_minibatch": 16, "critic_epochs": 2},
    "a2c_trust_region": {"slots": 4, "batch_steps": 20},
    "adaptive_policy_gradient": {
        "slots": 4,
        "batch_steps": 64,
        "critic_epochs": 2,
        "critic_minibatch": 64,
    },
    "trpo": {"slots": 4, "batch_steps": 64, "critic_epochs": 2, "critic_minibatch": 64},
    "cem": {"slots": 6},
    "uniform_random": {"slots": 4},
}


def described(algorithm: str = "clipped_ppo", **changes: Any) -> Description:
    return replace(of_pendulum(algorithm, SMALL[algorithm], steps=200), **changes)


class InterruptionError(Exception):
    """As a killed process would end it."""


def after(count: int) -> Callable[[Progress], None]:
    """Raises at the report of that update."""
    reports = []

    def report(progress: Progress) -> None:
        reports.append(progress)
        if len(reports) == count:
            raise InterruptionError

    return report


@pytest.mark.parametrize("algorithm", SMALL)
def test_a_seed_has_the_same_bits_in_any_company(algorithm: str) -> None:
    group = train(described(algorithm), [3, 8])
    (alone,) = train(described(algorithm), [8])
    assert_same(group[1], alone)
    assert len(alone.episodes["return"])
    assert group[0].policy["policy"].tolist() != alone.policy["policy"].tolist()


@pytest.mark.parametrize("algorithm", SMALL)
def test_resumed_in_the_middle_it_is_what_it_would_have_been(
    algorithm: str, tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "group.safetensors"
    uninterrupted = train(described(algorithm), [3, 8])
    with pytest.raises(InterruptionError):
        train(described(algorithm), [3, 8], [after(2)], checkpoint=path, checkpoint_every=0)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    resumed = train(described(algorithm), [3, 8], checkpoint=path, checkpoint_every=1e9)
    for result, expected in zip(resumed, uninterrupted, strict=True):
        assert_same(result, expected)


def test_time_goes_on_where_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "group.safetensors"
    with pytest.raises(InterruptionError):
        train(described(), [3], [after(2)], checkpoint=path, checkpoint_every=0)
    (result,) = train(described(), [3], checkpoint=path)
    seconds = result.episodes["seconds"]
    assert (np.diff(seconds) >= 0).all()
    assert result.seconds >= seconds[-1]


def test_a_checkpoint_that_cannot_be_written_costs_no_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "group.safetensors"
    (result,) = train(described(), [3], checkpoint=path, checkpoint_every=0)
    assert result.status == "finished"
    assert_same(result, train(described(), [3])[0])


@pytest.mark.parametrize("content", [b"", b"torn", None])
def test_a_checkpoint_that_cannot_be_used_is_said_and_moved_away(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "group.safetensors"
    if content is None:
        with pytest.raises(InterruptionError):
            train(described("cem"), [3], [after(2)], checkpoint=path, checkpoint_every=0)
    else:
        path.write_bytes(content)
    with pytest.raises(RuntimeError, match=r"group\.safetensors can't be used .*from the start"):
        train(described(), [3], checkpoint=path)
    assert not path.exists()
    (result,) = train(described(), [3], checkpoint=path)
    assert result.status == "finished"


def test_returns_and_lengths_are_those_of_the_environment() -> None:
    """On InvertedPendulum every step that stays up earns one; the fall's own earns nothing."""
    (result,) = train(described("uniform_random"), [0])
    lengths, returns = result.episodes["length"], result.episodes["return"]
    np.testing.assert_array_equal(returns, lengths - 1)
    assert lengths.sum() == result.steps


def test_a_seed_that_diverges_stops_and_leaves_the_other_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    healthy = train(described(), [3, 8])
    original = module.DeviceRollout.collect
    updates = []

    def collect(self: Any) -> Any:
        batch = original(self)
        updates.append(None)
        if len(updates) == 2:
            self._learner.parameters[0, 0] = float("nan")
        return batch

    monkeypatch.setattr(module.DeviceRollout, "collect", collect)
    diverged = train(described(), [3, 8])
    assert diverged[0].status == "diverged"
    assert diverged[0].diverged_at == 128
    assert diverged[0].reason == "loss or gradient not finite at step 128"
    assert_same(diverged[1], healthy[1])


@pytest.mark.parametrize(
    ("quantity", "step"),
    [("action", 12), ("reward", 12), ("observation", 12), ("observation from reset", 12)],
)
def test_a_seed_that_diverges_says_what_was_not_finite_and_when(
    quantity: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is in slot 1 of the first of two seeds, in the third tick of four slots."""
    original, ticks = module.WarpEnvironments.receive, []

    def receive(self: Any, active: Any) -> Any:
        tick = original(self, active)
        ticks.append(tick)
        if len(ticks) == 3:
            match quantity:
                case "reward":
                    tick.rewards[1] = float("nan")
                case "observation":
                    tick.last_observations[1, 0] = float("inf")
                case "observation from reset":
                    self.observations[1, 0] = float("nan")
        return tick

    def act(self: Any, *args: Any) -> Any:
        actions, statistics = acted(self, *args)
        if len(ticks) == 2:
            actions[0, 1] = float("inf")
        return actions, statistics

    acted = module.DeviceLearner.act
    monkeypatch.setattr(module.WarpEnvironments, "receive", receive)
    if quantity == "action":
        monkeypatch.setattr(module.DeviceLearner, "act", act)
    for algorithm in ("clipped_ppo", "baseline"):
        ticks.clear()
        diverged, healthy = train(described(algorithm), [3, 8])
        assert diverged.reason == f"{quantity} not finite at step {step}"
        assert diverged.steps == diverged.diverged_at == step
        assert np.isfinite(diverged.policy["policy"]).all()
        assert healthy.status == "finished"


def test_contradictions_are_refused() -> None:
    values = {**described().hyperparameters, "batch_steps": 63}
    with pytest.raises(InputError, match="multiple of slots"):
        train(described(hyperparameters=values), [0])
    with pytest.raises(InputError, match="doesn't step"):
        train(described(environment="CartPole-v1"), [0])


def test_a_staggered_start_cuts_first_episodes_evenly_and_records_none_of_them() -> None:
    """Every slot's next episode begins at another tick, and bits do not depend on neighbours."""
    values = {
        **described().hyperparameters,
        "staggered_start": True,
        # Near its start, and hardly pushed, the pole doesn't fall.
        "initial_log_std": -5.0,
    }
    task = described(hyperparameters=values, time_limit=8, steps=64)
    (result,) = train(task, [3])
    # Slot n, of four, has two steps more behind it than the one before: ends at 8, 6, 4 and 2, of
    # which the first is whole, and then eight steps later, 16, 14, 12 and 10.
    assert result.episodes["length"].tolist() == [8] * 5
    assert result.episodes["step"].tolist() == [4 * tick for tick in (8, 10, 12, 14, 16)]
    group = train(task, [1, 3])
    assert_same(group[1], result)
    unstaggered = train(
        described(hyperparameters={**values, "staggered_start": False}, time_limit=8, steps=64), [3]
    )
    assert unstaggered[0].episodes["step"].tolist() == [32] * 4 + [64] * 4
    hyperparameters = {**described("baseline").hyperparameters, "staggered_start": True}
    with pytest.raises(InputError, match="staggered_start cuts first episodes short"):
        train(described("baseline", hyperparameters=hyperparameters), [0])


def test_what_a_step_led_to_is_what_is_seen_next() -> None:
    """As on the host: one state has one normalisation in a batch."""
    for name in ("clipped_ppo", "baseline"):
        task = described(name)
        algorithm = load_algorithm(name)
        h = algorithm.hyperparameters(**task.hyperparameters)
        environments = module.WarpEnvironments(task.environment, [3, 8], h.slots)
        size, actions = environments.observation_size, environments.action_space
        learner: Any = module.DeviceLearner(h, [3, 8], size, actions, critic=algorithm.critic(h))
        algorithm.start(learner)
        batch, _ = module.DeviceRollout(algorithm, learner, environments).collect()
        continuing = (batch.valid & ~batch.ended)[:, :-1]
        assert continuing.any()
        after, seen = batch.next_observations[:, :-1], batch.observations[:, 1:]
        assert after[continuing].equal(seen[continuing])
        ended = batch.ended[:, :-1] & batch.valid[:, 1:]
        assert not after[ended].numel() or not after[ended].equal(seen[ended])


@pytest.mark.slow
def test_ppo_learns_the_pendulum() -> None:
    values = {**described().hyperparameters, "batch_steps": 1024, "minibatch": 64, "epochs": 10}
    results = train(described(hyperparameters=values, steps=30_000), [0, 1, 2])
    for result in results:
        assert result.episodes["return"][-10:].mean() > 5 * result.episodes["return"][:20].mean()
