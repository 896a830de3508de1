"""The algorithms, by name: the lecture's in its order, their rivals, and controls.

Importing this module imports nothing heavy: an algorithm is loaded from its
`module:attribute` only when it is asked for.
"""

from __future__ import annotations

SEQUENCE_ALGORITHMS: dict[str, str] = {
    "sequence_policy_gradient": "algorithms.answers.policy_gradients:POLICY_GRADIENT",
    "sequence_baseline": "algorithms.answers.policy_gradients:BASELINE",
    "sequence_reward_to_go": "algorithms.answers.policy_gradients:REWARD_TO_GO",
    "sequence_importance_sampling": "algorithms.answers.surrogates:IMPORTANCE_SAMPLING",
    "sequence_kl_ppo": "algorithms.answers.surrogates:KL_PPO",
    "sequence_clipped_ppo": "algorithms.answers.surrogates:CLIPPED_PPO",
}
"""The ladder on whole answers, for token environments and nothing else."""

ALGORITHMS: dict[str, str] = {
    "vanilla_policy_gradient": "algorithms.ladder.vanilla_policy_gradient:ALGORITHM",
    "baseline": "algorithms.ladder.baseline:ALGORITHM",
    "reward_to_go": "algorithms.ladder.reward_to_go:ALGORITHM",
    "advantage": "algorithms.ladder.advantage:ALGORITHM",
    "importance_sampling": "algorithms.ladder.importance_sampling:ALGORITHM",
    "trajectory_importance_sampling": "algorithms.ladder.trajectory_importance_sampling:ALGORITHM",
    "kl_ppo": "algorithms.ladder.kl_ppo:ALGORITHM",
    "clipped_ppo": "algorithms.ladder.clipped_ppo:ALGORITHM",
    "a2c": "algorithms.rivals.a2c:ALGORITHM",
    "a2c_trust_region": "algorithms.rivals.a2c_trust_region:ALGORITHM",
    "cem": "algorithms.rivals.cem:ALGORITHM",
    "adaptive_policy_gradient": "algorithms.rivals.adaptive_policy_gradient:ALGORITHM",
    "trpo": "algorithms.rivals.trpo:ALGORITHM",
    "untrained": "algorithms.controls.untrained:ALGORITHM",
    "uniform_random": "algorithms.controls.uniform_random:ALGORITHM",
    **SEQUENCE_ALGORITHMS,
}
