"""What each estimator expects, exactly: all batches of a small decision process, enumerated.

Every seed of the enumerated batch is one possible batch of N trajectories; the expectation is the
sum over seeds, weighted by probability. The weights come from the shipped functions, the gradients
from the shipped `trajectory_gradients`, the truth from `tests.reference`.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from algorithms import baselines
from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch
from algorithms.hyperparameters import Hyperparameters, OptimizerHyperparameters
from algorithms.ladder import (
    baseline,
    reward_to_go,
    trajectory_importance_sampling,
    vanilla_policy_gradient,
)
from algorithms.learner import Learner
from algorithms.policies import CategoricalPolicy, Policy, make_policy
from algorithms.policy_gradient import gradient_signal, trajectory_gradients
from algorithms.returns import generalized_advantage, total_return
from algorithms.spaces import Discrete
from tests import reference
from tests.reference import Process, TabularPolicy, Trajectory

NOT_A_NUMBER = float("nan")


def process(horizon: int) -> Process:
    """Two states, two actions; in state 1, action 0 may end the episode before the horizon."""
    return Process(
        initial=np.array([0.3, 0.7]),
        transitions=np.array(
            [[[0.2, 0.8, 0.0], [0.6, 0.4, 0.0]], [[0.5, 0.1, 0.4], [0.75, 0.25, 0.0]]]
        ),
        rewards=np.array([[1.0, -0.5], [2.0, 3.5]]),
        horizon=horizon,
    )


@dataclass(frozen=True)
class World:
    """All batches of N trajectories.

    Attributes:
        batch: one seed a batch [S, H, N, …].
        theta: [P] the policy; columns [S, P] the same for all seeds.
        probabilities: [S] of the batches under θ.
    """

    tabular: TabularPolicy
    policy: CategoricalPolicy
    theta: Tensor
    groups: tuple[tuple[Trajectory, ...], ...]
    batch: Batch

    @property
    def columns(self) -> Tensor:
        return self.theta.expand(len(self.groups), -1)

    @property
    def probabilities(self) -> Tensor:
        return self.probabilities_under(self.theta)

    def probabilities_under(self, theta: Tensor) -> Tensor:
        chance = {
            id(trajectory): float(self.tabular.trajectory_probability(theta, trajectory))
            for trajectory in self.tabular.process.trajectories
        }
        return torch.tensor(
            [math.prod(chance[id(trajectory)] for trajectory in group) for group in self.groups],
            dtype=torch.float64,
        )

    def expectation(self, weights: Tensor) -> Tensor:
        """E[1/N Σₙ Σₜ wₜ ∇log p] [P] through the shipped gradients."""
        gradients = gradients_of(self.policy, self.columns, self.batch, weights)
        return (self.probabilities[:, None] * gradients.mean(1)).sum(0)

    def true_gradient(self, value: Callable[[Trajectory], float] = lambda t: t.total) -> Tensor:
        return self.tabular.gradient(self.theta, value)


def gradients_of(policy: Policy, columns: Tensor, batch: Batch, weights: Tensor) -> Tensor:
    """The shipped ∇ Σₜ wₜ log p [S, N, P] of policies with these parameters [S, P]."""
    learner = Learner(OptimizerHyperparameters(), (0,) * len(columns), policy, columns)
    return trajectory_gradients(learner, batch, weights.expand_as(batch.rewards))


@cache
def world(horizon: int = 3, slots: int = 2, hidden: tuple[int, ...] = ()) -> World:
    mdp = process(horizon)
    policy = make_policy(2, Discrete(count=2), Hyperparameters(hidden_sizes=hidden))
    assert isinstance(policy, CategoricalPolicy)
    generator = np.random.default_rng(7)
    theta = torch.from_numpy(generator.standard_normal(policy.size))
    groups = tuple(itertools.product(mdp.trajectories, repeat=slots))
    return World(
        tabular=TabularPolicy(mdp, policy.network.sizes),
        policy=policy,
        theta=theta,
        groups=groups,
        # Rewards where nobody steps are rubbish: no estimator may look at them.
        batch=reference.batch_of(mdp, groups, junk=NOT_A_NUMBER),
    )


def learner_of(toy: World, algorithm: str, **changes: object) -> ActorCritic[Any]:
    """A learner with a seed for every batch, all of them at the world's θ, in float64."""
    module = {"baseline": baseline, "reward_to_go": reward_to_go}[algorithm]
    h = module.Hyperparameters(hidden_sizes=(), slots=len(toy.groups[0]), **changes)
    learner: ActorCritic[Any] = ActorCritic(
        h, [0], 2, Discrete(count=2), critic=module.ALGORITHM.critic(h)
    )
    module.ALGORITHM.start(learner)
    # Kernels are of float32.
    learner.compiled = False
    parameters = learner.parameters.double().repeat(len(toy.groups), 1)
    parameters[:, : toy.policy.size] = toy.theta
    learner.parameters = parameters
    learner.seeds = (0,) * len(toy.groups)
    learner.memory = {
        name: x.double().repeat(len(toy.groups)) for name, x in learner.memory.items()
    }
    return learner


def assert_equal(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)


def assert_different(actual: Tensor, expected: Tensor) -> None:
    assert float((actual - expected).norm() / expected.norm()) > 0.02


WORLDS = [(3, 2, ()), (3, 2, (3,)), (2, 3, ()), (1, 2, ())]


@pytest.mark.parametrize("size", WORLDS)
def test_the_enumeration_is_complete(size: tuple[int, int, tuple[int, ...]]) -> None:
    toy = world(*size)
    assert math.isclose(float(toy.probabilities.sum()), 1, rel_tol=1e-12)
    # ∇ of a constant's expectation is 0; E[R] agrees with dynamic programming.
    assert_equal(toy.true_gradient(lambda t: 1.0), torch.zeros_like(toy.theta))
    _, values = toy.tabular.action_values(toy.theta, 1.0)
    expected = float(toy.tabular.expectation(toy.theta, lambda t: t.total))
    assert math.isclose(expected, float(toy.tabular.process.initial @ values[0]), rel_tol=1e-12)


@pytest.mark.parametrize("size", WORLDS)
def test_vanilla_expects_the_gradient(size: tuple[int, int, tuple[int, ...]]) -> None:
    toy = world(*size)
    weights = vanilla_policy_gradient.credit(toy.batch)
    assert_equal(toy.expectation(weights), toy.true_gradient())


@pytest.mark.parametrize("b", [0.0, -3.0, 1e3])
def test_a_constant_baseline_leaves_the_expectation(b: float) -> None:
    toy = world()
    weights = baseline.credit(toy.batch) - b
    # The terms that cancel are as large as b.
    torch.testing.assert_close(toy.expectation(weights), toy.true_gradient(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", WORLDS)
def test_the_batch_mean_shrinks_the_gradient_by_one_over_n(
    size: tuple[int, int, tuple[int, ...]],
) -> None:
    toy = world(*size)
    learner = learner_of(world(size[0], size[1]), "baseline")
    returns = baseline.credit(toy.batch)
    weights = returns - baselines.batch_mean(learner, toy.batch, returns)
    slots = size[1]
    assert_equal(toy.expectation(weights), (1 - 1 / slots) * toy.true_gradient())
    assert_different(toy.expectation(weights), toy.true_gradient())


@pytest.mark.parametrize("size", WORLDS)
def test_leave_one_out_expects_the_gradient(size: tuple[int, int, tuple[int, ...]]) -> None:
    toy = world(*size)
    learner = learner_of(world(size[0], size[1]), "baseline", baseline="leave_one_out")
    returns = baseline.credit(toy.batch)
    weights = returns - baselines.leave_one_out(learner, toy.batch, returns)
    assert_equal(toy.expectation(weights), toy.true_gradient())


@pytest.mark.parametrize("size", WORLDS)
def test_undiscounted_reward_to_go_expects_the_gradient(
    size: tuple[int, int, tuple[int, ...]],
) -> None:
    toy = world(*size)
    learner = learner_of(world(size[0], size[1]), "reward_to_go")
    returns = reward_to_go.credit(toy.batch, 1.0)
    weights = returns - baselines.none(learner, toy.batch, returns)
    assert_equal(toy.expectation(weights), toy.true_gradient())


@pytest.mark.parametrize("discount", [0.0, 0.7])
def test_discounted_reward_to_go_misses_the_factor_that_the_discounted_objective_has(
    discount: float,
) -> None:
    toy = world()
    weights = reward_to_go.credit(toy.batch, discount)
    powers = discount ** torch.arange(3, dtype=torch.float64)

    def discounted(trajectory: Trajectory) -> float:
        return reference.reward_to_go(trajectory.rewards, discount)[0]

    objective = toy.true_gradient(discounted)
    assert_equal(toy.expectation(weights * powers.view(1, 3, 1)), objective)
    # Without γᵗ it is what the docstring says: Σₜ E[∇log p · Gₜ], here by dynamic programming.
    action_values, _ = toy.tabular.action_values(toy.theta, discount)
    visits, table = toy.tabular.visits(toy.theta), toy.tabular.probabilities(toy.theta)
    scores = toy.tabular.scores(toy.theta)
    stated = torch.zeros_like(toy.theta)
    for t, s, a in np.ndindex(action_values.shape):
        stated += visits[t, s] * float(table[s, a]) * action_values[t, s, a] * scores[s][a]
    assert_equal(toy.expectation(weights), stated)
    assert_different(toy.expectation(weights), objective)
    assert_different(toy.expectation(weights), toy.true_gradient())


def test_reward_to_go_minus_the_batch_mean_has_the_bias_of_its_definition() -> None:
    """b is the mean of Gₜ over the batch's steps, the step's own Gₜ among them: not ∇J."""
    toy = world()
    for discount in (1.0, 0.7):
        returns = reward_to_go.credit(toy.batch, discount)
        learner = learner_of(toy, "reward_to_go", discount=discount)
        weights = returns - baselines.batch_mean(learner, toy.batch, returns)
        scores = toy.tabular.scores(toy.theta)
        expected = torch.zeros_like(toy.theta)
        for probability, group in zip(toy.probabilities, toy.groups, strict=True):
            all_returns = [
                reference.reward_to_go(trajectory.rewards, discount) for trajectory in group
            ]
            b = np.mean([g for returns_of_one in all_returns for g in returns_of_one])
            for trajectory, returns_of_one in zip(group, all_returns, strict=True):
                for s, a, g in zip(
                    trajectory.states, trajectory.actions, returns_of_one, strict=True
                ):
                    expected += probability / len(group) * (g - b) * scores[s][a]
        assert_equal(toy.expectation(weights), expected)
        assert_different(toy.expectation(weights), toy.true_gradient())


def test_any_value_of_the_state_leaves_the_expectation_of_reward_to_go() -> None:
    """What the learned baseline rests on: V(sₜ) is settled before the action is drawn."""
    toy = world()
    value = torch.tensor([4.0, -9.0], dtype=torch.float64)
    of_state = toy.batch.observations @ value
    for returns in (reward_to_go.credit(toy.batch, 1.0), baseline.credit(toy.batch)):
        assert_equal(toy.expectation(returns - of_state), toy.true_gradient())


def second_batches(first: World, second: World) -> tuple[Batch, Batch]:
    """Each first batch with each second one, as one seed each."""
    a, b = len(first.groups), len(second.groups)
    return (
        Batch(**{name: x.repeat_interleave(b, 0) for name, x in vars(first.batch).items()}),
        Batch(
            **{name: x.repeat(a, *[1] * (x.dim() - 1)) for name, x in vars(second.batch).items()}
        ),
    )


def single(batch: Batch) -> Batch:
    """float64 -> float32, and rubbish away: what a rollout hands over."""
    return replace(
        batch,
        **{
            name: torch.nan_to_num(x).float()
            for name, x in vars(batch).items()
            if x.is_floating_point()
        },
    )


@pytest.mark.parametrize(
    ("rung", "name"),
    [("baseline", "moving_average"), ("baseline", "learned"), ("reward_to_go", "learned")],
)
def test_baselines_of_earlier_batches_expect_the_gradient(rung: str, name: str) -> None:
    """Two updates through the shipped code, for every first and every second batch.

    After the first one θ, the average and the critic differ from seed to seed. Given the first
    batch, the second one's gradient must expect ∇J at the θ that the first one led to.
    """
    module = {"baseline": baseline, "reward_to_go": reward_to_go}[rung]
    first, second = world(2, 1), world(2, 2)
    a, b = len(first.groups), len(second.groups)
    h = module.Hyperparameters(
        hidden_sizes=(), slots=1, baseline=name, learning_rate=0.3, critic_epochs=2
    )
    learner: ActorCritic[Any] = ActorCritic(
        h, [0] * (a * b), 2, Discrete(count=2), critic=module.ALGORITHM.critic(h)
    )
    module.ALGORITHM.start(learner)
    earlier, later = second_batches(first, second)
    learner.parameters[:, : first.policy.size] = first.theta.float()
    module.update(learner, single(earlier))
    learner.updates += 1
    columns = learner.policy_parameters.double()

    def gradients() -> Tensor:
        """Of the second batches, at the θ that the first ones led to [S, P]."""
        wide = copy.copy(learner)
        wide.parameters = torch.cat([columns, learner.critic_parameters.double()], dim=1)
        wide.compiled = False
        credit = reward_to_go.credit(later, 1.0)
        if rung == "baseline":
            credit = baseline.credit(later)
        weights = credit - baselines.BASELINES[name](wide, later, credit)
        return gradients_of(wide.policy, columns, later, weights).mean(1)

    def expectation(gradients: Tensor, index: int) -> tuple[Tensor, Tensor]:
        """Of the gradients given first batch `index`, and the truth."""
        rows = slice(index * b, (index + 1) * b)
        theta = columns[index * b]
        assert (columns[rows] == theta).all()
        weighted = second.probabilities_under(theta)[:, None] * gradients[rows]
        return weighted.sum(0), second.tabular.gradient(theta, lambda t: t.total)

    unbiased = gradients()
    for index in range(a):
        assert_equal(*expectation(unbiased, index))
    assert len(columns.unique(dim=0)) > 1
    if name == "learned":
        # By contrast: a critic that has seen the batch it is subtracted from is biased.
        module.update(learner, single(later))
        assert_different(*expectation(gradients(), 0))


def test_the_moving_average_decays_and_starts_at_zero() -> None:
    toy = world(2, 2)
    learner = learner_of(toy, "baseline", moving_average_decay=0.75)
    history = [torch.full((len(toy.groups), 1, 2), value).double() for value in (4.0, 8.0, -2.0)]
    averages = [
        float(baselines.moving_average(learner, toy.batch, returns)[0, 0, 0]) for returns in history
    ]
    # Weights 1/4, 3/16, … of the newest, next, …, divided by their sum.
    third = (0.25 * 8 + 0.1875 * 4) / (0.25 + 0.1875)
    np.testing.assert_allclose(averages, [0, 4, third])


def scores_of(toy: World) -> tuple[Tensor, Tensor]:
    """‖Σₜ ∇log p‖² [S, N] and R [S, N], by the reference."""
    table = toy.tabular.scores(toy.theta)
    squares = {
        id(trajectory): float(
            sum(table[s][a] for s, a in zip(trajectory.states, trajectory.actions, strict=True))
            .square()  # type: ignore[union-attr]
            .sum()
        )
        for trajectory in toy.tabular.process.trajectories
    }
    rows = [
        [(squares[id(trajectory)], trajectory.total) for trajectory in group]
        for group in toy.groups
    ]
    square, total = torch.tensor(rows, dtype=torch.float64).unbind(2)
    return square, total


def test_the_variance_optimal_baseline_is_its_formula_on_every_batch() -> None:
    toy = world()
    returns = baseline.credit(toy.batch)
    b = baselines.variance_optimal(learner_of(toy, "baseline"), toy.batch, returns)
    square, total = scores_of(toy)
    assert_equal(b[:, 0, 0], (square * total).sum(1) / square.sum(1))
    # It is a function of the batch it is subtracted from, hence biased.
    assert_different(toy.expectation(returns - b), toy.true_gradient())


def test_the_variance_optimal_constant_has_the_least_variance_of_all_constants() -> None:
    """One trajectory a batch; b* = E[‖g‖² R] / E[‖g‖²]."""
    toy = world(3, 1)
    square, total = scores_of(toy)
    chance = toy.probabilities[:, None]
    optimal = float((chance * square * total).sum() / (chance * square).sum())

    def variance(b: float) -> float:
        """Trace of the estimator's covariance, through the shipped weights and gradients."""
        weights = baseline.credit(toy.batch) - b
        gradients = gradients_of(toy.policy, toy.columns, toy.batch, weights)[:, 0]
        mean = (chance * gradients).sum(0)
        return float((chance * (gradients - mean).square()).sum())

    mean_return = float(toy.tabular.expectation(toy.theta, lambda t: t.total))
    constants = [0.0, mean_return, *(optimal + shift for shift in (-1, -0.1, -1e-3, 1e-3, 0.1, 1))]
    assert all(variance(optimal) < variance(b) for b in constants)
    # A parabola whose lowest point is at b*: the differences to both sides are equal.
    assert math.isclose(variance(optimal + 0.5), variance(optimal - 0.5), rel_tol=1e-9)
    # And the shipped function gives b* on a batch in which each τ is as frequent as it is likely:
    # with all probabilities equal, that is the batch of all trajectories once each.
    uniform = Process(
        initial=np.array([0.5, 0.5]),
        transitions=np.array([[[0.5, 0.5, 0.0]] * 2] * 2),
        rewards=np.array([[1.0, -0.5], [2.0, 3.5]]),
        horizon=3,
    )
    policy = TabularPolicy(uniform, (2, 2))
    theta = torch.zeros(6, dtype=torch.float64)
    complete = World(
        policy,
        toy.policy,
        theta,
        (tuple(uniform.trajectories),),
        reference.batch_of(uniform, [uniform.trajectories]),
    )
    square, total = scores_of(complete)
    b = baselines.variance_optimal(
        learner_of(complete, "baseline"), complete.batch, baseline.credit(complete.batch)
    )
    expected = policy.expectation(theta, lambda t: t.total * square_of(complete, t))
    expected = expected / policy.expectation(theta, lambda t: square_of(complete, t))
    assert_equal(b.flatten(), expected.view(1))


def total_of(toy: World) -> Tensor:
    return total_return(toy.batch.rewards, toy.batch.valid)


def square_of(toy: World, trajectory: Trajectory) -> float:
    square, _ = scores_of(toy)
    return float(square[0, toy.groups[0].index(trajectory)])


# ------------------------------------------------------------------------------ off-policy


@cache
def behaviour(size: tuple[int, int, tuple[int, ...]]) -> tuple[World, Tensor, Batch]:
    """A world, a θ' unlike θ, and the batches with the statistics of θ' in them."""
    toy = world(*size)
    generator = np.random.default_rng(11)
    other = toy.theta + torch.from_numpy(0.7 * generator.standard_normal(len(toy.theta)))
    flat = toy.batch.observations.flatten(1, 2)
    old = toy.policy.statistics(other.expand(len(toy.groups), -1), flat)
    statistics = old.unflatten(1, toy.batch.valid.shape[1:])
    # Padding holds rubbish here as well.
    statistics = torch.where(toy.batch.valid.unsqueeze(3), statistics, NOT_A_NUMBER)
    return toy, other, replace(toy.batch, statistics=statistics)


def product_ratio(toy: World, theta: Tensor, batch: Batch) -> Tensor:
    columns = theta.expand(len(toy.groups), -1)
    return trajectory_importance_sampling.trajectory_log_ratio(toy.policy, columns, batch).exp()


def test_the_trajectory_ratio_is_the_ratio_of_trajectory_probabilities() -> None:
    toy, other, batch = behaviour((3, 2, ()))
    ratio = product_ratio(toy, toy.theta, batch)
    for s in range(0, len(toy.groups), 97):
        for n, trajectory in enumerate(toy.groups[s]):
            expected = toy.tabular.trajectory_probability(toy.theta, trajectory)
            expected = expected / toy.tabular.trajectory_probability(other, trajectory)
            assert_equal(ratio[s, n], expected)
    assert_equal(product_ratio(toy, other, batch), torch.ones_like(ratio))


@pytest.mark.parametrize("size", WORLDS)
@pytest.mark.parametrize("b", [0.0, 2.5])
def test_the_trajectory_product_expects_the_gradient_at_any_theta(
    size: tuple[int, int, tuple[int, ...]], b: float
) -> None:
    toy, other, batch = behaviour(size)
    ratio = product_ratio(toy, toy.theta, batch)
    weights = trajectory_importance_sampling.weights(
        ratio, total_of(toy), torch.tensor(b, dtype=torch.float64), size[0]
    )
    gradients = gradients_of(toy.policy, toy.columns, batch, weights).mean(1)
    expectation = (toy.probabilities_under(other)[:, None] * gradients).sum(0)
    assert_equal(expectation, toy.true_gradient())
    # Without the ratio, the data of θ' do not give the gradient at θ.
    unweighted = trajectory_importance_sampling.weights(
        torch.ones_like(ratio), total_of(toy), torch.tensor(b, dtype=torch.float64), size[0]
    )
    gradients = gradients_of(toy.policy, toy.columns, batch, unweighted).mean(1)
    expectation = (toy.probabilities_under(other)[:, None] * gradients).sum(0)
    assert_different(expectation, toy.true_gradient())


@pytest.mark.parametrize("size", [(3, 2, ()), (2, 3, ())])
def test_leave_one_out_and_the_trajectory_product_expect_the_gradient_together(
    size: tuple[int, int, tuple[int, ...]],
) -> None:
    """The others' returns are independent of a trajectory, under θ' too; so is their ratio."""
    toy, other, batch = behaviour(size)
    returns = total_of(toy)
    others_mean = (returns.sum(1, keepdim=True) - returns) / (size[1] - 1)
    weights = trajectory_importance_sampling.weights(
        product_ratio(toy, toy.theta, batch), returns, others_mean, size[0]
    )
    gradients = gradients_of(toy.policy, toy.columns, batch, weights).mean(1)
    expectation = (toy.probabilities_under(other)[:, None] * gradients).sum(0)
    assert_equal(expectation, toy.true_gradient())


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_the_variance_of_importance_sampling(horizon: int) -> None:
    """Var_q[f·p/q] = E_p[f²·p/q] − (E_p[f])², with the shipped ratio p/q."""
    toy, other, batch = behaviour((horizon, 1, ()))
    ratio = product_ratio(toy, toy.theta, batch)[:, 0]
    value = total_of(toy)[:, 0]
    p, q = toy.probabilities, toy.probabilities_under(other)
    estimate = value * ratio
    mean = (q * estimate).sum()
    left = (q * (estimate - mean).square()).sum()
    right = (p * value.square() * ratio).sum() - (p * value).sum().square()
    assert_equal(left, right)
    assert_equal(mean, (p * value).sum())
    # It is not the variance of f under p, and with a ratio far from 1 it is larger.
    on_policy = (p * value.square()).sum() - (p * value).sum().square()
    assert left > 1.05 * on_policy


# ------------------------------------------------------------------- a critic, and the spread


@pytest.mark.parametrize("gae_lambda", [0.0, 0.6, 1.0])
def test_the_advantage_expects_the_gradient_if_the_critic_is_right(gae_lambda: float) -> None:
    toy = world(3, 1)
    _, table = toy.tabular.action_values(toy.theta, 1.0)
    values = torch.zeros_like(toy.batch.rewards)
    for t in range(3):
        values[:, t] = toy.batch.observations[:, t] @ torch.from_numpy(table[t])
    next_values = torch.cat([values[:, 1:], torch.zeros_like(values[:, :1])], dim=1)
    last = toy.batch.ended

    def expectation(values: Tensor, next_values: Tensor) -> Tensor:
        rewards = torch.where(toy.batch.valid, toy.batch.rewards, 0.0)
        # The horizon is part of this task: what it cuts has no value left.
        advantages = generalized_advantage(
            rewards, values, next_values, last, torch.zeros_like(last), 1.0, gae_lambda
        )
        return toy.expectation(advantages)

    assert_equal(expectation(values, next_values), toy.true_gradient())
    # A critic that is wrong by something of the state biases every λ but 1.
    error = toy.batch.observations @ torch.tensor([1.0, -2.0], dtype=torch.float64)
    next_error = toy.batch.next_observations @ torch.tensor([1.0, -2.0], dtype=torch.float64)
    biased = expectation(values + error, next_values + next_error)
    if gae_lambda == 1.0:
        assert_equal(biased, toy.true_gradient())
    else:
        assert_different(biased, toy.true_gradient())


def test_the_gradient_variance_reported_is_unbiased() -> None:
    """Expected trace of the covariance of the mean over N, exactly, for vanilla's estimator."""
    toy = world(3, 2)
    weights = vanilla_policy_gradient.credit(toy.batch)
    gradients = gradients_of(toy.policy, toy.columns, toy.batch, weights)
    signal = gradient_signal(gradients)
    estimate, truth = gradients.mean(1), toy.true_gradient()
    variance = (toy.probabilities * (estimate - truth).square().sum(1)).sum()
    assert_equal((toy.probabilities * signal["gradient_variance"]).sum(), variance)
    noise = signal["gradient_variance"]
    ratio = (estimate.square().sum(1) - noise) / noise
    torch.testing.assert_close(signal["gradient_signal_to_noise"], ratio, equal_nan=True)
    # Its numerator expects the squared signal.
    numerator = estimate.square().sum(1) - noise
    assert_equal((toy.probabilities * numerator).sum(), truth.square().sum())
