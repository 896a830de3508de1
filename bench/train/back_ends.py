"""Choose an environment's back end and describe the environment, token and Warp ones included."""

from __future__ import annotations

import difflib
import importlib.util

from bench.errors import unknown
from bench.plan.back_ends import SEQUENCE, WARP
from bench.train import environments
from bench.train.answers.tasks import TASKS, find_task
from bench.train.environments import sequence_backend
from bench.train.environments.catalogue import back_end_of
from bench.train.environments.protocol import Specification


def back_end_on(device: str, environment_id: str) -> str:
    """Return the back end that steps an environment if the networks are on `device`: "cpu", "cuda".

    Raises:
        InputError: no such environment; the message names the nearest one.
    """
    if find_task(environment_id):
        return SEQUENCE.name
    host_back_end = back_end_of(environment_id)
    warp = device in WARP.devices and _why_no_warp(environment_id) is None
    return WARP.name if warp else host_back_end


def note_on_physics(device: str, environment_id: str) -> str | None:
    """Return a line for the user if a GPU is used but the physics stays on the CPU; else None."""
    if device not in WARP.devices or find_task(environment_id):
        return None
    reason = _why_no_warp(environment_id)
    if reason is None:
        return None
    return f"{environment_id} is stepped by {back_end_of(environment_id)} on the CPU: {reason}"


def _why_no_warp(environment_id: str) -> str | None:
    if environment_id not in WARP.ids:
        return "MuJoCo Warp doesn't step it here"
    if importlib.util.find_spec("mujoco_warp") is None:
        return "mujoco-warp is not installed (pip install -e '.[warp]')"
    return None


def describe(environment_id: str) -> Specification:
    """Return observation size, action space and time limit, without any training.

    Raises:
        InputError: as `environments.describe` does.
    """
    if find_task(environment_id):
        return sequence_backend.describe(environment_id)
    if difflib.get_close_matches(environment_id, TASKS, cutoff=0.7):
        raise unknown("environment", environment_id, TASKS)
    return environments.describe(environment_id)
