"""Reports are made where nothing trains: torch and the trainer stay out, also transitively."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import bench.evidence

LAYERS = (
    ("statistics", "markdown", "glyphs", "machine", "throughput", "published"),
    ("measures",),
    ("verdicts", "caveats"),
    ("rivals", "letters", "tables", "agreement", "non_inferiority"),
    ("findings",),
    ("results",),
    ("comparison", "claims", "pages", "export"),
    ("figures",),
    ("report",),
)
"""From the lowest to the highest; a module imports from lower layers and from its own package."""


def test_evidence_imports_neither_torch_nor_the_trainer() -> None:
    modules = [
        module.name for module in pkgutil.walk_packages(bench.evidence.__path__, "bench.evidence.")
    ]
    assert "bench.evidence.figures.learning_curves" in modules
    code = (
        f"import sys, {', '.join(modules)}\n"
        "print([name for name in sys.modules\n"
        "       if name.split('.')[0] in ('torch', 'gymnasium', 'envpool', 'algorithms')\n"
        "       or name.startswith('bench.train')])"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert completed.stdout.strip() == "[]"


def test_imports_go_down_the_layers() -> None:
    heights = {name: height for height, layer in enumerate(LAYERS) for name in layer}
    root = Path(bench.evidence.__path__[0])
    for file in root.rglob("*.py"):
        module = file.relative_to(root).with_suffix("").parts[0]
        if module == "__init__":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "bench.evidence"
            ):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                for imported in {name.split(".")[2] for name in names} - {module}:
                    assert heights[imported] < heights[module], f"{file} imports {imported}"
