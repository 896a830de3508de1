"""Matrix products of R networks, each independent: a seed gets the same bits in any group.

On a CPU they are `algorithms.numerics.kernels.products`, whose sums have one order wherever a
matrix lies; a BLAS chooses among several orders by address and size.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from algorithms.numerics.kernels.products import multiply_each


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, left: Tensor, right: Tensor) -> Tensor:
        context.save_for_backward(left, right)
        out = left.new_empty(*left.shape[:2], right.shape[2])
        multiply_each(
            left.detach().contiguous().numpy(), right.detach().contiguous().numpy(), out.numpy()
        )
        return out

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        left, right = context.saved_tensors
        left_needed, right_needed = context.needs_input_grad
        return (
            product(gradient, right.transpose(1, 2)) if left_needed else None,
            product(left.transpose(1, 2), gradient) if right_needed else None,
        )


def product(left: Tensor, right: Tensor) -> Tensor:
    """left [R, i, j] · right [R, j, k] -> [R, i, k], differentiable any number of times."""
    if left.device.type != "cpu" or left.dtype != torch.float32:
        return torch.bmm(left, right)
    result: Tensor = _Product.apply(left, right)
    return result
