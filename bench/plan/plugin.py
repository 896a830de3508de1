"""Import an algorithm of another package, and check it as far as possible without training."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from algorithms import ALGORITHMS
from bench.errors import InputError, error_text, unknown

if TYPE_CHECKING:
    from algorithms.algorithm import Algorithm


def load_plugin(address: str) -> Algorithm[Any]:
    """Return the algorithm at `package.module:NAME`.

    Raises:
        InputError: it can't be imported, with the reason and the line that raised it; it is no
            algorithm; or it takes a name of the suite's own. The message has the address.
    """
    module, _, name = address.partition(":")
    plugin = f"the algorithm plugin {address!r}"
    if module == "__main__":
        raise InputError(f"{plugin} can't be imported by other processes; put it into a file")
    try:
        imported = importlib.import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a module may raise
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module}.".startswith(f"{missing}."):
            raise InputError(
                f"the module {missing!r} of {plugin} can't be found; put its folder on "
                "PYTHONPATH, or install it"
            ) from error
        raise InputError(f"{plugin} can't be imported: {_reason(error)}") from error

    from algorithms.algorithm import Algorithm
    from algorithms.answers.algorithm import SequenceAlgorithm
    from algorithms.answers.hyperparameters import SequenceHyperparameters
    from algorithms.hyperparameters import Hyperparameters

    kinds = (Algorithm, SequenceAlgorithm)
    algorithm = vars(imported).get(name)
    if algorithm is None:
        names = [
            attribute for attribute, value in vars(imported).items() if isinstance(value, kinds)
        ]
        raise unknown(f"algorithm in {module}", name, names)
    if not isinstance(algorithm, kinds):
        raise InputError(f"{plugin} is no Algorithm but of type {type(algorithm).__name__}")
    declaration = algorithm.hyperparameters
    is_sequence = isinstance(algorithm, SequenceAlgorithm)
    base = SequenceHyperparameters if is_sequence else Hyperparameters
    if not (isinstance(declaration, type) and issubclass(declaration, base)):
        raise InputError(f"{plugin}: its hyperparameters are no class derived from {base.__name__}")
    if algorithm.name in ALGORITHMS:
        raise InputError(
            f"{plugin} takes the name {algorithm.name!r}, which is an algorithm of the suite; "
            "give yours another"
        )
    return cast("Algorithm[Any]", algorithm)


def _reason(error: BaseException) -> str:
    """Return type and message of an error, and the line that raised it."""
    file, line = None, None
    if isinstance(error, SyntaxError):
        file, line = error.filename, error.lineno
    elif frames := traceback.extract_tb(error.__traceback__):
        file, line = frames[-1].filename, frames[-1].lineno
    place = f" ({Path(file).name}:{line})" if file else ""
    return f"{error_text(error)}{place}"
