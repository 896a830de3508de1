"""Products with the Fisher information of a policy, without the matrix."""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.numerics.conjugate_gradient import Product
from algorithms.numerics.networks import Perceptron
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
    statistics = policy.read(
        _outputs(policy.network, leaf, observations), leaf[:, policy.network.size :]
    )
    divergence = policy.divergence(statistics.detach(), statistics).mean(1).sum()
    (slope,) = torch.autograd.grad(divergence, leaf, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        (curved,) = torch.autograd.grad((slope * vector).sum(), leaf, retain_graph=True)
        return curved + damping * vector

    return product


def _outputs(network: Perceptron, parameters: Tensor, inputs: Tensor) -> Tensor:
    """[S, B, out], differentiable twice, which a `Pass` with its gradient by hand is not."""
    *hidden, (weight, bias) = network.layers(parameters)
    for each, shift in hidden:
        inputs = torch.tanh(torch.baddbmm(shift.unsqueeze(1), inputs, each))
    if weight.shape[2] == 1:
        # A product with one output column has other bits for a seed alone than in a group.
        return (inputs * weight.transpose(1, 2)).sum(2, keepdim=True) + bias.unsqueeze(1)
    return torch.baddbmm(bias.unsqueeze(1), inputs, weight)
