"""The compiled update of clipped PPO beside its own parts, timed apart in the same run."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from algorithms import compiled as actor_critic
from algorithms.numerics.compilation import allocating, compiled
from algorithms.numerics.kernels.optimizers import adam, aligned
from algorithms.numerics.kernels.perceptron import activate
from algorithms.numerics.kernels.products import multiply
from bench.plan.lookup import load_algorithm
from bench.throughput.measuring import replaced_for_now, stopwatch
from tests.benchmarks.half_cheetah import learner_of, played

pytestmark = pytest.mark.benchmarks

REPEATS = 200
MOST = 1.5
"""The update may take this much of its products, tanh and Adam."""


@allocating
def products(out: np.ndarray, left: np.ndarray, right: np.ndarray, shapes: np.ndarray) -> None:
    """All products of one minibatch, REPEATS times."""
    zeros = np.zeros(64, np.float32)
    for _ in range(REPEATS):
        for i in range(len(shapes)):
            shape = shapes[i, 0], shapes[i, 1], shapes[i, 2]
            multiply(out, zeros, 0, left, (shapes[i, 2], 1), right, shape)


@compiled
def tanhs(values: np.ndarray, layers: int) -> None:
    """All tanh of one minibatch, REPEATS times."""
    for _ in range(REPEATS * layers):
        activate(values, 0)


@compiled
def adams(
    parameters: np.ndarray, gradient: np.ndarray, first: np.ndarray, second: np.ndarray
) -> None:
    """One step of all parameters, REPEATS times."""
    for step in range(REPEATS):
        adam(parameters, gradient, (first, second), float(step + 1), 1e-6, 1e-5, np.float32(1))


def seconds(function: Callable[..., Any], *arguments: Any) -> float:
    """Wall time, least of several calls after one that compiles."""
    function(*arguments)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def shapes_of(sizes: tuple[int, ...], rows: int) -> list[tuple[int, int, int]]:
    """Rows, columns and inner number of a network's products, there and back."""
    shapes = []
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        shapes += [(rows, outputs, inputs), (inputs, outputs, rows)]
        shapes += [(rows, inputs, outputs)] if layer else []
    return shapes


def test_an_update_takes_little_more_than_its_products_tanh_and_adam(benchmark: Any) -> None:
    name = "clipped_ppo"
    learner, algorithm, batch = learner_of(name), load_algorithm(name), played("steps")
    h = learner.hyperparameters
    rows, critic = h.minibatch, learner.critic
    assert critic is not None
    shapes = [
        shape
        for network in (learner.policy.network, critic)
        for shape in shapes_of(network.sizes, rows)
    ]
    matrices = [aligned(64 * 64) for _ in range(3)]
    state = [aligned(learner.parameters.shape[1]) for _ in range(4)]
    for array in (*matrices, *state):
        array[:] = 0.1
    parts = {
        "products": seconds(products, *matrices, np.array(shapes)),
        "tanh": seconds(tanhs, np.full(rows * 64, 0.1, np.float32), 4),
        "adam": seconds(adams, *state),
    }
    elapsed: defaultdict[str, float] = defaultdict(float)
    timed = stopwatch(actor_critic.update_actor_critic, elapsed, "update")
    algorithm.update(learner, batch)
    times = []
    with replaced_for_now(actor_critic, "update_actor_critic", timed):
        for _ in range(7):
            elapsed.clear()
            algorithm.update(learner, batch)
            times.append(elapsed["update"])
    update_seconds = min(times)
    minibatches = len(learner.seeds) * h.epochs * h.batch_steps // rows
    ratio = update_seconds / minibatches / (sum(parts.values()) / REPEATS)
    benchmark.extra_info.update({**parts, "whole": update_seconds, "ratio": ratio})
    print(
        f"{1e6 * update_seconds / minibatches:.1f} µs a minibatch, {ratio:.2f} of its parts {parts}"
    )
    benchmark.pedantic(algorithm.update, args=(learner, batch), rounds=1)
    assert torch.isfinite(learner.parameters).all()
    assert ratio < MOST
