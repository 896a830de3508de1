"""Collect batches of answers: the policy writes, the reward judges, the reference's KL is taken."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.answers.hyperparameters import SequenceHyperparameters
from algorithms.answers.learner import AnswerLearner
from algorithms.answers.penalty import penalised
from algorithms.answers.transformer import Decoder
from algorithms.batch import Batch, Diagnostics, flatten, mean_over_steps
from bench.train.answers.tasks import SequenceTask, drawn, judged, name_of_reward
from bench.train.environments.protocol import Float64Array, Int64Array
from bench.train.environments.slot_seeds import episode_seed
from bench.train.episode_log import EpisodeLog


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A batch of answers, with the task's own rewards and diagnostics.

    Attributes:
        batch: T = prompt + answer − 1 ticks, the prompt's not `valid`; observations are the tokens
            read, actions the next ones; rewards hold the penalty for leaving the reference.
        sequences: int64 [S, N, prompt + answer].
        rewards: float64 [S, N], the task's own.
        diagnostics: reference_kl [S], KL(policy ‖ reference) of a token's whole distribution, the
            mean over the answers' states [nats]; gold_reward [S], where the task has one.
    """

    batch: Batch
    sequences: Int64Array
    rewards: Float64Array
    diagnostics: Diagnostics


class AnswerCollector:
    """A `Collector` whose steps are tokens and whose episodes are answers.

    An answer ends with its batch; its return is the task's own reward.

    Args:
        learner: the S seeds; its `active` decides whose answers count.
        task: the token environment; environment: its id.
    """

    def __init__(self, learner: AnswerLearner[Any], task: SequenceTask, environment: str) -> None:
        self._learner = learner
        self._task = task
        self._reward = name_of_reward(task, environment)
        self._started = time.perf_counter()
        self._steps = torch.zeros_like(learner.steps)
        self._divergences: list[tuple[str, int] | None] = [None] * len(learner.seeds)
        self.episodes = [EpisodeLog() for _ in learner.seeds]

    def collect(self) -> tuple[Batch, Diagnostics]:
        """As `Collector`: `Answers.batch` and `Answers.diagnostics`."""
        answers, active = sample_answers(self._learner, self._task), self._learner.active
        self._steps += answers.rewards.shape[1] * self._task.answer * active
        seconds = self.seconds()
        for s in active.nonzero().flatten().tolist():
            step, rewards = int(self._steps[s]), answers.rewards[s].tolist()
            for reward in filter(math.isfinite, rewards):
                self.episodes[s].append(step, reward, self._task.answer, seconds)
        self.stop(~torch.isfinite(answers.batch.rewards).all(2).all(1), self._reward)
        return answers.batch, answers.diagnostics

    def stop(self, diverged: Tensor, quantity: str) -> None:
        """As `Collector`."""
        learner = self._learner
        for s in (diverged & learner.active).nonzero().flatten().tolist():
            self._divergences[s] = (quantity, int(self._steps[s]))
        learner.active = learner.active & ~diverged

    def divergences(self) -> list[tuple[str, int] | None]:
        """As `Collector`."""
        return list(self._divergences)

    def taken(self) -> Tensor:
        """As `Collector`."""
        return self._steps.clone()

    def seconds(self) -> float:
        """As `Collector`, rounded down to 1/64 s, which compresses well in the store."""
        return math.floor(64 * (time.perf_counter() - self._started)) / 64


@torch.no_grad()
def sample_answers(learner: AnswerLearner[SequenceHyperparameters], task: SequenceTask) -> Answers:
    """Sample one batch for every seed: answers of one length to the seed's own prompts."""
    h = learner.hyperparameters
    policy, seeds = learner.policy, len(learner.seeds)
    sequences = write(learner, task, learner.noise().next_block())
    tokens = sequences.transpose(1, 2).contiguous()
    observations, actions = tokens[:, :-1].unsqueeze(3), tokens[:, 1:]
    # All ticks at once, as in the updates: a decoder's results differ in the last bits.
    statistics, reference = (
        policy.statistics(parameters, flatten(observations)).unflatten(1, actions.shape[1:])
        for parameters in (learner.parameters, learner.reference)
    )
    valid = torch.zeros_like(actions, dtype=torch.bool)
    valid[:, task.prompt - 1 :] = True
    flat_sequences = sequences.flatten(0, 1).cpu().numpy()
    scores = judged(task, "reward", flat_sequences)
    seed_scores = torch.from_numpy(scores).to(statistics).view(seeds, -1)
    rewards = penalised(
        policy, statistics, reference, actions, valid, seed_scores, h.penalty_in_reward
    )
    diagnostics = {"reference_kl": mean_over_steps(policy.divergence(statistics, reference), valid)}
    if task.gold is not None:
        gold = torch.from_numpy(judged(task, "gold", flat_sequences))
        diagnostics["gold_reward"] = gold.view(seeds, -1).mean(1)
    terminated = torch.zeros_like(valid)
    terminated[:, -1] = True
    batch = Batch(
        observations=observations,
        next_observations=actions.unsqueeze(3),
        actions=actions,
        statistics=statistics,
        rewards=rewards,
        terminated=terminated,
        truncated=torch.zeros_like(valid),
        valid=valid,
    )
    return Answers(
        batch=batch,
        sequences=sequences.cpu().numpy(),
        rewards=scores.reshape(seeds, -1),
        diagnostics=diagnostics,
    )


def write(
    learner: AnswerLearner[SequenceHyperparameters], task: SequenceTask, noise: Tensor
) -> Tensor:
    """Draw prompts and write answers to them, int64 [S, N, prompt + answer].

    Args:
        noise: [ticks, S, N, V], by which tokens are sampled; zeros give the likeliest tokens.
    """
    h = learner.hyperparameters
    prompts = np.stack([_prompts(task, seed, learner.updates, h) for seed in learner.seeds])
    sequences = torch.from_numpy(prompts).to(learner.device)
    decoder = Decoder(learner.network, learner.parameters, h.answers)
    for tick in range(task.prompt - 1):
        decoder.read(sequences[:, :, tick])
    for tick in range(task.answer):
        logits = decoder.read(sequences[:, :, -1])
        statistics = logits.log_softmax(2)
        token = learner.policy.sample(statistics, noise[tick].to(learner.device))
        sequences = torch.cat([sequences, token.unsqueeze(2)], dim=2)
    return sequences


def _prompts(task: SequenceTask, seed: int, update: int, h: SequenceHyperparameters) -> Int64Array:
    """Draw the prompts of one seed's batch, each repeated for its answers: int64 [N, prompt].

    The prompt of a place in the batch depends on (seed, place, update) alone.
    """
    rows = [
        drawn(task, "prompts", np.random.default_rng(episode_seed(seed, place, update)), 1)
        for place in range(h.prompts)
    ]
    return np.concatenate(rows).repeat(h.samples, axis=0)
