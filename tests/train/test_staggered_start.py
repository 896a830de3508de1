"""A staggered start: a seed's slots end their episodes at different times, from the first on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from small_environments import Near

from algorithms.actor_critic import ActorCritic
from algorithms.batch import flatten
from algorithms.critic import estimate_advantages
from bench.errors import InputError
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.train import trainer
from bench.train.environments import make
from bench.train.rollout import Rollout

LIMIT, SLOTS, SEEDS = 8, 4, (3, 5)
# The first episode of slot n has n/SLOTS of the limit behind it.
FIRST_ENDS = [8, 6, 4, 2]
WORLDS = [
    ("envpool", "HalfCheetah-v5"),
    ("gymnasium", "HalfCheetah-v5"),
    # Its observation is flattened by a wrapper around the one that counts the steps.
    ("gymnasium", "Labelled-v0"),
]


class Labelled(Near):
    """Near, its observation in a dictionary."""

    observation_space = gymnasium.spaces.Dict({"target": Near.observation_space})

    def observation(self) -> Any:
        return {"target": super().observation()}


gymnasium.register("Labelled-v0", Labelled, max_episode_steps=20, disable_env_checker=True)


@contextmanager
def staggered(
    back_end: str, environment: str, seeds: Sequence[int] = SEEDS, **changes: Any
) -> Iterator[tuple[ActorCritic[Any], Rollout]]:
    algorithm = load_algorithm("clipped_ppo")
    h = algorithm.hyperparameters(
        slots=SLOTS,
        batch_steps=2 * LIMIT * SLOTS,
        hidden_sizes=(4,),
        **{"staggered_start": True, **changes},
    )
    environments = make(environment, seeds, SLOTS, back_end=back_end, time_limit=LIMIT)
    size, actions = environments.observation_size, environments.action_space
    learner = ActorCritic(h, seeds, size, actions, critic=True)
    try:
        yield learner, Rollout(algorithm, learner, environments)
    finally:
        environments.close()


@pytest.mark.parametrize(("back_end", "environment"), WORLDS)
def test_first_episodes_are_cut_evenly_over_the_limit_and_not_recorded(
    back_end: str, environment: str
) -> None:
    with staggered(back_end, environment) as (_, rollout):
        batch, _ = rollout.collect()
    assert not batch.terminated.any()
    for s in range(len(SEEDS)):
        ends = [batch.truncated[s, :, n].nonzero().flatten().add(1).tolist() for n in range(SLOTS)]
        assert ends == [[first, first + LIMIT] for first in FIRST_ENDS]
        log = rollout.episodes[s].columns()
        # One of slot 0 is whole from the start on; of the others only what began later is.
        assert log["length"].tolist() == [LIMIT] * (SLOTS + 1)
        end_ticks = sorted([FIRST_ENDS[0], *(first + LIMIT for first in FIRST_ENDS)])
        assert log["step"].tolist() == [SLOTS * tick for tick in end_ticks]
        episodes = [batch.rewards[s, :LIMIT, 0]]
        episodes += [batch.rewards[s, end : end + LIMIT, n] for n, end in enumerate(FIRST_ENDS)]
        returns = sorted(float(rewards.double().sum()) for rewards in episodes)
        np.testing.assert_allclose(sorted(log["return"]), returns, rtol=1e-5)


def test_without_it_all_slots_end_together() -> None:
    with staggered("envpool", "HalfCheetah-v5", staggered_start=False) as (_, rollout):
        batch, _ = rollout.collect()
    assert batch.truncated.any(2).sum(1).tolist() == [2, 2]
    assert [len(log.columns()["length"]) for log in rollout.episodes] == [2 * SLOTS] * 2


def test_what_is_cut_is_followed_by_the_value_of_its_last_observation() -> None:
    with staggered("envpool", "HalfCheetah-v5") as (learner, rollout):
        batch, _ = rollout.collect()
        h = dataclasses.replace(learner.hyperparameters, reward_normalization=False)
        estimates = estimate_advantages(learner, batch, h)
        before, after = (
            learner.values(learner.critic_parameters, flatten(seen)).view_as(batch.rewards)
            for seen in (batch.observations, batch.next_observations)
        )
    # Nothing but the value of what follows comes after a cut, where A = r + γ V(s') − V(s).
    expected = batch.rewards + h.discount * after - before
    cut = batch.truncated[:, : FIRST_ENDS[0]]
    assert int(cut.sum()) == len(SEEDS) * SLOTS
    assert after[:, : FIRST_ENDS[0]][cut].abs().min() > 1e-3
    torch.testing.assert_close(estimates.advantages[batch.truncated], expected[batch.truncated])


def test_a_seed_starts_alike_alone_and_in_a_group() -> None:
    batches = []
    for seeds in (SEEDS, SEEDS[1:]):
        with staggered("envpool", "HalfCheetah-v5", seeds) as (_, rollout):
            batches.append(rollout.collect()[0])
    group, alone = batches
    for name, values in vars(alone).items():
        assert torch.equal(vars(group)[name][1:], values), name


def described(algorithm: str, environment: str) -> Description:
    h = load_algorithm(algorithm).hyperparameters(staggered_start=True)
    return Description(
        algorithm=algorithm,
        hyperparameters=dataclasses.asdict(h),
        environment=environment,
        steps=100,
        back_end="gymnasium",
    )


@pytest.mark.parametrize("algorithm", ["vanilla_policy_gradient", "reward_to_go", "cem"])
def test_it_is_refused_where_episodes_have_to_be_whole(algorithm: str) -> None:
    with pytest.raises(InputError, match="staggered_start cuts first episodes short"):
        trainer.train(described(algorithm, "Near-v0"), [0])


def test_it_is_refused_without_a_time_limit() -> None:
    with pytest.raises(InputError, match="spreads episodes over a time limit, and there is none"):
        trainer.train(described("clipped_ppo", "Echo-v0"), [0])
