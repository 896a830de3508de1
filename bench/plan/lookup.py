"""Load ablations and algorithms by the names and files that a user gives."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import traceback
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ablations import ABLATIONS
from ablations.spec import Ablation, Variant
from algorithms import ALGORITHMS
from bench.errors import InputError, error_text, unknown
from bench.plan.parsing import coerce
from bench.plan.plugin import load_plugin
from bench.plan.registry import canonical_algorithm

if TYPE_CHECKING:
    from algorithms.algorithm import Algorithm


def load_ablation(text: str) -> Ablation:
    """Return the suite's ablation of this name, or the one that a user's `.py` file defines.

    Raises:
        InputError: no such name; or the file can't be read, fails (with its line and the reason),
            defines no ablation or several, or takes a name of the suite's own.
    """
    if text.endswith(".py"):
        return _defined_in(Path(text))
    if text not in ABLATIONS:
        raise unknown("ablation", text, (*ABLATIONS, "the path of a .py file"))
    return cast(Ablation, _attribute(ABLATIONS[text]))


def load_algorithm(name: str) -> Algorithm[Any]:
    """Return the algorithm of this name or address. The first one loaded imports torch.

    Raises:
        InputError: no such name; or a plugin can't be imported (with the place and the reason), is
            no algorithm, or takes a name of the suite's own.
    """
    canonical = canonical_algorithm(name)
    if canonical not in ALGORITHMS:
        return load_plugin(canonical)
    return cast("Algorithm[Any]", _attribute(ALGORITHMS[canonical]))


def values_as_before(algorithm: Algorithm[Any]) -> dict[str, object]:
    """Return hyperparameter -> its `before`, for those declared after runs were stored."""
    kinds = typing.get_type_hints(algorithm.hyperparameters)
    return {
        field.name: coerce(field.metadata["before"], kinds[field.name])
        for field in dataclasses.fields(algorithm.hyperparameters)
        if "before" in field.metadata
    }


def _attribute(address: str) -> object:
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)


def _defined_in(path: Path) -> Ablation:
    # Registered as a module: dataclasses and pickle look up the module of what it defines.
    module = types.ModuleType("user_ablation")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    # This process and its workers can import algorithms and environments beside the file. The
    # folder comes last on the path, so that its files hide no other modules.
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
        ablation = _only_one(path, vars(module))
    except (InputError, KeyboardInterrupt):
        raise
    except OSError as error:
        if error.filename == str(path):
            raise InputError(f"ablation file {path} can't be read: {error.strerror}") from error
        raise _broken(path, error) from error
    except BaseException as error:  # whatever a file may raise
        raise _broken(path, error) from error
    if ablation.name in ABLATIONS:
        raise InputError(
            f"ablation file {path} takes the name {ablation.name!r}, which is an ablation of the "
            "suite; give yours another"
        )
    return ablation


def _only_one(path: Path, names: Mapping[str, object]) -> Ablation:
    """Return the file's one ablation as a plain `Ablation`: no code of a subclass runs later."""
    # `type`, as an object may fake its class; by id, as one ablation may have two names.
    defined = {id(value): value for value in names.values() if issubclass(type(value), Ablation)}
    ablation = names.get("ABLATION")
    if id(ablation) not in defined:
        if len(defined) != 1:
            listed = (
                ", ".join(cast(Ablation, candidate).name for candidate in defined.values())
                or "none"
            )
            raise InputError(
                f"ablation file {path} must define exactly one Ablation, or call one ABLATION; "
                f"it defines {listed}"
            )
        (ablation,) = defined.values()
    values = _values(ablation, Ablation)
    values["variants"] = tuple(
        Variant(**_values(variant, Variant)) for variant in values["variants"]
    )
    return Ablation(**values)


def _values(instance: object, kind: type[Ablation] | type[Variant]) -> dict[str, Any]:
    return {field.name: getattr(instance, field.name) for field in dataclasses.fields(kind)}


def _broken(path: Path, error: BaseException) -> InputError:
    line = None
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line = error.lineno
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename == str(path):
                line = frame.lineno
    place = f"{path}, line {line}" if line else str(path)
    return InputError(f"ablation file {place}: {error_text(error)}")
