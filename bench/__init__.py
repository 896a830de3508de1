"""The benchmark: plan, train, store, evidence, one room a stage.

`bench.load("baseline")` gives an ablation's results as tidy pandas frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.store.load import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    # `python -m bench --help` must not wait for pandas.
    if name == "load":
        from bench.store.load import load

        return load
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
