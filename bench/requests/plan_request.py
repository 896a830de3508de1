"""Turn a request into a plan, and check everything about it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from bench.errors import InputError, error_text, unknown

if TYPE_CHECKING:
    from ablations.spec import Ablation
    from bench.plan.plan import Plan
    from bench.train.environments.protocol import Specification

DEVICES: Final = ("auto", "cpu", "cuda")


def stored_name(ablation: str) -> str:
    """Return the name under which an ablation is stored, given its name or its .py file."""
    if not ablation.endswith(".py"):
        return ablation
    from bench.plan.lookup import load_ablation

    return load_ablation(ablation).name


def requested_plan(
    ablation: str | Ablation | None,
    *,
    algorithms: list[str] | None = None,
    control: str | None = None,
    seeds: str | None = None,
    steps: str | None = None,
    time_limit: int | None = None,
    environments: list[str] | None = None,
    variants: list[str] | None = None,
    settings: list[str] | None = None,
    device: str = "auto",
    elsewhere: bool = False,
    scored: bool = False,
) -> Plan:
    """Return the plan that the options select, with everything about it checked.

    Args:
        elsewhere: whether other machines train, so that "cuda" needs no GPU here.
        scored: whether runs are trials scored by the returns of episodes, which have to end.

    Raises:
        InputError: an option isn't known or allowed, or options contradict each other.
    """
    from bench.plan.parsing import parse_seeds, parse_settings, parse_steps

    # What is quick to refuse is refused before torch is imported, which takes seconds.
    parsed_seeds = parse_seeds(seeds) if seeds is not None else None
    parsed_steps = parse_steps(steps) if steps is not None else None
    parsed_settings = parse_settings(settings or [])
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    requested, options = _requested_ablation(
        ablation, algorithms, control, environments, time_limit
    )

    from bench.plan.lookup import load_algorithm
    from bench.plan.plan import make_plan
    from bench.plan.time_limits import check_ends, unlimited_note
    from bench.train.back_ends import back_end_on, note_on_physics
    from bench.train.trainer import validate

    described = {name: _address_and_limit(name) for name in environments or requested.environments}
    addresses = {name: address for name, (address, _) in described.items()}
    environment_limits = dict(described.values())
    resolved = device if elsewhere and device == "cuda" else resolved_device(device)
    plan = make_plan(
        _addressed(requested, addresses),
        back_end_of=partial(back_end_on, resolved),
        seeds=parsed_seeds,
        steps=parsed_steps,
        time_limit=time_limit,
        environments=list(addresses.values()),
        variants=variants,
        settings=parsed_settings,
        device=resolved,
        options=options,
    )
    planned = dict.fromkeys(cell.environment for cell in plan.cells)
    notes = filter(None, (note_on_physics(resolved, environment) for environment in planned))
    plan = replace(plan, notes=(*plan.notes, *notes))
    unlimited: list[str] = []
    for cell in plan.cells:
        description = cell.description
        algorithm = load_algorithm(description.algorithm)
        h = algorithm.hyperparameters(**description.hyperparameters)
        try:
            validate(h)
        except InputError as error:
            raise InputError(f"variant {cell.variant.name!r}: {error}") from error
        limit = description.time_limit or environment_limits[cell.environment]
        if scored or getattr(algorithm, "collects", None) == "trajectories":
            purpose = "trials are scored by" if scored else f"{description.algorithm} learns from"
            check_ends(cell.environment, limit, f"{purpose} whole episodes")
        elif getattr(h, "staggered_start", False):
            check_ends(cell.environment, limit, "staggered_start spreads first episodes over one")
        elif limit is None:
            unlimited.append(unlimited_note(cell.environment))
    notes = filter(None, (_too_few_seeds(plan), *dict.fromkeys(unlimited)))
    return replace(plan, notes=(*plan.notes, *notes))


def _too_few_seeds(plan: Plan) -> str:
    """Return a note where so many comparisons leave nothing to claim from so few seeds, else ""."""
    from bench.evidence.statistics.claimable import FEWEST_PAIRS, pairs_needed

    comparisons = sum(cell.variant.name != plan.ablation.control for cell in plan.cells)
    seeds, needed = min(len(cell.seeds) for cell in plan.cells), pairs_needed(comparisons)
    if not FEWEST_PAIRS <= seeds < needed:
        return ""
    return (
        f"In one environment alone {seeds} seeds can claim no difference of any size among "
        f"{comparisons} comparisons: that takes {needed} seeds, or fewer environments or variants."
    )


def _requested_ablation(
    ablation: str | Ablation | None,
    algorithms: list[str] | None,
    control: str | None,
    environments: list[str] | None,
    time_limit: int | None,
) -> tuple[Ablation, str]:
    """Return the ablation, and the `bench run` options that select it if its name doesn't."""
    from ablations.spec import Ablation
    from bench.plan.lookup import load_ablation

    if not algorithms:
        if ablation is None:
            raise InputError("name an ablation with --ablation, or an algorithm with --algorithm")
        if control is not None:
            raise InputError("--control goes with --algorithm: an ablation names its own control")
        if isinstance(ablation, Ablation):
            return ablation, ""
        loaded = load_ablation(ablation)
        return loaded, "" if loaded.name == ablation else shlex.join(["--ablation", ablation])
    if ablation is not None:
        raise InputError("--ablation and --algorithm exclude each other")
    if not environments:
        raise InputError("--algorithm needs an environment, like --env Hopper-v5")
    from bench.plan.side_by_side import side_by_side

    pairs = [("--algorithm", name) for name in algorithms]
    pairs += [("--control", control)] if control else []
    pairs += [("--env", name) for name in environments]
    pairs += [("--time-limit", str(time_limit))] if time_limit else []
    options = shlex.join(word for pair in pairs for word in pair)
    return side_by_side(algorithms, environments, control), options


def _addressed(ablation: Ablation, addresses: Mapping[str, str]) -> Ablation:
    """Return the ablation with addresses in place of its environments' short names."""
    address_of = {name: addresses.get(name, name) for name in ablation.environments}
    steps = ablation.steps
    if isinstance(steps, Mapping):
        steps = {address_of[name]: budget for name, budget in steps.items()}
    limit = ablation.time_limit
    if isinstance(limit, Mapping):
        limit = {address_of[name]: number for name, number in limit.items()}
    environments = tuple(address_of.values())
    return replace(ablation, environments=environments, steps=steps, time_limit=limit)


def _address_and_limit(environment: str) -> tuple[str, int | None]:
    """Return the id and time limit of an environment, given its id or an installed short name."""
    from bench.plan.back_ends import ENVPOOL
    from bench.plan.registry import plugin_environment

    if environment in ENVPOOL.ids and find_spec("envpool") is not None:
        # Gymnasium has the same limits, and EnvPool takes a second to import.
        import gymnasium

        return environment, gymnasium.registry[environment].max_episode_steps
    described = specification(plugin_environment(environment) or environment)
    return described.environment, described.time_limit


def specification(environment: str) -> Specification:
    """Return the specification of an environment.

    Raises:
        InputError: there is no such environment, or making it raises any error.
    """
    from bench.train.back_ends import describe

    try:
        return describe(environment)
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever a user's own module may raise
        message = "; ".join([error_text(error), *getattr(error, "__notes__", [])])
        raise InputError(f"environment {environment!r} can't be made: {message}") from error


def resolved_device(device: str) -> str:
    """Return "cpu" or "cuda" for a device option; raise InputError for a GPU that isn't there."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device 'cuda' is not available: torch finds no GPU. Allowed: auto, cpu")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
