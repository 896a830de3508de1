"""Reduce a module to the code that can move a result, as a text that is equal on every Python.

The text is a walk over the syntax tree: each node with its non-empty fields, by name. So a field
that a later Python adds is absent until it is used, and an f-string, which `ast.unparse` writes
in two ways, has one form. Left out is what can't move the result of a given description:

* comments and docstrings;
* error messages: strings in `raise` statements, messages of asserts, and in the suite's own code
  strings in calls of a name that ends in "Error" (in others', a MeanSquaredError may be a loss);
* imports under TYPE_CHECKING;
* documentation in declarations: all of `hyperparameter(...)` and `redeclared(...)`, whose
  values the description holds, and `title` and `equation` of an algorithm;
* `__all__`, which only says what exists;
* texts and imported names at a module's top level that no code of the run uses, as citations are,
  once the declarations that name them are left out (`BareCode.text`).
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

ALGORITHM_CLASSES = ("Algorithm", "SequenceAlgorithm")
_DOCUMENTATION = ("title", "equation")
_NO_MEANING = ("ctx", "kind", "type_comment", "type_ignores")
"""Fields that repeat what a node's position says, or say how a constant is spelled."""


@dataclass(frozen=True, kw_only=True)
class BareCode:
    """A module without what can't move a result.

    Attributes:
        tree: the syntax tree without what is left out, to be searched for imports and strings.
        body: its statements as text, without the bindings.
        bindings: name -> text, of top-level strings and imported names.
        used: names that the statements read, and strings that could be names.
    """

    tree: ast.Module
    body: str
    bindings: tuple[tuple[str, str], ...]
    used: frozenset[str]

    def text(self, used: Collection[str]) -> str:
        """Return the module as text, with those of its bindings that are in `used`."""
        texts = sorted(text for name, text in self.bindings if name in used or name == "*")
        return "\n".join([self.body, *texts])


def bare_code(source: bytes, file: str, *, of_suite: bool = True) -> BareCode:
    """Return the bare code of a module.

    Args:
        source: the module's source.
        file: its name in error messages.
        of_suite: whether it is the suite's own, in which names that end in "Error" are errors.

    Raises:
        SyntaxError: the source is not Python.
    """
    tree: ast.Module = _Bare(of_suite).visit(ast.parse(source, filename=file))
    bindings = [pair for node in tree.body for pair in _bound(node)]
    body = [node for node in tree.body if not any(_bound(node))]
    return BareCode(
        tree=tree,
        body=_written(body),
        bindings=tuple(bindings),
        used=frozenset(name for node in body for name in _names(node)),
    )


def _bound(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield each name that a statement binds to a string or an import, with the code as text."""
    if isinstance(node, ast.ImportFrom):
        for alias in node.names:
            origin = f"{'.' * node.level}{node.module or ''}"
            yield alias.asname or alias.name, f"from {origin} {_written(alias)}"
        return
    target, value = _assigned(node)
    if target and isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield target, _written(node)


def _assigned(node: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """Return the one name that a statement assigns, or None, and the assigned value."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        (target,) = node.targets
        return (target.id if isinstance(target, ast.Name) else None), node.value
    return None, None


def _names(node: ast.stmt) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            yield child.id
        elif isinstance(child, ast.Attribute):
            yield child.attr
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            # Perhaps a name for getattr, or an annotation written as a string.
            yield child.value


def _written(value: object) -> str:
    if isinstance(value, ast.Constant):
        # repr depends on the interpreter's Unicode tables, ascii does not.
        return ascii(value.value)
    if isinstance(value, ast.AST):
        fields = [
            f"{name}={_written(content)}"
            for name, content in sorted(ast.iter_fields(value))
            if name not in _NO_MEANING and content is not None and content != []
        ]
        return f"{type(value).__name__}({','.join(fields)})"
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return ascii(value)


def _called(node: ast.Call) -> str:
    """Return the last part of the called function's name; empty if it has no name."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


class _Bare(ast.NodeTransformer):
    """Removes from a module what can't move the result of a given description."""

    def __init__(self, of_suite: bool) -> None:
        self._of_suite = of_suite

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Remove docstrings, those of attributes too."""
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """Remove `pass`, since nothing is left of a body that was only a docstring either."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.AST]:
        """Remove imports for annotations only."""
        if _written(node.test) in _TYPE_CHECKING:
            return [kept for statement in node.orelse for kept in _listed(self.visit(statement))]
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """Remove `__all__`."""
        return None if _assigned(node)[0] == "__all__" else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Remove `__all__`."""
        return None if _assigned(node)[0] == "__all__" else self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Remove the message of an assert."""
        return self.generic_visit(ast.Assert(test=node.test, msg=None))

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Blank an error's strings; its numbers stay, as a handler may compute with them."""
        if node.exc is not None:
            node.exc = _Textless().visit(node.exc)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Remove documentation in declarations, and strings of errors that are raised elsewhere."""
        called = _called(node)
        if called in ("hyperparameter", "redeclared"):
            return ast.Call(func=node.func, args=[], keywords=[])
        if called in ALGORITHM_CLASSES:
            keywords = [keyword for keyword in node.keywords if keyword.arg not in _DOCUMENTATION]
            node = ast.Call(func=node.func, args=node.args, keywords=keywords)
        if self._of_suite and called.endswith("Error"):
            node.args = [_Textless().visit(argument) for argument in node.args]
        return self.generic_visit(node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """Treat an empty format as no format."""
        self.generic_visit(node)
        if isinstance(node.format_spec, ast.Constant) and node.format_spec.value == "":
            node.format_spec = None
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Write an f-string in one form: adjacent texts joined; without values, a plain string."""
        self.generic_visit(node)
        parts: list[ast.expr] = []
        for value in node.values:
            if isinstance(value, ast.Constant) and parts and isinstance(parts[-1], ast.Constant):
                parts[-1] = ast.Constant(value=str(parts[-1].value) + str(value.value))
            elif not (isinstance(value, ast.Constant) and value.value == ""):
                parts.append(value)
        if all(isinstance(part, ast.Constant) for part in parts):
            return parts[0] if parts else ast.Constant(value="")
        return ast.JoinedStr(values=parts)


class _Textless(ast.NodeTransformer):
    """Replaces every string by the empty one."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Replace a string."""
        return ast.Constant(value="") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Replace an f-string."""
        return ast.Constant(value="")


_TYPE_CHECKING = tuple(
    _written(ast.parse(text, mode="eval").body)
    for text in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
)


def _listed(visited: ast.AST | list[ast.AST] | None) -> list[ast.AST]:
    if visited is None:
        return []
    return visited if isinstance(visited, list) else [visited]
