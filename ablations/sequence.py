"""What does the ladder buy where a language model is tuned?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

_LARGE_STEP = 1e-3
"""A step size in place of the 3e-4 of the other rungs with several epochs."""
_CLIPPED = "sequence_clipped_ppo"

ABLATION = Ablation(
    name="sequence",
    title="Answers, token by token",
    question="What does every step of the ladder buy where a small language model is tuned by a "
    "reward of whole answers, and what does the KL penalty to its reference prevent?",
    environments=("Reviews-v0",),
    variants=(
        Variant(
            name="policy_gradient",
            title="policy gradient",
            algorithm="sequence_policy_gradient",
        ),
        Variant(
            name="baseline",
            compared_with="policy_gradient",
            title="+ baseline (group mean)",
            algorithm="sequence_baseline",
            hyperparameters={"baseline": "group_mean"},
        ),
        Variant(
            name="reward_to_go",
            compared_with="baseline",
            title="+ reward-to-go",
            algorithm="sequence_reward_to_go",
        ),
        Variant(
            name="importance_sampling",
            compared_with="reward_to_go",
            title="+ importance sampling",
            algorithm="sequence_importance_sampling",
        ),
        Variant(
            name="kl_fixed",
            compared_with="importance_sampling",
            title="KL-penalty PPO, fixed",
            algorithm="sequence_kl_ppo",
            hyperparameters={"adaptive": False, "beta": 1.0},
        ),
        Variant(
            name="kl_adaptive",
            compared_with="importance_sampling",
            title="KL-penalty PPO, adaptive",
            algorithm="sequence_kl_ppo",
            hyperparameters={"adaptive": True, "kl_target": 0.01},
        ),
        Variant(
            name="clipped_ppo",
            compared_with="importance_sampling",
            title="clipped PPO",
            algorithm=_CLIPPED,
            hyperparameters={"clip_range": 0.2},
        ),
        Variant(
            name="large_step",
            compared_with="importance_sampling",
            title="large step, no clip",
            algorithm="sequence_importance_sampling",
            hyperparameters={"learning_rate": _LARGE_STEP},
        ),
        Variant(
            name="large_step_clipped",
            compared_with="large_step",
            title="large step, clipped",
            algorithm=_CLIPPED,
            hyperparameters={"learning_rate": _LARGE_STEP, "clip_range": 0.2},
        ),
        Variant(
            name="no_penalty",
            compared_with="clipped_ppo",
            title="clipped PPO, β_ref = 0",
            algorithm=_CLIPPED,
            hyperparameters={"reference_penalty": 0.0},
        ),
        Variant(
            name="penalty_01",
            compared_with="clipped_ppo",
            title="clipped PPO, β_ref = 0.1",
            algorithm=_CLIPPED,
            hyperparameters={"reference_penalty": 0.1},
        ),
        Variant(
            name="penalty_1",
            compared_with="clipped_ppo",
            title="clipped PPO, β_ref = 1",
            algorithm=_CLIPPED,
            hyperparameters={"reference_penalty": 1.0},
        ),
    ),
    control="policy_gradient",
    steps=200_000,
    page="kl",
    mechanism=("reference_kl", "gold_reward", "kl_mean", "gradient_signal_to_noise"),
)
