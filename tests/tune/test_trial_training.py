"""The learning curve that a tuner decides on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bench.plan.identity import Description
from bench.train import trainer
from bench.train.results import Progress
from bench.tune.trial_training import POINTS, Curve, Watched, train


def progress(steps: tuple[int, ...], last_return: float | None, budget: int = 100) -> Progress:
    return Progress(steps=steps, budget=budget, seconds=1.0, last_return=last_return)


def test_a_point_is_the_mean_of_what_was_reported_in_its_part() -> None:
    curve = Curve(budget=100)
    for steps, last in ((4, 1.0), (9, 2.0), (12, 6.0), (19, 8.0), (21, 1.0)):
        curve.take(progress((steps,), last))
    assert curve.points == [3.0, 4.5]


def test_a_part_without_an_episode_has_the_value_before() -> None:
    curve = Curve(budget=100)
    curve.take(progress((15,), None))
    curve.take(progress((25,), 4.0))
    curve.take(progress((45,), None))
    assert math.isnan(curve.points[0])
    assert curve.points[1:] == [4.0, 4.0, 4.0]


def test_where_there_is_a_gold_reward_it_is_what_counts() -> None:
    curve = Curve(budget=100)
    for steps, gold in ((10, (1.0, 3.0)), (15, (4.0, 4.0)), (20, (6.0, 8.0))):
        report = progress((steps, steps), last_return=99.0)
        curve.take(replace(report, diagnostics={"gold_reward": gold, "reference_kl": (0.1, 0.1)}))
    assert curve.points == [2.0, 5.5]


def test_the_slowest_seed_decides_what_is_behind_all() -> None:
    curve = Curve(budget=100)
    curve.take(progress((90, 15), 4.0))
    assert curve.points == [4.0]
    curve.take(progress((250, 250), 8.0))
    assert curve.points == [4.0, *[8.0] * (POINTS - 1)]


def test_training_is_the_trainer_s_and_tells_its_curve() -> None:
    description = Description(
        algorithm="clipped_ppo",
        hyperparameters={"batch_steps": 64, "slots": 4, "minibatch": 32, "epochs": 1},
        environment="CartPole-v1",
        steps=640,
        back_end="envpool",
    )
    reports: list[Progress] = []
    watched = train(description, [0, 1], [reports.append])
    plain = trainer.train(description, [0, 1])
    for actual, expected in zip(watched, plain, strict=True):
        assert np.array_equal(actual.episodes["return"], expected.episodes["return"])
    last = reports[-1]
    assert isinstance(last, Watched)
    assert len(last.curve) == POINTS
    returns = np.concatenate([result.episodes["return"] for result in plain])
    assert returns.min() <= min(last.curve) <= max(last.curve) <= returns.max()
