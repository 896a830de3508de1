"""Batches of answers: drawn as the policy says, to the prompts they say, rewarded as declared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import letters  # noqa: F401  (registers)
import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Categorical, kl_divergence

from algorithms.answers.learner import AnswerLearner
from algorithms.batch import flatten
from bench.plan.lookup import load_algorithm
from bench.train.answers.reference import reference_of
from bench.train.answers.sampling import Answers, sample_answers
from bench.train.answers.tasks import TASKS

LETTERS = TASKS["Letters-v0"]
# A prompt of two tokens, of which the first is no more than read.
LONGER = replace(LETTERS, prompt=2, answer=4, prompts=lambda g, n: g.integers(3, size=(n, 2)))


def learner_of(task: Any = LETTERS, seeds: Any = (0, 1, 2), **changes: Any) -> AnswerLearner[Any]:
    algorithm: Any = load_algorithm("sequence_clipped_ppo")
    h = algorithm.hyperparameters(**{"prompts": 3, "samples": 4, **changes})
    learner = AnswerLearner(h, seeds, task.network, reference_of(LETTERS))
    generator = torch.Generator().manual_seed(5)
    learner.parameters += 0.3 * torch.randn(learner.parameters.shape, generator=generator)
    return learner


@pytest.mark.parametrize("task", [LETTERS, LONGER])
def test_a_batch_is_what_was_written(task: Any) -> None:
    learner = learner_of(task)
    sample = sample_answers(learner, task)
    sequences, batch = torch.from_numpy(sample.sequences), sample.batch
    ticks = task.prompt + task.answer - 1
    assert sequences.shape == (3, 12, ticks + 1)
    assert torch.equal(batch.observations[..., 0], sequences[:, :, :-1].transpose(1, 2))
    assert torch.equal(batch.actions, sequences[:, :, 1:].transpose(1, 2))
    assert torch.equal(batch.next_observations[..., 0], batch.actions)
    assert batch.valid.sum(1).eq(task.answer).all() and batch.valid[:, task.prompt - 1 :].all()
    assert batch.terminated[:, -1].all() and not batch.terminated[:, :-1].any()
    assert not batch.truncated.any()
    recomputed = learner.policy.statistics(learner.parameters, flatten(batch.observations))
    assert torch.equal(recomputed.unflatten(1, (ticks, 12)), batch.statistics)


@pytest.mark.parametrize("task", [LETTERS, LONGER])
def test_rewards_are_the_task_s_less_the_penalty(task: Any) -> None:
    learner = learner_of(task, reference_penalty=0.4)
    sample = sample_answers(learner, task)
    batch = sample.batch
    reference = learner.policy.statistics(learner.reference, flatten(batch.observations))
    behaviour, reference_policy = (
        Categorical(logits=logs.double())
        for logs in (batch.statistics, reference.unflatten(1, batch.actions.shape[1:]))
    )
    ratio = behaviour.log_prob(batch.actions) - reference_policy.log_prob(batch.actions)
    expected = torch.where(batch.valid, -0.4 * ratio, 0.0)
    scores = np.stack([task.reward(sequences) for sequences in sample.sequences])
    np.testing.assert_array_equal(sample.rewards, scores)
    expected[:, -1] += torch.from_numpy(scores)
    torch.testing.assert_close(batch.rewards.double(), expected, rtol=1e-4, atol=1e-5)
    divergence = kl_divergence(behaviour, reference_policy)[:, task.prompt - 1 :].mean((1, 2))
    assert divergence.min() > 0.01
    diagnostics = sample.diagnostics
    torch.testing.assert_close(
        diagnostics["reference_kl"].double(), divergence, rtol=1e-4, atol=1e-6
    )
    gold_scores = np.stack([task.gold(sequences) for sequences in sample.sequences]).mean(1)
    np.testing.assert_allclose(diagnostics["gold_reward"].numpy(), gold_scores)


def test_a_policy_at_its_reference_has_left_nothing() -> None:
    learner = learner_of()
    learner.parameters.copy_(learner.reference)
    sample = sample_answers(learner, LETTERS)
    assert sample.diagnostics["reference_kl"].abs().max() == 0
    assert not sample.batch.rewards[:, :-1].any()


def test_a_task_without_gold_tells_none() -> None:
    sample = sample_answers(learner_of(), replace(LETTERS, gold=None))
    assert set(sample.diagnostics) == {"reference_kl"}


def test_tokens_are_drawn_as_the_policy_says() -> None:
    """The first two tokens of answers to one prompt, by their exact probabilities: a χ² test."""
    task = replace(LETTERS, prompts=lambda g, n: np.zeros((n, 1), np.int64))
    learner = learner_of(task, seeds=(3,), prompts=1, samples=4_000)
    sample = sample_answers(learner, task)
    first = sample.batch.statistics[0, 0, 0].double().exp().numpy()
    counts, chances = [], []
    for a in range(3):
        for b in range(3):
            matches = (sample.sequences[0, :, 1:3] == (a, b)).all(1)
            first_matches = sample.sequences[0, :, 1] == a
            second = (
                sample.batch.statistics[0, 1][torch.from_numpy(first_matches)][0].double().exp()
            )
            counts.append(matches.sum())
            chances.append(first[a] * float(second[b]))
    chances = np.array(chances) / np.sum(chances)
    assert stats.chisquare(counts, chances * 4_000).pvalue > 1e-3
    # It can tell: not so where answers are thought to be equally likely.
    assert stats.chisquare(counts).pvalue < 1e-6


def prompts_of(answers: Answers, task: Any = LETTERS) -> np.ndarray:
    return answers.sequences[:, :, : task.prompt]


def test_answers_to_one_prompt_stand_side_by_side() -> None:
    groups = prompts_of(sample_answers(learner_of(LONGER), LONGER), LONGER).reshape(3, 3, 4, 2)
    assert (groups == groups[:, :, :1]).all()
    assert len({tuple(prompt) for prompt in groups[:, :, 0].reshape(-1, 2)}) > 3
    # Not so the answers.
    answers = sample_answers(learner_of(LONGER), LONGER).sequences[:, :, 2:].reshape(3, 3, 4, 4)
    assert (answers != answers[:, :, :1]).any()


def test_a_prompt_follows_from_seed_place_and_update() -> None:
    def drawn(seeds: Any, updates: int = 0, **changes: Any) -> np.ndarray:
        learner = learner_of(LONGER, seeds, **changes)
        learner.updates = updates
        return prompts_of(sample_answers(learner, LONGER), LONGER)

    prompts = drawn((0, 1, 2))
    assert (drawn((2, 0)) == prompts[[2, 0]]).all()
    more_prompts = drawn((0, 1, 2), prompts=5)
    assert (more_prompts[:, :12] == prompts).all()
    more_samples = drawn((0, 1, 2), samples=8)
    assert (more_samples[:, ::8] == prompts[:, ::4]).all()
    assert (drawn((0, 1, 2), updates=1) != prompts).any()


def test_a_reward_of_another_shape_is_named() -> None:
    def wrong(sequences: np.ndarray) -> np.ndarray:
        return np.zeros((len(sequences), 1))

    with pytest.raises(ValueError, match=r"wrong gave an array of shape \(36, 1\) for 36 answers"):
        sample_answers(learner_of(), replace(LETTERS, reward=wrong))
