"""What is drawn within a recorded tick is drawn anew in every tick."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.plan.lookup import load_algorithm
from bench.train.device.rollout import DeviceRollout
from bench.train.device.trainer import DeviceLearner
from bench.train.environments.warp_backend import WarpEnvironments

SEEDS, SLOTS, TICKS = (3, 8), 32, 32


def collected(device: str, batches: int) -> list[Any]:
    """Batches of an untrained policy, long enough that a graph plays most of their ticks."""
    algorithm = load_algorithm("clipped_ppo")
    h = algorithm.hyperparameters(slots=SLOTS, batch_steps=SLOTS * TICKS, initial_log_std=-0.7)
    with torch.device(device):
        environments = WarpEnvironments("Hopper-v5", SEEDS, SLOTS, device=device)
        size, actions = environments.observation_size, environments.action_space
        learner: Any = DeviceLearner(h, SEEDS, size, actions, critic=True, device=device)
        rollout = DeviceRollout(algorithm, learner, environments)
        cpu_batches = []
        for _ in range(batches):
            batch, _ = rollout.collect()
            cpu_batches.append(
                type(batch)(**{name: values.cpu().clone() for name, values in vars(batch).items()})
            )
    return cpu_batches


def noise_of(batch: Any) -> torch.Tensor:
    """(a − μ) / σ [S, T, N, A]."""
    mean, log_std = batch.statistics.chunk(2, dim=3)
    noise: torch.Tensor = (batch.actions - mean) / log_std.exp()
    return noise


def check_noise(device: str) -> None:
    first, second = collected(device, 2)
    noise = torch.cat([noise_of(first), noise_of(second)], dim=1)
    assert (second.statistics[..., -3:] == -0.7).all()
    ticks = noise.transpose(0, 1).flatten(1)
    # Of any two ticks, of any two slots and of the seeds, no number is drawn twice.
    assert len(ticks.unique(dim=0)) == len(ticks) == 2 * TICKS
    assert len(noise[..., 0].unique()) == noise[..., 0].numel()
    # 12,288 numbers: four standard errors of a mean are 0.036, of a deviation 0.026.
    assert abs(noise.mean()) < 0.04
    assert abs(noise.std() - 1) < 0.03
    # Frozen noise has the right deviation over slots, and none over ticks.
    assert abs(noise.std(1).mean() - 1) < 0.03
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 0.04
    # Episodes begin differently, too.
    ended = first.ended[:, :-1] & first.valid[:, 1:]
    starts = first.observations[:, 1:][ended]
    assert len(starts) > 20
    assert len(starts.unique(dim=0)) == len(starts)


@pytest.mark.warp
def test_noise_differs_from_tick_to_tick_and_has_its_deviation() -> None:
    check_noise("cpu")


@pytest.mark.gpu
def test_noise_of_recorded_ticks_differs_and_has_its_deviation() -> None:
    check_noise("cuda")
