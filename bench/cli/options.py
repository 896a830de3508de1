"""The options that several verbs share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ablations.spec import LONGEST_LIMIT
from bench.errors import InputError, unknown
from bench.requests.plan_request import stored_name

if TYPE_CHECKING:
    from bench.store import View

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
    str | None,
    typer.Option("--seeds", help="Seeds, like 0-9 or 0,3,5-7.", show_default="the ablation's"),
]
StepsOption = Annotated[
    str | None,
    typer.Option(
        "--steps", help="Environment steps per run, like 200k.", show_default="the ablation's"
    ),
]
_time_limit = partial(
    typer.Option,
    "--time-limit",
    min=1,
    max=LONGEST_LIMIT,
    metavar="N",
    help="Cut every episode off after N steps.",
)
TimeLimitOption = Annotated[
    int | None, _time_limit(show_default="the ablation's, else the environment's")
]
PlayedTimeLimitOption = Annotated[
    int | None, _time_limit(show_default="as in training, else the environment's")
]
TrialTimeLimitOption = Annotated[int | None, _time_limit(show_default="the environment's")]
EnvironmentsOption = Annotated[
    list[str] | None,
    typer.Option("--env", help="Environment id, repeatable.", show_default="the ablation's"),
]
VariantsOption = Annotated[
    list[str] | None,
    typer.Option("--variant", help="Only this variant, repeatable.", show_default="all"),
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="FIELD=VALUE", help="Set a hyperparameter of all variants, repeatable."
    ),
]
DeviceOption = Annotated[str, typer.Option("--device", help="Device: auto, cpu or cuda.")]
ExecutorOption = Annotated[
    str,
    typer.Option(
        "--executor",
        help="Who trains: local (processes of this machine) or ray (nodes of a Ray cluster).",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="auto|HOST:PORT",
        help="With --executor ray: address of the cluster's head node.",
        show_default="this machine's cluster, else Ray on this machine",
    ),
]
ResultsOption = Annotated[
    Path | None,
    typer.Option(
        "--results",
        help="The results folder.",
        show_default="$PPO_LADDER_RESULTS, else results/local",
    ),
]

PLAN_OPTIONS: Final[Mapping[str, tuple[Any, object]]] = {
    "algorithms": (AlgorithmsOption, None),
    "control": (ControlOption, None),
    "seeds": (SeedsOption, None),
    "steps": (StepsOption, None),
    "time_limit": (TimeLimitOption, None),
    "environments": (EnvironmentsOption, None),
    "variants": (VariantsOption, None),
    "settings": (SettingsOption, None),
    "device": (DeviceOption, "auto"),
}
"""Parameters of `requested_plan` besides the ablation: name -> its option and its default."""

ReturnsOption = Annotated[
    str,
    typer.Option(
        "--returns",
        help="Which returns: training, or deterministic or sampled as stored by `evaluate`.",
    ),
]


def with_plan_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Return the verb for Typer, with `PLAN_OPTIONS` in place of its parameter `plan_options`.

    Args:
        verb: takes the options' values as `plan_options`, a dictionary.
    """
    signature = inspect.signature(verb, eval_str=True)

    @wraps(verb)
    def wrapper(**values: object) -> None:
        verb(plan_options={name: values.pop(name) for name in PLAN_OPTIONS}, **values)

    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        shared = PLAN_OPTIONS if parameter.name == "plan_options" else {}
        parameters += [
            parameter.replace(name=name, annotation=option, default=default)
            for name, (option, default) in shared.items()
        ] or [parameter]
    untyped: Any = wrapper
    untyped.__signature__ = signature.replace(parameters=parameters)
    untyped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def view_of(name: str, results: Path | None, returns: str) -> View:
    """Return an ablation's results, with the returns of training or of evaluations.

    Raises:
        InputError: there are no results, or no returns of this kind.
    """
    from bench.kinds import ACTIONS
    from bench.store import load
    from bench.store.evaluations import evaluation_view

    if returns not in ("training", *ACTIONS):
        raise unknown("kind of returns", returns, ("training", *ACTIONS))
    view = load(name, results)
    return view if returns == "training" else evaluation_view(view, returns)


def named_once(argument: str | None, option: str | None) -> str | None:
    """Return the ablation that is named as a command's argument or by --ablation.

    Raises:
        InputError: it is named by both.
    """
    if argument is not None and option is not None:
        raise InputError("name the ablation once: NAME or --ablation NAME")
    return argument if option is None else option


def required_name(argument: str | None, option: str | None) -> str:
    """Return the stored name of the ablation of `named_once`; InputError if none is named."""
    name = named_once(argument, option)
    if name is None:
        raise InputError("name an ablation: NAME or --ablation NAME; `list` has them")
    return stored_name(name)
