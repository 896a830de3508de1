"""Write an ablation that tests the best trial against the defaults, on other seeds.

A tuned score is the best of many noisy ones on the seeds it was chosen by, so it is no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ablations.spec import LONGEST_NAME
from bench.tune.request import Request
from bench.tune.space import defaults

HELD_OUT = tuple(range(100, 110))
"""Seeds that no study trains: ten, as no difference is claimed with fewer."""


def ablation_name(request: Request) -> str:
    """Return the name of the winner's ablation: `tuned_` and the study's name."""
    name = "tuned_" + re.sub(r"[^A-Za-z0-9_.-]", "_", request.name)
    # Its last letters are hashed from the whole request.
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 7] + name[-7:]


def winner_ablation(
    request: Request,
    hyperparameters: Mapping[str, object],
    *,
    trial: int,
    trials: int,
    value: float,
) -> str | None:
    """Return the text of an ablation file that `run` takes; None if the winner is the default.

    Args:
        request: what was tuned.
        hyperparameters: all hyperparameters of the best trial.
        trial, trials, value: its number, the number of trials, and its normalised score.
    """
    default_values = {**defaults(request.algorithm), **request.fixed}
    changed = {
        name: setting
        for name, setting in hyperparameters.items()
        if default_values[name] != setting
    }
    if not changed:
        return None
    fixed = dict(request.fixed)
    lines = [
        f'"""Tuned {request.algorithm} against its defaults, on seeds that the study has not seen.',
        "",
        f"Written by `python -m bench tune`: trial {trial} of the {trials} of study",
        f"{request.name}, {value:.3f} on seeds {request.seeds[0]} to {request.seeds[-1]}.",
        '"""',
        "",
        "from math import inf  # noqa: F401",
        "",
        "from ablations.spec import Ablation, Variant",
        "",
        "ABLATION = Ablation(",
        f"    name={ablation_name(request)!r},",
        f"    title={f'Tuned {request.algorithm}'!r},",
        f"    question={f'What does tuning buy {request.algorithm}?'!r},",
        f"    environments={request.environments!r},",
        "    variants=(",
        *_variant("default", request.algorithm, fixed),
        *_variant("tuned", request.algorithm, {**fixed, **changed}),
        "    ),",
        "    control='default',",
        f"    steps={request.steps:_},",
        *([] if request.time_limit is None else [f"    time_limit={request.time_limit:_},"]),
        f"    seeds=tuple(range({HELD_OUT[0]}, {HELD_OUT[-1] + 1})),",
        "    held_out=True,",
        ")",
        "",
    ]
    return "\n".join(lines)


def _variant(name: str, algorithm: str, hyperparameters: Mapping[str, object]) -> list[str]:
    lines = [
        "        Variant(",
        f"            name={name!r},",
        f"            algorithm={algorithm!r},",
    ]
    if hyperparameters:
        lines.append("            hyperparameters={")
        lines += [f"                {key!r}: {value!r}," for key, value in hyperparameters.items()]
        lines.append("            },")
    return [*lines, "        ),"]
