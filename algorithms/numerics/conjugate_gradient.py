"""Conjugate gradient for S positive-definite systems at once, each for itself."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]
"""v [S, P] -> A v [S, P], row s by the matrix of seed s."""


def conjugate_gradient(
    product: Product, right: Tensor, iterations: int, tolerance: float = 1e-10
) -> Tensor:
    """x [S, P] with A x ≈ `right` [S, P], A symmetric and positive definite.

    Begins at 0 and stops, each seed for itself, at a squared residual of at most `tolerance`,
    or after `iterations`. A seed that has stopped keeps its bits.

    Source: Hestenes & Stiefel 1952; Nocedal & Wright 2006, algorithm 5.2.
    """
    x = torch.zeros_like(right)
    residual, direction = right, right
    square = _dot(residual, residual)
    for _ in range(iterations):
        running = square > tolerance
        if not running.any():
            break
        mapped = product(direction)
        # A seed that has stopped may have a direction of zeros.
        step_size = torch.where(running, square / _dot(direction, mapped), 0.0)
        x = torch.where(running, x + step_size * direction, x)
        residual = torch.where(running, residual - step_size * mapped, residual)
        old_square, square = square, _dot(residual, residual)
        next_direction = residual + square / old_square * direction
        direction = torch.where(running, next_direction, direction)
    return x


def _dot(left: Tensor, right: Tensor) -> Tensor:
    """[S, P] · [S, P] -> [S, 1]."""
    return (left * right).sum(1, keepdim=True)
