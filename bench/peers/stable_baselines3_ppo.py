"""Stable-Baselines3's PPO, unmodified, timed in its own environment: prints JSON, one line.

Run by `bench.peers.compare` with an interpreter that has stable-baselines3; imports nothing
of this project. The hyperparameters are those of this project's `clipped_ppo`.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import stable_baselines3
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize


class _Clock(BaseCallback):  # type: ignore[misc]  # the peer is not installed here
    """Seconds at the end of every rollout, so that start-up stays out of the rate."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[int, float]] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        self.marks.append((self.num_timesteps, time.perf_counter()))


def main(environment: str, slots: int, updates: int) -> None:
    """Train for `updates` updates of 2,048 steps; print steps per second of all but the first."""
    torch.set_num_threads(1)
    environments: Any = VecNormalize(make_vec_env(environment, n_envs=slots, seed=0))
    model = PPO(
        "MlpPolicy",
        environments,
        n_steps=2048 // slots,
        batch_size=64,
        n_epochs=10,
        learning_rate=3e-4,
        gamma=0.99,
        gae_lambda=0.95,
        clip_range=0.2,
        ent_coef=0.0,
        device="cpu",
        seed=0,
    )
    clock = _Clock()
    started = time.perf_counter()
    model.learn(2048 * updates, callback=clock)
    steps, marks = zip(*clock.marks, strict=True)
    rate = (2048 * updates - steps[1]) / (time.perf_counter() - marks[1])
    print(
        json.dumps(
            {
                "steps_per_second": rate,
                "steps": 2048 * updates,
                "seconds": time.perf_counter() - started,
                "version": stable_baselines3.__version__,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
