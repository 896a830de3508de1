"""Environments behind one protocol, whichever back end steps them.

One group trains S seeds times N slots, M = S * N environments in all; that of seed number s and
slot n has the index s * N + n. Importing this package imports no back end.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from bench.errors import InputError, unknown
from bench.plan.back_ends import BACK_ENDS, ENVPOOL
from bench.train.environments.catalogue import ON_HOST, back_end_of
from bench.train.environments.protocol import Environments, Specification


def make(
    environment_id: str,
    seeds: Sequence[int],
    slots: int,
    *,
    back_end: str | None = None,
    time_limit: int | None = None,
) -> Environments:
    """Make the environments of all seeds, seed major: index = position in `seeds` * slots + slot.

    What happens in slot n of a seed follows from (environment, seed, n) and the actions given to
    it alone, bit for bit: not from the other seeds, their order, the number of slots, or which of
    them idle.

    Args:
        environment_id: a Gymnasium id, or "module:Id-v0" for one that importing `module` registers.
        seeds: the reinforcement learning seeds, whole numbers from 0 on.
        slots: environments per seed.
        back_end: one of `ON_HOST`; None: the one that `back_end_of` returns.
        time_limit: steps after which an episode is truncated; None: the environment's own.

    Raises:
        InputError: an unknown environment or back end, spaces that no algorithm here handles, or
            numbers out of range.
    """
    stepping = _back_end(environment_id, back_end)
    if not seeds or min(seeds) < 0:
        raise InputError(f"seeds must be one or more whole numbers from 0 on, not {list(seeds)}")
    if slots < 1:
        raise InputError(f"slots must be at least 1, not {slots}")
    if time_limit is not None and time_limit < 1:
        raise InputError(f"time_limit must be at least 1 step, not {time_limit}")
    if stepping == ENVPOOL.name:
        from bench.train.environments.envpool_backend import EnvPoolEnvironments

        return EnvPoolEnvironments(environment_id, seeds, slots, time_limit=time_limit)
    from bench.train.environments.gymnasium_backend import GymnasiumEnvironments

    return GymnasiumEnvironments(environment_id, seeds, slots, time_limit=time_limit)


def describe(environment_id: str, *, back_end: str | None = None) -> Specification:
    """Return observation size, action space and time limit, without any training.

    This takes about a second if the back end still has to be imported.

    Raises:
        InputError: as `make` does.
    """
    stepping = BACK_ENDS[_back_end(environment_id, back_end)]
    specification: Specification = import_module(stepping.environments).describe(environment_id)
    return specification


def _back_end(environment_id: str, back_end: str | None) -> str:
    default = back_end_of(environment_id)
    if back_end is None:
        return default
    if back_end not in ON_HOST:
        raise unknown("back end", back_end, ON_HOST)
    if back_end == ENVPOOL.name and environment_id not in ENVPOOL.ids:
        raise InputError(
            f"the back end 'envpool' doesn't step {environment_id!r}; choose 'gymnasium', "
            f"or one of {', '.join(ENVPOOL.ids)}"
        )
    return back_end
