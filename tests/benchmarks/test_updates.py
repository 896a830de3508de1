"""The algorithms' updates, whole, and the pieces that they repeat for every minibatch.

The batches were played, the hyperparameters are the defaults, ten seeds learn at once. An update
changes its learner, so that every round has a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from algorithms import ALGORITHMS, SEQUENCE_ALGORITHMS
from algorithms.batch import flatten
from algorithms.ladder import clipped_ppo, importance_sampling, kl_ppo
from algorithms.policies import Policy
from algorithms.policy_gradient import TIME_BLOCK, trajectory_gradients
from algorithms.surrogate import value_loss
from bench.plan.lookup import load_algorithm
from tests.benchmarks.half_cheetah import SEEDS, learner_of, played

pytestmark = pytest.mark.benchmarks

MINIBATCH = 64
ROUNDS = {"trajectory_importance_sampling": 2}
"""Of the updates that take seconds; the others have 4."""
CONTROLS = ("untrained", "uniform_random")
"""They learn nothing."""
WITHOUT_KL = (*CONTROLS, "cem")
"""They have no old policy that is left."""


@pytest.mark.parametrize(
    "name",
    [algorithm_name for algorithm_name in ALGORITHMS if algorithm_name not in SEQUENCE_ALGORITHMS],
)
def test_update(benchmark: Any, name: str) -> None:
    algorithm = load_algorithm(name)
    batch = played(algorithm.collects)
    learners = []

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        learners.append(learner_of(name))
        return (learners[-1], batch), {}

    diagnostics = benchmark.pedantic(algorithm.update, setup=fresh, rounds=ROUNDS.get(name, 4))
    assert name in WITHOUT_KL or torch.isfinite(diagnostics["kl_mean"]).all()
    assert torch.isfinite(learners[-1].parameters).all()
    changed = (learners[-1].parameters != learner_of(name).parameters).any(1)
    assert not changed.any() if name in CONTROLS else changed.all()


@dataclass(frozen=True)
class Minibatch:
    """The first samples of every seed, as an objective sees them after θ has moved."""

    policy: Policy
    old: Tensor
    new: Tensor
    actions: Tensor
    advantages: Tensor

    def leaves(self) -> tuple[Tensor, Tensor]:
        """log ρ and φ, to be differentiated by."""
        new = self.new.detach().requires_grad_()
        log_ratio = self.policy.log_probability(self.new, self.actions)
        log_ratio = log_ratio - self.policy.log_probability(self.old, self.actions)
        return log_ratio.detach().requires_grad_(), new


@pytest.fixture(scope="module")
def minibatch() -> Minibatch:
    batch = played("steps")
    old = flatten(batch.statistics)[:, :MINIBATCH].contiguous()
    noise = torch.randn(old.shape, generator=torch.Generator().manual_seed(0))
    return Minibatch(
        policy=learner_of("clipped_ppo").policy,
        old=old,
        new=old + 0.05 * noise,
        actions=flatten(batch.actions)[:, :MINIBATCH].contiguous(),
        advantages=flatten(batch.rewards)[:, :MINIBATCH].contiguous(),
    )


BETA = torch.ones(len(SEEDS), 1)
OBJECTIVES: dict[str, Callable[[Minibatch, Tensor, Tensor], Tensor]] = {
    "importance_sampling": lambda m, ratio, new: importance_sampling.objective(ratio, m.advantages),
    "kl_ppo": lambda m, ratio, new: kl_ppo.objective(
        ratio, m.advantages, m.policy.divergence(m.old, new), BETA
    ),
    "clipped_ppo": lambda m, ratio, new: clipped_ppo.objective(ratio, m.advantages, 0.2),
    "entropy": lambda m, ratio, new: m.policy.entropy(new),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objective_and_its_gradient(benchmark: Any, minibatch: Minibatch, name: str) -> None:
    """From what the networks say to the objective and back; the networks are measured apart."""
    log_ratio, new = minibatch.leaves()

    def gradient() -> tuple[Tensor, ...]:
        gain = OBJECTIVES[name](minibatch, torch.exp(log_ratio), new).mean(1).sum()
        return torch.autograd.grad(
            gain, (log_ratio, new), allow_unused=True, materialize_grads=True
        )

    of_log_ratio, of_new = benchmark(gradient)
    assert of_log_ratio.shape == (len(SEEDS), MINIBATCH)
    assert of_new.shape == new.shape
    assert any(bool(tensor.any()) for tensor in (of_log_ratio, of_new))
    assert torch.isfinite(of_log_ratio).all() and torch.isfinite(of_new).all()


@pytest.mark.parametrize("clip", [float("inf"), 0.2], ids=["unclipped", "clipped"])
def test_value_loss_and_its_gradient(benchmark: Any, minibatch: Minibatch, clip: float) -> None:
    target = minibatch.advantages
    old = torch.zeros_like(target)
    prediction = (0.1 * target + 0.1).requires_grad_()

    def gradient() -> tuple[Tensor, ...]:
        loss = value_loss(prediction, target, old, clip).mean(1).sum()
        return torch.autograd.grad(loss, prediction)

    (of_prediction,) = benchmark(gradient)
    assert of_prediction.shape == target.shape
    assert torch.isfinite(of_prediction).all() and of_prediction.any()


def test_networks_forward_and_backward(benchmark: Any) -> None:
    """Actor and critic in torch on one minibatch, and the gradient of all their parameters."""
    learner = learner_of("clipped_ppo")
    states = flatten(played("steps").observations)[:, :MINIBATCH].contiguous()
    policy = learner.policy

    def there_and_back() -> Tensor:
        theta = learner.parameters.detach().requires_grad_()
        statistics = policy.statistics(theta[:, : policy.size], states)
        values = learner.values(theta[:, policy.size :], states)
        (gradient,) = torch.autograd.grad(statistics.sum() + values.sum(), theta)
        return gradient

    gradient = benchmark(there_and_back)
    assert gradient.shape == learner.parameters.shape
    assert torch.isfinite(gradient).all() and gradient.any()


def test_policy_gradient_of_one_block(benchmark: Any) -> None:
    """Σₜ wₜ ∇log p of every slot, over as many ticks as go through the networks at once."""
    learner, batch = learner_of("vanilla_policy_gradient"), played("trajectories")
    block = type(batch)(**{name: x[:, :TIME_BLOCK].contiguous() for name, x in vars(batch).items()})
    gradients = benchmark(trajectory_gradients, learner, block, block.rewards)
    slots = learner.hyperparameters.slots
    assert gradients.shape == (len(SEEDS), slots, learner.policy.size)
    assert torch.isfinite(gradients).all() and gradients.any()
