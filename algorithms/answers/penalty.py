"""The KL to a frozen reference: as a penalty in the rewards of whole answers, or in the loss.

In the rewards, with β the weight of the penalty and uₜ = log(p_θ'(yₜ|x, y_{<t}) / p_ref(yₜ|·)):

    rₜ = −β uₜ,   at the last token + score(x, y)

Summed over an answer that is −β log(p_θ'(y|x)/p_ref(y|x)), whose expectation is
−β KL(p_θ' ‖ p_ref) over whole answers, and E[∇log p_θ] = 0: the policy gradient of these rewards
is ∇(E[score] − β KL), exactly.

In the loss, β times an estimate of a token's KL is subtracted from its objective, differentiated in
θ at the states of the batch. Expectations of the estimates' gradients at θ = θ':

    k1      u                      0: it penalises nothing
    k2      u² / 2                 ∇KL(p_θ ‖ p_ref)
    k3      exp(−u) − 1 + u        ∇KL(p_ref ‖ p_θ): the other direction, though E[k3] itself is
                                   KL(p_θ ‖ p_ref)
    exact   Σ_a p_θ(a) u(a)        ∇KL(p_θ ‖ p_ref), without the noise of sampling

All four leave out that θ also moves the states at which the KL is taken. At θ ≠ θ' the sampled
estimates k1, k2, k3 use tokens that θ' wrote, without a ratio that corrects it, as in GRPO.

Source: Ziegler et al. 2019, arXiv 1909.08593, eq. 2; token by token: Ouyang et al. 2022, arXiv
2203.02155, section 3.5. k1, k2, k3: Schulman 2020, joschu.net/blog/kl-approx.html; k3 in the loss:
Shao et al. 2024, arXiv 2402.03300, eq. 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from algorithms.policies import Policy, log_ratio

Estimate = Callable[[Policy, Tensor, Tensor, Tensor], Tensor]
"""(policy, φ of θ [..., V], φ of the reference, tokens [...]) -> a KL of each token [...]."""


def never_negative(u: Tensor) -> Tensor:
    """k3 = exp(−u) − 1 + u."""
    return torch.expm1(-u) + u


IN_REWARD: Final = "k1_in_reward"
IN_LOSS: Final[dict[str, Estimate]] = {
    "k1_in_loss": log_ratio,
    "k2_in_loss": lambda *terms: log_ratio(*terms).square() / 2,
    "k3_in_loss": lambda *terms: never_negative(log_ratio(*terms)),
    "exact_in_loss": lambda policy, new, reference, actions: policy.divergence(new, reference),
}


def penalised(
    policy: Policy,
    statistics: Tensor,
    reference: Tensor,
    actions: Tensor,
    valid: Tensor,
    scores: Tensor,
    penalty: float,
) -> Tensor:
    """Return the rewards rₜ [S, T, N].

    Args:
        policy: maps φ to log-probabilities of tokens.
        statistics, reference: φ [S, T, N, V] of θ' and of the reference.
        actions, valid: [S, T, N], the tokens and whether the policy wrote them.
        scores: [S, N], of whole answers.
        penalty: β; 0 where the penalty is in the loss.
    """
    u = log_ratio(policy, statistics, reference, actions)
    rewards = torch.where(valid, -penalty * u, 0.0)
    rewards[:, -1] += scores
    return rewards
