"""Reports are made where nothing trains: torch and the trainer stay out, also transitively."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import bench.evidence


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
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
