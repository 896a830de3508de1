"""The untrained policy: the network as it was initialised, sampled from, never updated.

Its return is the zero of normalised scores. The initialisation is that of every other
algorithm (same seed, same weights), so that a learning curve begins here.

Source: this project; the PPO paper's Table 1 (arXiv 1707.06347, section 6.1) sets its zero by
a random policy, which its text once calls the initial one.
"""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import Hyperparameters as Common
from algorithms.hyperparameters import hyperparameter


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(Common):
    """Whole episodes, as many as there are slots."""

    slots: int = hyperparameter(
        16,
        "trajectories of one batch: each slot plays one episode, then idles",
        unit="trajectories",
        low=1,
        source="this project",
    )


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Change nothing; return the diagnostics of the unchanged policy."""
    return policy_change(learner, batch)


ALGORITHM = Algorithm(
    name="untrained",
    title="Untrained policy",
    equation="none: θ stays as it was drawn",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
)
