"""A machine in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def processor_text(machine: Mapping[str, Any]) -> str:
    """A processor's name, with its model where that is known; empty without a name.

    Args:
        machine: as stored beside a run.
    """
    name, model = machine.get("processor", ""), machine.get("model")
    return f"{name} ({model})" if model else str(name)


def machine_text(machine: Mapping[str, Any], unnamed: str = "") -> str:
    """A machine's processor, or `unnamed`, and how many cores it has, where that is known."""
    cores = f"{machine['cores']} cores" if machine.get("cores") else ""
    return ", ".join(filter(None, (processor_text(machine) or unnamed, cores)))
