"""Adam on the [S, P] buffer of a group: per-seed state, step size and activity."""

from __future__ import annotations

import torch
from torch import Tensor


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), one independent optimiser a seed.

    Equal to `torch.optim.Adam` on each seed's row. An inactive seed stays bitwise
    unchanged: parameters, both moments and the step count.

    Args:
        parameters: [S, P], a view of the group's buffer; updated in place.
        epsilon: added to the root of the second moment.
        betas: decay of the first and second moment.
    """

    def __init__(
        self, parameters: Tensor, epsilon: float, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        self._parameters = parameters
        self._epsilon = epsilon
        self._betas = betas
        self.first_moment = torch.zeros_like(parameters)
        self.second_moment = torch.zeros_like(parameters)
        self.count = torch.zeros(parameters.shape[0], 1, dtype=torch.float64).to(parameters.device)

    @torch.no_grad()
    def step(self, gradient: Tensor, learning_rate: Tensor, active: Tensor) -> None:
        """Descend along `gradient` [S, P] with `learning_rate` [S] where `active` [S]."""
        keep = active.unsqueeze(1)
        everybody = bool(active.all())
        if not everybody:
            before = [x.clone() for x in (self._parameters, self.first_moment, self.second_moment)]
        beta1, beta2 = self._betas
        self.count = torch.where(keep, self.count + 1, self.count)
        self.first_moment.lerp_(gradient, 1 - beta1)
        self.second_moment.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        # An inactive seed may never have stepped: its count 0 would divide by zero.
        count = self.count.clamp(min=1)
        rate = learning_rate.unsqueeze(1).double() / (1 - beta1**count)
        root = (1 - beta2**count).sqrt().float()
        denominator = self.second_moment.sqrt().div_(root).add_(self._epsilon)
        self._parameters.sub_((self.first_moment / denominator).mul_(rate.float()))
        if not everybody:
            after = (self._parameters, self.first_moment, self.second_moment)
            for tensor, old in zip(after, before, strict=True):
                tensor.copy_(torch.where(keep, tensor, old))


def clip_gradient_norm(gradient: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """Scale each seed's gradient [S, P] to an L2 norm of at most `bound`.

    Returns:
        the scaled gradient [S, P] and the norms before [S] (Pascanu et al. 2013).
    """
    norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    scale = (bound / (norm + 1e-6)).clamp(max=1.0)
    return gradient * scale, norm.squeeze(1)
