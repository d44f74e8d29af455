"""Whether a function leaves all alone but what it is given, as far as its own source tells."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pepperpy_reload.core.effects import Chain, Depth, mutations, reflections
from pepperpy_reload.core.freshness import fresh_names
from pepperpy_reload.core.names import Function, body_of, global_names, local_names, nonlocal_names, parameters
from pepperpy_reload.core.statement import chain, import_time

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a function is pure: all that it calls is, and what it hands on cannot be changed."""

    called: frozenset[Chain]
    given: frozenset[Chain]


def terms_of(node: Function, outer: frozenset[str] = frozenset(), *, returned: bool = False) -> Terms | None:
    """What a function reaches by names that are not its own; None if it may change more than what it is given.

    With `returned`, the functions inside it count, too: it gives them to who calls them.

    What is done when functions inside it are called counts if it calls them by their names. `outer` are the names of
    functions around it that it may do with what it likes.
    """
    inner = [item for statement in body_of(node) for item in import_time(statement)]
    if global_names(node) or nonlocal_names(node) or any(reflections(inner, inside=True)):
        return None
    own = local_names(node, outer)
    made = {item.name: item for item in inner if isinstance(item, _DEFINITIONS)}
    free = frozenset({item.arg for item in parameters(node.args)} | fresh_names(node, inner) | made.keys() | outer)
    called, inside = set[Chain](), list[Terms | None]()
    for found in _called(inner):
        if not found or (found[0] in own and found[0] not in free):
            return None
        if found[0] not in own:
            called.add(found)
        elif found[0] in made:
            inside.append(_inside(made[found[0]], free) if len(found) == 1 else None)
    inside += [_inside(one, free) for one in made.values() if returned]
    given = _given(inner, own, free, called)
    parts = [one for one in inside if one is not None]
    if given is None or len(parts) < len(inside):
        return None
    return Terms(frozenset(called).union(*(one.called for one in parts)), given.union(*(one.given for one in parts)))


def _called(inner: Iterable[ast.AST]) -> Iterator[Chain]:
    """What is called, by its names; () for what has none."""
    calls = (item.func for item in inner if isinstance(item, ast.Call))
    return (chain(item) for item in calls if not _is_of_a_value(item) and not _wraps(item))


def _given(
    inner: Iterable[ast.AST], own: frozenset[str], free: frozenset[str], called: Iterable[Chain]
) -> frozenset[Chain] | None:
    """What is handed on of what is neither its own nor called; None if something of that is changed, or may be."""
    given = set()
    for change in mutations(inner):
        if change.called or change.chain[0] in free:
            continue
        if change.chain[0] in own or change.depth is not Depth.CALL:
            return None
        if not any(one[: len(change.chain)] == change.chain for one in called):
            given.add(change.chain)
    return frozenset(given)


def _inside(node: ast.AST, outer: frozenset[str]) -> Terms | None:
    is_plain = isinstance(node, ast.FunctionDef) and not node.decorator_list
    return terms_of(node, outer - {node.name}) if is_plain and isinstance(node, ast.FunctionDef) else None


def _is_of_a_value(node: ast.expr) -> bool:
    """Whether it is a method of a constant: `", ".join`."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Constant | ast.JoinedStr)


def _wraps(node: ast.expr) -> bool:
    """Whether it is `wraps(function)`, which is called with a wrapper."""
    return isinstance(node, ast.Call) and chain(node.func)[-1:] == ("wraps",)
