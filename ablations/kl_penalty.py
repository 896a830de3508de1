"""What does a KL penalty buy, and does it have to adapt?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="kl_penalty",
    title="KL penalty",
    question="What does penalising the KL to the old policy buy, and does the penalty "
    "have to adapt?",
    environments=("Hopper-v5", "HalfCheetah-v5"),
    variants=(
        Variant(
            name="no_penalty",
            title="no penalty",
            algorithm="importance_sampling",
            hyperparameters={"epochs": 10},
        ),
        Variant(
            name="fixed_1",
            title="fixed, β = 1",
            algorithm="kl_ppo",
            hyperparameters={"adaptive": False, "beta": 1.0},
        ),
        Variant(
            name="fixed_10",
            title="fixed, β = 10",
            algorithm="kl_ppo",
            hyperparameters={"adaptive": False, "beta": 10.0},
        ),
        Variant(
            name="adaptive",
            title="adaptive, KL target 0.01",
            algorithm="kl_ppo",
            hyperparameters={"adaptive": True, "kl_target": 0.01},
        ),
    ),
    control="no_penalty",
    steps=300_000,
    mechanism=("kl_mean", "kl_max", "beta", "effective_sample_size"),
)
