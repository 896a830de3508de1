"""Refuse to wait for the end of episodes in an environment without a time limit.

Such an environment may well end its episodes by itself, but nothing says so beforehand.
"""

from __future__ import annotations

from bench.errors import InputError
from bench.plan.back_ends import SEQUENCE

OPTION = "--time-limit N (time_limit in an ablation's file) cuts its episodes off after N steps"


def check_can_be_limited(environment: str, back_end: str, limit: int | None) -> None:
    """Raise InputError if a limit is given for answers, whose length is set by their task."""
    if limit is not None and back_end == SEQUENCE.name:
        raise InputError(
            f"{environment} takes no time limit: its task says how long an answer is. "
            "Leave out --time-limit (time_limit in an ablation's file)"
        )


def check_ends(environment: str, limit: int | None, why: str, option: str = OPTION) -> None:
    """Refuse to wait for the end of episodes that nothing cuts off.

    Args:
        environment: id.
        limit: the time limit given, else the environment's own [environment steps].
        why: who waits, as in "algorithm 'vanilla_policy_gradient' collects whole episodes".
        option: the remedy, as a clause.

    Raises:
        InputError: there is no limit.
    """
    if limit is None:
        raise InputError(f"{environment} has no time limit, and {why}: {option}")


def unlimited_note(environment: str) -> str:
    """Return a warning for algorithms that learn from steps: an endless episode has no return."""
    return f"{environment} has no time limit, and an episode without an end has no return: {OPTION}"
