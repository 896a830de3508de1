"""Make an ablation of algorithms that are run without an ablation's file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ablations import ABLATIONS
from ablations.spec import LONGEST_NAME, Ablation, Variant
from algorithms import ALGORITHMS
from bench.errors import InputError
from bench.plan.lookup import load_algorithm
from bench.plan.registry import canonical_algorithm

STEPS = 100_000
"""Default budget of a run, that of the ladder [environment steps]."""


def side_by_side(
    algorithms: Sequence[str], environments: Sequence[str], control: str | None = None
) -> Ablation:
    """One variant per algorithm, with its defaults, beside a control if one is asked for.

    It is named after the algorithms; without a control, the others are compared with the first
    of them.

    Args:
        algorithms: names or addresses, one or more.
        environments: one or more.
        control: a name or an address.

    Raises:
        InputError: an algorithm isn't known, can't be loaded, or has the name of another one.
    """
    requested = list(dict.fromkeys(map(canonical_algorithm, algorithms)))
    controls = [] if control is None else [canonical_algorithm(control)]
    variants = [_variant(name) for name in dict.fromkeys([*controls, *requested])]
    names = [variant.name for variant in variants]
    for variant in variants:
        if names.count(variant.name) > 1:
            namesakes = " and ".join(
                other.algorithm for other in variants if other.name == variant.name
            )
            raise InputError(
                f"{namesakes} both call themselves {variant.name!r}; rename one of them"
            )
    titles = {variant.algorithm: variant.title for variant in variants}
    subjects = [name for name in requested if name not in controls] or requested
    title = ", ".join(titles[name] for name in subjects)
    name = "-".join(variant.name for variant in variants if variant.algorithm in subjects)
    question = f"What does {title} reach?"
    if len(subjects) > 1:
        question = f"Which of {title} reaches most?"
    if controls and subjects != controls:
        question = f"What does {title} gain over {titles[controls[0]]}?"
    if len(name) > LONGEST_NAME - len("algorithm-"):
        name = f"{name[:150]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    return Ablation(
        # Some of the suite's ablations have the name of the algorithm that they are about.
        name=f"algorithm-{name}" if name in ABLATIONS else name,
        title=title,
        question=question,
        environments=tuple(dict.fromkeys(environments)),
        variants=tuple(variants),
        control=names[0],
        steps=STEPS,
    )


def _variant(name: str) -> Variant:
    algorithm = load_algorithm(name)
    try:
        return Variant(name=algorithm.name, algorithm=name, title=algorithm.title)
    except ValueError as error:
        assert name not in ALGORITHMS
        raise InputError(f"the algorithm plugin {name!r}: {error}") from error
