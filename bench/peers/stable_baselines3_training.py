"""Stable-Baselines3's own `learn`, unmodified, timed: prints JSON, one line.

`bench.peers.timing` runs it with an interpreter that has stable-baselines3; it imports nothing of
this project. Environments are made as the library's users make them: `make_vec_env` (in one
process, stepped in turn) in `VecNormalize`.

`ppo` has the caller's hyperparameters. `a2c` has those that RL Baselines3 Zoo publishes for
MuJoCo: the library's defaults (5 steps per environment and update, RMSprop with 7e-4, λ = 1),
observations and rewards normalised; its networks are the caller's.

    python stable_baselines3_training.py JSON

JSON is an object: `algorithm` "ppo" or "a2c", `environment` a Gymnasium id, `environments` their
number, `seconds` the time to measure, `hyperparameters` by this project's names.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import stable_baselines3
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

ENDLESS = 10**9
"""A budget that no measurement reaches [environment steps]."""


class Clock(BaseCallback):  # type: ignore[misc]  # the peer is not installed here
    """Starts after the first update; ends training at the end of an update, `seconds` later.

    Attributes:
        marks: environment steps, wall and processor time [s] after each update.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.marks: list[tuple[int, float, float]] = []
        self.over = False

    def _on_rollout_start(self) -> None:
        if self.model.num_timesteps == 0:  # nothing has been updated yet
            return
        self.marks.append((self.model.num_timesteps, time.perf_counter(), processor_seconds()))
        self.over = len(self.marks) > 1 and self.marks[-1][1] - self.marks[0][1] >= self.seconds

    def _on_step(self) -> bool:
        # Only here can a callback end the training: one step after the last mark.
        return not self.over


def processor_seconds() -> float:
    """Processor time of this process and the children it has waited for [s]."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def resident_memory() -> float:
    """Return the resident memory [MiB]; its peak if the system gives no current value."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)


def model_of(
    algorithm: str, environment: str, environments: int, hyperparameters: dict[str, Any]
) -> Any:
    """Return the algorithm on its environments, ready to learn."""
    worlds = VecNormalize(
        make_vec_env(environment, n_envs=environments, seed=0),
        norm_obs=True,
        norm_reward=True,
        gamma=hyperparameters["discount"],
    )
    sizes = list(hyperparameters["hidden_sizes"])
    networks = {"net_arch": {"pi": sizes, "vf": sizes}, "activation_fn": torch.nn.Tanh}
    if algorithm == "a2c":
        return A2C("MlpPolicy", worlds, policy_kwargs=networks, device="cpu", seed=0)
    return PPO(
        "MlpPolicy",
        worlds,
        n_steps=hyperparameters["batch_steps"] // environments,
        batch_size=hyperparameters["minibatch"],
        n_epochs=hyperparameters["epochs"],
        learning_rate=hyperparameters["learning_rate"],
        gamma=hyperparameters["discount"],
        gae_lambda=hyperparameters["gae_lambda"],
        clip_range=hyperparameters["clip_range"],
        normalize_advantage=hyperparameters["advantage_normalization"] == "minibatch",
        ent_coef=hyperparameters["entropy_coefficient"],
        # The peer weighs (V − R)², the caller (V − R)² / 2.
        vf_coef=hyperparameters["value_coefficient"] / 2,
        max_grad_norm=hyperparameters["gradient_norm_clip"],
        policy_kwargs=networks,
        device="cpu",
        seed=0,
    )


def main(
    algorithm: str,
    environment: str,
    environments: int,
    seconds: float,
    hyperparameters: dict[str, Any],
) -> None:
    """Train, and print what was measured."""
    torch.set_num_threads(1)
    clock = Clock(seconds)
    model = model_of(algorithm, environment, environments, hyperparameters)
    with tempfile.TemporaryDirectory() as logs:
        os.environ["SB3_LOGDIR"] = logs  # else a folder for each training stays behind
        model.learn(ENDLESS, callback=clock)
    (first_step, start, start_cpu), (last_step, end, end_cpu) = clock.marks[0], clock.marks[-1]
    measured = {
        "steps": last_step - first_step,
        "seconds": end - start,
        "steps_per_second": (last_step - first_step) / (end - start),
        "cpu_seconds": end_cpu - start_cpu,
        "version": stable_baselines3.__version__,
        "memory": resident_memory(),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
