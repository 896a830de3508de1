"""What steps an environment, those with a trainer of their own included."""

from __future__ import annotations

import difflib

from bench.errors import unknown
from bench.plan.trainers import SEQUENCE
from bench.train import environments
from bench.train.answers.tasks import TASKS, find_task
from bench.train.environments import Specification, device_choice, sequence_backend


def back_end_on(device: str, environment_id: str) -> str:
    """The back end that steps an environment where the networks are on "cpu" or "cuda".

    Raises:
        InputError: no such environment; names the nearest one.
    """
    if find_task(environment_id):
        return SEQUENCE
    return device_choice.back_end_on(device, environment_id)


def told(device: str, environment_id: str) -> str | None:
    """A line for the user where a GPU is used and the environment stays on the CPU."""
    return None if find_task(environment_id) else device_choice.told(device, environment_id)


def describe(environment_id: str) -> Specification:
    """Observation size, action space and time limit, without any training.

    Raises:
        InputError: as `environments.describe` does.
    """
    if find_task(environment_id):
        return sequence_backend.describe(environment_id)
    if difflib.get_close_matches(environment_id, TASKS, cutoff=0.7):
        raise unknown("environment", environment_id, TASKS)
    return environments.describe(environment_id)
