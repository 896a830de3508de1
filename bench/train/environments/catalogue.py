"""Known environments, and the back end of each; importing this module imports no back end."""

from __future__ import annotations

import difflib
import importlib

from bench.errors import InputError
from bench.plan.back_ends import BACK_ENDS, ENVPOOL, GYMNASIUM

ON_HOST = tuple(
    back_end.name for back_end in BACK_ENDS.values() if back_end.trainer == ENVPOOL.trainer
)
"""The back ends behind `protocol.Environments`, in host memory."""


def back_end_of(environment_id: str) -> str:
    """Return the back end that steps an environment by default.

    Raises:
        InputError: no such environment; the message names the nearest one.
    """
    if environment_id in ENVPOOL.ids:
        return ENVPOOL.name
    registered_name(environment_id)
    return GYMNASIUM.name


def registered_name(environment_id: str) -> str:
    """Return Gymnasium's name of an environment; import the module that the id names, if any.

    An id without its version is refused rather than completed: it would mean something else after
    an upgrade of Gymnasium.

    Raises:
        InputError: no such module or environment.
    """
    import gymnasium

    module, colon, name = environment_id.rpartition(":")
    # An empty or relative module name is no module, and import_module would raise something else.
    if colon and all(part.isidentifier() for part in module.split(".")):
        _import(module, environment_id)
    elif colon:
        raise _no_such_environment(environment_id, name)
    if name in gymnasium.registry:
        return name
    raise _no_such_environment(environment_id, name)


def _import(module: str, environment_id: str) -> None:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        # A module that misses one of its own imports is another fault: its error goes through.
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            error.add_note(f"while importing {module!r} for the environment {environment_id!r}")
            raise
        raise InputError(
            f"the module {module!r} of the environment {environment_id!r} can't be found; "
            "put its folder on PYTHONPATH, or install it"
        ) from error
    except Exception as error:
        error.add_note(f"while importing {module!r} for the environment {environment_id!r}")
        raise


def _no_such_environment(environment_id: str, name: str) -> InputError:
    import gymnasium

    lowered = {str(key).lower(): str(key) for key in gymnasium.registry}
    # Among equally near versions difflib takes the newest.
    nearest = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.4)
    hint = f" Did you mean {lowered[nearest[0]]!r}?" if nearest else ""
    return InputError(
        f"unknown environment {environment_id!r}.{hint} Allowed: any id that Gymnasium has "
        "registered, with its version, or 'module:Id-v0' for one that importing module registers"
    )
