"""Decide which runs on a device may train as rows of one group, without importing torch.

Their descriptions are equal except for floats, which must be of the same class (zero, finite,
infinite), because algorithms branch on the class: then only values differ, not the operations.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Final

from algorithms import ALGORITHMS
from bench.plan.back_ends import back_end
from bench.plan.identity import Description

NOT_BY_ROW: Final = {
    "elite_fraction": "says how many candidates are kept, which is a shape",
    "extra_decay": "Python takes the larger of two numbers: max(0, 1 − generation / decay)",
    "rmsprop_decay": "torch.addcmul takes one number for all rows",
}
"""Floats in which the rows of a group can't differ, and why."""


def program(description: Description) -> Hashable:
    """Return a key that is equal for runs that may train as rows of one group.

    On the host a group holds seeds of one description. On a device, too, if the algorithm isn't
    one of the suite's own, since it may use a number in any way.
    """
    by_row = back_end(description.back_end).takes_rows and description.algorithm in ALGORITHMS
    if not by_row:
        return description.identifier
    common = {name: _common(name, value) for name, value in description.hyperparameters.items()}
    return (
        description.algorithm,
        description.environment,
        description.steps,
        description.back_end,
        description.device,
        description.evaluation,
        description.time_limit,
        tuple(common.items()),
    )


def _common(name: str, value: object) -> Hashable:
    if type(value) is not float or name in NOT_BY_ROW:
        return type(value), value
    kind = "zero" if value == 0 else "finite" if math.isfinite(value) else "infinite"
    return kind, math.copysign(1, value)
