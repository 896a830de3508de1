"""CEM: the cross-entropy method over the policy's parameters, with decaying noise.

    θᵢ ~ N(m, v),  i = 1 … N;    m, v ← mean and variance of the ρN with the largest returns
    v ← v + z(k),   z(k) = extra_std² · max(0, 1 − k / decay)         in generation k

Difference from the policy gradient: no gradient at all. A generation is a batch of whole
episodes: one candidate per slot plays one episode, without noise in its actions; every candidate's
steps are charged, and every candidate's return is a training episode. The moments that normalise
observations are frozen within a generation, so that its candidates are judged alike.

Source: Szita & Lőrincz 2006, Learning Tetris using the noisy cross-entropy method (their
decreasing noise: a variance that falls linearly to 0; ρ is 0.1 there). joschu/modular_rl, from
which this ρ comes, adds z(k) already to the variance of generation k itself, even the first.

N ↔ `slots`; ρ ↔ `elite_fraction`; m ↔ the learner's policy parameters [S, P]; v ↔
`learner.memory["variance"]` [S, P]; θᵢ ↔ `learner.memory["candidates"]` [S, N, P].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics, sum_in_order
from algorithms.hyperparameters import Hyperparameters as Common
from algorithms.hyperparameters import hyperparameter
from algorithms.numerics.random_streams import stream

SZITA = "Szita & Lőrincz 2006"


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(Common):
    """The population, and the noise that is added to its variance."""

    slots: int = hyperparameter(
        40,
        "N, the candidates of a generation, each with an episode in a slot of its own",
        unit="candidates",
        low=2,
        source="this project: docs/experiment.md",
    )
    elite_fraction: float = hyperparameter(
        0.2,
        "ρ, the share of candidates that the next generation comes from (at least one)",
        low=0.0,
        high=1.0,
        source="joschu/modular_rl cem; " + SZITA + ": 0.1",
    )
    initial_std: float = hyperparameter(
        0.1, "√v of the first generation", low=0.0, source="this project: docs/experiment.md"
    )
    extra_std: float = hyperparameter(
        0.03,
        "root of the variance added in the first generation",
        low=0.0,
        source="this project: docs/experiment.md",
    )
    extra_decay: float = hyperparameter(
        20.0,
        "generations until nothing is added any more",
        unit="generations",
        low=1.0,
        source="this project: docs/experiment.md",
    )


def elites(candidates: Tensor, returns: Tensor, fraction: float) -> Tensor:
    """Select the E candidates of [S, N, P] with the largest returns [S, N]: [S, E, P].

    A return of NaN counts as the smallest.
    """
    count = max(1, round(fraction * returns.shape[1]))
    ranking = torch.nan_to_num(returns, nan=-torch.inf).argsort(dim=1, descending=True, stable=True)
    index = ranking[:, :count].unsqueeze(2).expand(-1, -1, candidates.shape[2])
    return candidates.gather(1, index)


def extra_variance(generation: int, extra_std: float, decay: float) -> float:
    """z(k), the variance added after generation k = 0, 1, …"""
    return extra_std**2 * max(0.0, 1 - generation / decay)


def draw(learner: ActorCritic[Hyperparameters], generation: int) -> Tensor:
    """Draw candidates [S, N, P] around the learner's policy, each seed from its own stream."""
    shape = (learner.hyperparameters.slots, learner.policy.size)
    noise = np.stack(
        [
            stream(seed, "candidates", generation).standard_normal(shape, dtype=np.float32)
            for seed in learner.seeds
        ]
    )
    spread = learner.memory["variance"].sqrt().unsqueeze(1)
    deviations = torch.from_numpy(noise).to(spread.device)
    return learner.policy_parameters.unsqueeze(1) + spread * deviations


def start(learner: ActorCritic[Hyperparameters]) -> None:
    """Draw the first generation around the initial network, and freeze the normaliser."""
    h = learner.hyperparameters
    learner.memory["variance"] = torch.full_like(learner.policy_parameters, h.initial_std**2)
    learner.memory["candidates"] = draw(learner, 0)
    learner.freeze_normalizer()


def act(
    learner: ActorCritic[Hyperparameters], observations: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """The mode of each slot's own candidate: actions [S, N, …], φ [S, N, K]."""
    candidates = learner.memory["candidates"].flatten(0, 1)
    slot_observations = observations.flatten(0, 1).unsqueeze(1)
    statistics = learner.policy.statistics(candidates, slot_observations).view(
        *observations.shape[:2], -1
    )
    return learner.policy.sample(statistics, torch.zeros_like(noise)), statistics


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Finish one generation: select, refit, add noise, draw the next."""
    h = learner.hyperparameters
    rewards = torch.where(batch.valid, batch.rewards, 0.0).double()
    returns = torch.stack([sum_in_order(slot) for slot in rewards.unbind(2)], dim=1)
    selected = elites(learner.memory["candidates"], returns, h.elite_fraction)
    mean, variance = selected.mean(1), selected.var(1, correction=0)
    variance = variance + extra_variance(learner.updates, h.extra_std, h.extra_decay)
    active = learner.active.unsqueeze(1)
    learner.policy_parameters.copy_(torch.where(active, mean, learner.policy_parameters))
    learner.memory["variance"] = torch.where(active, variance, learner.memory["variance"])
    learner.memory["candidates"] = draw(learner, learner.updates + 1)
    learner.freeze_normalizer()
    return {"batch_steps": batch.valid.sum((1, 2))}


ALGORITHM = Algorithm(
    name="cem",
    title="CEM",
    equation="max_m E_{θ ~ N(m, v)}[ R(τ_θ) ]",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
    start=start,
    act=act,
    recordable=True,
)
