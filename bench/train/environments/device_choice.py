"""What steps an environment when the networks are on a GPU: MuJoCo Warp where it can."""

from __future__ import annotations

import importlib.util

from bench.train.environments.catalogue import back_end_of
from bench.train.environments.warp_ids import WARP_IDS


def back_end_on(device: str, environment_id: str) -> str:
    """The back end that steps an environment on "cpu" or "cuda" unless another one is asked for.

    Raises:
        InputError: no such environment; names the nearest one.
    """
    other = back_end_of(environment_id)
    return "warp" if device == "cuda" and _why_not(environment_id) is None else other


def told(device: str, environment_id: str) -> str | None:
    """A line for the user where a GPU is used and the physics stays on the CPU."""
    reason = _why_not(environment_id) if device == "cuda" else None
    if reason is None:
        return None
    return f"{environment_id} is stepped by {back_end_of(environment_id)} on the CPU: {reason}"


def _why_not(environment_id: str) -> str | None:
    if environment_id not in WARP_IDS:
        return "MuJoCo Warp doesn't step it here"
    if importlib.util.find_spec("mujoco_warp") is None:
        return "mujoco-warp is not installed (pip install -e '.[warp]')"
    return None
