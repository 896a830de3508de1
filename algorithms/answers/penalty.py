"""The KL to a frozen reference, as a penalty in the rewards of whole answers.

    rₜ = −β log(p_θ'(yₜ|x, y_{<t}) / p_ref(yₜ|x, y_{<t})),   at the last token + score(x, y)

A reward and no term of the loss. Summed over an answer it is −β log(p_θ'(y|x)/p_ref(y|x)), whose
expectation is −β KL(p_θ' ‖ p_ref) over whole answers, and E[∇log p_θ] = 0: the policy gradient of
these rewards is ∇(E[score] − β KL), exactly. (A KL of single tokens in the loss leaves out that θ
also moves the states at which it is taken.)

Source: Ziegler et al. 2019, arXiv 1909.08593, eq. 2; token by token: Ouyang et al. 2022, arXiv
2203.02155, section 3.5.
"""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.policies import Policy


def penalised(
    policy: Policy,
    statistics: Tensor,
    reference: Tensor,
    actions: Tensor,
    valid: Tensor,
    scores: Tensor,
    penalty: float,
) -> Tensor:
    """The rewards rₜ [S, T, N].

    Args:
        policy: whose `statistics` of θ' and `reference` [S, T, N, V] these are.
        statistics, reference: log-probabilities of every token.
        actions, valid: [S, T, N], the tokens written and whether the policy wrote them.
        scores: [S, N], of whole answers.
        penalty: β.
    """
    log_ratio = policy.log_probability(statistics, actions)
    log_ratio = log_ratio - policy.log_probability(reference, actions)
    rewards = torch.where(valid, -penalty * log_ratio, 0.0)
    rewards[:, -1] += scores
    return rewards
