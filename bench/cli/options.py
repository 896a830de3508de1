"""The options that several verbs share, and the plan that they ask for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablations.spec import LONGEST_LIMIT
from bench.errors import InputError, told, unknown

if TYPE_CHECKING:
    from ablations.spec import Ablation
    from bench.plan.plan import Plan
    from bench.store import View
    from bench.train.environments.protocol import Specification

DEVICES = ("auto", "cpu", "cuda")

ABLATION_HELP = "An ablation's name, or the path of your own .py file."
NamedAblationOption = Annotated[
    str | None, typer.Option("--ablation", help="The same as NAME.", show_default=False)
]
AblationArgument = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help=ABLATION_HELP, show_default=False)
]
AlgorithmsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--algorithm",
        help="Instead of an ablation: an algorithm's name, or package.module:NAME. Repeatable.",
    ),
]
ControlOption = Annotated[
    str | None,
    typer.Option("--control", help="With --algorithm: the algorithm that it is compared with."),
]
SeedsOption = Annotated[
    str | None, typer.Option("--seeds", help="Like 0-9 or 0,3,5-7.", show_default="the ablation's")
]
StepsOption = Annotated[
    str | None,
    typer.Option("--steps", help="Steps of a run, like 200k.", show_default="the ablation's"),
]
TimeLimitOption = Annotated[
    int | None,
    typer.Option(
        "--time-limit",
        min=1,
        max=LONGEST_LIMIT,
        metavar="N",
        help="Steps after which an episode is cut off.",
        show_default="the ablation's, else the environment's",
    ),
]
EnvironmentsOption = Annotated[
    list[str] | None,
    typer.Option("--env", help="Environment id, repeatable.", show_default="the ablation's"),
]
VariantsOption = Annotated[
    list[str] | None,
    typer.Option("--variant", help="Variant, repeatable.", show_default="all"),
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="FIELD=VALUE", help="A hyperparameter for all variants, repeatable."
    ),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
ExecutorOption = Annotated[
    str,
    typer.Option("--executor", help="local: this machine's processes; ray: a Ray cluster's nodes."),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="auto|HOST:PORT",
        help="With --executor ray: the cluster's head node.",
        show_default="this machine's cluster, else Ray on this machine",
    ),
]
ResultsOption = Annotated[
    Path | None,
    typer.Option(
        "--results",
        help="A results folder.",
        show_default="$PPO_LADDER_RESULTS, else results/local",
    ),
]


ReturnsOption = Annotated[
    str,
    typer.Option(
        "--returns",
        help="Which returns: of training, or of the deterministic or sampled actions that "
        "`evaluate` has stored.",
    ),
]


def view_of(name: str, results: Path | None, returns: str) -> View:
    """An ablation's results, with the returns of training or of evaluations.

    Raises:
        InputError: there are none, or no such returns.
    """
    from bench.kinds import ACTIONS
    from bench.store import load
    from bench.store.evaluations import evaluated

    if returns not in ("training", *ACTIONS):
        raise unknown("kind of returns", returns, ("training", *ACTIONS))
    view = load(name, results)
    return view if returns == "training" else evaluated(view, returns)


def named_once(argument: str | None, option: str | None) -> str | None:
    """The ablation that a command is about, named as its argument or by --ablation.

    Raises:
        InputError: by both.
    """
    if argument is not None and option is not None:
        raise InputError("name the ablation once: NAME or --ablation NAME")
    return argument if option is None else option


def required_name(argument: str | None, option: str | None) -> str:
    """`named_once`, and stored; InputError where no ablation is named."""
    name = named_once(argument, option)
    if name is None:
        raise InputError("name an ablation: NAME or --ablation NAME; `list` has them")
    return stored_name(name)


def stored_name(ablation: str) -> str:
    """The name under which an ablation is stored, of which a name or a .py file is given."""
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
    """The plan that the options ask for, everything about it checked.

    Args:
        elsewhere: other machines train, so that "cuda" needs no GPU here.
        scored: training is decided upon by the returns of episodes, which have to end.

    Raises:
        InputError: one of them isn't known or allowed, or they contradict.
    """
    from bench.plan.parsing import parse_seeds, parse_settings, parse_steps

    # What is quick to refuse is refused before torch is imported, which takes seconds.
    parsed_seeds = parse_seeds(seeds) if seeds is not None else None
    parsed_steps = parse_steps(steps) if steps is not None else None
    parsed_settings = parse_settings(settings or [])
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    asked, options = _asked(ablation, algorithms, control, environments, time_limit)

    from bench.plan.lookup import load_algorithm
    from bench.plan.plan import make_plan
    from bench.plan.time_limits import check_ends, unlimited_note
    from bench.train.back_ends import back_end_on, note_on_physics
    from bench.train.trainer import validate

    described = {each: _environment(each) for each in environments or asked.environments}
    addresses = {each: found.environment for each, found in described.items()}
    own_limits = {found.environment: found.time_limit for found in described.values()}
    resolved = device if elsewhere and device == "cuda" else resolved_device(device)
    plan = make_plan(
        _addressed(asked, addresses),
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
    chosen = dict.fromkeys(cell.environment for cell in plan.cells)
    notes = filter(None, (note_on_physics(resolved, environment) for environment in chosen))
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
        limit = description.time_limit or own_limits[cell.environment]
        if scored or getattr(algorithm, "collects", None) == "trajectories":
            needs = "trials are scored by" if scored else f"{description.algorithm} learns from"
            check_ends(cell.environment, limit, f"{needs} whole episodes")
        elif getattr(h, "staggered_start", False):
            check_ends(cell.environment, limit, "staggered_start spreads first episodes over one")
        elif limit is None:
            unlimited.append(unlimited_note(cell.environment))
    return replace(plan, notes=(*plan.notes, *dict.fromkeys(unlimited)))


def _asked(
    ablation: str | Ablation | None,
    algorithms: list[str] | None,
    control: str | None,
    environments: list[str] | None,
    time_limit: int | None,
) -> tuple[Ablation, str]:
    """The ablation that is asked for, and the options of `run` where its name would not do."""
    from ablations.spec import Ablation
    from bench.plan.lookup import load_ablation

    if not algorithms:
        if ablation is None:
            raise InputError("name an ablation with --ablation, or an algorithm with --algorithm")
        if control is not None:
            raise InputError("--control goes with --algorithm: an ablation names its own control")
        if isinstance(ablation, Ablation):
            return ablation, ""
        found = load_ablation(ablation)
        return found, "" if found.name == ablation else shlex.join(["--ablation", ablation])
    if ablation is not None:
        raise InputError("--ablation and --algorithm exclude each other")
    if not environments:
        raise InputError("--algorithm needs an environment, like --env Hopper-v5")
    from bench.plan.side_by_side import side_by_side

    words = [("--algorithm", name) for name in algorithms]
    words += [("--control", control)] if control else []
    words += [("--env", name) for name in environments]
    words += [("--time-limit", str(time_limit))] if time_limit else []
    options = shlex.join(word for pair in words for word in pair)
    return side_by_side(algorithms, environments, control), options


def _addressed(ablation: Ablation, addresses: Mapping[str, str]) -> Ablation:
    """The ablation with its environments' addresses in place of their short names."""
    names = {each: addresses.get(each, each) for each in ablation.environments}
    steps = ablation.steps
    if isinstance(steps, Mapping):
        steps = {names[each]: budget for each, budget in steps.items()}
    limit = ablation.time_limit
    if isinstance(limit, Mapping):
        limit = {names[each]: number for each, number in limit.items()}
    environments = tuple(names.values())
    return replace(ablation, environments=environments, steps=steps, time_limit=limit)


def _environment(environment: str) -> Specification:
    """The environment under its own name, or the address of one that an installed package gives."""
    from bench.plan.back_ends import ENVPOOL
    from bench.plan.registry import plugin_environment

    if environment not in ENVPOOL.ids:
        environment = plugin_environment(environment) or environment
    return specification(environment)


def specification(environment: str) -> Specification:
    """What an environment is.

    Raises:
        InputError: there is none, or making it raises, whatever that is.
    """
    from bench.train.back_ends import describe

    try:
        return describe(environment)
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever a user's own module may raise
        said = "; ".join([told(error), *getattr(error, "__notes__", [])])
        raise InputError(f"environment {environment!r} can't be made: {said}") from error


def resolved_device(device: str) -> str:
    """What "auto" is on this machine; InputError for a GPU that isn't there."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device 'cuda' is not available: torch finds no GPU. Allowed: auto, cpu")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
