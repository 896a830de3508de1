"""Which descriptions may train as rows of one group."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from bench.train.device.programs import program
from tests.train.device.row_descriptions import described


@pytest.mark.parametrize(
    "changes",
    [
        {"minibatch": 4},
        {"value_normalization": True},
        {"entropy_coefficient": 0.0},
        {"value_clip": math.inf},
        {"clip_range_above": None},
        {"activation": "relu"},
        {"hidden_sizes": (8,)},
    ],
)
def test_what_changes_the_program_is_another_group(changes: dict[str, Any]) -> None:
    base = described("clipped_ppo")
    assert program(described("clipped_ppo", **changes)) != program(base)
    assert program(described("clipped_ppo", clip_range=0.4)) == program(base)


def test_another_budget_environment_or_algorithm_is_another_group() -> None:
    base = described("clipped_ppo")
    for change in (
        {"steps": 96},
        {"environment": "Hopper-v5"},
        {"time_limit": 5},
        {"device": "cuda"},
    ):
        assert program(replace(base, **change)) != program(base)
    assert program(described("importance_sampling")) != program(base)


def test_on_the_host_and_of_a_plugin_every_description_is_its_own() -> None:
    for change in ({"back_end": "envpool"}, {"algorithm": "package.module:ALGORITHM"}):
        first, other = (
            replace(described("clipped_ppo", clip_range=value), **change) for value in (0.1, 0.2)
        )
        assert program(first) != program(other)
