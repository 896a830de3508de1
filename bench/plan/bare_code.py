"""What of a module can move a result, written as one text by every interpreter.

The text is a walk over the syntax tree: each node with its fields that are not empty, by name. So a
field that a later Python adds is not in it until it is used, and an f-string, which `ast.unparse`
writes in two ways, has one form. Left out is what can't move the result of a given description:

* comments and docstrings;
* texts of errors: strings in what is raised and in calls of a name that ends in "Error", messages
  of asserts;
* imports under TYPE_CHECKING;
* what declarations say to people: all of `hyperparameter(...)` and `redeclared(...)`, whose
  values the description holds, and `title` and `equation` of an algorithm;
* lists of ids, which only say what there is: `__all__`, and a module's constant of strings whose
  name ends in "_IDS";
* texts and imported names at a module's top level that no code of the run uses, as citations are,
  once the declarations that name them are left out (`BareCode.text`).
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

ALGORITHM_CLASSES = ("Algorithm", "SequenceAlgorithm")
_SAID_TO_PEOPLE = ("title", "equation")
_NO_MEANING = ("ctx", "kind", "type_comment", "type_ignores")
"""Fields that say again what the place says, or how a constant is spelled."""


@dataclass(frozen=True, kw_only=True)
class BareCode:
    """A module without what can't move a result.

    Attributes:
        tree: as `ast` gives it, without what is left out; for its imports and strings.
        body: its statements as text, without the bindings.
        bindings: name -> text, of top-level strings and imported names.
        used: names that the statements read, and strings that could be names.
    """

    tree: ast.Module
    body: str
    bindings: tuple[tuple[str, str], ...]
    used: frozenset[str]

    def text(self, used: Collection[str]) -> str:
        """The module as text; of its bindings, those that are used anywhere."""
        kept = sorted(text for name, text in self.bindings if name in used or name == "*")
        return "\n".join([self.body, *kept])


def bare_code(source: bytes, file: str) -> BareCode:
    """A module's source, from the file of this name.

    Raises:
        SyntaxError: it is no Python.
    """
    tree: ast.Module = _Bare().visit(ast.parse(source, filename=file))
    bindings = [pair for node in tree.body for pair in _bound(node)]
    body = [node for node in tree.body if not any(_bound(node))]
    return BareCode(
        tree=tree,
        body=_written(body),
        bindings=tuple(bindings),
        used=frozenset(name for node in body for name in _names(node)),
    )


def _bound(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Names that a statement binds to a text or to what it imports, each with its text."""
    if isinstance(node, ast.ImportFrom):
        for alias in node.names:
            origin = f"{'.' * node.level}{node.module or ''}"
            yield alias.asname or alias.name, f"from {origin} {_written(alias)}"
        return
    target, value = _assigned(node)
    if target and isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield target, _written(node)


def _assigned(node: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """The one name that a statement assigns, and its value; None where it is no such statement."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        (target,) = node.targets
        return (target.id if isinstance(target, ast.Name) else None), node.value
    return None, None


def _names(node: ast.stmt) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            # getattr, or an annotation as text.
            yield each.value


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
    """The last part of the name of what is called; empty where it has none."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


class _Bare(ast.NodeTransformer):
    """Takes out of a module what can't move the result of a given description."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Docstrings, those of attributes too."""
        alone = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if alone else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """Where a docstring was, nothing is left either."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.AST]:
        """Imports for annotations only."""
        if _written(node.test) in _TYPE_CHECKING:
            return [kept for each in node.orelse for kept in _listed(self.visit(each))]
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """Lists of ids."""
        return None if _ids(node) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Lists of ids."""
        return None if _ids(node) else self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Its message."""
        return self.generic_visit(ast.Assert(test=node.test, msg=None))

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Texts of an error; its numbers stay, because whoever catches it may compute with them."""
        if node.exc is not None:
            node.exc = _Textless().visit(node.exc)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """What declarations say to people, and texts of errors that are raised elsewhere."""
        called = _called(node)
        if called in ("hyperparameter", "redeclared"):
            return ast.Call(func=node.func, args=[], keywords=[])
        if called in ALGORITHM_CLASSES:
            kept = [each for each in node.keywords if each.arg not in _SAID_TO_PEOPLE]
            node = ast.Call(func=node.func, args=node.args, keywords=kept)
        if called.endswith("Error"):
            node.args = [_Textless().visit(each) for each in node.args]
        return self.generic_visit(node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """An empty format is none."""
        self.generic_visit(node)
        if isinstance(node.format_spec, ast.Constant) and node.format_spec.value == "":
            node.format_spec = None
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """An f-string in one form: neighbouring texts are one, and without values it is a text."""
        self.generic_visit(node)
        parts: list[ast.expr] = []
        for each in node.values:
            if isinstance(each, ast.Constant) and parts and isinstance(parts[-1], ast.Constant):
                parts[-1] = ast.Constant(value=str(parts[-1].value) + str(each.value))
            elif not (isinstance(each, ast.Constant) and each.value == ""):
                parts.append(each)
        if all(isinstance(each, ast.Constant) for each in parts):
            return parts[0] if parts else ast.Constant(value="")
        return ast.JoinedStr(values=parts)


class _Textless(ast.NodeTransformer):
    """Puts one and the same in the place of every text."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A string."""
        return ast.Constant(value="") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """A string with values in it."""
        return ast.Constant(value="")


_TYPE_CHECKING = tuple(
    _written(ast.parse(text, mode="eval").body)
    for text in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
)


def _listed(visited: ast.AST | list[ast.AST] | None) -> list[ast.AST]:
    if visited is None:
        return []
    return visited if isinstance(visited, list) else [visited]


def _ids(node: ast.stmt) -> bool:
    """Whether a statement lists ids, strings all of them."""
    target, value = _assigned(node)
    if target is None or not (target == "__all__" or target.endswith("_IDS")):
        return False
    if not isinstance(value, ast.Tuple | ast.List | ast.Set):
        return False
    return all(
        isinstance(each, ast.Constant) and isinstance(each.value, str) for each in value.elts
    )
