"""Adam and RMSProp on the [S, P] buffer of a group: per-seed state, step size and activity."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), one independent optimiser per seed.

    Equal to `torch.optim.Adam` on each seed's row. An inactive seed stays bitwise
    unchanged: parameters, both moments and the step count.

    Args:
        parameters: [S, P], the group's buffer; updated in place.
        epsilon: added to the root of the second moment.

    Attributes:
        counts: float32 [S, 2], steps taken by the policy's and by the critic's columns, which may
            step separately; first_moment, second_moment: [S, P].
    """

    def __init__(self, parameters: Tensor, epsilon: float) -> None:
        self._parameters = parameters
        self.epsilon = epsilon
        self.first_moment = torch.zeros_like(parameters)
        self.second_moment = torch.zeros_like(parameters)
        self.counts = torch.zeros(len(parameters), 2, device=parameters.device)

    @torch.no_grad()
    def step(
        self, columns: slice, part: int, gradient: Tensor, learning_rate: Tensor, active: Tensor
    ) -> None:
        """Descend along `gradient` [S, columns] with `learning_rate` [S] where `active` [S].

        No loop over seeds, and no value read on the host, which would have to wait for the GPU.

        Args:
            columns: columns of the buffer that step; part: index of their step count.
        """
        mask = active.unsqueeze(1)
        state = [
            tensor[:, columns]
            for tensor in (self._parameters, self.first_moment, self.second_moment)
        ]
        old_state = [tensor.clone() for tensor in state]
        parameters, first, second = state
        counts = self.counts[:, part : part + 1]
        counts += mask
        beta1, beta2 = 0.9, 0.999
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        # An inactive seed may never have stepped: its count 0 would divide by zero.
        count = counts.double().clamp(min=1)
        # √v̂ + ε = (√v + ε·root) / root: the root goes to the step size, [S] numbers, not [S, P].
        root = (1 - beta2**count).sqrt()
        rate = learning_rate.unsqueeze(1).double() * root / (1 - beta1**count)
        denominator = second.sqrt().add_((self.epsilon * root).to(gradient))
        parameters.addcdiv_(first * rate.to(gradient), denominator, value=-1)
        for tensor, old in zip(state, old_state, strict=True):
            tensor.copy_(torch.where(mask, tensor, old))


RMSPROP_FORMS: Final = {"torch": 0.0, "tensorflow": 1.0}
"""Form of RMSProp -> the mean square that it starts from."""


def rmsprop_step(
    parameters: Tensor,
    mean_square: Tensor,
    gradient: Tensor,
    learning_rate: Tensor,
    active: Tensor,
    *,
    decay: float,
    epsilon: float,
    form: str = "torch",
) -> None:
    """Take one RMSProp step (Tieleman & Hinton 2012, lecture 6.5), in place, where `active` [S].

        torch         θ ← θ − η g / (√v + ε)     v from 0, equal to `torch.optim.RMSprop`
        tensorflow    θ ← θ − η g / √(v + ε)     v from 1, as `tf.train.RMSPropOptimizer`

    The first step is η g / (√(1 − decay) |g|), 10 η at a decay of 0.99, in the torch form. In the
    other it is about η g, kept small by the initial v = 1: a tenth of that is left after 229 steps.
    Where gradients vanish, the torch form divides by ε and the other by √ε.

    Args:
        parameters, mean_square, gradient: [S, P]; learning_rate: [S].
        form: a key of `RMSPROP_FORMS`, whose value is what `mean_square` starts from.
    """
    mask = active.unsqueeze(1)
    new_square = torch.addcmul(decay * mean_square, gradient, gradient, value=1 - decay)
    inside = form == "tensorflow"
    root = (new_square + epsilon).sqrt() if inside else new_square.sqrt() + epsilon
    step = learning_rate.unsqueeze(1).to(gradient) * gradient / root
    mean_square.copy_(torch.where(mask, new_square, mean_square))
    parameters.copy_(torch.where(mask, parameters - step, parameters))


def clip_gradient_norm(gradient: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """Scale each seed's gradient [S, P] in place to an L2 norm of at most `bound`.

    Returns:
        the clipped gradient, and the norms [S] before clipping (Pascanu et al. 2013).
    """
    norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    return gradient.mul_((bound / (norm + 1e-6)).clamp(max=1.0)), norm.squeeze(1)
