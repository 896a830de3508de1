"""A policy at play, in pictures: of MuJoCo without a display, and of other environments."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.errors import InputError
from bench.policies import offscreen_rendering
from bench.policies.evaluation import evaluate
from bench.policies.playback import Stage
from bench.policies.saved_policy import SavedPolicy, saved_policy
from bench.train.environments import describe
from bench.train.trainer import train
from tests.policies.test_saved_policy import described

ENVIRONMENTS = Path(__file__).parents[1] / "train"


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ENVIRONMENTS)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", offscreen_rendering.OPENGL):
        monkeypatch.delenv(name, raising=False)


def policy_for(environment: str) -> SavedPolicy:
    description = described(environment, "vanilla_policy_gradient")
    (result,) = train(description, [0])
    return saved_policy(description, result.policy, describe(environment))


def test_mujoco_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(offscreen_rendering.OPENGL, "")
    policy = policy_for("InvertedPendulum-v5")
    stage = Stage("InvertedPendulum-v5", "rgb_array")
    try:
        moments = list(stage.play(policy, episode=0, sampled=False, every=2, steps=4))
    finally:
        stage.close()
    assert os.environ[offscreen_rendering.OPENGL] in offscreen_rendering.CHOICES
    assert [moment.picture is not None for moment in moments] == [True, False, True, False, True]
    assert [moment.steps for moment in moments] == [0, 1, 2, 3, 4]
    assert [moment.last for moment in moments] == [False] * 4 + [True]
    first, last = moments[0].picture, moments[-1].picture
    assert first is not None and last is not None
    assert first.dtype == np.uint8 and first.shape == (480, 480, 3)
    assert first.std() > 10
    assert (first != last).any()


def test_the_camera_follows_a_body_that_runs_away() -> None:
    stage = Stage("HalfCheetah-v5", "rgb_array")
    try:
        world: Any = stage._env.unwrapped
        stage._env.reset(seed=0)
        red_pixels = [body_pixels(stage)]
        world.set_state(world.data.qpos + 100 * (np.arange(9) == 0), world.data.qvel)
        red_pixels.append(body_pixels(stage))
    finally:
        stage.close()
    assert min(red_pixels) > 1_000


def body_pixels(stage: Stage) -> int:
    """How many pixels are of the body's red; floor and sky have none."""
    picture = stage._picture()
    assert picture is not None
    red, green = picture[:, :, 0].astype(int), picture[:, :, 1].astype(int)
    return int((red > green + 25).sum())


def test_what_is_shown_is_what_evaluation_plays() -> None:
    """The same policy in the same kind of episode earns the same, stepped by either loop."""
    environment = "small_environments:Shown-v0"
    policy = policy_for(environment)
    stage = Stage(environment, "rgb_array")
    *_, end = stage.play(policy, episode=0, sampled=True, seed=4)
    played = evaluate(policy, environment, episodes=1, sampled=True, seed=4)
    assert (end.earned, end.steps) == (played.returns[0], played.lengths[0])
    *_, other = stage.play(policy, episode=1, sampled=True, seed=4)
    assert other.earned != end.earned
    stage.close()


def test_a_window_gets_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage("small_environments:Shown-v0", "human")
    moments = list(stage.play(policy_for("small_environments:Shown-v0"), episode=0, sampled=False))
    assert all(moment.picture is None for moment in moments)
    assert stage._env.unwrapped.shown == len(moments)
    assert stage.rate == 50.0


def test_an_environment_that_shows_nothing() -> None:
    with pytest.raises(InputError, match=r"Mute-v0 can't be shown here: .*blind"):
        list(
            Stage("small_environments:Mute-v0", "rgb_array").play(
                policy_for("small_environments:Mute-v0"), episode=0, sampled=False
            )
        )


def test_without_any_opengl_it_is_said_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        offscreen_rendering.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1)
    )
    assert offscreen_rendering.prepare() is None
    assert offscreen_rendering.OPENGL not in os.environ
    with pytest.raises(InputError, match="EGL or OSMesa.*libegl1"):
        list(
            Stage("small_environments:Mute-v0", "rgb_array").play(
                policy_for("small_environments:Mute-v0"), episode=0, sampled=False
            )
        )


def test_what_the_user_has_chosen_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        offscreen_rendering.subprocess, "run", lambda *_, **__: pytest.fail("was tried")
    )
    monkeypatch.setenv(offscreen_rendering.OPENGL, "osmesa")
    assert offscreen_rendering.prepare() == "osmesa"
    monkeypatch.delenv(offscreen_rendering.OPENGL)
    monkeypatch.setenv("DISPLAY", ":0")
    assert offscreen_rendering.prepare() is None
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert offscreen_rendering.has_display()
