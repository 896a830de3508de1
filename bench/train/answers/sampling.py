"""Collecting batches of answers: the policy writes, the reward judges, the reference is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from algorithms.answers.decoding import Decoder
from algorithms.answers.hyperparameters import SequenceHyperparameters
from algorithms.answers.learner import AnswerLearner
from algorithms.answers.penalty import penalised
from algorithms.batch import Batch, Diagnostics, flatten, mean_over_steps
from bench.train.answers.tasks import SequenceTask, drawn, finite, judged
from bench.train.environments.protocol import BoolArray, Float64Array, Int64Array
from bench.train.environments.slot_seeds import episode_seed


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A batch and what there is to say of it besides.

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

    @property
    def finite(self) -> BoolArray:
        """bool [S], whether a seed's rewards are all numbers."""
        found: BoolArray = np.all(finite(self.rewards), axis=1)
        return found


@torch.no_grad()
def sample_answers(learner: AnswerLearner[SequenceHyperparameters], task: SequenceTask) -> Answers:
    """One batch of every seed: answers of one length to prompts of its own."""
    h = learner.hyperparameters
    policy, seeds = learner.policy, len(learner.seeds)
    sequences = write(learner, task)
    tokens = sequences.transpose(1, 2).contiguous()
    observations, actions = tokens[:, :-1].unsqueeze(3), tokens[:, 1:]
    # All ticks at once, as in the updates: a decoder's last bits are others.
    statistics, reference = (
        policy.statistics(parameters, flatten(observations)).unflatten(1, actions.shape[1:])
        for parameters in (learner.parameters, learner.reference)
    )
    valid = torch.zeros_like(actions, dtype=torch.bool)
    valid[:, task.prompt - 1 :] = True
    flat = sequences.flatten(0, 1).cpu().numpy()
    scores = judged(task, "reward", flat)
    last = torch.from_numpy(scores).to(statistics).view(seeds, -1)
    rewards = penalised(policy, statistics, reference, actions, valid, last, h.penalty_in_reward)
    diagnostics = {"reference_kl": mean_over_steps(policy.divergence(statistics, reference), valid)}
    if task.gold is not None:
        gold = torch.from_numpy(judged(task, "gold", flat))
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


def write(learner: AnswerLearner[SequenceHyperparameters], task: SequenceTask) -> Tensor:
    """Prompts with answers sampled to them, int64 [S, N, prompt + answer]."""
    h = learner.hyperparameters
    prompts = np.stack([_prompts(task, seed, learner.updates, h) for seed in learner.seeds])
    sequences = torch.from_numpy(prompts).to(learner.device)
    decoder = Decoder(learner.network, learner.parameters, h.answers)
    for tick in range(task.prompt - 1):
        decoder.read(sequences[:, :, tick])
    noise = learner.noise().next_block().to(learner.device)
    for tick in range(task.answer):
        logits = decoder.read(sequences[:, :, -1])
        statistics = learner.policy.read(logits, logits[:, 0, :0])
        token = learner.policy.sample(statistics, noise[tick])
        sequences = torch.cat([sequences, token.unsqueeze(2)], dim=2)
    return sequences


def _prompts(task: SequenceTask, seed: int, update: int, h: SequenceHyperparameters) -> Int64Array:
    """The prompts of one seed's batch, each as often as it is answered: int64 [N, prompt].

    The prompt of a place in the batch follows from (seed, place, update), whatever else there is.
    """
    rows = [
        drawn(task, "prompts", np.random.default_rng(episode_seed(seed, place, update)), 1)
        for place in range(h.prompts)
    ]
    return np.concatenate(rows).repeat(h.samples, axis=0)
