"""What does every step from the policy gradient to PPO buy, at the budget of the PPO paper?"""

from __future__ import annotations

from dataclasses import replace

from ablations import ladder

ABLATION = replace(
    ladder.ABLATION,
    name="ladder_1m",
    title="The ladder over a million steps",
    question="What does every step on the road from the policy gradient to PPO buy over a "
    "million steps?",
    environments=(*ladder.ABLATION.environments, "Walker2d-v5"),
    steps=1_000_000,
)
