"""Tianshou's own on-policy trainer, unmodified, timed: prints JSON, one line.

`bench.peers.timing` runs it with an interpreter that has tianshou; it imports nothing of this
project. Its parts are those of the library's MuJoCo examples: `DummyVectorEnv` in
`VectorEnvNormObs`, one `Collector`, no test episodes, no log.

`ppo` has the caller's hyperparameters and, from the example, scaled returns. The example also
computes the advantages anew in every epoch; the caller's PPO does not, so neither does this.
`a2c` and `reinforce` have the published settings of the examples, except that their networks are
the caller's: A2C collects 80 steps and makes one update of RMSprop with 7e-4 (entropy bonus 0.01,
λ = 0.95), Reinforce 2,048 and one of Adam with 1e-3 (standardised returns); step sizes decay.

    python tianshou_training.py JSON

JSON is an object: `algorithm` "ppo", "a2c" or "reinforce", `environment` a Gymnasium id with
continuous actions, `environments` their number, `seconds` the time to measure, `hyperparameters`
by this project's names.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import tianshou
import torch
from tianshou.algorithm import A2C, PPO, Reinforce
from tianshou.algorithm.modelfree.reinforce import ProbabilisticActorPolicy
from tianshou.algorithm.optim import (
    AdamOptimizerFactory,
    LRSchedulerFactoryLinear,
    RMSpropOptimizerFactory,
)
from tianshou.data import Collector, ReplayBuffer, VectorReplayBuffer
from tianshou.env import DummyVectorEnv, VectorEnvNormObs
from tianshou.trainer import OnPolicyTrainerParams
from tianshou.utils.net.common import ActorCritic, Net
from tianshou.utils.net.continuous import ContinuousActorProbabilistic, ContinuousCritic
from torch.distributions import Distribution, Independent, Normal

# The examples' budget and buffer [environment steps]; minutes of measuring don't use it up.
EPOCHS = 100
EPOCH_STEPS = 30_000
BUFFER = 4_096


class EnoughError(Exception):
    """Raised to leave the trainer's loop when the measurement is over."""


class Clock:
    """Starts after the first update; ends training at the end of an update, `seconds` later.

    Called by the trainer before each collect.

    Attributes:
        marks: environment steps, wall and processor time [s] after each update.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.marks: list[tuple[int, float, float]] = []

    def __call__(self, epoch: int, step: int) -> None:
        if step == 0:  # nothing has been updated yet
            return
        self.marks.append((step, time.perf_counter(), processor_seconds()))
        if len(self.marks) > 1 and self.marks[-1][1] - self.marks[0][1] >= self.seconds:
            raise EnoughError


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


@dataclass(frozen=True, kw_only=True)
class Ready:
    """An algorithm, and how the trainer feeds it: steps per collection, epochs, minibatch."""

    algorithm: Any
    collect: int
    epochs: int
    minibatch: int | None


def gaussian(location_and_scale: tuple[torch.Tensor, torch.Tensor]) -> Distribution:
    """Return the diagonal Gaussian over actions."""
    return Independent(Normal(*location_and_scale), 1)


def ready(algorithm: str, world: gymnasium.Env[Any, Any], hyperparameters: dict[str, Any]) -> Ready:
    """Return the algorithm for the spaces of `world`."""
    network = partial(
        Net,
        state_shape=world.observation_space.shape,
        hidden_sizes=hyperparameters["hidden_sizes"],
        activation=torch.nn.Tanh,
    )
    actor = ContinuousActorProbabilistic(
        preprocess_net=network(), action_shape=world.action_space.shape, unbounded=True
    )
    critic = ContinuousCritic(preprocess_net=network())
    torch.nn.init.constant_(actor.sigma_param, hyperparameters["initial_log_std"])
    for module in ActorCritic(actor, critic).modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.orthogonal_(module.weight, gain=2**0.5)
            torch.nn.init.zeros_(module.bias)
    with torch.no_grad():
        for module in actor.mu.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(0.01)
    policy = ProbabilisticActorPolicy(
        actor=actor,
        dist_fn=gaussian,
        action_space=world.action_space,
        action_bound_method="tanh" if algorithm == "reinforce" else "clip",
    )
    if algorithm == "ppo":
        ppo = PPO(
            policy=policy,
            critic=critic,
            optim=AdamOptimizerFactory(
                lr=hyperparameters["learning_rate"], eps=hyperparameters["adam_epsilon"]
            ),
            eps_clip=hyperparameters["clip_range"],
            advantage_normalization=hyperparameters["advantage_normalization"] == "minibatch",
            recompute_advantage=False,
            # The peer weighs (V − R)², the caller (V − R)² / 2.
            vf_coef=hyperparameters["value_coefficient"] / 2,
            ent_coef=hyperparameters["entropy_coefficient"],
            max_grad_norm=hyperparameters["gradient_norm_clip"],
            gae_lambda=hyperparameters["gae_lambda"],
            gamma=hyperparameters["discount"],
            return_scaling=True,
        )
        return Ready(
            algorithm=ppo,
            collect=hyperparameters["batch_steps"],
            epochs=hyperparameters["epochs"],
            minibatch=hyperparameters["minibatch"],
        )
    if algorithm == "a2c":
        a2c = A2C(
            policy=policy,
            critic=critic,
            optim=decaying(RMSpropOptimizerFactory(lr=7e-4, eps=1e-5, alpha=0.99), 80),
            vf_coef=0.5,
            ent_coef=0.01,
            max_grad_norm=0.5,
            gae_lambda=0.95,
            gamma=0.99,
            return_scaling=True,
        )
        return Ready(algorithm=a2c, collect=80, epochs=1, minibatch=None)
    reinforce = Reinforce(
        policy=policy,
        optim=decaying(AdamOptimizerFactory(lr=1e-3), 2048),
        gamma=0.99,
        return_standardization=True,
    )
    return Ready(algorithm=reinforce, collect=2048, epochs=1, minibatch=None)


def decaying(optimizer: Any, collect: int) -> Any:
    """Return the optimiser with the examples' linear decay over their budget."""
    return optimizer.with_lr_scheduler_factory(
        LRSchedulerFactoryLinear(
            max_epochs=EPOCHS, epoch_num_steps=EPOCH_STEPS, collection_step_num_env_steps=collect
        )
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
    torch.manual_seed(0)
    world = gymnasium.make(environment)
    if not isinstance(world.action_space, gymnasium.spaces.Box):
        sys.exit(f"{environment} has no continuous actions, and only those are set up here")
    prepared = ready(algorithm, world, hyperparameters)
    worlds = VectorEnvNormObs(DummyVectorEnv([partial(gymnasium.make, environment)] * environments))
    worlds.seed(0)
    size = max(BUFFER, 2 * prepared.collect)
    buffer = VectorReplayBuffer(size, environments) if environments > 1 else ReplayBuffer(size)
    clock = Clock(seconds)
    with suppress(EnoughError):
        prepared.algorithm.run_training(
            OnPolicyTrainerParams(
                training_collector=Collector(
                    prepared.algorithm, worlds, buffer, exploration_noise=True
                ),
                training_fn=clock,
                max_epochs=EPOCHS,
                epoch_num_steps=EPOCH_STEPS,
                collection_step_num_env_steps=prepared.collect,
                update_step_num_repetitions=prepared.epochs,
                batch_size=prepared.minibatch,
                verbose=False,
                show_progress=False,
            )
        )
    (first_step, start, start_cpu), (last_step, end, end_cpu) = clock.marks[0], clock.marks[-1]
    measured = {
        "steps": last_step - first_step,
        "seconds": end - start,
        "steps_per_second": (last_step - first_step) / (end - start),
        "cpu_seconds": end_cpu - start_cpu,
        "version": tianshou.__version__,
        "memory": resident_memory(),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
