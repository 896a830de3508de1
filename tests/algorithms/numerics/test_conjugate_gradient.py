"""Conjugate gradient on positive-definite systems, several at once."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from algorithms.numerics.conjugate_gradient import conjugate_gradient
from tests import strategies


def positive_definite(generator: np.random.Generator, seeds: int, size: int) -> Tensor:
    """[S, P, P] with eigenvalues from 0.5 to 5."""
    bases, _ = torch.linalg.qr(strategies.normals(generator, seeds, size, size))
    values = torch.from_numpy(generator.uniform(0.5, 5, (seeds, 1, size)))
    return (bases * values) @ bases.transpose(1, 2)


@strategies.many
@given(strategies.generators, st.integers(1, 4), st.integers(1, 8))
def test_it_solves_the_system_in_as_many_iterations_as_there_are_unknowns(
    generator: np.random.Generator, seeds: int, size: int
) -> None:
    matrices = positive_definite(generator, seeds, size)
    right = strategies.normals(generator, seeds, size)
    solution = conjugate_gradient(
        lambda v: torch.einsum("sij,sj->si", matrices, v), right, size, tolerance=1e-24
    )
    torch.testing.assert_close(solution, torch.linalg.solve(matrices, right), rtol=1e-6, atol=1e-8)


def test_fewer_iterations_are_an_approximation() -> None:
    generator = np.random.default_rng(0)
    matrices = positive_definite(generator, 1, 8)
    right = strategies.normals(generator, 1, 8)
    exact = torch.linalg.solve(matrices, right)

    def distance(iterations: int) -> float:
        solution = conjugate_gradient(
            lambda v: torch.einsum("sij,sj->si", matrices, v), right, iterations
        )
        return float((solution - exact).norm())

    distances = [distance(n) for n in (1, 2, 4, 8)]
    assert distances == sorted(distances, reverse=True)
    assert distances[2] > 1e-3
    assert distances[3] < 1e-6


def test_a_seed_that_has_its_answer_stops_while_others_go_on() -> None:
    """The first one's matrix is the identity, solved at once; the second one has no right side."""
    generator = np.random.default_rng(1)
    matrix = positive_definite(generator, 1, 6)
    matrices = torch.cat([torch.eye(6).double()[None], matrix, matrix])
    right = strategies.normals(generator, 3, 6)
    right[1] = 0
    calls: list[Tensor] = []

    def product(vector: Tensor) -> Tensor:
        calls.append(vector.clone())
        return torch.einsum("sij,sj->si", matrices, vector)

    solution = conjugate_gradient(product, right, 6, tolerance=1e-20)
    assert len(calls) == 6
    assert torch.equal(solution[0], right[0])
    assert torch.equal(solution[1], torch.zeros(6).double())
    torch.testing.assert_close(solution[2], torch.linalg.solve(matrix[0], right[2]))
    alone = conjugate_gradient(lambda v: v, right[:1], 6, tolerance=1e-20)
    assert torch.equal(alone[0], solution[0])
