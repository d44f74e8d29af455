"""A module's source as statements, compared without regard to comments, layout and line numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BARE = frozenset({ast.Load, ast.Store, ast.Del, ast.Constant})  # there is nothing inside them


@dataclass(slots=True)
class Statement:
    """A top-level statement. `text` is its source, for quick comparison; the two shapes are made when asked for.

    Its tree is as large as its text is long: it is kept only where the text alone does not say it all, and is read
    from the text again whenever somebody asks.
    """

    text: bytes
    line: int
    """Where it begins; a decorated definition begins at its first decorator."""
    last_line: int
    columns: tuple[int, int]
    """Those at which it begins in its first line and ends in its last; it begins at -1 if it has decorators."""
    name: str = ""
    """What it defines, for a definition."""
    is_alone: bool = False
    """Whether its text alone says it all: there is nothing else on its lines."""
    _node: ast.stmt | None = field(default=None, repr=False)
    _shape: object = field(default=None, repr=False)
    _outline: object = field(default=None, repr=False)

    @classmethod
    def of(cls, node: ast.stmt, text: bytes) -> Statement:
        """A statement whose tree is kept."""
        line, last = first_line(node), node.end_lineno or node.lineno
        columns = (-1 if line < node.lineno else node.col_offset, node.end_col_offset or 0)
        return cls(text, line, last, columns, getattr(node, "name", ""), _node=node)

    @property
    def node(self) -> ast.stmt:
        """Its tree."""
        if self._node is None:
            self._node = ast.parse(b"\n" * (self.line - 1) + self.text).body[0]
        return self._node

    def forget(self) -> None:
        """Do without the tree from now on, if it can be read again."""
        if self.is_alone:
            self._node = None

    def moved(self, lines: int) -> Statement:
        """The same statement so many lines below."""
        if not lines:
            return self
        node = None if self.is_alone else ast.increment_lineno(deepcopy(self.node), lines)
        return replace(self, line=self.line + lines, last_line=self.last_line + lines, _node=node)

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


def read_statements(tree: ast.Module, source: bytes, before: int = 0) -> list[Statement]:
    """The top-level statements of a module, or of the part of one that has so many lines `before` it in its source."""
    lines = [b""] * before + source.splitlines(keepends=True)
    found = [Statement.of(node, _text(node, lines)) for node in tree.body]
    can_be_alone = before > 0 or says_no_encoding(source)
    for index, one in enumerate(found):
        above = found[index - 1].last_line if index else 0
        below = found[index + 1].line if index + 1 < len(found) else one.last_line + 1
        one.is_alone = can_be_alone and above < one.line and one.last_line < below and one.columns[0] <= 0
    return found


def says_no_encoding(source: bytes) -> bool:
    """Whether a source is plain UTF-8: whatever part of it is read, it is read alike (PEP 263)."""
    head = source.split(b"\n", 2)[:2]
    return not source.startswith(b"\xef\xbb\xbf") and not any(b"coding" in line for line in head)


def first_line(node: ast.AST) -> int:
    """The line at which a statement or a function begins, decorators included."""
    decorators = getattr(node, "decorator_list", [])
    lines: list[int] = [item.lineno for item in (node, *decorators)]
    return min(lines)


def shape(node: object, *, bodies: bool) -> object:
    """A syntax tree as nested tuples without positions, with or without the bodies of functions."""
    if isinstance(node, list):
        return tuple([shape(item, bodies=bodies) for item in node])
    kind = type(node)
    if not isinstance(node, ast.AST):
        # 1, 1.0 and True are equal and yet different constants
        return (kind, repr(node)) if isinstance(node, float | complex) else (kind, node)
    hide = not bodies and kind in _FUNCTIONS
    parts: list[Any] = [kind]
    for name in node._fields:
        if not (hide and name == "body"):
            parts.append(shape(getattr(node, name, None), bodies=bodies))
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
    waiting = [node]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if kind in _BARE:
            if kind is ast.Constant:
                yield one
            continue
        if kind is ast.If and never_at_import(one.test):  # type: ignore[attr-defined]
            waiting.extend(reversed(one.orelse))  # type: ignore[attr-defined]
            continue
        yield one
        if kind is not ast.Name:
            waiting.extend(_inside(one, hide=kind in _FUNCTIONS))


def _inside(node: ast.AST, *, hide: bool) -> list[ast.AST]:
    """The nodes right inside one, last one first; `hide` the body."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if hide and name == "body":
            continue
        if isinstance(value, list):
            found.extend(item for item in value if isinstance(item, ast.AST))
        elif isinstance(value, ast.AST):
            found.append(value)
    found.reverse()
    return found


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
