"""A digest of the code that can move a result, so that rows of other code are visibly stale.

It covers the modules that an algorithm, the trainer and a back end reach by importing, without what
can't move a result (`bench.plan.bare_code`), and the versions of the libraries that compute.
Nothing is imported to find out, and the code's part (`source_digest`) needs the standard library
alone and is the same by every Python.

Left out is the registry of algorithms. Of a plugin, an algorithm or an environment of another
package, it covers the modules of that package alike, and those that its code names in strings like
"package.module:Class", by which environments are registered.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from functools import cache
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
    """What chooses the code: of a description, or of a stored run."""

    @property
    def algorithm(self) -> str: ...
    @property
    def environment(self) -> str: ...
    @property
    def back_end(self) -> str: ...


def code_digest(description: Trainable, root: Path = ROOT) -> str:
    """16 hexadecimal digits for the code and libraries that a run of `description` goes through.

    Raises:
        InputError: no algorithm has this name.
        FileNotFoundError: the source of the algorithm, the environment or the back end is not to
            be found.
    """
    libraries = (*LIBRARIES, *_back_end(description.back_end).distributions)
    versions = [f"{library} {version(library)}" for library in libraries]
    return _digits([source_digest(description, root), *versions])


def source_digest(description: Trainable, root: Path = ROOT) -> str:
    """16 hexadecimal digits for the code alone, whatever interpreter and libraries there are.

    Raises:
        InputError, FileNotFoundError: as `code_digest` does.
    """
    algorithm = algorithm_address(description.algorithm)
    stepping = _back_end(description.back_end)
    given = [algorithm.partition(":")[0], stepping.trainer, stepping.environments]
    own = own_modules(description)
    code = closure([*given, *own], root, tuple(map(plugin_of, own)))
    return _digits([algorithm, *(f"{module} {source}" for module, source in sorted(code.items()))])


def _digits(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _back_end(name: str) -> BackEnd:
    if name not in BACK_ENDS:
        raise FileNotFoundError(f"no back end {name!r}")
    return BACK_ENDS[name]


def own_modules(description: Trainable) -> list[str]:
    """The modules of other packages that a description names: of its algorithm and environment.

    Raises:
        InputError: no algorithm has this name.
    """
    own = []
    if description.algorithm not in ALGORITHMS:
        own.append(algorithm_address(description.algorithm).partition(":")[0])
    if ":" in description.environment:
        own.append(description.environment.rpartition(":")[0])
    return own


def closure(
    modules: Iterable[str], root: Path = ROOT, plugins: tuple[Plugin, ...] = ()
) -> dict[str, str]:
    """The modules that `modules` reach by imports, each with its bare code as text.

    Only those within PACKAGES or of one of the plugins count.

    A package's `__init__` belongs to it only where a name is imported from it. Of the back ends,
    between which a run chooses, only those given belong to it.

    Raises:
        FileNotFoundError: one of the modules given is no file under `root` or of a plugin.
    """
    sources = Sources(root=root, plugins=plugins)
    found: dict[str, BareCode] = {}
    given = tuple(modules)
    pending = list(given)
    for module in given:
        if sources.file(module) is None:
            raise FileNotFoundError(f"no module {module} under {root}")
    while pending:
        module = pending.pop()
        path = sources.file(module)
        if module not in found and path is not None:
            # A notebook outlives changes of the files.
            status = path.stat()
            stamp = status.st_mtime_ns, status.st_size
            found[module], reached = _read(path, stamp, module, sources)
            others = {each.environments for each in BACK_ENDS.values()}.difference(given)
            pending += [each for each in reached if each not in others]
    used = frozenset[str]().union(*(each.used for each in found.values()))
    return {module: each.text(used) for module, each in found.items()}


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
    """The bare code of the file as it was at this stamp, and the modules that it reaches."""
    code = bare_code(path.read_bytes(), str(path))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    reached = [*_imports(code.tree, package, sources)]
    if not any(module.startswith(f"{each}.") for each in PACKAGES):
        reached += _named(code.tree)
    return code, tuple(filter(sources.counts, reached))


def _imports(tree: ast.Module, package: str, sources: Sources) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            origin = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            for alias in node.names:
                submodule = f"{origin}.{alias.name}"
                yield submodule if sources.file(submodule) else origin


def _named(tree: ast.Module) -> Iterator[str]:
    """Modules in strings like "package.module:Class"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = _ENTRY_POINT.fullmatch(node.value)
            if named:
                yield named[1]
