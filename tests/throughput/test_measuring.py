"""What a measurement says of itself, on short real ones."""

from __future__ import annotations

import pytest

from bench.throughput.measuring import bare_loop, training
from bench.train import trainer
from bench.train.environments.envpool_backend import EnvPoolEnvironments
from bench.train.rollout import Rollout


@pytest.mark.parametrize("environment", ["InvertedPendulum-v5", "CartPole-v1"])
def test_a_bare_loop_counts_every_step_of_every_environment(environment: str) -> None:
    measured = bare_loop(environment, 3, 0.05)
    assert measured.steps > 0 and measured.steps % 3 == 0
    assert measured.seconds >= 0.05
    assert 0 < measured.cpu_share < 3
    assert measured.physics is None
    assert measured.memory > 10


@pytest.mark.parametrize(
    ("algorithm", "batch"), [("clipped_ppo", 2 * 2048), ("vanilla_policy_gradient", None)]
)
def test_training_is_measured_in_whole_updates_and_its_shares_make_a_whole(
    algorithm: str, batch: int | None
) -> None:
    before = (EnvPoolEnvironments.step, Rollout.collect, trainer.load_algorithm)
    measured = training(algorithm, "InvertedPendulum-v5", 2, 0.1)
    if batch is not None:
        assert measured.steps > 0 and measured.steps % batch == 0
    shares = (measured.physics, measured.acting, measured.update)
    assert all(share is not None and 0 < share < 1 for share in shares)
    assert 0.8 < sum(share or 0 for share in shares) <= 1
    # The stopwatches are gone, and what was trained was the trainer's own.
    assert before == (EnvPoolEnvironments.step, Rollout.collect, trainer.load_algorithm)
