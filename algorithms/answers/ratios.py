"""The ratio ρ on whole answers: a token's, an answer's, or an answer's geometric mean.

    token                     ρₜ = p_θ(yₜ|x, y_{<t}) / p_θ'(yₜ|x, y_{<t})
    sequence                  ρ = Πₜ ρₜ = p_θ(y|x) / p_θ'(y|x)
    sequence_geometric_mean   ρ = (Πₜ ρₜ)^{1/T}, T tokens of the answer

Only the ratio of whole answers turns an expectation over θ' into one over θ. Its variance grows
with T; the geometric mean's does not, but it is no such ratio any more. Token ratios ignore that θ
would have reached other states.

Source: Zheng et al. 2025, arXiv 2507.18071, eq. 7 (GSPO, the geometric mean).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor


def of_answers(log_ratios: Tensor, valid: Tensor) -> Tensor:
    """Σₜ log ρₜ over the tokens that are `valid`, at every tick [S, T, N]."""
    total = torch.where(valid, log_ratios, 0.0).sum(1, keepdim=True)
    return total.expand_as(log_ratios)


TOKEN: Final = "token"
GEOMETRIC_MEAN: Final = "sequence_geometric_mean"
RATIOS: Final[dict[str, Callable[[Tensor, Tensor], Tensor]]] = {
    TOKEN: lambda log_ratios, valid: log_ratios,
    "sequence": of_answers,
    GEOMETRIC_MEAN: lambda log_ratios, valid: (
        of_answers(log_ratios, valid) / valid.sum(1, keepdim=True)
    ),
}
"""Name -> log ρ of every tick, from the tokens' [S, T, N] and which of them the policy wrote."""
