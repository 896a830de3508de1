"""The lines of code behind an idea: whole functions of the algorithms' files, without docstrings.

Files are read, not imported: reports are also made where torch is not installed.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import bench

ROOT = Path(bench.__file__).parents[1]
"""The folder that file names are relative to."""


def source(file: str) -> str:
    """Return the text of an algorithm's file.

    Args:
        file: its path from the root of the tree.
    """
    return (ROOT / file).read_text(encoding="utf-8")


def excerpt(file: str, *functions: str) -> dict[str, Any]:
    """Return functions of a file as facts for the templates: file, number of the first line, text.

    Args:
        file: path from the root of the tree.
        functions: names of functions at the top level of the file, in the order wanted.

    Raises:
        KeyError: there is no such function.
    """
    text = source(file)
    lines = text.splitlines()
    definitions = {
        node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)
    }
    nodes = [definitions[name] for name in functions]
    return {
        "file": file,
        "line": nodes[0].lineno,
        "text": "\n\n".join("\n".join(_bare(lines, node)) for node in nodes),
    }


def _bare(lines: list[str], function: ast.FunctionDef) -> list[str]:
    """The function's lines without its docstring; a long signature on one line, without types."""
    first = function.body[0]
    signature = lines[function.lineno - 1 : first.lineno - 1]
    if len(signature) > 1:
        signature = [
            f"def {function.name}({', '.join(argument.arg for argument in function.args.args)}):"
        ]
    documented = ast.get_docstring(function) is not None
    start = (first.end_lineno or first.lineno) if documented else first.lineno - 1
    return [*signature, *lines[start : function.end_lineno]]
