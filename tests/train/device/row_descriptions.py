"""Descriptions of what trains on one device: an algorithm on the inverted pendulum."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from algorithms import ALGORITHMS, SEQUENCE_ALGORITHMS
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm

NAMES = [name for name in ALGORITHMS if name not in SEQUENCE_ALGORITHMS]
SMALL = {"slots": 4, "batch_steps": 24, "minibatch": 8, "critic_minibatch": 8, "epochs": 2}
SMALL |= {"critic_epochs": 2, "hidden_sizes": (4,)}
# What makes a number matter within a few updates, where its default doesn't.
BITING: dict[str, Any] = {
    "reward_clip": 0.5,
    "observation_clip": 0.5,
    "clip_range": 0.02,
    "clip_range_above": 0.01,
    "extra_decay": 8.0,
    "gradient_norm_clip": 0.1,
    "kl_bound": 1.0,
    "kl_target": 1e-3,
    "separate_optimizers": True,
    "trust_region": 1e-3,
    "learning_rate": 0.01,
}


def of_pendulum(
    algorithm: str, hyperparameters: Mapping[str, Any] | None = None, **changes: Any
) -> Description:
    """`changes` are fields of the description; hyperparameters not named have their defaults."""
    h = load_algorithm(algorithm).hyperparameters(**(hyperparameters or {}))
    fields: dict[str, Any] = {
        "algorithm": algorithm,
        "hyperparameters": vars(h),
        "environment": "InvertedPendulum-v5",
        "back_end": "warp",
    }
    return Description(**{**fields, **changes})


def described(algorithm: str, **changes: Any) -> Description:
    """Small, every number finite and not 0, so that any of them may change within its class."""
    declared = load_algorithm(algorithm).hyperparameters
    values: dict[str, Any] = {}
    for field in dataclasses.fields(declared):
        value = {**SMALL, **BITING}.get(field.name, field.default)
        if value is None or (isinstance(value, float) and value in (0, math.inf)):
            value = 300.0 if field.metadata["low"] else 0.02
        values[field.name] = value
    return of_pendulum(algorithm, {**values, **changes}, steps=72)


def numbers_of(description: Description) -> list[str]:
    return [name for name, value in description.hyperparameters.items() if type(value) is float]
