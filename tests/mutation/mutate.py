"""How many faults do the tests find? One fault at a time is put into a copy of the code.

    python tests/mutation/mutate.py [kernels|verdicts|store …] [--mutants 20] [--seed 0]

A mutant differs in one comparison, operator, number, truth value, condition or returned value.
Its package's tests run with `-x`, in the copy: it is killed if one of them fails. (mutmut wraps
functions, which numba can't compile; cosmic-ray writes into the tree and draws no sample.)
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "kernels": (
        "algorithms/numerics/kernels/*.py",
        "tests/algorithms",
        "numerics/test_networks numerics/test_optimizers test_returns test_policies "
        "test_diagnostics test_policy_gradient_updates test_surrogate_updates test_not_finite "
        "../train/test_rollout",
    ),
    "verdicts": (
        "bench/evidence/verdicts.py",
        "tests/evidence",
        "test_verdicts test_tables test_rivals test_null_results",
    ),
    "store": ("bench/store/*.py", "tests/store", ""),
}
"""Name -> code, and the folder of its tests with those that run, quick ones first; all if empty."""

PAIRS = (
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot)),
    *((ast.In, ast.NotIn), (ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.And, ast.Or)),
)
OTHERS = {ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, **dict(PAIRS)} | {b: a for a, b in PAIRS}


def places(tree: ast.AST) -> Iterator[ast.AST]:
    """Where a fault can be put: not in annotations, decorators and what only types need."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for node in value if isinstance(value, list) else [value]:
            types_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            if isinstance(node, ast.AST) and not types_only:
                if faulty(node) is not None:
                    yield node
                yield from places(node)


def faulty(node: ast.AST) -> ast.AST | None:
    """The node with a fault; None where it has no place for one."""
    other = copy.deepcopy(node)
    match other:
        case ast.Compare(ops=[first, *_]) if type(first) in OTHERS:
            other.ops[0] = OTHERS[type(first)]()
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign() if type(other.op) in OTHERS:
            other.op = OTHERS[type(other.op)]()
        case ast.Constant(value=bool()):
            other.value = not other.value
        case ast.Constant(value=int() | float()):
            other.value += 1
        case ast.UnaryOp(op=ast.Not()):
            return other.operand
        case ast.If() | ast.While() | ast.IfExp():
            other.test = ast.UnaryOp(op=ast.Not(), operand=other.test)
        case ast.Return(value=ast.expr()) if ast.unparse(other.value) != "None":
            other.value = ast.Constant(value=None)
        case _:
            return None
    return other


def mutated(source: str, index: int) -> tuple[str, str]:
    """The source with a fault at a place, and what it is in words."""
    tree = ast.parse(source)
    node = list(places(tree))[index]
    other = faulty(node)
    line, before = getattr(node, "lineno", 0), ast.unparse(node).splitlines()[0]
    node.__class__, node.__dict__ = other.__class__, other.__dict__
    text = ast.unparse(ast.fix_missing_locations(tree))
    return text, f"line {line}: {before}  ->  {ast.unparse(node).splitlines()[0]}"


def copied(root: Path) -> None:
    """What git knows of the working tree, in `root`."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().splitlines():
        if (ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)


def passes(root: Path, paths: list[Path]) -> bool:
    """Whether the tests do; they don't where they find no end."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *paths]
    surroundings = os.environ | {"PYTHONPATH": str(root), "PPO_LADDER_CACHE": str(root / ".cache")}
    try:
        subprocess.run(
            command, cwd=root, env=surroundings, capture_output=True, check=True, timeout=3600
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return True


def measure(root: Path, package: str, number: int, seed: int) -> None:
    """Print what becomes of a package's mutants."""
    code, folder, tests = PACKAGES[package]
    paths = [root / folder / f"{test}.py" for test in tests.split()] or [root / folder]
    if not passes(root, paths):
        sys.exit(f"{package}: its tests fail as it is")
    files = sorted(root.glob(code))
    mutants = [(f, i) for f in files for i in range(len(list(places(ast.parse(f.read_text())))))]
    killed = 0
    for file, index in random.Random(seed).sample(mutants, number):
        source = file.read_text()
        text, fault = mutated(source, index)
        file.write_text(text)
        unit_test = root / folder / f"test_{file.stem}.py"
        detected = not passes(root, [unit_test, *paths] if unit_test.exists() else paths)
        file.write_text(source)
        killed += detected
        print("killed  " if detected else "SURVIVED", file.relative_to(root), fault, flush=True)
    print(f"{package}: {killed} of {number} killed; {len(mutants)} places for a fault", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="*", default=list(PACKAGES), choices=[*PACKAGES, []])
    parser.add_argument("--mutants", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as workspace:
        copied(Path(workspace))
        for package_name in arguments.packages:
            measure(Path(workspace), package_name, arguments.mutants, arguments.seed)
