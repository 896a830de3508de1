"""The digest of the code that can move a result; it shows which stored runs are stale.

It covers the modules that an algorithm, the trainer and a back end reach by importing, without what
can't move a result (`bench.plan.bare_code`), and the versions of the libraries that compute.
No module is imported for it, and the code's part (`source_digest`) needs only the standard library
and is the same on every Python.

The registry of algorithms is left out. For a plugin (an algorithm or environment of another
package) the digest also covers that package's modules, and those that its code names in strings
like "package.module:Class", by which environments are registered.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from algorithms import ALGORITHMS
from bench.plan.back_ends import BACK_ENDS, BackEnd
from bench.plan.bare_code import BareCode, bare_code
from bench.plan.registry import algorithm_address
from bench.plan.sources import PACKAGES, Plugin, Sources, plugin_of

ROOT = Path(__file__).parents[2]
LIBRARIES = ("torch", "mujoco", "numba", "llvmlite", "numpy", "scipy")
_ENTRY_POINT = re.compile(r"(\w+(?:\.\w+)*):\w+")


class Trainable(Protocol):
    """The fields of a description or a stored run that determine which code it uses."""

    @property
    def algorithm(self) -> str: ...
    @property
    def environment(self) -> str: ...
    @property
    def back_end(self) -> str: ...


def code_digest(description: Trainable, root: Path = ROOT) -> str:
    """Return 16 hexadecimal digits for the code and libraries that a run of `description` uses.

    Raises:
        InputError: no algorithm has this name.
        FileNotFoundError: the source of the algorithm, environment or back end can't be found.
    """
    libraries = (*LIBRARIES, *_back_end(description.back_end).distributions)
    versions = [f"{library} {version(library)}" for library in libraries]
    return _digits([source_digest(description, root), *versions])


def is_edited(description: Trainable, digest: str) -> bool:
    """Whether the code that a run of `description` uses is no longer that of its digest."""
    try:
        return code_digest(description) != digest
    except (OSError, ValueError, SyntaxError):  # in the middle of an edit
        return True


def source_digest(description: Trainable, root: Path = ROOT) -> str:
    """Return 16 hexadecimal digits for the code alone, whatever the interpreter and libraries.

    Raises:
        InputError, FileNotFoundError: as `code_digest` does.
    """
    algorithm = algorithm_address(description.algorithm)
    back_end = _back_end(description.back_end)
    modules = [algorithm.partition(":")[0], back_end.trainer, back_end.environments]
    plugin_modules = own_modules(description)
    code = closure([*modules, *plugin_modules], root, tuple(map(plugin_of, plugin_modules)))
    return _digits([algorithm, *(f"{module} {source}" for module, source in sorted(code.items()))])


def _digits(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _back_end(name: str) -> BackEnd:
    if name not in BACK_ENDS:
        raise FileNotFoundError(f"no back end {name!r}")
    return BACK_ENDS[name]


def own_modules(description: Trainable) -> list[str]:
    """Return the modules of a description's algorithm and environment if they are plugins.

    Raises:
        InputError: no algorithm has this name.
    """
    modules = []
    if description.algorithm not in ALGORITHMS:
        modules.append(algorithm_address(description.algorithm).partition(":")[0])
    if ":" in description.environment:
        modules.append(description.environment.rpartition(":")[0])
    return modules


def closure(
    modules: Iterable[str], root: Path = ROOT, plugins: tuple[Plugin, ...] = ()
) -> dict[str, str]:
    """Return module -> bare code as text, for `modules` and all modules that they import.

    Only modules within PACKAGES or of one of the plugins count.

    Of the suite, a package's `__init__` counts only if a name is imported from it. Of the back
    ends' modules of environments, only those in `modules` count: a run uses one back end.

    Raises:
        FileNotFoundError: one of the modules given is no file under `root` or of a plugin.
    """
    sources = Sources(root=root, plugins=plugins)
    codes: dict[str, BareCode] = {}
    requested = tuple(modules)
    pending = list(requested)
    for module in requested:
        if sources.file(module) is None:
            raise FileNotFoundError(f"no module {module} under {root}")
    while pending:
        module = pending.pop()
        path = sources.file(module)
        if module not in codes and path is not None:
            # The stamp is part of the cache's key: files may change while a notebook runs.
            status = path.stat()
            stamp = status.st_mtime_ns, status.st_size
            codes[module], imported = _read(path, stamp, module, sources)
            other_environments = {
                back_end.environments for back_end in BACK_ENDS.values()
            }.difference(requested)
            pending += [name for name in imported if name not in other_environments]
    used = frozenset[str]().union(*(code.used for code in codes.values()))
    return {module: code.text(used) for module, code in codes.items()}


@cache
def version(distribution: str) -> str | None:
    """Installed version without its local part (2.13.0 of 2.13.0+cpu), None where there is none."""
    try:
        return importlib.metadata.version(distribution).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def _read(
    path: Path, stamp: tuple[int, int], module: str, sources: Sources
) -> tuple[BareCode, tuple[str, ...]]:
    """Return the bare code of the file as of this stamp, and the modules that it imports."""
    of_suite = any(module.startswith(f"{suite_package}.") for suite_package in PACKAGES)
    code = bare_code(path.read_bytes(), str(path), of_suite=of_suite)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    modules = [*_imports(code.tree, package, sources)]
    if not of_suite:
        modules += _named_modules(code.tree)
        # Importing a module runs the code of the packages that it lies in.
        modules += accumulate(module.split(".")[:-1], "{}.{}".format)
    return code, tuple(filter(sources.counts, modules))


def _imports(tree: ast.Module, package: str, sources: Sources) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) + 1 - node.level]
            origin = ".".join([*(parents if node.level else []), *filter(None, [node.module])])
            for alias in node.names:
                submodule = f"{origin}.{alias.name}"
                yield submodule if sources.file(submodule) else origin


def _named_modules(tree: ast.Module) -> Iterator[str]:
    """Yield the modules in strings like "package.module:Class"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = _ENTRY_POINT.fullmatch(node.value)
            if match:
                yield match[1]
