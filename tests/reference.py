"""Slow and obvious: what the shipped code must equal, written from the definitions.

Nothing here imports an estimator, a loss or a statistic of `algorithms`; only the containers
(`Batch`) are shared. Loops over seeds, slots and steps in plain Python, networks from torch.nn,
distributions from torch.distributions, float64 wherever it helps.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from algorithms.batch import Batch

# ------------------------------------------------------------------------------ returns


def reward_to_go(rewards: Sequence[float], discount: float) -> list[float]:
    """Σ_{t' ≥ t} γ^{t'−t} r_{t'} of one trajectory, by the definition."""
    return [
        math.fsum(discount ** (later - t) * rewards[later] for later in range(t, len(rewards)))
        for t in range(len(rewards))
    ]


def generalized_advantage(
    rewards: Sequence[float],
    values: Sequence[float],
    next_values: Sequence[float],
    terminated: Sequence[bool],
    truncated: Sequence[bool],
    discount: float,
    gae_lambda: float,
) -> list[float]:
    """(1−λ) Σₙ λⁿ⁻¹ (n-step advantage), the λ-return's definition (eq. 16), of one slot.

    The n-step advantage sums n rewards and bootstraps, unless the episode terminated; the longest
    one, which ends at the episode's or the batch's end, takes all the weight that is left.
    """
    advantages = []
    for t in range(len(rewards)):
        end = t
        while end < len(rewards) - 1 and not (terminated[end] or truncated[end]):
            end += 1
        longest = end - t + 1
        total = 0.0
        for n in range(1, longest + 1):
            n_step = math.fsum(discount**k * rewards[t + k] for k in range(n))
            if not terminated[t + n - 1]:
                n_step += discount**n * next_values[t + n - 1]
            weight = gae_lambda ** (n - 1) * (1 if n == longest else 1 - gae_lambda)
            total += weight * (n_step - values[t])
        advantages.append(total)
    return advantages


def standardise(values: np.ndarray) -> np.ndarray:
    """(x − mean) / (std + 1e-8), the standard deviation with n − 1."""
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    return (values - values.mean()) / (deviation + 1e-8)


class RewardScale:
    """One seed's: everything it has seen is kept, and the deviation taken over all of it."""

    def __init__(self, slots: int, discount: float) -> None:
        self.discount = discount
        self.running = [0.0] * slots
        self.seen: list[float] = []

    def __call__(self, rewards: np.ndarray, ended: np.ndarray, clip: float) -> np.ndarray:
        """Rewards and ends [T, N]."""
        for n in range(rewards.shape[1]):
            for t in range(rewards.shape[0]):
                self.running[n] = self.discount * self.running[n] + rewards[t, n]
                self.seen.append(self.running[n])
                if ended[t, n]:
                    self.running[n] = 0.0
        scale = math.sqrt(np.var(self.seen) + 1e-8)
        return np.clip(rewards / scale, -clip, clip)


# -------------------------------------------------------------------- networks and policies


ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


def module_of(columns: Tensor, sizes: Sequence[int], activation: str = "tanh") -> nn.Sequential:
    """One seed's network as torch.nn has it; `columns` [P] are W₁ᵀ, b₁, W₂ᵀ, b₂, …"""
    layers: list[nn.Module] = []
    position = 0
    for inputs, outputs in itertools.pairwise(sizes):
        if layers:
            layers.append(ACTIVATIONS[activation]())
        linear = nn.Linear(inputs, outputs, dtype=columns.dtype)
        with torch.no_grad():
            weight = columns[position : position + inputs * outputs].view(inputs, outputs).T
            position += inputs * outputs
            linear.weight.copy_(weight)
            linear.bias.copy_(columns[position : position + outputs])
            position += outputs
        layers.append(linear)
    assert position == len(columns)
    return nn.Sequential(*layers)


def critic_of(
    columns: Tensor, policy_sizes: Sequence[int], activation: str = "tanh"
) -> nn.Sequential:
    """One seed's critic: hidden layers as the policy's, one output."""
    return module_of(columns, (*policy_sizes[:-1], 1), activation)


def columns_of_critic(critic: nn.Sequential) -> Tensor:
    """The inverse of `critic_of`."""
    return columns_of([p.detach() for p in critic.parameters()])


def columns_of(tensors: Sequence[Tensor]) -> Tensor:
    """The inverse of `module_of`, of weights or of their gradients in torch.nn's order."""
    return torch.cat([t.T.reshape(-1) if t.dim() == 2 else t for t in tensors])


class Actor(nn.Module):
    """One seed's policy: its columns as a module, its distribution from torch.distributions."""

    def __init__(
        self,
        columns: Tensor,
        sizes: Sequence[int],
        *,
        continuous: bool,
        activation: str = "tanh",
    ) -> None:
        super().__init__()
        self.continuous = continuous
        network = len(columns) - sizes[-1] if continuous else len(columns)
        self.network = module_of(columns[:network], sizes, activation)
        if continuous:
            self.log_std = nn.Parameter(columns[network:].clone())

    def forward(self, observations: Tensor) -> Distribution:
        outputs = self.network(observations)
        if self.continuous:
            return Independent(Normal(outputs, self.log_std.exp().expand_as(outputs)), 1)
        return Categorical(logits=outputs)

    @property
    def columns(self) -> Tensor:
        """[P], as in the shipped buffer."""
        last = [self.log_std.detach()] if self.continuous else []
        return columns_of([*(p.detach() for p in self.network.parameters()), *last])

    def gradient(self, scalar: Tensor) -> Tensor:
        """∇ of a scalar [P], in the order of `columns`."""
        parameters = list(self.network.parameters())
        last = [self.log_std] if self.continuous else []
        return columns_of(torch.autograd.grad(scalar, [*parameters, *last], retain_graph=True))


def kl(old: Distribution, new: Distribution) -> Tensor:
    """KL(old ‖ new)."""
    return torch.distributions.kl_divergence(old, new)


# ------------------------------------------------------------------------- policy gradients


def slot_gradients(actor: Actor, batch: Batch, seed: int, weights: np.ndarray) -> np.ndarray:
    """Σₜ wₜ ∇log p(aₜ|sₜ) [N, P] of one seed, one backward pass a step; weights [T, N]."""
    ticks, slots = weights.shape
    rows = []
    for n in range(slots):
        total = torch.zeros_like(actor.columns)
        for t in range(ticks):
            if batch.valid[seed, t, n]:
                distribution = actor(batch.observations[seed, t, n].to(total.dtype))
                log_probability = distribution.log_prob(batch.actions[seed, t, n])
                total += weights[t, n] * actor.gradient(log_probability)
        rows.append(total.numpy())
    return np.stack(rows)


# -------------------------------------------------------- a decision process, every trajectory


@dataclass(frozen=True, kw_only=True)
class Process:
    """A Markov decision process small enough to write down all its trajectories.

    Attributes:
        initial: [n] probabilities of the first state.
        transitions: [n, a, n + 1]; the state n is terminal.
        rewards: [n, a].
        horizon: steps after which an episode is cut.
    """

    initial: np.ndarray
    transitions: np.ndarray
    rewards: np.ndarray
    horizon: int

    @property
    def states(self) -> int:
        return len(self.initial)

    @property
    def choices(self) -> int:
        return self.rewards.shape[1]

    @cached_property
    def trajectories(self) -> list[Trajectory]:
        """All of them that can happen. What follows the last step is left open."""
        trajectories = []
        for state in range(self.states):
            if self.initial[state]:
                trajectories += self._continued((state,), (), float(self.initial[state]))
        return trajectories

    def _continued(
        self, states: tuple[int, ...], actions: tuple[int, ...], probability: float
    ) -> Iterator[Trajectory]:
        for action in range(self.choices):
            performed = (*actions, action)
            if len(performed) == self.horizon:
                yield Trajectory(self, states, performed, probability, terminated=False)
                continue
            for next_state, transition in enumerate(self.transitions[states[-1], action]):
                if not transition:
                    continue
                if next_state == self.states:
                    yield Trajectory(
                        self, states, performed, probability * transition, terminated=True
                    )
                else:
                    yield from self._continued(
                        (*states, next_state), performed, probability * transition
                    )


@dataclass(frozen=True)
class Trajectory:
    """States visited, actions taken, and the probability that is the environment's share."""

    process: Process
    states: tuple[int, ...]
    actions: tuple[int, ...]
    environment_probability: float
    terminated: bool

    @property
    def rewards(self) -> list[float]:
        return [
            float(self.process.rewards[s, a])
            for s, a in zip(self.states, self.actions, strict=True)
        ]

    @property
    def total(self) -> float:
        """R(τ)."""
        return math.fsum(self.rewards)


class TabularPolicy:
    """π(a|s) = softmax of a network on the one-hot state, differentiable in the columns [P]."""

    def __init__(self, process: Process, sizes: Sequence[int]) -> None:
        self.process = process
        self.sizes = tuple(sizes)
        assert sizes[0] == process.states and sizes[-1] == process.choices

    def probabilities(self, theta: Tensor) -> Tensor:
        """π(a|s) [n, a] of θ [P]."""
        hidden = torch.eye(self.process.states, dtype=theta.dtype)
        position = 0
        for layer, (inputs, outputs) in enumerate(itertools.pairwise(self.sizes)):
            if layer:
                hidden = torch.tanh(hidden)
            weight = theta[position : position + inputs * outputs].view(inputs, outputs)
            position += inputs * outputs
            hidden = hidden @ weight + theta[position : position + outputs]
            position += outputs
        return torch.softmax(hidden, dim=1)

    def trajectory_probability(self, theta: Tensor, trajectory: Trajectory) -> Tensor:
        """p_θ(τ), the environment's share included."""
        table = self.probabilities(theta)
        probability = torch.as_tensor(trajectory.environment_probability, dtype=theta.dtype)
        for state, action in zip(trajectory.states, trajectory.actions, strict=True):
            probability = probability * table[state, action]
        return probability

    def expectation(self, theta: Tensor, value: Callable[[Trajectory], float]) -> Tensor:
        """E_{τ ~ p_θ}[value(τ)]."""
        return torch.stack(
            [
                self.trajectory_probability(theta, trajectory) * value(trajectory)
                for trajectory in self.process.trajectories
            ]
        ).sum()

    def gradient(self, theta: Tensor, value: Callable[[Trajectory], float]) -> Tensor:
        """∇_θ E_{τ ~ p_θ}[value(τ)] [P]; with value = R(τ), that is ∇J."""
        leaf = theta.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(self.expectation(leaf, value), leaf)
        return gradient

    def scores(self, theta: Tensor) -> list[list[Tensor]]:
        """∇log π(a|s) [P], at [s][a]."""
        leaf = theta.detach().clone().requires_grad_()
        table = torch.log(self.probabilities(leaf))
        return [
            [torch.autograd.grad(entry, leaf, retain_graph=True)[0] for entry in row]
            for row in table
        ]

    def action_values(self, theta: Tensor, discount: float) -> tuple[np.ndarray, np.ndarray]:
        """Q [H, n, a] and V [H, n] with t steps gone, by dynamic programming backwards."""
        process, table = self.process, self.probabilities(theta).detach().numpy()
        values = np.zeros((process.horizon + 1, process.states + 1))
        action_values = np.zeros((process.horizon, process.states, process.choices))
        for t in reversed(range(process.horizon)):
            action_values[t] = process.rewards + discount * process.transitions @ values[t + 1]
            values[t, :-1] = (table * action_values[t]).sum(1)
        return action_values, values[:-1, :-1]

    def visits(self, theta: Tensor) -> np.ndarray:
        """Probability of being in a state with t steps gone [H, n], forwards."""
        process, table = self.process, self.probabilities(theta).detach().numpy()
        rows = [process.initial]
        for _ in range(process.horizon - 1):
            flow = rows[-1][:, None] * table
            rows.append(np.einsum("sa,sap->p", flow, process.transitions)[:-1])
        return np.stack(rows)


def batch_of(process: Process, groups: Sequence[Sequence[Trajectory]], junk: float = 0.0) -> Batch:
    """One seed a group, one slot a trajectory; float64, one-hot observations.

    The statistics φ are zeros: fill them in where a ratio is asked for. `junk` is the reward
    written where no step was taken.
    """
    seeds, slots = len(groups), len(groups[0])
    shape = (seeds, process.horizon, slots)
    observations = torch.zeros(*shape, process.states, dtype=torch.float64)
    next_observations = torch.zeros_like(observations)
    actions = torch.zeros(shape, dtype=torch.int64)
    rewards = torch.full(shape, junk, dtype=torch.float64)
    valid = torch.zeros(shape, dtype=torch.bool)
    terminated, truncated = torch.zeros_like(valid), torch.zeros_like(valid)
    for s, group in enumerate(groups):
        for n, trajectory in enumerate(group):
            length = len(trajectory.actions)
            for t in range(length):
                observations[s, t, n, trajectory.states[t]] = 1
                if t + 1 < length:
                    next_observations[s, t, n, trajectory.states[t + 1]] = 1
            actions[s, :length, n] = torch.tensor(trajectory.actions)
            rewards[s, :length, n] = torch.tensor(trajectory.rewards, dtype=torch.float64)
            valid[s, :length, n] = True
            terminated[s, length - 1, n] = trajectory.terminated
            truncated[s, length - 1, n] = not trajectory.terminated
    return Batch(
        observations=observations,
        next_observations=next_observations,
        actions=actions,
        statistics=torch.zeros(*shape, process.choices, dtype=torch.float64),
        rewards=rewards,
        terminated=terminated,
        truncated=truncated,
        valid=valid,
    )


# ------------------------------------------------------------------- one update, seed by seed


@dataclass
class SurrogateUpdate:
    """PPO and its relatives on one seed's data, as torch's own parts make it.

    Attributes:
        actor, critic: modules; they are changed in place.
        objective: (ρ, A, KL) -> the objective of each sample, to maximise in the mean.
        critic_learning_rate: where actor and critic step apart, each with a bound of its own.
    """

    actor: Actor
    critic: nn.Sequential
    objective: Callable[[Tensor, Tensor, Tensor], Tensor]
    learning_rate: float
    adam_epsilon: float
    gradient_norm_clip: float
    value_coefficient: float
    value_clip: float
    entropy_coefficient: float
    normalise: str
    critic_learning_rate: float | None = None

    def __post_init__(self) -> None:
        critic_rate = self.critic_learning_rate
        rates = self.learning_rate, self.learning_rate if critic_rate is None else critic_rate
        parts = [list(part.parameters()) for part in (self.actor, self.critic)]
        self.bounded = [[*parts[0], *parts[1]]] if critic_rate is None else parts
        self.optimizer = torch.optim.Adam(
            [{"params": part, "lr": rate} for part, rate in zip(parts, rates, strict=True)],
            eps=self.adam_epsilon,
        )

    def run(
        self,
        observations: Tensor,
        actions: Tensor,
        advantages: np.ndarray,
        targets: Tensor,
        old_values: Tensor,
        minibatches: Sequence[Sequence[int]],
        remaining: float = 1.0,
    ) -> None:
        """All minibatches, over samples [B, …]; `remaining` of the step sizes is left."""
        behaviour = copy.deepcopy(self.actor)
        rates = [group["lr"] for group in self.optimizer.param_groups]
        for group in self.optimizer.param_groups:
            group["lr"] *= remaining
        with torch.no_grad():
            old_log_probability = behaviour(observations).log_prob(actions)
        if self.normalise == "batch":
            advantages = standardise(advantages)
        for chosen in minibatches:
            index = torch.tensor(list(chosen))
            part = advantages[index.numpy()]
            advantage = torch.tensor(standardise(part) if self.normalise == "minibatch" else part)
            states = observations[index]
            new = self.actor(states)
            with torch.no_grad():
                old = behaviour(states)
            ratio = torch.exp(new.log_prob(actions[index]) - old_log_probability[index])
            gain = self.objective(ratio, advantage, kl(old, new)).mean()
            gain = gain + self.entropy_coefficient * new.entropy().mean()
            value, target, before = (
                self.critic(states).squeeze(1),
                targets[index],
                old_values[index],
            )
            error = (value - target) ** 2
            if math.isfinite(self.value_clip):
                clipped = torch.minimum(
                    torch.maximum(value, before - self.value_clip), before + self.value_clip
                )
                error = torch.maximum(error, (clipped - target) ** 2)
            self.optimizer.zero_grad()
            (-gain + self.value_coefficient * error.mean() / 2).backward()
            for part in self.bounded:
                nn.utils.clip_grad_norm_(part, self.gradient_norm_clip)
            self.optimizer.step()
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
