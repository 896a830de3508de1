"""Hypothesis strategies: small batches of experience, masks, networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch
from algorithms.numerics.networks import Perceptron

many = settings(deadline=None, derandomize=True, max_examples=60)
"""Of a property: the same examples every time, and time enough on a busy machine."""

generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
"""Of numbers that need no shrinking: a network's weights, noise."""

discounts = st.sampled_from([0.0, 0.3, 0.9, 0.99, 1.0]) | st.floats(0.0, 1.0)


def normals(generator: np.random.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    """float64, normally distributed."""
    return torch.from_numpy(scale * generator.standard_normal(shape))


@dataclass(frozen=True)
class Experience:
    """Rewards, values and episode ends, each [S, T, N], of episodes that run on."""

    rewards: Tensor
    values: Tensor
    next_values: Tensor
    terminated: Tensor
    truncated: Tensor

    @property
    def ended(self) -> Tensor:
        return self.terminated | self.truncated


@st.composite
def shapes(draw: st.DrawFn, seeds: int = 3, ticks: int = 9, slots: int = 3) -> tuple[int, ...]:
    """(S, T, N), each at least 1."""
    return tuple(draw(st.integers(1, limit)) for limit in (seeds, ticks, slots))


@st.composite
def experiences(draw: st.DrawFn) -> Experience:
    """Any pattern of ends; where an episode goes on, V(s'ₜ) is V(sₜ₊₁)."""
    shape = draw(shapes())
    generator = draw(generators)
    # 0: goes on, 1: terminated, 2: truncated; the shares range from never to always.
    weights = draw(st.sampled_from([(1, 0, 0), (8, 1, 1), (2, 1, 1), (0, 1, 1), (3, 0, 1)]))
    ends = generator.choice(3, shape, p=np.array(weights) / sum(weights))
    values = normals(generator, *shape)
    next_values = normals(generator, *shape)
    continuing = torch.from_numpy(ends == 0)[:, :-1]
    next_values[:, :-1] = torch.where(continuing, values[:, 1:], next_values[:, :-1])
    scale = draw(st.sampled_from([1e-3, 1.0, 1e3]))
    return Experience(
        rewards=normals(generator, *shape, scale=scale),
        values=values,
        next_values=next_values,
        terminated=torch.from_numpy(ends == 1),
        truncated=torch.from_numpy(ends == 2),
    )


@st.composite
def masks(draw: st.DrawFn, *shape: int) -> Tensor:
    """bool of that shape, from none at all to all."""
    share = draw(st.sampled_from([0.0, 0.3, 0.8, 1.0]))
    return torch.from_numpy(draw(generators).random(shape) < share)


@st.composite
def trajectories(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Rewards [S, T, N], rubbish after a trajectory's end included, and `valid`, a prefix."""
    seeds, ticks, slots = draw(shapes())
    generator = draw(generators)
    lengths = torch.from_numpy(generator.integers(0, ticks + 1, (seeds, 1, slots)))
    valid = torch.arange(ticks).view(1, ticks, 1) < lengths
    rewards = normals(generator, seeds, ticks, slots)
    return torch.where(valid, rewards, draw(st.sampled_from([0.0, 7.0, float("nan")]))), valid


@st.composite
def perceptrons(draw: st.DrawFn, outputs: int | None = None) -> Perceptron:
    """Of no hidden layer up to two, down to one unit wide."""
    hidden = draw(st.lists(st.integers(1, 7), max_size=2))
    last = draw(st.integers(1, 4)) if outputs is None else outputs
    return Perceptron((draw(st.integers(1, 5)), *hidden, last), head_gain=1.0)


@st.composite
def parameters(draw: st.DrawFn, size: int, seeds: int) -> Tensor:
    """float64 [S, P]."""
    return normals(draw(generators), seeds, size)


def played(
    learner: ActorCritic[Any],
    ticks: int,
    generator: np.random.Generator,
    *,
    whole_episodes: bool = False,
    one_step: bool = False,
) -> Batch:
    """What the learner's policy did in an environment of noise, `ticks` of every slot.

    Args:
        whole_episodes: one episode a slot, of any length up to `ticks`, then padding of zeros;
            otherwise episodes that end anywhere and run on.
        one_step: with `whole_episodes`, every episode is one step long.
    """
    seeds, slots = len(learner.seeds), learner.hyperparameters.slots
    shape = (seeds, ticks, slots)
    size = learner.policy.network.sizes[0]  # type: ignore[attr-defined]
    observations, next_observations = (normals(generator, *shape, size).float() for _ in range(2))
    lengths = torch.from_numpy(generator.integers(1, ticks + 1, (seeds, 1, slots)))
    lengths = torch.ones_like(lengths) if one_step else lengths
    tick = torch.arange(ticks).view(1, ticks, 1)
    valid = tick < lengths if whole_episodes else torch.ones(shape, dtype=torch.bool)
    cut = torch.from_numpy(generator.random(shape) < 0.5)
    ended = (
        tick == lengths - 1 if whole_episodes else torch.from_numpy(generator.random(shape) < 0.2)
    )
    continuing = (valid & ~ended)[:, :-1].unsqueeze(3)
    next_observations[:, :-1] = torch.where(
        continuing, observations[:, 1:], next_observations[:, :-1]
    )
    noise = learner.noise().next_block().transpose(0, 1)[:, :ticks]
    moments = [learner.act(observations[:, t], noise[:, t]) for t in range(ticks)]
    actions, statistics = (torch.stack(tensors, dim=1) for tensors in zip(*moments, strict=True))
    fields = {
        "observations": observations,
        "next_observations": next_observations,
        "actions": actions,
        "statistics": statistics,
        "rewards": 1 + normals(generator, *shape).float(),
    }
    for name, values in fields.items():
        mask = valid.view(*shape, *[1] * (values.dim() - 3))
        fields[name] = torch.where(mask, values, torch.zeros_like(values))
    return Batch(**fields, terminated=ended & ~cut, truncated=ended & cut, valid=valid)
