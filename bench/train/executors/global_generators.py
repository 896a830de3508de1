"""The global random generators of a process: those of random, numpy.random and torch.

Nothing in this project draws from them, but an environment may. Seeding them by the group's seeds
before it trains makes the group reproducible. A seed then still depends on those that it trains
with, which draw from the same generators, so its result carries a remark.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence

import numpy as np

from bench.kinds import SHARED_DRAWS

# Separates these streams from those spawned from the same seeds for other purposes.
_DOMAIN = int.from_bytes(b"glob", "big")


class GlobalGenerators:
    """Seeds the global generators, torch's only if torch is imported, and remembers their states.

    Args:
        seeds: the seeds of the group that is about to train.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        sequence = np.random.SeedSequence(list(seeds), spawn_key=(_DOMAIN,))
        python_seed, numpy_seed, torch_seed = map(int, sequence.generate_state(3, np.uint32))
        random.seed(python_seed)
        np.random.seed(numpy_seed)
        self._states: dict[str, Callable[[], object]] = {
            "random": random.getstate,
            "numpy.random": _state_of_numpy,
        }
        if "torch" in sys.modules:
            torch = sys.modules["torch"]
            torch.manual_seed(torch_seed)
            self._states["torch"] = lambda: torch.get_rng_state().numpy().tobytes()
        self._initial_states = {name: state() for name, state in self._states.items()}

    def remark(self) -> str | None:
        """Return a line that names the generators drawn from since seeding; None if none was."""
        names = [
            name for name, state in self._states.items() if state() != self._initial_states[name]
        ]
        if not names:
            return None
        return f"{SHARED_DRAWS} ({', '.join(names)}), so a seed depends on those it trains with"


def _state_of_numpy() -> object:
    name, keys, *rest = np.random.get_state(legacy=True)
    assert isinstance(keys, np.ndarray)
    return name, keys.tobytes(), *rest
