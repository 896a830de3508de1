"""What does every step from the policy gradient to PPO buy?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="ladder",
    title="The ladder",
    question="What does every step on the road from the policy gradient to PPO buy?",
    environments=("Hopper-v5", "HalfCheetah-v5"),
    variants=(
        Variant(
            name="vanilla",
            title="policy gradient",
            algorithm="vanilla_policy_gradient",
        ),
        Variant(
            name="baseline",
            compared_with="vanilla",
            title="+ baseline",
            algorithm="baseline",
            hyperparameters={"baseline": "batch_mean"},
        ),
        Variant(
            name="reward_to_go",
            compared_with="baseline",
            title="+ reward-to-go",
            algorithm="reward_to_go",
            hyperparameters={"discount": 1.0},
        ),
        Variant(
            name="discount",
            compared_with="reward_to_go",
            title="+ discount, γ = 0.99",
            algorithm="reward_to_go",
            hyperparameters={"discount": 0.99},
        ),
        Variant(
            name="advantage",
            compared_with="discount",
            title="+ advantage (critic)",
            algorithm="advantage",
        ),
        Variant(
            name="importance_sampling",
            compared_with="advantage",
            title="+ importance sampling",
            algorithm="importance_sampling",
            hyperparameters={"epochs": 10},
        ),
        Variant(
            name="kl_ppo",
            compared_with="importance_sampling",
            title="KL-penalty PPO",
            algorithm="kl_ppo",
            hyperparameters={"adaptive": True, "kl_target": 0.01},
        ),
        Variant(
            name="clipped_ppo",
            compared_with="importance_sampling",
            title="clipped PPO",
            algorithm="clipped_ppo",
            hyperparameters={"clip_range": 0.2},
        ),
    ),
    control="vanilla",
    steps=100_000,
    mechanism=("effective_sample_size", "kl_mean", "gradient_signal_to_noise"),
)
