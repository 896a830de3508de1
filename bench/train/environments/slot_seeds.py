"""Seeds of environments, each derived from where it is used and from nothing else."""

from __future__ import annotations

import numpy as np

# Sets these streams apart from all that is spawned of the same seed for networks and actions.
_DOMAIN = int.from_bytes(b"envs", "big")


def slot_seed(seed: int, slot: int) -> int:
    """The seed of the generator that a slot keeps over all its episodes; 0 to 2**31 - 1.

    Like a counter: slot 7 of a seed has this one whether or not there are slots 0 to 6.
    """
    return _derive(seed, _DOMAIN, slot)


def episode_seed(seed: int, slot: int, episode: int) -> int:
    """The seed of one episode of a slot, counted from 0; 0 to 2**31 - 1."""
    return _derive(seed, _DOMAIN, slot, episode)


def _derive(seed: int, *path: int) -> int:
    state = np.random.SeedSequence(seed, spawn_key=path).generate_state(1, np.uint32)
    # EnvPool takes int32, and many an environment no negative number: 31 bits suit all.
    return int(state[0]) >> 1
