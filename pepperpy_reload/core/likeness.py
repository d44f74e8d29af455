"""Whether two pieces of source say the same, without regard to comments, layout and line numbers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pepperpy_reload.core.statement import LeftOut, Statement, documentation, first_line
from pepperpy_reload.core.tree import children

Outcome = TypeVar("Outcome")
_FUNCTIONS = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda})
_CLOSED = _FUNCTIONS | {ast.ClassDef}
_WITH_LINES = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef})
"""Definitions have their lines for themselves: where the lines are the same, so is what they define."""


def same_statement(one: Statement, other: Statement, *, bodies: bool) -> bool:
    """Whether two statements say the same; without `bodies` what runs when the statement itself is executed."""
    if other.twin is not None and other.twin.of is one:
        return other.twin.same or not bodies
    if one.guards != other.guards:
        return False
    if one.text == other.text:
        return True
    texts = Texts(one, other)
    return compared(one, other, lambda old, new: alike(old, new, bodies=bodies, texts=texts))


class UnknownBodyError(Exception):
    """A function has to be compared whose body has been left out."""


def compared(one: Statement, other: Statement, compare: Callable[[ast.stmt, ast.stmt], Outcome]) -> Outcome:
    """What comes of comparing the trees of two statements, of which no more is read than it takes."""
    try:
        return compare(one.beside(other), other.beside(one))
    except UnknownBodyError:
        return compare(one.node, other.node)


def alike(one: object, other: object, *, bodies: bool, texts: Texts | None = None) -> bool:
    """The same for syntax trees, and lists of them; `texts` are those of the statements that they are.

    Raises UnknownBodyError if that cannot be told (see `compared`).
    """
    waiting: list[tuple[Any, Any]] = [(one, other)]
    while waiting:
        first, second = waiting.pop()
        if type(first) is not type(second):
            return False
        if isinstance(first, list):
            if len(first) != len(second):
                return False
            waiting.extend(zip(first, second, strict=True))
        elif not isinstance(first, ast.AST):
            if not _same_leaf(first, second):
                return False
        elif texts is None or type(first) not in _WITH_LINES or not texts.are_same(first, second):
            inside = _fields(first, second, hide=not bodies and type(first) in _FUNCTIONS)
            if inside is None:
                return False
            waiting += inside
    return True


def _fields(one: Any, other: Any, *, hide: bool) -> list[tuple[Any, Any]] | None:
    """The fields of two nodes that may differ, with `hide` without the bodies of functions; None if one does differ."""
    if type(one) in _WITH_LINES and LeftOut in (type(one.body[0]), type(other.body[0])):
        raise UnknownBodyError
    if hide and _seen_from_outside(one) != _seen_from_outside(other):
        return None
    found = []
    for name in one._fields:
        first, second = getattr(one, name, None), getattr(other, name, None)
        if first is not second and not (hide and name == "body"):
            if type(first) is str and first != second:
                return None
            found.append((first, second))
    return found


class Texts:
    """The lines of two statements: definitions in them are compared by their lines first."""

    def __init__(self, one: Statement, other: Statement) -> None:
        self._lines = one.text.splitlines(), other.text.splitlines()
        self._befores = one.line, other.line

    def of(self, node: ast.AST, version: int) -> bytes:
        """The lines of a definition, or of another statement inside the first one (`version` 0) or the second."""
        return b"\n".join(self._lines_of(node, version))

    def _lines_of(self, node: ast.AST, version: int) -> list[bytes]:
        first, last = first_line(node), node.end_lineno  # type: ignore[attr-defined]
        before = self._befores[version]
        return self._lines[version][first - before : last - before + 1]

    def are_same(self, one: ast.AST, other: ast.AST) -> bool:
        """Whether two definitions inside them have the same lines."""
        lines = self._lines_of(one, 0)
        return lines == self._lines_of(other, 1) and lines != []


def _same_leaf(one: object, other: object) -> bool:
    # 0.0 and -0.0 are equal and yet different constants
    return repr(one) == repr(other) if isinstance(one, float | complex) else one == other


def _seen_from_outside(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> object:
    """What of a body others go by when the function is defined: is it a generator, and what do decorators copy?"""
    if isinstance(node, ast.Lambda):
        return _yields([node.body])
    return _yields(node.body), documentation(node) if node.decorator_list else None


def _yields(nodes: Iterable[ast.AST]) -> bool:
    waiting = [*nodes]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is ast.Yield or kind is ast.YieldFrom:
            return True
        if kind not in _CLOSED and kind is not ast.Name:
            waiting.extend(children(node))
    return False
