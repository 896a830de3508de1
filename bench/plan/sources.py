"""Find the source of a module without importing it.

The suite's own modules lie under one root. A plugin's lie in a folder of the module path: there
its whole package counts as its code and, unless libraries are installed in that folder, whatever
else of that folder it imports.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("algorithms", "bench.train")
"""The packages of the suite whose code can move a result."""

SUITE = ("algorithms", "ablations", "bench")
"""All packages of the suite."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A folder of the module path, and which of its modules count: all where `package` is None."""

    folder: Path
    package: str | None

    def file(self, module: str) -> Path | None:
        """The file of one of the plugin's modules; None for any other."""
        top = module.partition(".")[0]
        if top in SUITE or self.package not in (None, top):
            return None
        return file_of(module, self.folder)


def plugin_of(module: str) -> Plugin:
    """The plugin that a module belongs to.

    Raises:
        FileNotFoundError: its source is not to be found on the module path.
    """
    top = module.partition(".")[0]
    try:
        # For a name without dots, this imports nothing.
        specification = importlib.util.find_spec(top)
    except ValueError:
        specification = None
    if specification is None:
        raise FileNotFoundError(f"no module {top} on the module path")
    if specification.submodule_search_locations:
        origin = Path(next(iter(specification.submodule_search_locations)))
    else:
        origin = Path(specification.origin or "")
    folder = origin.resolve().parent
    has_libraries = next(folder.glob("*.dist-info"), None) is not None
    return Plugin(folder=folder, package=top if has_libraries else None)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files of the modules whose code can move a result."""

    root: Path
    plugins: tuple[Plugin, ...] = ()

    def file(self, module: str) -> Path | None:
        """The module's file; None where it is neither of the suite nor of a plugin."""
        if module.partition(".")[0] in SUITE:
            return file_of(module, self.root)
        paths = (plugin.file(module) for plugin in self.plugins)
        return next((path for path in paths if path is not None), None)

    def counts(self, module: str) -> bool:
        """Whether the module's code can move a result."""
        if module.partition(".")[0] in SUITE:
            return any(module.startswith(f"{package}.") for package in PACKAGES)
        return self.file(module) is not None


def file_of(module: str, folder: Path) -> Path | None:
    """The source of a module or package below a folder of the module path."""
    path = folder.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
