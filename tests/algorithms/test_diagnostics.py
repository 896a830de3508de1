"""What an update reports, recomputed from the parameters before and after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from learners import ON_TRAJECTORIES, SPACES, SURROGATES, actor_of, each_implementation, learner_of
from torch.distributions import kl_divergence

from algorithms.diagnostics import compared, policy_change
from algorithms.ladder.trajectory_importance_sampling import ratio_spread
from tests import reference, strategies

CASES: list[tuple[str, dict[str, Any]]] = [
    *ON_TRAJECTORIES,
    ("advantage", {"batch_steps": 40, "critic_minibatch": 16}),
    *((name, {"batch_steps": 40, "minibatch": 16}) for name in SURROGATES),
]


def recomputed(
    before: reference.Actor, after: reference.Actor, batch: Any, seed: int, clip_range: float
) -> dict[str, float]:
    valid = batch.valid[seed]
    states = batch.observations[seed][valid].double()
    actions = batch.actions[seed][valid]
    old, new = before(states), after(states)
    ratio = (new.log_prob(actions) - old.log_prob(actions)).exp().detach().numpy()
    kl = kl_divergence(old, new).detach().numpy()
    expected = {
        "entropy": float(new.entropy().mean().detach()),
        "kl_mean": kl.mean(),
        "kl_max": kl.max(),
        "ratio_q01": np.quantile(ratio, 0.01),
        "ratio_q50": np.quantile(ratio, 0.5),
        "ratio_q99": np.quantile(ratio, 0.99),
        "effective_sample_size": ratio.sum() ** 2 / len(ratio) / (ratio**2).sum(),
        "clip_fraction": np.mean(np.abs(ratio - 1) > clip_range),
        "batch_steps": int(valid.sum()),
    }
    if before.continuous:
        expected["log_std_mean"] = float(after.log_std.detach().mean())
    return expected


def of_the_product(
    before: reference.Actor, after: reference.Actor, batch: Any, seed: int
) -> dict[str, float]:
    """What `recomputed` says of the ratio, for the product over each slot's trajectory."""
    products = []
    for n in range(batch.valid.shape[2]):
        valid = batch.valid[seed, :, n]
        states, actions = batch.observations[seed, :, n][valid], batch.actions[seed, :, n][valid]
        old, new = before(states.double()), after(states.double())
        logs = new.log_prob(actions) - old.log_prob(actions)
        products.append(float(logs.sum().exp().detach()))
    ratio = np.array(products)
    # Quantiles of the logarithms: between two products that differ by orders of magnitude.
    low, median, high = np.exp(np.quantile(np.log(ratio), (0.01, 0.5, 0.99)))
    return {
        "ratio_q01": low,
        "ratio_q50": median,
        "ratio_q99": high,
        "effective_sample_size": ratio.sum() ** 2 / len(ratio) / (ratio**2).sum(),
    }


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize(
    ("name", "changes"),
    CASES,
    ids=lambda value: "" if isinstance(value, str) else "-".join(map(str, value.values())),
)
@each_implementation
def test_an_update_reports_what_parameters_before_and_after_say(
    name: str, changes: dict[str, Any], space: Any, implementation: str
) -> None:
    learner = learner_of(name, space, implementation=implementation, learning_rate=0.03, **changes)
    whole_episodes = learner.algorithm.collects == "trajectories"
    batch = strategies.played(learner, 10, np.random.default_rng(8), whole_episodes=whole_episodes)
    before = learner.policy_parameters.clone()
    report = learner.algorithm.update(learner, batch)
    after = learner.policy_parameters.clone()
    for s in range(3):
        old, new = (actor_of(learner, s, columns) for columns in (before, after))
        clip_range = getattr(learner.hyperparameters, "clip_range", 0.2)
        expected = recomputed(old, new, batch, s, clip_range)
        if name == "trajectory_importance_sampling":
            expected |= of_the_product(old, new, batch, s)
        if name != "clipped_ppo":
            del expected["clip_fraction"]
            assert "clip_fraction" not in report
        assert ("log_std_mean" in report) == (space is SPACES["continuous"])
        for column, value in expected.items():
            np.testing.assert_allclose(
                float(report[column][s]), value, rtol=1e-3, atol=2e-6, err_msg=column
            )
        assert expected["kl_mean"] > 1e-4


def test_every_diagnostic_is_one_number_a_seed() -> None:
    for name, changes in CASES:
        learner = learner_of(name, **changes)
        whole_episodes = learner.algorithm.collects == "trajectories"
        batch = strategies.played(
            learner, 10, np.random.default_rng(8), whole_episodes=whole_episodes
        )
        report = learner.algorithm.update(learner, batch)
        assert all(values.shape == (3,) for values in report.values()), name
        assert all(torch.isfinite(values).all() for values in report.values()), name


def test_products_beyond_float32_have_an_effective_sample_size() -> None:
    spread = ratio_spread(torch.tensor([[0.0, 0.0, 400.0, 400.0], [-400.0] * 4, [0.0] * 4]))
    np.testing.assert_allclose(spread["effective_sample_size"], [0.5, 1.0, 1.0])
    np.testing.assert_allclose(spread["ratio_q99"].log(), [400.0, -400.0, 0.0], atol=1e-9)


def test_without_a_change_the_ratio_is_one() -> None:
    learner = learner_of("vanilla_policy_gradient")
    batch = strategies.played(learner, 10, np.random.default_rng(8), whole_episodes=True)
    change = policy_change(learner, batch, (0.9999, 1.0001))
    for name in ("ratio_q01", "ratio_q50", "ratio_q99", "effective_sample_size"):
        np.testing.assert_allclose(change[name], 1, atol=1e-5)
    np.testing.assert_allclose(change["kl_max"], 0, atol=1e-6)
    assert (change["clip_fraction"] == 0).all()


def test_the_clip_counts_on_either_side() -> None:
    learner = learner_of("clipped_ppo", learning_rate=0.03, batch_steps=40, minibatch=16)
    batch = strategies.played(learner, 10, np.random.default_rng(8))
    learner.policy_parameters.add_(0.1)
    clip_fraction = policy_change(learner, batch, (0.95, 1.2))["clip_fraction"]
    for s in range(3):
        new = actor_of(learner, s)
        states = batch.observations[s][batch.valid[s]].double()
        actions, logs = batch.actions[s][batch.valid[s]], batch.statistics[s][batch.valid[s]]
        mean, log_std = logs.double().chunk(2, -1)
        behaviour = torch.distributions.Normal(mean, log_std.exp())
        ratio = (new(states).log_prob(actions) - behaviour.log_prob(actions).sum(-1)).exp()
        outside = (ratio < 0.95) | (ratio > 1.2)
        assert clip_fraction[s] == pytest.approx(outside.double().mean().item(), abs=1e-6)
        # Three answers that differ: the lower range on both sides, and the upper one.
        symmetric = {
            bound: ((ratio - 1).abs() > bound).double().mean().item() for bound in (0.05, 0.2)
        }
        assert symmetric[0.05] > clip_fraction[s] > symmetric[0.2]


def test_a_seed_that_took_no_step_or_is_not_finite_is_told_and_harms_nobody() -> None:
    learner = learner_of("vanilla_policy_gradient", seeds=(0, 1, 2, 3))
    batch = strategies.played(learner, 10, np.random.default_rng(8), whole_episodes=True)
    learner.policy_parameters.add_(0.1)
    clean = policy_change(learner, batch, (0.8, 1.2))
    broken = replace(batch, valid=batch.valid.clone())
    broken.valid[1] = False
    learner.policy_parameters[2] = float("nan")
    report = policy_change(learner, broken, (0.8, 1.2))
    for name, values in report.items():
        assert torch.equal(values[[0, 3]], clean[name][[0, 3]]), name
    assert report["batch_steps"][1] == 0
    for name in ("kl_mean", "ratio_q50", "effective_sample_size"):
        assert report[name][1].isnan() and report[name][2].isnan()


def test_every_step_is_compared_with_the_sigma_that_it_was_drawn_with() -> None:
    learner = learner_of("clipped_ppo")
    batch = strategies.played(learner, 6, np.random.default_rng(0))
    log_stds = batch.statistics[..., learner.policy.log_stds :]
    log_stds += torch.linspace(-1, 1, log_stds.numel()).view(log_stds.shape)
    by_kernels = compared(learner, batch)
    learner.compiled = False
    for actual, expected in zip(by_kernels, compared(learner, batch), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)
