"""Token environments: the policy writes an answer token by token, the reward scores the whole.

They have their own trainer, `bench.train.answers.trainer`, because a step is a pass through the
policy's network itself.
"""

from __future__ import annotations

from algorithms.spaces import Discrete
from bench.train.answers.tasks import known_task
from bench.train.environments.protocol import Specification


def describe(environment_id: str) -> Specification:
    """Describe the environment: a policy observes the last token and chooses the next one.

    Raises:
        InputError: no such token environment.
    """
    task = known_task(environment_id)
    return Specification(
        environment=environment_id,
        back_end="sequence",
        observation_size=1,
        action_space=Discrete(count=len(task.vocabulary)),
        time_limit=task.answer,
    )
