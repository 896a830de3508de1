"""The adaptive penalty, each seed by its own divergence."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from learners import Taught, learner_of
from torch import Tensor

from algorithms.ladder import kl_ppo
from algorithms.ladder.kl_ppo import BETA_BOUNDS, adapted, objective
from tests import strategies

TARGET = 0.01


def test_the_thresholds_seed_by_seed() -> None:
    divergence = torch.tensor(
        [0.0, 0.0066, 0.0067, 0.01, 0.0149, 0.0151, 3.0, float("inf"), float("nan")]
    )
    beta = torch.full((9,), 3.0)
    expected = [1.5, 1.5, 3.0, 3.0, 3.0, 6.0, 6.0, 6.0, 3.0]
    assert adapted(beta, divergence, TARGET).tolist() == expected


def test_exactly_on_a_threshold_nothing_changes() -> None:
    """With a target that makes both thresholds exact."""
    beta = torch.tensor([1.0, 2.0, 5.0])
    assert adapted(beta, torch.tensor([1.5 * 0.75, 0.75, 0.5]), 0.75).tolist() == [1, 2, 5]


def test_the_penalty_by_hand() -> None:
    beta = torch.tensor([[2.0], [0.0]])
    ratio, advantages = torch.tensor([[1.5, 0.5]] * 2), torch.tensor([[2.0, -4.0]] * 2)
    divergence = torch.tensor([[0.25, 1.0]] * 2)
    assert objective(ratio, advantages, divergence, beta).tolist() == [[2.5, -4.0], [3.0, -2.0]]


def run(learner: Taught, updates: int) -> list[dict[str, Tensor]]:
    history = []
    generator = np.random.default_rng(4)
    for _ in range(updates):
        batch = strategies.played(learner, 12, generator)
        history.append(dict(learner.algorithm.update(learner, batch)))
        learner.updates += 1
    return history


def test_beta_follows_the_divergence_of_the_whole_batch_after_the_last_epoch() -> None:
    learner = learner_of(
        "kl_ppo", batch_steps=48, minibatch=16, learning_rate=0.012, beta=0.5, epochs=4
    )
    history = run(learner, 12)
    moves = set()
    for report, next_report in itertools.pairwise(history):
        for s in range(3):
            kl = float(report["kl_mean"][s])
            factor = 2.0 if kl > 1.5 * TARGET else 0.5 if kl < TARGET / 1.5 else 1.0
            assert float(next_report["beta"][s] / report["beta"][s]) == factor
            moves.add(factor)
        if len(set(report["beta"].tolist())) > 1:
            moves.add("apart")
    # The example is worth something only if all of it happens, and seeds differ.
    assert moves == {2.0, 0.5, 1.0, "apart"}
    assert (history[0]["beta"] == 0.5).all()


def test_a_fixed_beta_stays() -> None:
    learner = learner_of("kl_ppo", batch_steps=48, minibatch=16, beta=0.3, adaptive=False)
    assert all((report["beta"] == np.float32(0.3)).all() for report in run(learner, 3))


def test_a_seed_that_is_not_active_keeps_its_beta() -> None:
    learner = learner_of("kl_ppo", batch_steps=48, minibatch=16, learning_rate=0.05)
    learner.active = torch.tensor([True, False, True])
    run(learner, 1)
    beta = learner.memory["beta"]
    assert beta[1] == 1.0 and (beta[[0, 2]] != 1.0).all()


def test_a_larger_beta_stays_nearer() -> None:
    distances = [
        float(
            run(
                learner_of(
                    "kl_ppo",
                    batch_steps=48,
                    minibatch=16,
                    learning_rate=0.01,
                    beta=beta,
                    adaptive=False,
                ),
                1,
            )[0]["kl_mean"].mean()
        )
        for beta in (0.0, 1.0, 10.0)
    ]
    assert distances[0] > 1.5 * distances[1] > 1.5 * distances[2] > 0


def test_it_is_the_divergence_of_the_new_policy_from_the_old_one() -> None:
    """KL(θ' ‖ θ), not the other way round: seen in what `adapted` is given."""
    learner = learner_of("kl_ppo", batch_steps=48, minibatch=16, learning_rate=0.05, epochs=10)
    batch = strategies.played(learner, 12, np.random.default_rng(1))
    kl_mean = learner.algorithm.update(learner, batch)["kl_mean"]
    flat = batch.observations.flatten(1, 2)
    new = learner.policy.statistics(learner.policy_parameters, flat)
    old = batch.statistics.flatten(1, 2)
    forward = learner.policy.divergence(old, new).mean(1)
    backward = learner.policy.divergence(new, old).mean(1)
    torch.testing.assert_close(kl_mean.float(), forward.detach(), rtol=1e-4, atol=1e-6)
    assert ((forward - backward).abs() > 0.02 * forward).all()


@pytest.mark.parametrize("name", ["beta", "kl_target"])
def test_negative_numbers_are_refused(name: str) -> None:
    from algorithms.hyperparameters import check

    with pytest.raises(ValueError, match=name):
        check(kl_ppo.Hyperparameters(**{name: -0.1}))


@pytest.mark.parametrize(("divergence", "opposite"), [(0.0, 1.0), (1.0, 0.0)])
def test_beta_stays_within_its_bounds_and_leads_back_from_them(
    divergence: float, opposite: float
) -> None:
    beta = torch.ones(1)
    for _ in range(300):
        beta = adapted(beta, torch.tensor([divergence]), TARGET)
    bound = torch.tensor([min(BETA_BOUNDS) if divergence == 0.0 else max(BETA_BOUNDS)])
    assert torch.equal(beta, bound)
    for _ in range(34):
        beta = adapted(beta, torch.tensor([opposite]), TARGET)
    assert (beta > 1.0) if opposite else (beta < 1.0)


def test_beta_rises_from_zero() -> None:
    beta = torch.zeros(1)
    for _ in range(40):
        beta = adapted(beta, torch.ones(1), TARGET)
    assert beta > 1.0
