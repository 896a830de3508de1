"""The benchmark: plan, train, store, evidence, one package per stage.

`bench.run("baseline")` trains an ablation, `bench.load("baseline")` gives its results as tidy
pandas frames, `bench.compare("baseline")` what they show.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.api.comparing import compare
    from bench.api.running import TrainingError, run
    from bench.errors import InputError
    from bench.store.load import View, load

__all__ = ["InputError", "TrainingError", "View", "compare", "load", "run"]

_PLACES = {
    "InputError": "bench.errors",
    "TrainingError": "bench.api.running",
    "View": "bench.store.load",
    "compare": "bench.api.comparing",
    "load": "bench.store.load",
    "run": "bench.api.running",
}


def __getattr__(name: str) -> Any:
    # `python -m bench --help` must not wait for pandas, nor an import in a notebook for torch.
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
