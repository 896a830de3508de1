"""Refuses hyperparameters that are in range one by one and make no sense together."""

from __future__ import annotations

from bench.errors import InputError


def check_together(hyperparameters: object) -> None:
    """Raise InputError where values that are in range contradict one another.

    What follows the KL (β, a step size) may not have a target of 0: every update moves the policy,
    so that it would be followed in one direction for ever.
    """
    if getattr(hyperparameters, "kl_target", None) == 0 and getattr(
        hyperparameters, "adaptive", True
    ):
        fixed = ", or adaptive = false" if hasattr(hyperparameters, "adaptive") else ""
        raise InputError(f"kl_target = 0 is a KL that no update makes. Allowed: more than 0{fixed}")
    if getattr(hyperparameters, "staggered_start", False) and not hasattr(
        hyperparameters, "batch_steps"
    ):
        raise InputError(
            "staggered_start cuts first episodes short, and this algorithm learns from whole ones"
        )
