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
        going = square > tolerance
        if not going.any():
            break
        along = product(direction)
        # A seed that has stopped may have a direction of zeros.
        length = torch.where(going, square / _dot(direction, along), 0.0)
        x = torch.where(going, x + length * direction, x)
        residual = torch.where(going, residual - length * along, residual)
        before, square = square, _dot(residual, residual)
        turned = residual + square / before * direction
        direction = torch.where(going, turned, direction)
    return x


def _dot(left: Tensor, right: Tensor) -> Tensor:
    """[S, P] · [S, P] -> [S, 1]."""
    return (left * right).sum(1, keepdim=True)
