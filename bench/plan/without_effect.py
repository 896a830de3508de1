"""Hyperparameters that an algorithm declares, by inheriting them, and that change nothing in it.

What is trained tells: tests/tune trains every algorithm with and without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

_OPTIMISER = ("learning_rate", "learning_rate_decay_steps", "adam_epsilon", "gradient_norm_clip")

UNREAD: Mapping[str, Sequence[str]] = {
    "a2c": ("adam_epsilon",),
    "a2c_trust_region": ("adam_epsilon",),
    "cem": _OPTIMISER,
    "trpo": ("learning_rate", "gradient_norm_clip"),
    "untrained": _OPTIMISER,
    "uniform_random": (*_OPTIMISER, "activation", "observation_clip"),
}
"""Algorithm -> hyperparameters that it declares and never reads."""
NEEDED = (
    ("critic_learning_rate", "separate_optimizers", True),
    ("critic_learning_rate", "baseline", "learned"),
    ("critic_epochs", "baseline", "learned"),
    ("critic_minibatch", "baseline", "learned"),
    ("moving_average_decay", "baseline", "moving_average"),
    ("kl_target", "adaptive", True),
    ("observation_clip", "observation_normalization", True),
    ("reward_clip", "reward_normalization", True),
    ("policy_head_gain", "initialization", "orthogonal"),
)
"""Hyperparameter, another one, and the value of the other without which the first changes nothing,
in algorithms that declare both."""


def without_effect(algorithm: str, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the hyperparameters that change nothing, and why: "" or like "without adaptive=True".

    Args:
        algorithm: its name.
        values: of all of its hyperparameters.
    """
    for name in UNREAD.get(algorithm, ()):
        yield name, ""
    for name, other, needed in NEEDED:
        if name in values and values.get(other, needed) != needed:
            yield name, f"without {other}={needed}"
