"""The generators of random numbers that a process shares: those of random, numpy.random and torch.

Nothing of this project draws from them, but an environment may. Seeded before a group trains, by
its seeds, they make the group reproducible. Still a seed then depends on those that it trains with,
which draw from the same generators; so a result says that they were drawn from.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence

import numpy as np

from bench.store.schema import SHARED_DRAWS

# Sets these streams apart from all that is spawned of the same seeds for other purposes.
_DOMAIN = int.from_bytes(b"glob", "big")


class GlobalGenerators:
    """Seeds them, torch's where torch is imported, and remembers their states.

    Args:
        seeds: of the group that is about to train.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        sequence = np.random.SeedSequence(list(seeds), spawn_key=(_DOMAIN,))
        of_python, of_numpy, of_torch = map(int, sequence.generate_state(3, np.uint32))
        random.seed(of_python)
        np.random.seed(of_numpy)
        self._states: dict[str, Callable[[], object]] = {
            "random": random.getstate,
            "numpy.random": _state_of_numpy,
        }
        if "torch" in sys.modules:
            torch = sys.modules["torch"]
            torch.manual_seed(of_torch)
            self._states["torch"] = lambda: torch.get_rng_state().numpy().tobytes()
        self._before = {name: state() for name, state in self._states.items()}

    def remark(self) -> str | None:
        """A line that names the generators that were drawn from since; None if none was."""
        drawn = [name for name, state in self._states.items() if state() != self._before[name]]
        if not drawn:
            return None
        return f"{SHARED_DRAWS} ({', '.join(drawn)}), so a seed depends on those it trains with"


def _state_of_numpy() -> object:
    name, keys, *rest = np.random.get_state(legacy=True)
    assert isinstance(keys, np.ndarray)
    return name, keys.tobytes(), *rest
