"""How many steps should a batch of the adaptive policy gradient have?"""

from __future__ import annotations

from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="adaptive_batch",
    title="The adaptive policy gradient's batch",
    question="Many small steps or few large ones: how large a batch suits the adaptive step size?",
    environments=("Hopper-v5", "Swimmer-v5"),
    variants=(
        Variant(
            name="steps_512",
            title="512 steps per batch",
            algorithm="adaptive_policy_gradient",
            hyperparameters={"batch_steps": 512},
        ),
        Variant(
            name="steps_1024",
            title="1,024 steps per batch",
            algorithm="adaptive_policy_gradient",
            hyperparameters={"batch_steps": 1_024},
        ),
        Variant(
            name="steps_2048",
            title="2,048 steps per batch",
            algorithm="adaptive_policy_gradient",
            hyperparameters={"batch_steps": 2_048},
        ),
        Variant(
            name="steps_4096",
            title="4,096 steps per batch",
            algorithm="adaptive_policy_gradient",
            hyperparameters={"batch_steps": 4_096},
        ),
    ),
    control="steps_2048",
    steps=1_000_000,
    mechanism=("kl_mean", "learning_rate", "gradient_signal_to_noise"),
)
