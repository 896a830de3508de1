"""Updates that are recorded whole look at no value and use no number that a graph would freeze."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from bench.plan.lookup import load_algorithm
from bench.train.device import trainer
from tests.train.device.row_descriptions import described
from tests.train.device.tensor_environments import TensorEnvironments

pytestmark = pytest.mark.warp

LOOKS = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "_assert_async")


class LookedError(Exception):
    """Something of the device was looked at, or a number used that changes by the update."""


class NoLook(TorchDispatchMode):
    """Refuses what would wait for a device, or have a size that depends on values."""

    def __torch_dispatch__(
        self, function: Any, types: object, arguments: Any = (), named: Any = None
    ) -> Any:
        if any(name in str(function) for name in LOOKS):
            raise LookedError(str(function))
        return function(*arguments, **(named or {}))


class NoNumber:
    """Of the update, where nobody may ask for it."""

    def __getattribute__(self, name: str) -> Any:
        raise LookedError(name)


@pytest.fixture(params=["a2c", "a2c_trust_region", "clipped_ppo", "trpo", "cem"])
def prepared(request: pytest.FixtureRequest) -> tuple[Any, Any, Any]:
    """An algorithm, a learner and a batch of its."""
    name = request.param
    algorithm = load_algorithm(name)
    description = described(name, value_clip=0.5) if name == "clipped_ppo" else described(name)
    h = algorithm.hyperparameters(**description.hyperparameters)
    environments: Any = TensorEnvironments("", [3, 8], h.slots)
    learner: Any = trainer.DeviceLearner(
        [h, h],
        [3, 8],
        environments.observation_size,
        environments.action_space,
        critic=algorithm.critic(h),
    )
    algorithm.start(learner)
    batch, _ = trainer.DeviceRollout(algorithm, learner, environments).collect()
    return algorithm, learner, batch


def test_only_those_that_are_recorded_whole_could_be(prepared: Any) -> None:
    algorithm, learner, batch = prepared
    learner.updates = NoNumber()
    diagnostics = {}
    try:
        with trainer.on_device(), NoLook():
            diagnostics = algorithm.update(learner, batch)
    except (LookedError, TypeError):
        assert not algorithm.recordable_update
    else:
        assert algorithm.recordable_update
    assert all(bool(torch.isfinite(values).all()) for values in diagnostics.values())
