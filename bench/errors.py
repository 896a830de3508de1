"""Errors that the user can mend: one clear line, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input by the user. The command line prints it as one line and exits with 2."""


def error_text(error: BaseException) -> str:
    """Return the type and first line of an error, even if getting its message raises."""
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        message = ""
    first_line = next(iter(message.splitlines()), "")
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__


def unknown(kind: str, value: str, allowed: Iterable[str]) -> InputError:
    """Return the error for a `value` that is none of the `allowed` ones of its `kind`.

    Its message names the value, a close match if there is one, and everything that is allowed.
    """
    names = [str(name) for name in allowed]
    lowered = {name.lower(): name for name in names}
    completions = [name for name in lowered if len(value) > 1 and name.startswith(value.lower())]
    nearest = completions or difflib.get_close_matches(value.lower(), lowered, n=1, cutoff=0.6)
    hint = f" Did you mean {lowered[nearest[0]]!r}?" if nearest else ""
    listed = ", ".join(names) if names else "nothing"
    return InputError(f"unknown {kind} {value!r}.{hint} Allowed: {listed}")
