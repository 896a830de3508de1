"""The matrix products of R networks, one after the other, so that none knows of its neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, left: Tensor, right: Tensor) -> Tensor:
        context.save_for_backward(left, right)
        return _multiply(left, right)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        left, right = context.saved_tensors
        of_left, of_right = context.needs_input_grad
        return (
            _multiply(gradient, right.transpose(1, 2)) if of_left else None,
            _multiply(left.transpose(1, 2), gradient) if of_right else None,
        )


def product(left: Tensor, right: Tensor) -> Tensor:
    """left [R, i, j] · right [R, j, k] -> [R, i, k], once differentiable.

    On a CPU numpy's loop over R products, as in `algorithms.numerics.networks`: a seed has its
    bits in any group.
    """
    found: Tensor = _Product.apply(left, right)
    return found


def _multiply(left: Tensor, right: Tensor) -> Tensor:
    if left.device.type != "cpu":
        return torch.bmm(left, right)
    with np.errstate(all="ignore"):
        return torch.from_numpy(np.matmul(left.detach().numpy(), right.detach().numpy()))
