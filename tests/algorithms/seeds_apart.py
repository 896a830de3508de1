"""Checks that a seed has its bits alone and in any group; run as a program under some BLAS kernel.

What is compared are bits, so that whatever chooses instructions by size, place or neighbours shows.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from answers import learner_of as answer_learner_of
from answers import random_batch
from learners import IMPLEMENTATIONS, ON_TRAJECTORIES, SPACES, SURROGATES, Taught, learner_of
from torch import Tensor

from algorithms import ALGORITHMS, SEQUENCE_ALGORITHMS
from algorithms.batch import Batch
from algorithms.numerics.networks import Perceptron
from algorithms.numerics.products import product
from bench.plan.lookup import load_algorithm
from tests import strategies

GROUPS = ([3], [7, 2], [9, 0, 8, 1, 7, 2, 6])
EVERYBODY = list(range(10))
ALIGNMENTS = 17

STEPS = {"batch_steps": 40, "learning_rate": 0.02}
CASES: list[tuple[str, dict[str, Any]]] = [
    *ON_TRAJECTORIES,
    *((name, {**STEPS, "minibatch": 16, "epochs": 2}) for name in SURROGATES),
    ("clipped_ppo", {**STEPS, "minibatch": 3, "epochs": 1, "hidden_sizes": (64, 33)}),
    ("clipped_ppo", {**STEPS, "minibatch": 16, "value_normalization": True, "activation": "relu"}),
    *(
        (name, {**STEPS, "critic_minibatch": 16})
        for name in ("advantage", "adaptive_policy_gradient", "trpo")
    ),
    *((name, STEPS) for name in ("a2c", "a2c_trust_region")),
    *((name, {}) for name in ("cem", "untrained", "uniform_random")),
]


def placed(values: Tensor, offset: int) -> Tensor:
    """The same numbers so many floats behind the beginning of a memory of their own."""
    memory = torch.empty(values.numel() + offset)
    copy = memory[offset:].view(values.shape)
    return copy.copy_(values)


def same(actual: Sequence[Tensor], expected: Sequence[Tensor], label: object) -> None:
    for tensor, other in zip(actual, expected, strict=True):
        if not torch.equal(tensor, other):
            raise SystemExit(f"{label}: other bits")


def products() -> None:
    """By size, group and place."""
    generator = np.random.default_rng(0)
    for rows, inner, columns in ((1, 17, 64), (1, 64, 6), (5, 17, 64), (64, 64, 64), (3, 23, 7)):
        left = strategies.normals(generator, 10, rows, inner).float()
        right = strategies.normals(generator, 10, inner, columns).float()
        all_products = product(left, right)
        for group in GROUPS:
            same(
                [product(left[group], right[group])], [all_products[group]], (rows, inner, columns)
            )
        for offset in range(ALIGNMENTS):
            factors = placed(left[3:4], offset), placed(right[3:4], ALIGNMENTS - offset)
            same([product(*factors)], [all_products[3:4]], (rows, inner, columns, offset))


def networks() -> None:
    """There and back, of one sample and of several, at every place."""
    for sizes in ((17, 64, 64, 6), (23, 65, 7)):
        network = Perceptron(sizes, head_gain=1.0)
        draws = [network.initial(np.random.default_rng(seed), "orthogonal") for seed in EVERYBODY]
        columns = torch.from_numpy(np.stack(draws))
        for samples in (1, 5, 64):
            inputs = strategies.normals(np.random.default_rng(1), 10, samples, sizes[0]).float()

            def run(
                columns: Tensor, inputs: Tensor, network: Perceptron = network
            ) -> tuple[Tensor, Tensor]:
                leaf = columns.requires_grad_()
                outputs = network(leaf, inputs)
                return outputs, torch.autograd.grad(outputs.square().sum(), leaf)[0]

            all_results = run(columns, inputs)
            for group in GROUPS:
                results = run(columns[group], inputs[group])
                same(results, [tensor[group] for tensor in all_results], (sizes, samples, group))
            for offset in range(ALIGNMENTS):
                results = run(placed(columns[3:4].detach(), offset), placed(inputs[3:4], offset))
                same(results, [tensor[3:4] for tensor in all_results], (sizes, samples, offset))


def state_of(learner: Any) -> list[Tensor]:
    """All that another update would depend on."""
    optimizer = learner.optimizer
    moments = [optimizer.first_moment, optimizer.second_moment, optimizer.counts]
    return [learner.parameters, *moments, *learner.memory.values()]


def compare(
    label: str, make: Callable[[list[int]], Any], play: Callable[[Any, int], Batch]
) -> None:
    """Two updates of everybody, then of every group on its own part of the same batches.

    Args:
        make: a learner of these seeds; play: everybody's batch number so many.
    """
    full_learner = make(EVERYBODY)
    groups = [(group, make(group)) for group in GROUPS]
    for number in range(2):
        batch = play(full_learner, number)
        full_report = full_learner.algorithm.update(full_learner, batch)
        full_learner.updates += 1
        for group, learner in groups:
            part = Batch(**{name: values[group] for name, values in vars(batch).items()})
            report = learner.algorithm.update(learner, part)
            learner.updates += 1
            same(
                state_of(learner),
                [tensor[group] for tensor in state_of(full_learner)],
                (label, group, number),
            )
            for name, values in report.items():
                if not torch.equal(values.nan_to_num(), full_report[name][group].nan_to_num()):
                    raise SystemExit(f"{label}, {name} of {group}: other bits")


def played(learner: Taught, number: int) -> Batch:
    whole_episodes = learner.algorithm.collects == "trajectories"
    return strategies.played(
        learner, 10, np.random.default_rng(number), whole_episodes=whole_episodes
    )


def trained() -> None:
    """Whole updates of every algorithm, by kernels where it has them and by autograd."""
    missing = set(ALGORITHMS) - {name for name, _ in CASES}
    assert not missing - set(SEQUENCE_ALGORITHMS), missing
    continuous, discrete = SPACES.values()
    compiled, differentiated = IMPLEMENTATIONS[:2]
    ways = ((compiled, continuous), (compiled, discrete), (differentiated, continuous))
    for (name, changes), (implementation, space) in itertools.product(CASES, ways):
        make = functools.partial(
            learner_of,
            name,
            space,
            implementation=implementation,
            **{"policy_head_gain": 1.0, **changes},
        )
        compare(f"{name} {changes} {space} {implementation}", make, played)


def sequences() -> None:
    """Whole updates of every rung on answers."""
    for name in SEQUENCE_ALGORITHMS:
        algorithm = load_algorithm(name)

        def make(seeds: list[int], name: str = name, algorithm: Any = algorithm) -> Any:
            learner: Any = answer_learner_of(name.removeprefix("sequence_"), seeds)
            learner.algorithm = algorithm
            return learner

        compare(name, make, random_batch)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for check in (products, networks, trained, sequences):
        check()
        print(check.__name__)
