"""Seeds of environments, each derived only from its address (seed, slot, episode)."""

from __future__ import annotations

import numpy as np

# Separates these streams from those spawned from the same seed for networks and actions.
_DOMAIN = int.from_bytes(b"envs", "big")


def slot_seed(seed: int, slot: int) -> int:
    """Return the seed of the generator that a slot keeps over all its episodes; 0 to 2**31 - 1.

    It depends on nothing else: slot 7 of a seed has the same one without slots 0 to 6.
    """
    return _derive(seed, _DOMAIN, slot)


def episode_seed(seed: int, slot: int, episode: int) -> int:
    """Return the seed of one episode of a slot, counted from 0; 0 to 2**31 - 1."""
    return _derive(seed, _DOMAIN, slot, episode)


def _derive(seed: int, *path: int) -> int:
    state = np.random.SeedSequence(seed, spawn_key=path).generate_state(1, np.uint32)
    # EnvPool takes int32, and many environments take no negative number: 31 bits suit all.
    return int(state[0]) >> 1
