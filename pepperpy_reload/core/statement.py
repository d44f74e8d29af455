"""A module's source as statements, compared without regard to comments, layout and line numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(slots=True)
class Statement:
    """A top-level statement. `text` is its source, for quick comparison; the two shapes are made when asked for."""

    node: ast.stmt
    text: bytes
    _shape: object = field(default=None, repr=False)
    _outline: object = field(default=None, repr=False)

    @property
    def line(self) -> int:
        """Where it begins; a decorated definition begins at its first decorator."""
        return first_line(self.node)

    @property
    def shape(self) -> object:
        """What it says, without positions: equal for statements that differ in layout and comments only."""
        if self._shape is None:
            self._shape = shape(self.node, bodies=True)
        return self._shape

    @property
    def outline(self) -> object:
        """The same with the bodies of all functions left out: what runs when the statement itself is executed."""
        if self._outline is None:
            self._outline = shape(self.node, bodies=False)
        return self._outline


def read_statements(tree: ast.Module, source: bytes) -> list[Statement]:
    """The top-level statements of a module."""
    lines = source.splitlines(keepends=True)
    return [Statement(node, _text(node, lines)) for node in tree.body]


def first_line(node: ast.AST) -> int:
    """The line at which a statement or a function begins, decorators included."""
    decorators = getattr(node, "decorator_list", [])
    lines: list[int] = [item.lineno for item in (node, *decorators)]
    return min(lines)


def shape(node: object, *, bodies: bool) -> object:
    """A syntax tree as nested tuples without positions, with or without the bodies of functions."""
    if isinstance(node, list):
        return tuple([shape(item, bodies=bodies) for item in node])
    if not isinstance(node, ast.AST):
        # 1, 1.0 and True are equal and yet different constants
        return (type(node), repr(node)) if isinstance(node, float | complex) else (type(node), node)
    hide = not bodies and isinstance(node, _FUNCTIONS)
    parts: list[Any] = [type(node)]
    for name, value in ast.iter_fields(node):
        if not (hide and name == "body"):
            parts.append(shape(value, bodies=bodies))
    if hide and isinstance(node, _FUNCTIONS):
        parts.append(_seen_from_outside(node))
    return tuple(parts)


def _seen_from_outside(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> object:
    """What of a body others go by when the function is defined: is it a generator, and what do decorators copy?"""
    if isinstance(node, ast.Lambda):
        return _yields([node.body])
    return _yields(node.body), documentation(node) if node.decorator_list else None


def documentation(node: ast.AST) -> str | None:
    """The docstring of a function."""
    return ast.get_docstring(node, clean=False) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None


def docstrings(node: ast.AST) -> list[str | None]:
    """The docstrings of all functions in a statement, in their order."""
    return [
        documentation(inner) for inner in ast.walk(node) if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _yields(nodes: Iterable[ast.AST]) -> bool:
    for node in nodes:
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and _yields(ast.iter_child_nodes(node)):
            return True
    return False


def import_time(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement that are executed with it: not the bodies of functions, but defaults and decorators.

    `if TYPE_CHECKING:` and `if __name__ == "__main__":` are not executed at an import.
    """
    if isinstance(node, ast.If) and never_at_import(node.test):
        for other in node.orelse:
            yield from import_time(other)
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(node, _FUNCTIONS):
            continue
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, ast.AST):
                yield from import_time(inner)


def chain(node: ast.AST) -> tuple[str, ...]:
    """`a.b.c` as ("a", "b", "c"); () for anything that is not a chain of attributes on a name."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else ()


def never_at_import(test: ast.expr) -> bool:
    """Whether a condition is false when the module is imported: TYPE_CHECKING, or `__name__ == "__main__"`."""
    if chain(test)[-1:] == ("TYPE_CHECKING",):
        return True
    match test:
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]) | ast.Compare(
            ast.Constant("__main__"), [ast.Eq()], [ast.Name("__name__")]
        ):
            return True
    return False


def _text(node: ast.stmt, lines: list[bytes]) -> bytes:
    first, last = first_line(node) - 1, (node.end_lineno or node.lineno)
    if first == last - 1:
        return lines[first][node.col_offset : node.end_col_offset] if first < len(lines) else b""
    return b"".join(lines[first:last])
