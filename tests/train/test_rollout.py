"""What a rollout hands over: whole episodes, true last observations, every step charged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import small_environments  # noqa: F401  (registers)
import torch

from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch
from algorithms.critic import next_values, values_over_time
from algorithms.policy_gradient import TIME_BLOCK
from algorithms.spaces import Continuous, Discrete
from bench.plan.lookup import load_algorithm
from bench.train.environments import make
from bench.train.environments.protocol import Step
from bench.train.rollout import Rollout
from tests import reference


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


@contextmanager
def rolling(
    environment: str,
    algorithm: str = "vanilla_policy_gradient",
    seeds: Sequence[int] = (0, 1, 2),
    time_limit: int | None = None,
    **changes: Any,
) -> Iterator[tuple[ActorCritic[Any], Rollout, Recorder]]:
    """A learner, its rollout, and what passes between them and the environments."""
    chosen = load_algorithm(algorithm)
    h = chosen.hyperparameters(
        **{"hidden_sizes": (4,), "slots": 3, "observation_normalization": False, **changes}
    )
    environments = Recorder(make(environment, seeds, h.slots, time_limit=time_limit))
    size, space = environments.observation_size, environments.action_space
    learner = ActorCritic(h, seeds, size, space, critic=chosen.critic(h))
    chosen.start(learner)
    try:
        yield learner, Rollout(chosen, learner, environments), environments
    finally:
        environments.close()


class Recorder:
    """Environments that keep a copy of all that was sent and returned."""

    def __init__(self, environments: Any) -> None:
        self._environments = environments
        self.sent: list[np.ndarray] = []
        self.active: list[np.ndarray] = []
        self.steps: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environments, name)

    def step(self, actions: np.ndarray, active: np.ndarray) -> Any:
        step = self._environments.step(actions, active)
        self.sent.append(np.array(actions))
        self.active.append(active.copy())
        self.steps.append(step)
        return step


def episodes_of(batch: Batch, seed: int, slot: int) -> list[slice]:
    """The stretches of ticks of one slot's episodes, the last one perhaps unfinished."""
    ended = batch.ended[seed, :, slot].numpy()
    steps = int(batch.valid[seed, :, slot].sum())
    assert batch.valid[seed, :steps, slot].all()
    cuts = [0, *(np.flatnonzero(ended[:steps]) + 1).tolist()]
    return [slice(a, b) for a, b in zip(cuts, [*cuts[1:], steps], strict=True) if b > a]


def assert_diary(batch: Batch, seed: int, slot: int, episode: slice, *, begins: bool) -> None:
    """Observations count up within one episode, and rewards follow suit."""
    before = batch.observations[seed, episode, slot].numpy()
    after = batch.next_observations[seed, episode, slot].numpy()
    numbers = {float(x) for x in [*before[:, 0], *after[:, 0]]}
    assert len(numbers) == 1, "a step leads into another episode"
    if begins:
        assert before[0, 1] == 0
    np.testing.assert_array_equal(before[:, 1] + 1, after[:, 1])
    np.testing.assert_array_equal(before[1:], after[:-1])
    np.testing.assert_array_equal(
        batch.rewards[seed, episode, slot], 100 * after[:, 0] + after[:, 1]
    )


def assert_end(batch: Batch, seed: int, slot: int, last: int) -> bool:
    """At the fifth step an episode is truncated unless it ends there by itself."""
    terminated = bool(batch.terminated[seed, last, slot])
    truncated = bool(batch.truncated[seed, last, slot])
    assert terminated != truncated
    if truncated:
        assert batch.next_observations[seed, last, slot, 1] == 5
    return truncated


def test_trajectories_are_one_whole_episode_a_slot() -> None:
    with rolling("Diary-v0") as (_, rollout, environments):
        charged, cut = np.zeros(3, np.int64), []
        for _ in range(5):
            batch, _ = rollout.collect()
            for s in range(3):
                for n in range(3):
                    (episode,) = episodes_of(batch, s, n)
                    assert_diary(batch, s, n, episode, begins=True)
                    cut.append(assert_end(batch, s, n, episode.stop - 1))
                    assert batch.ended[s, :, n].sum() == 1
            charged += batch.valid.sum((1, 2)).numpy()
            assert rollout.steps.tolist() == charged.tolist()
        assert 0 < sum(cut) < len(cut)
        # What was charged is what the environments were asked for: no tick for a reset.
        active_steps = np.sum(environments.active, axis=0).reshape(3, 3).sum(1)
        assert active_steps.tolist() == charged.tolist()
        for s, log in enumerate(rollout.episodes):
            episodes = log.columns()
            assert len(episodes["return"]) == 15
            assert sum(episodes["length"]) == charged[s]
            assert episodes["step"][-1] == charged[s]
            assert (np.diff(episodes["step"]) >= 0).all()


def test_steps_are_the_same_number_for_every_slot_and_episodes_run_on() -> None:
    with rolling("Diary-v0", "clipped_ppo", batch_steps=3 * 7) as (_, rollout, environments):
        batches = [rollout.collect()[0] for _ in range(4)]
        assert rollout.steps.tolist() == [84] * 3
        assert all(batch.valid.all() and batch.rewards.shape == (3, 7, 3) for batch in batches)
        joined = Batch(
            **{name: torch.cat([getattr(b, name) for b in batches], 1) for name in vars(batches[0])}
        )
        for s in range(3):
            returns = []
            for n in range(3):
                episodes = episodes_of(joined, s, n)
                for episode in episodes:
                    assert_diary(joined, s, n, episode, begins=True)
                finished = [e for e in episodes if joined.ended[s, e.stop - 1, n]]
                for episode in finished:
                    assert_end(joined, s, n, episode.stop - 1)
                    rewards = joined.rewards[s, episode, n].double()
                    returns.append((float(rewards.sum()), episode.stop - episode.start))
            log = rollout.episodes[s].columns()
            assert sorted(zip(log["return"], log["length"], strict=True)) == sorted(returns)
        assert len(environments.steps) == 28
        assert all(active.all() for active in environments.active)


def test_an_episode_is_logged_at_the_step_at_which_it_ended() -> None:
    with rolling("Diary-v0", "clipped_ppo", seeds=(4,), slots=2, batch_steps=60) as rolled:
        _, rollout, environments = rolled
        rollout.collect()
        expected = [
            2 * (tick + 1)
            for tick, step in enumerate(environments.steps)
            for _ in range(int((step.terminated | step.truncated).sum()))
        ]
        assert rollout.episodes[0].columns()["step"].tolist() == expected


def test_trajectories_do_not_prefer_the_short_ones() -> None:
    """Lucky episodes are short: only a fixed number of episodes a slot gives their true share."""
    with rolling("Coin-v0", seeds=range(10), slots=16) as (_, rollout, _):
        returns, collected = [], 12
        for _ in range(collected):
            batch, _ = rollout.collect()
            returns.append(torch.where(batch.valid, batch.rewards, 0.0).sum(1))
        totals = torch.cat(returns).flatten()
    assert len(totals) == 10 * 16 * collected
    deviation = 0.5 / math.sqrt(len(totals))
    assert abs(float(totals.mean()) - 0.5) < 4 * deviation
    # The two usual ways to collect, on the same task: far from 0.5 by the same measure.
    coins = np.random.default_rng(0).random((4000, 64)) < 0.5
    ends = np.where(coins, 1, 10).cumsum(1)
    enough_steps = [coins[i, : np.searchsorted(ends[i], 5) + 1].mean() for i in range(4000)]
    per_trial = np.where(coins[:, :16], 1, 10)
    first_ended = [coins[i, :16][np.argsort(per_trial[i])[:4]].mean() for i in range(4000)]
    assert abs(np.mean(enough_steps) - 0.5) > 0.05
    assert abs(np.mean(first_ended) - 0.5) > 0.2


def test_a_slot_that_is_done_idles_and_begins_the_next_batch_anew() -> None:
    with rolling("Diary-v0") as (_, rollout, environments):
        batch, _ = rollout.collect()
        lengths = batch.valid.sum(1).reshape(-1).numpy()
        for tick, active in enumerate(environments.active):
            assert active.tolist() == (tick < lengths).tolist()
        assert (batch.rewards[~batch.valid] == 0).all()
        assert not batch.ended[~batch.valid].any()
        first = len(environments.active)
        rollout.collect()
        assert environments.active[first].all()


@pytest.mark.parametrize("normalised", [False, True])
def test_episodes_longer_than_a_block(normalised: bool) -> None:
    """Padding fills the last block up, whatever the episodes' lengths."""
    with rolling("Coin-v0") as (_, rollout, _):
        assert rollout.collect()[0].rewards.shape[1] == TIME_BLOCK
    changes = {"observation_normalization": normalised}
    with rolling("CartPole-v1", seeds=(0, 1), **changes) as (learner, rollout, _):
        batch, _ = rollout.collect()
        while batch.rewards.shape[1] == TIME_BLOCK:
            learner.updates += 1
            batch, _ = rollout.collect()
        assert batch.rewards.shape[1] % TIME_BLOCK == 0
        lengths = batch.valid.sum(1)
        assert int(lengths.max()) > TIME_BLOCK
        for s, n in np.ndindex(2, 3):
            length = int(lengths[s, n])
            assert batch.valid[s, :length, n].all()
            assert batch.ended[s, :, n].nonzero().flatten().tolist() == [length - 1]
            np.testing.assert_array_equal(
                batch.observations[s, 1:length, n], batch.next_observations[s, : length - 1, n]
            )


@pytest.mark.parametrize("clipping", [True, False])
def test_the_environment_gets_a_clipped_copy_and_the_batch_keeps_the_sample(clipping: bool) -> None:
    with rolling("Echo-v0", "clipped_ppo", batch_steps=12, action_clipping=clipping) as rolled:
        learner, rollout, environments = rolled
        batch, _ = rollout.collect()
        low, high = torch.tensor([-0.5, -1.0]), torch.tensor([0.25, 1.0])
        assert (batch.actions < low).any() and (batch.actions > high).any()
        received = torch.minimum(torch.maximum(batch.actions, low), high)
        received = received if clipping else batch.actions
        for tick, sent in enumerate(environments.sent):
            np.testing.assert_array_equal(sent, received[:, tick].reshape(9, 2))
        torch.testing.assert_close(batch.rewards, received[..., 0])
        # log p is that of the sample under the statistics that are kept with it.
        flat = batch.observations.flatten(1, 2)
        statistics = learner.policy.statistics(learner.policy_parameters, flat)
        torch.testing.assert_close(batch.statistics.flatten(1, 2), statistics.detach())
        mean, log_std = statistics.chunk(2, dim=2)
        noise = ((batch.actions.flatten(1, 2) - mean) / log_std.exp()).detach()
        expected = learner.noise().next_block()[:4].transpose(0, 1).flatten(1, 2)
        torch.testing.assert_close(noise, expected, rtol=1e-4, atol=1e-5)


def test_an_observation_is_kept_as_it_was_normalised_when_acted_on() -> None:
    with rolling("Diary-v0", seeds=(3, 5), observation_normalization=True, slots=2) as (
        learner,
        rollout,
        environments,
    ):
        batch, _ = rollout.collect()
        # The moments by hand, a tick at a time.
        fresh = make("Diary-v0", (3, 5), 2)
        observations = fresh.reset()
        fresh.close()
        seen: list[list[np.ndarray]] = [[], []]
        for tick, step in enumerate(environments.steps):
            for s in range(2):
                rows = [
                    row
                    for n, row in enumerate(observations[2 * s : 2 * s + 2])
                    if environments.active[tick][2 * s + n]
                ]
                seen[s] += rows
                if not rows:
                    continue
                history = np.array(seen[s], np.float64)
                deviation = np.sqrt(history.var(0) + 1e-8)
                for recorded, raw, mask in (
                    (batch.observations, observations, batch.valid[s, tick]),
                    (batch.next_observations, step.last_observations, batch.ended[s, tick]),
                ):
                    expected = (raw[2 * s : 2 * s + 2] - history.mean(0)) / deviation
                    expected = np.clip(expected, -10, 10)[mask]
                    np.testing.assert_allclose(
                        recorded[s, tick][mask], expected, rtol=1e-4, atol=1e-5
                    )
                # One state has one normalisation in a batch: that of the tick at which it is seen.
                continuing = batch.valid[s, tick] & ~batch.ended[s, tick]
                assert torch.equal(
                    batch.next_observations[s, tick][continuing],
                    batch.observations[s, tick + 1][continuing],
                )
            observations = step.observations
        assert learner.observation_moments.count.flatten().tolist() == [len(x) for x in seen]


def test_a_seed_that_is_not_active_takes_no_step() -> None:
    for algorithm in ("vanilla_policy_gradient", "clipped_ppo"):
        changes = {"batch_steps": 21} if algorithm == "clipped_ppo" else {}
        with rolling("Diary-v0", algorithm, **changes) as (learner, rollout, environments):
            learner.active = torch.tensor([True, False, True])
            batch, _ = rollout.collect()
            assert not batch.valid[1].any() and batch.valid[[0, 2]].any()
            assert rollout.steps[1] == 0
            assert not np.any([active[3:6] for active in environments.active])
            assert rollout.episodes[1].last_return is None


def test_the_same_seed_plays_the_same_beside_others() -> None:
    def batch_of(seeds: Sequence[int], environment: str) -> dict[str, torch.Tensor]:
        with rolling(environment, seeds=seeds, observation_normalization=True) as (_, rollout, _):
            rollout.collect()
            batch, _ = rollout.collect()
        position = list(seeds).index(1)
        ticks = int(batch.valid[position].any(1).sum())
        valid = batch.valid[position][:ticks]
        return {
            name: torch.where(
                valid.view(*valid.shape, *[1] * (values.dim() - 3)),
                values[position][:ticks],
                torch.zeros_like(values[position][:ticks]),
            )
            for name, values in vars(batch).items()
        }

    for environment in ("Fragile-v0", "FragileContinuous-v0"):
        alone = batch_of((1,), environment)
        for seeds in ((0, 1), (1, 0), (5, 4, 3, 1, 2)):
            together = batch_of(seeds, environment)
            assert all(torch.equal(alone[name], together[name]) for name in alone)


class Scripted:
    """Observations, rewards and ends that no action changes, each seed's its own."""

    back_end = "none"
    observation_size = 5
    time_limit = 9

    def __init__(self, seeds: Sequence[int], slots: int, actions: Any) -> None:
        self.action_space = actions
        self._slots = slots
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        self._ticks = 0

    def reset(self, elapsed: np.ndarray | None = None) -> np.ndarray:
        return self._drawn(self.observation_size)

    def _drawn(self, *size: int) -> np.ndarray:
        # Of a mean and a spread that normalisation has to find.
        shape = (self._slots, *size)
        drawn = [3 + 7 * generator.standard_normal(shape) for generator in self._generators]
        return np.concatenate(drawn).astype(np.float32)

    def step(self, actions: np.ndarray, active: np.ndarray) -> Step:
        self._ticks += 1
        last = self._drawn(self.observation_size)
        ended = (self._ticks % self.time_limit == 0) & active
        return Step(
            observations=np.where(ended[:, None], self._drawn(self.observation_size), last),
            last_observations=last,
            rewards=np.where(active, self._drawn(), 0.0).astype(np.float64),
            terminated=np.zeros_like(ended),
            truncated=ended,
        )

    def close(self) -> None:
        pass


KINDS = {
    "continuous": Continuous(size=3, low=(-1.0,) * 3, high=(0.5,) * 3),
    "discrete": Discrete(count=4),
}


def acted(
    kind: str, name: str, seeds: Sequence[int], *, compiled: bool, **changes: Any
) -> tuple[Batch, ActorCritic[Any], np.ndarray]:
    """Two batches of what `Scripted` shows as one, the learner, and all that was sent."""
    algorithm = load_algorithm(name)
    h = algorithm.hyperparameters(
        **{"slots": 3, "hidden_sizes": (17, 16), "initial_log_std": -0.5, "policy_head_gain": 1.0},
        **changes,
    )
    environments = Recorder(Scripted(seeds, h.slots, KINDS[kind]))
    learner = ActorCritic(h, seeds, 5, KINDS[kind], critic=algorithm.critic(h))
    learner.compiled = compiled
    rollout = Rollout(algorithm, learner, environments)
    batches = []
    for _ in range(2):
        batches.append(rollout.collect()[0])
        learner.updates += 1
    columns = {name: torch.cat([getattr(b, name) for b in batches], 1) for name in vars(batches[0])}
    sent = np.stack(environments.sent, axis=1)
    return Batch(**columns), learner, sent


ACTING: list[tuple[str, dict[str, Any]]] = [
    ("clipped_ppo", {"batch_steps": 3 * 40}),
    ("clipped_ppo", {"batch_steps": 3 * 40, "activation": "relu"}),
    ("clipped_ppo", {"batch_steps": 3 * 40, "observation_normalization": False}),
    ("clipped_ppo", {"batch_steps": 3 * 40, "observation_clip": 0.7, "action_clipping": False}),
    ("vanilla_policy_gradient", {}),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "changes"), ACTING)
def test_compiled_acting_is_that_of_torch(kind: str, name: str, changes: dict[str, Any]) -> None:
    by_kernels, by_torch = (
        acted(kind, name, (0, 1, 2), compiled=compiled, **changes) for compiled in (True, False)
    )
    for part, values in vars(by_torch[0]).items():
        torch.testing.assert_close(
            getattr(by_kernels[0], part), values, rtol=1e-5, atol=1e-5, msg=part
        )
    np.testing.assert_allclose(by_kernels[2], by_torch[2], rtol=1e-5, atol=1e-5)
    for part in ("count", "mean", "variance"):
        ours, theirs = (
            getattr(outcome[1].observation_moments, part) for outcome in (by_kernels, by_torch)
        )
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)
    counts = by_kernels[1].observation_moments.count
    assert bool((counts > 1).all()) == by_kernels[1].hyperparameters.observation_normalization


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "changes"), ACTING)
def test_a_seed_acts_alike_alone_and_in_a_group(
    kind: str, name: str, changes: dict[str, Any], compiled: bool
) -> None:
    group, _, _ = acted(kind, name, (7, 2, 5), compiled=compiled, **changes)
    alone, _, _ = acted(kind, name, (2,), compiled=compiled, **changes)
    for part, values in vars(alone).items():
        assert torch.equal(getattr(group, part)[1:2], values), part


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("name", "changes"),
    [("clipped_ppo", {"batch_steps": 3 * 40}), ("baseline", {"baseline": "learned"})],
)
def test_what_follows_has_the_value_of_the_observation_as_it_is_seen_next(
    name: str, changes: dict[str, Any], compiled: bool
) -> None:
    """V(s') is V of the next tick's row, or of the episode's last observation."""
    with rolling("Diary-v0", name, observation_normalization=True, **changes) as rolled:
        learner, rollout, _ = rolled
        learner.compiled = compiled
        rollout.collect()
        batch, _ = rollout.collect()
        values = values_over_time(learner, batch.observations)
        bootstrap = next_values(learner, batch, values)
    ends = 0
    for s in range(3):
        critic = reference.critic_of(learner.critic_parameters[s].double(), (2, 4, 1))
        seen, after = (
            critic(observations[s].double()).detach().squeeze(2).float()
            for observations in (batch.observations, batch.next_observations)
        )
        ended, valid = batch.ended[s], batch.valid[s]
        continuing = valid & ~ended
        continuing[-1] = False
        torch.testing.assert_close(bootstrap[s, :-1][continuing[:-1]], seen[1:][continuing[:-1]])
        torch.testing.assert_close(bootstrap[s][valid & ~continuing], after[valid & ~continuing])
        # Which is not that of what the next episode begins with.
        if name == "clipped_ppo":
            ends += int(ended[:-1].sum())
            assert ((bootstrap[s, :-1] - seen[1:])[ended[:-1]].abs() > 1e-4).all()
    assert ends > 0 or name == "baseline"
