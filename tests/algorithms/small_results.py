"""What every kernel gives on little data; as a program it writes that to a file of arrays."""

from __future__ import annotations

import sys

import kernel_calls
import numpy as np
import torch
from learners import SPACES, learner_of, spread_out

from tests import strategies

STEPS = {"slots": 2, "batch_steps": 12, "hidden_sizes": (3,), "seeds": (0,)}
CASES = {
    "clipped_ppo": {**STEPS, "minibatch": 4, "epochs": 2, "value_clip": 0.1},
    "kl_ppo": {**STEPS, "minibatch": 5, "epochs": 1, "entropy_coefficient": 0.1},
    # A large ε, so that a step does not hang on the last digits of a gradient near 0.
    "a2c": {**STEPS, "activation": "relu", "rmsprop_epsilon": 0.1},
    "advantage": {**STEPS, "critic_minibatch": 4, "critic_epochs": 2},
}


def results() -> dict[str, np.ndarray]:
    """Parameters and diagnostics of an update of each case, what a tick shows and does, returns."""
    arrays = {}
    for kind, space in SPACES.items():
        for name, changes in CASES.items():
            learner = learner_of(name, space, learning_rate=0.02, **changes)  # type: ignore[arg-type]
            spread_out(learner)
            batch = strategies.played(learner, 6, np.random.default_rng(0))
            report = learner.algorithm.update(learner, batch)
            arrays[f"{name} {kind}"] = learner.parameters.numpy()
            arrays |= {
                f"{name} {kind} {column}": values.numpy() for column, values in report.items()
            }
        acting = kernel_calls.tick(learner)
        arrays |= {f"tick {kind} {number}": array for number, array in enumerate(acting)}
    values = strategies.normals(np.random.default_rng(1), 3, 5, 2).numpy()
    ends = values[0] > 0.8, values[0] < -0.8
    arrays["advantages"] = kernel_calls.advantages(*values, ends, (0.9, 0.8))
    arrays["returns"] = kernel_calls.discounted_returns(values[0], ends[0], 0.9)
    return arrays


if __name__ == "__main__":
    torch.set_num_threads(1)
    np.savez(sys.argv[1], **results())
