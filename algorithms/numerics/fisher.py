"""Products with the Fisher information of a policy, without the matrix."""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.numerics.conjugate_gradient import Product
from algorithms.policies import Policy


def fisher_product(
    policy: Policy, parameters: Tensor, observations: Tensor, damping: float
) -> Product:
    """v -> (F + damping·I) v, F = E_s[ ∇² KL(p_θ ‖ p_θ₊ₓ) at x = 0 ] of each seed.

    By double backward: the gradient of ∇KL · v.

    Args:
        parameters: the policy's [S, P], at which F is taken; observations: [S, B, O].

    Source: Schulman et al. 2015, arXiv 1502.05477, appendix C.
    """
    leaf = parameters.detach().clone().requires_grad_()
    statistics = policy.statistics(leaf, observations)
    divergence = policy.divergence(statistics.detach(), statistics).mean(1).sum()
    (slope,) = torch.autograd.grad(divergence, leaf, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        (curved,) = torch.autograd.grad((slope * vector).sum(), leaf, retain_graph=True)
        return curved + damping * vector

    return product
