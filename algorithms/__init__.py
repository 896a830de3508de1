"""The algorithms, by name, in the lecture's order.

Importing this module imports nothing heavy: an algorithm is loaded from its
`module:attribute` only when it is asked for.
"""

from __future__ import annotations

ALGORITHMS: dict[str, str] = {
    "vanilla_policy_gradient": "algorithms.ladder.vanilla_policy_gradient:ALGORITHM",
    "baseline": "algorithms.ladder.baseline:ALGORITHM",
    "reward_to_go": "algorithms.ladder.reward_to_go:ALGORITHM",
    "advantage": "algorithms.ladder.advantage:ALGORITHM",
    "importance_sampling": "algorithms.ladder.importance_sampling:ALGORITHM",
    "trajectory_importance_sampling": "algorithms.ladder.trajectory_importance_sampling:ALGORITHM",
    "kl_ppo": "algorithms.ladder.kl_ppo:ALGORITHM",
    "clipped_ppo": "algorithms.ladder.clipped_ppo:ALGORITHM",
}
