"""Items and attributes that are set: whether code that runs again sets the same ones, or others."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.statement import chain, import_time
from pepperpy_reload.core.tree import walk

_BRANCHING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
_PLATFORM = frozenset({"sys", "os", "platform", "TYPE_CHECKING", "typing"})
"""What a test may ask without having another answer the next time."""
_COMPUTING = (ast.JoinedStr, ast.BinOp, ast.BoolOp, ast.IfExp, ast.Subscript, ast.Call)

Key = tuple[str, ...]


def uncertain(nodes: Collection[ast.AST], given: Collection[str]) -> dict[int, Key]:
    """The targets, by their ids, of which others may be set the next time: another item, or none at all.

    What is found under a name of those that are `given` to a function is found with that name and its attributes: who
    calls the function gives the same, or not. All else is found with ().
    """
    targets = [
        one for one in nodes if isinstance(one, ast.Attribute | ast.Subscript) and isinstance(one.ctx, ast.Store)
    ]
    if not targets:
        return {}
    inside = {identity(one) for node in nodes if _branches(node) for one in walk(node)}
    leaves = any(isinstance(one, ast.Return) and identity(one) in inside for one in nodes)
    found: dict[int, Key] = {}
    for target in targets:
        if leaves or identity(target) in inside:
            found[identity(target)] = ()
        elif isinstance(target, ast.Subscript) and not _is_constant(target.slice):
            key = chain(target.slice)
            found[identity(target)] = key if key and key[0] in given else ()
    return found


def computes_arguments(node: ast.AST) -> bool:
    """Whether a statement hands on what it computes itself, and not only what has a name or stands in its source."""
    calls = (one for one in import_time(node) if isinstance(one, ast.Call))
    return any(isinstance(item, _COMPUTING) for call in calls for item in _arguments(call))


def _arguments(call: ast.Call) -> Iterator[ast.AST]:
    yield from call.args
    yield from (one.value for one in call.keywords)


def _branches(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        names = [one for one in walk(node.test) if isinstance(one, ast.Name)]
        return any(one.id not in _PLATFORM for one in names)
    return isinstance(node, _BRANCHING)


def _is_constant(key: ast.AST) -> bool:
    return all(isinstance(one, ast.Constant | ast.Tuple | ast.Load | ast.UnaryOp | ast.unaryop) for one in walk(key))
