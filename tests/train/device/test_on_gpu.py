"""On a GPU: recorded as launched one by one, near the CPU, learning, and never waiting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.train.device.graphs import own_stream
from bench.train.device.learner import DeviceLearner
from bench.train.device.rollout import DeviceRollout
from bench.train.device.trainer import train
from bench.train.environments.warp_backend import WarpEnvironments
from bench.train.events import Group
from bench.train.executors.processes import Processes
from tests.train.device.row_descriptions import of_pendulum

pytestmark = pytest.mark.gpu


def described(algorithm: str, **changes: Any) -> Description:
    return of_pendulum(algorithm, **{"steps": 20_000, "device": "cuda", **changes})


@pytest.fixture(autouse=True, scope="module")
def _exact() -> Any:
    """Products in float32 proper, as everywhere in the suite."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32 = before


@pytest.mark.parametrize(
    "algorithm",
    ["clipped_ppo", "kl_ppo", "advantage", "baseline", "a2c", "a2c_trust_region", "trpo", "cem"],
)
def test_recorded_is_what_it_is_launched_one_by_one(algorithm: str) -> None:
    """Over several updates: were one of a recording left out, its policy would be another one."""
    steps = 20 * 80 if algorithm.startswith("a2c") else 8 * 2048
    recorded, plain = (
        train(described(algorithm, steps=steps), [0, 1], record=record) for record in (True, False)
    )
    for result, other in zip(recorded, plain, strict=True):
        assert result.status == other.status == "finished"
        np.testing.assert_allclose(
            result.policy["policy"], other.policy["policy"], rtol=0, atol=2e-3, err_msg=algorithm
        )
        np.testing.assert_array_equal(
            result.episodes["length"][:20], other.episodes["length"][:20], err_msg=algorithm
        )
        assert np.isfinite(result.policy["policy"]).all()


def test_rows_recorded_are_what_each_is_alone() -> None:
    """Graphs of the tick and of the minibatch go on reading the rows' numbers."""
    base = described("clipped_ppo", steps=2 * 2048)
    values = {"clip_range": 0.1, "learning_rate": 1e-3, "discount": 0.9, "observation_clip": 5.0}
    other = replace(base, hyperparameters={**base.hyperparameters, **values})
    for result, task in zip(train([base, other], [0, 0]), (base, other), strict=True):
        (alone,) = train(task, [0], record=False)
        np.testing.assert_array_equal(result.episodes["length"][:20], alone.episodes["length"][:20])
        np.testing.assert_allclose(
            result.policy["policy"], alone.policy["policy"], rtol=0, atol=2e-3
        )


def test_programs_on_streams_of_one_process_give_what_each_gives_alone() -> None:
    names = ("clipped_ppo", "advantage", "a2c")
    groups = [Group.of(described(name, steps=2 * 2048), (0, 1)) for name in names]
    executor = Processes(1, together=len(groups))
    ended = []
    try:
        for group in groups:
            executor.give(group)
        while executor.busy:
            ended += [message for message in executor.messages(5.0) if message.kind != "progress"]
    finally:
        executor.end()
    assert [message.kind for message in ended] == ["done"] * 3, [
        message.content for message in ended
    ]
    for message in ended:
        alone = train(message.group.description, message.group.seeds)
        for result, other in zip(message.content.values(), alone, strict=True):
            np.testing.assert_allclose(
                result.policy["policy"], other.policy["policy"], rtol=0, atol=2e-3
            )


def test_the_first_update_is_that_of_the_cpu() -> None:
    """Same numbers drawn, same steps taken; sums in another order."""
    on_gpu = train(described("clipped_ppo", steps=2048), [0, 1])
    on_cpu = train(described("clipped_ppo", steps=2048, device="cpu"), [0, 1])
    for result, other in zip(on_gpu, on_cpu, strict=True):
        np.testing.assert_array_equal(result.episodes["length"][:50], other.episodes["length"][:50])
        np.testing.assert_allclose(
            result.episodes["return"][:50], other.episodes["return"][:50], rtol=1e-4
        )
        np.testing.assert_allclose(
            result.policy["policy"], other.policy["policy"], rtol=0, atol=5e-3
        )


def test_no_tick_waits_for_the_device() -> None:
    device = torch.device("cuda")
    chosen = load_algorithm("clipped_ppo")
    with own_stream(device), torch.device(device):
        environments = WarpEnvironments("Hopper-v5", [0, 1], 8, device="cuda")
        learner: DeviceLearner[Any] = DeviceLearner(
            chosen.hyperparameters(),
            [0, 1],
            environments.observation_size,
            environments.action_space,
            critic=True,
            device="cuda",
        )
        chosen.start(learner)
        rollout = DeviceRollout(chosen, learner, environments)
        rollout.collect()
        torch.cuda.set_sync_debug_mode("error")
        try:
            for _ in range(20):
                rollout._recorded_act()
                environments.worlds.advance()
                rollout._recorded_receive()
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("environment", ["InvertedPendulum-v5"])
def test_ppo_learns(environment: str) -> None:
    results = train(described("clipped_ppo", steps=60_000, environment=environment), range(5))
    last = np.mean([result.episodes["return"][-10:].mean() for result in results])
    first = np.mean([result.episodes["return"][:20].mean() for result in results])
    assert last > 10 * first


def test_learning_on_the_gpu_with_physics_on_the_cpu() -> None:
    """The other way round, for ids that Warp doesn't step: TRPO and PPO on CartPole-v1."""
    from bench.train import trainer

    for algorithm in ("clipped_ppo", "trpo", "a2c", "baseline"):
        description = described(
            algorithm, environment="CartPole-v1", back_end="envpool", steps=4096
        )
        # As the runner's workers call it.
        with torch.device("cuda"):
            results = trainer.train(description, [0, 1])
        assert all(result.status == "finished" for result in results)
