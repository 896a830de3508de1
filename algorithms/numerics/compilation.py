"""Compile functions over arrays at their first call, once per machine: numba and its cache.

A kernel is a plain function that `compiled` has wrapped. numba is imported when the first kernel
is called, never when a module with kernels is imported. Machine code is kept in the user's cache
folder, separately for every state of the kernels' sources (numba misses a change in a callee of
another file), for numba's version and for the processor. A process that compiles holds a lock, so
that others wait for it and load its code.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import inspect
import os
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

PLAIN: Final = "PPO_LADDER_PLAIN_KERNELS"
"""If this environment variable is set, kernels run as plain Python: slow, for tests."""
CACHE: Final = "PPO_LADDER_CACHE"
"""This environment variable names the folder of the machine code."""
FLAGS: Final = {
    # Fused multiply-add is allowed; sums keep the order in which they are written, and NaN and
    # infinity behave as IEEE 754 says.
    "fastmath": {"contract"},
    "error_model": "numpy",
    "nogil": True,
    "boundscheck": False,
}


Bound = tuple[tuple[str, Callable[..., Any]], ...]
"""Global names and the functions that they stand for."""


class Kernel(Generic[P, R]):
    """A function that is compiled at its first call.

    Args:
        function: over arrays and numbers; what it calls are kernels, or functions that numba knows.
        bound: global names of it, or of what it calls -> the functions they stand for.
    """

    def __init__(
        self, function: Callable[P, R], bound: Mapping[str, Callable[..., Any]] | None = None
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.bound = dict(bound or {})
        self._compiled: Callable[P, R] | None = None
        self._bindings: dict[Bound, Kernel[P, R]] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._compiled is not None:
            return self._compiled(*args, **kwargs)
        plain = PLAIN in os.environ
        function = _linked(self.function, _items(self.bound), plain=plain, cached=True)
        with _locked(cache_folder()):
            result: R = function(*args, **kwargs)
        self._compiled = function
        return result

    def over_seeds(self, *columns: Any) -> None:
        """Call the kernel for one seed after the other, with the seed's row of each tensor.

        A tensor that the kernel writes to must be contiguous.
        """
        for s in range(len(columns[0])):
            rows = (
                column[s].contiguous().numpy() if hasattr(column, "numpy") else column
                for column in columns
            )
            self(*rows)  # type: ignore[call-arg]

    def bind(self, **functions: Callable[..., Any]) -> Kernel[P, R]:
        """Return this kernel with these functions for global names, in its callees too."""
        key = _items(functions)
        if key not in self._bindings:
            self._bindings[key] = Kernel(self.function, {**self.bound, **functions})
        return self._bindings[key]


class Generated:
    """A numba intrinsic that kernels can call, made when it is first compiled.

    Args:
        make: returns numba's intrinsic.
        plain: does the same in Python.
    """

    def __init__(self, make: Callable[[], Any], plain: Callable[..., Any]) -> None:
        self.make = functools.cache(make)
        self.plain = plain

    def __call__(self, *args: Any) -> Any:
        return self.plain(*args)


def compiled(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel of a function over arrays that makes none itself, and returns numbers alone.

    Views of arrays cost nothing in it: numba counts no references. Where it makes an array it does
    not compile; an array that it returned would be freed while it is used.

    Raises:
        TypeError: it is annotated to return an array.
    """
    if "ndarray" in str(function.__annotations__.get("return")):
        raise TypeError(f"{function.__qualname__} returns an array: it is `allocating`")
    function.__dict__["allocates"] = False
    return Kernel(function)


def allocating(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel of a function over arrays that makes or returns arrays.

    numba counts references to arrays in it, one for every view.
    """
    return Kernel(function)


@functools.cache
def cache_folder() -> Path:
    """The folder of the machine code: the user's cache, else a temporary one of this user."""
    version = "".join(
        f"{package} {metadata.version(package)};" for package in ("numba", "llvmlite")
    )
    digest = hashlib.sha256(f"{version}{sys.version}".encode())
    for file in [Path(__file__), *sorted(Path(__file__).parent.glob("kernels/*.py"))]:
        digest.update(file.read_bytes())
    name = digest.hexdigest()[:16]
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    user_folder = f"ppo-ladder-{os.getuid()}"
    for parent in (
        os.environ.get(CACHE),
        f"{home}/ppo-ladder",
        f"{tempfile.gettempdir()}/{user_folder}",
    ):
        if parent:
            folder = Path(parent) / "kernels" / name
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                if os.access(folder, os.W_OK):
                    return folder
    return Path(tempfile.mkdtemp(prefix=user_folder))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _numba() -> Any:
    # Where machine code is kept, numba reads from the environment when it is imported; and that exp
    # is the C library's, not Intel's, of which a vector's may have other bits.
    os.environ["NUMBA_CACHE_DIR"] = str(cache_folder())
    os.environ["NUMBA_DISABLE_INTEL_SVML"] = "1"
    import numba

    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]
    return numba


@functools.cache
def _reached(function: Callable[..., Any]) -> frozenset[str]:
    """Global names that a function uses, or a kernel that it calls."""
    python = _python(function)
    names = frozenset(python.__code__.co_names)
    callees = (python.__globals__.get(name) for name in names)
    kernels = (kernel for kernel in callees if isinstance(kernel, Kernel))
    return names.union(*(_reached(_python(kernel)) for kernel in kernels))


@functools.cache
def _linked(
    function: Callable[..., Any], bound: Bound, *, plain: bool, cached: bool = False
) -> Any:
    """A function compiled by numba, or in `plain` Python, with kernels in its globals likewise.

    numba caches machine code by a function's name, so other bound functions give another name.
    """
    python, functions = _python(function), dict(bound)
    names = python.__globals__.copy()
    for name in python.__code__.co_names:
        value = functions.get(name, names.get(name))
        if name in functions or isinstance(value, Kernel):
            callee = _python(value)
            callee_names = _reached(callee)
            callee_functions = {k: v for k, v in functions.items() if k in callee_names}
            names[name] = _linked(callee, _items(callee_functions), plain=plain)
        elif isinstance(value, Generated) and not plain:
            names[name] = value.make()
    copy = types.FunctionType(python.__code__, names, python.__name__, python.__defaults__)
    if plain:
        return copy
    copy.__module__, copy.__qualname__ = python.__module__, python.__qualname__
    if functions:
        copy.__qualname__ += f"_{_digest_of(functions)}"
    allocates = python.__dict__.get("allocates", True)
    return _numba().njit(copy, cache=cached, _nrt=allocates, **FLAGS)


def _digest_of(functions: Mapping[str, Callable[..., Any]]) -> str:
    """16 hexadecimal digits for the functions that are bound to names, and for their files."""
    digest = hashlib.sha256()
    for name, function in sorted(functions.items()):
        digest.update(f"{name} {function.__module__}.{function.__qualname__}".encode())
        digest.update(Path(inspect.getfile(_python(function))).read_bytes())
    return digest.hexdigest()[:16]


def _items(functions: Mapping[str, Callable[..., Any]]) -> Bound:
    return tuple(sorted(functions.items()))


def _python(function: Any) -> types.FunctionType:
    python = inspect.unwrap(function)
    assert isinstance(python, types.FunctionType)
    return python
