"""Algorithms and environments of other packages, by address or by a name that a package gives.

An address is `package.module:NAME`, an object of that module. An installed package gives it a
short name by an entry point of the groups below. Nothing is imported to resolve a name, so that a
broken plugin breaks only the commands that use it.
"""

from __future__ import annotations

import re

from algorithms import ALGORITHMS
from bench.errors import InputError, unknown

ALGORITHM_GROUP = "ppo_ladder.algorithms"
"""Entry points NAME = "package.module:ALGORITHM"."""

ENVIRONMENT_GROUP = "ppo_ladder.environments"
"""Entry points Id-v0 = "package.module", the module that registers this id with Gymnasium."""

_ADDRESS = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_NAMES = {address: name for name, address in ALGORITHMS.items()}


def is_algorithm(name: str) -> bool:
    """Whether a name is of the suite or an address; a stored run's may be neither."""
    return name in ALGORITHMS or _ADDRESS.fullmatch(name) is not None


def canonical_algorithm(name: str) -> str:
    """Return the name under which an algorithm's runs are stored: the suite's, else the address.

    So a run is the same run whether its algorithm was given by address or by a short name.

    Raises:
        InputError: there is no such name, or packages give it to different algorithms.
    """
    if name in ALGORITHMS:
        return name
    if _ADDRESS.fullmatch(name):
        return _NAMES.get(name, name)
    declared = _declared(ALGORITHM_GROUP)
    if name not in declared:
        raise unknown("algorithm", name, (*ALGORITHMS, *declared, "package.module:NAME"))
    address = _only(f"algorithm {name!r}", declared[name])
    if not _ADDRESS.fullmatch(address):
        raise InputError(
            f"the entry point {name!r} of the group {ALGORITHM_GROUP!r} is {address!r}; "
            "it must be package.module:NAME"
        )
    return _NAMES.get(address, address)


def algorithm_address(name: str) -> str:
    """Return an algorithm's `module:NAME`; raises InputError as `canonical_algorithm` does."""
    canonical = canonical_algorithm(name)
    return ALGORITHMS.get(canonical, canonical)


def plugin_environment(environment: str) -> str | None:
    """Return `module:Id-v0` for an id that an installed package declares, else None.

    Raises:
        InputError: packages declare the id with different modules.
    """
    declared = _declared(ENVIRONMENT_GROUP)
    if environment not in declared:
        return None
    return f"{_only(f'environment {environment!r}', declared[environment])}:{environment}"


def plugin_algorithms() -> list[str]:
    """Return the short names that installed packages give to algorithms of theirs."""
    return [name for name in _declared(ALGORITHM_GROUP) if name not in ALGORITHMS]


def _declared(group: str) -> dict[str, list[str]]:
    # Imported here, as it would take a tenth of the time of `--help`, which doesn't need it.
    from importlib.metadata import entry_points

    declared: dict[str, list[str]] = {}
    for entry_point in entry_points(group=group):
        addresses = declared.setdefault(entry_point.name, [])
        if entry_point.value not in addresses:
            addresses.append(entry_point.value)
    return declared


def _only(subject: str, addresses: list[str]) -> str:
    if len(addresses) > 1:
        raise InputError(
            f"several packages give the {subject}: {', '.join(addresses)}; name one by its address"
        )
    return addresses[0]
