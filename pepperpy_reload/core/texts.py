"""Annotations that are text while a class or function is made: whoever makes it may look up what their names mean."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.names import hints_of, readings
from pepperpy_reload.core.statement import chain

LOOKING = frozenset(
    {"get_type_hints", "get_annotations", "__annotations__", "signature", "getfullargspec", "ForwardRef", "eval"}
)
"""What looks up names in annotations that are text, or gives them to who does."""
_MADE: Chain = ("()",)
_MADE_OF_TEXTS = frozenset({ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef})


@dataclass(frozen=True, slots=True)
class Text:
    """The annotations of a class's fields, or of a decorated function's parameters."""

    heads: tuple[Chain, ...]
    """What could look the names up: bases, metaclass and decorators; `("()",)` for what has no name."""
    names: frozenset[Chain]
    """The names in them; that of the class itself, too."""


def texts(nodes: Iterable[ast.AST], *, postponed: bool) -> Iterator[Text]:
    """The annotations among these nodes that stay text: quoted ones, or all if they are `postponed` (PEP 563)."""
    for node in nodes:
        if type(node) not in _MADE_OF_TEXTS:
            continue
        match node:
            case ast.ClassDef():
                keywords = [one.value for one in node.keywords if not isinstance(one.value, ast.Constant)]
                heads = [*node.bases, *keywords, *node.decorator_list]
                annotations = [item.annotation for item in node.body if heads and isinstance(item, ast.AnnAssign)]
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                heads = [*node.decorator_list]
                if not heads:
                    continue
                arguments = [item.annotation for item in ast.walk(node.args) if isinstance(item, ast.arg)]
                annotations = [item for item in (*arguments, node.returns) if item is not None]
            case _:
                continue
        if heads and annotations:
            found = {one for item in annotations for one in _names(item, postponed=postponed)}
            if found:
                yield Text(tuple(_head(item) for item in heads), frozenset(found))


def notes(nodes: Iterable[ast.AST], *, postponed: bool) -> Iterator[Chain]:
    """The names in all annotations of functions and classes among these nodes that stay text."""
    for node in nodes:
        if type(node) in _MADE_OF_TEXTS:
            items = node.body if isinstance(node, ast.ClassDef) else ()
            hints = [hint for one in (node, *items) if not isinstance(one, ast.ClassDef) for hint in hints_of(one)]
            yield from (name for hint in hints for name in _names(hint, postponed=postponed))


def makers(node: ast.AST) -> Iterator[Chain]:
    """What a definition is made by: bases, metaclass and decorators; `("()",)` for what has no name."""
    keywords = [one.value for one in getattr(node, "keywords", ()) if not isinstance(one.value, ast.Constant)]
    yield from map(_head, [*getattr(node, "bases", ()), *keywords, *getattr(node, "decorator_list", ())])


def _head(node: ast.expr) -> Chain:
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    return chain(node) or _MADE


def _names(annotation: ast.expr, *, postponed: bool) -> Iterator[Chain]:
    if postponed:
        yield from readings(annotation, bodies=False)
    for node in _evaluated(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                inside = ast.parse(node.value.strip(), mode="eval").body
            except (SyntaxError, ValueError):
                continue
            yield from readings(inside, bodies=False)


def _evaluated(node: ast.expr) -> Iterator[ast.AST]:
    """The parts of an annotation in which a text is a type."""
    if isinstance(node, ast.Subscript) and chain(node.value)[-1:] == ("Literal",):
        return
    if isinstance(node, ast.Subscript) and chain(node.value)[-1:] == ("Annotated",):
        node = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
    yield node
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.expr):
            yield from _evaluated(inner)
