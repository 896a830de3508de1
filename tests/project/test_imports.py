"""Imports go one way: bench -> ablations -> algorithms, and inside bench down the data flow."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What each part may import of this project, besides itself.
ALLOWED: dict[str, set[str]] = {
    "algorithms": set(),
    "ablations": set(),
    "bench.errors": set(),
    "bench.kinds": set(),
    "bench.plan": {"bench.errors", "ablations", "algorithms"},
    "bench.train": {"bench.errors", "bench.kinds", "algorithms", "bench.plan", "bench.store"},
    "bench.store": {"bench.errors", "bench.kinds"},
    "bench.importing": {"bench.errors", "bench.kinds", "ablations", "algorithms", "bench.store"},
    "bench.evidence": {"ablations", "bench.errors", "bench.kinds", "bench.store"},
    "bench.peers": {"bench.errors", "bench.train"},
    "bench.throughput": {"bench.errors", "bench.peers", "bench.plan", "bench.train"},
    "bench.tune": {
        "ablations",
        *("bench.errors", "bench.evidence", "bench.plan", "bench.store", "bench.train"),
    },
    "bench.terminal": {"bench.errors", "bench.plan", "bench.train"},
    "bench.requests": {
        *("ablations", "bench.errors", "bench.evidence", "bench.importing", "bench.plan"),
        *("bench.store", "bench.terminal", "bench.train"),
    },
    "bench.api": {
        *("ablations", "bench.errors", "bench.evidence", "bench.plan", "bench.requests"),
        *("bench.store", "bench.terminal", "bench.train"),
    },
    "bench.cli": {
        *("ablations", "algorithms", "bench.errors", "bench.evidence", "bench.importing"),
        *("bench.kinds", "bench.peers", "bench.requests", "bench.terminal"),
        *("bench.plan", "bench.store", "bench.throughput", "bench.train", "bench.tune"),
    },
}
FORBIDDEN = {
    "ablations": {"torch", "numpy", "pandas", "gymnasium"},
    "bench.evidence": {"torch", "gymnasium", "envpool"},
    "bench.importing": {"torch", "gymnasium", "envpool"},
    "bench.plan": {"torch", "gymnasium", "envpool"},
}


def part_of(module: str) -> str | None:
    return next((part for part in ALLOWED if f"{module}.".startswith(f"{part}.")), None)


def sources() -> Iterator[tuple[str, Path]]:
    for package in ("algorithms", "ablations", "bench"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


def imports(path: Path) -> Iterator[str]:
    """Modules imported anywhere in a file, those inside functions and for types included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""


@pytest.mark.parametrize(("module", "path"), list(sources()), ids=str)
def test_a_module_imports_only_what_lies_before_it(module: str, path: Path) -> None:
    part = part_of(module)
    for name in imports(path):
        target = part_of(name)
        if part is not None and target not in (None, part):
            assert target in ALLOWED[part], f"{module} imports {name}"
        if part is not None:
            assert name.split(".")[0] not in FORBIDDEN.get(part, ()), f"{module} imports {name}"


def test_imports_have_no_circle() -> None:
    """Not even one that only annotations close; imports inside functions don't count."""
    modules = dict(sources())
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for name, path in modules.items():
        tree = ast.parse(path.read_text())
        for statement in tree.body:
            for node in ast.walk(statement) if isinstance(statement, ast.If) else [statement]:
                if isinstance(node, ast.ImportFrom) and node.module:
                    named = [f"{node.module}.{alias.name}" for alias in node.names]
                    packages = [f"{node.module}.__init__", node.module]
                    # A submodule, or a name of the module or the package itself.
                    for candidate in named:
                        target = next((m for m in (candidate, *packages) if m in modules), None)
                        if target is not None:
                            graph[name].add(target)
    # TopologicalSorter names the circle that it meets.
    assert set(graphlib.TopologicalSorter(graph).static_order()) == set(modules)


def test_every_package_is_named_in_the_project_file() -> None:
    import tomllib

    named = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    )
    folders = {
        module.removesuffix(".__init__") for module, path in sources() if path.name == "__init__.py"
    }
    assert named == folders | {"bench.published_results"}  # data from results/published


def test_no_file_is_named_after_everything() -> None:
    stems = {path.stem for _, path in sources()} | {path.parent.name for _, path in sources()}
    assert not stems & {"utils", "common", "base", "types", "helpers"}
