"""What operators, items and attributes do: methods that nobody calls by name, and what these change."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator

from pepperpy_reload.core.effects import CHANGING, HARMLESS, TELLING, Chain, way
from pepperpy_reload.core.statement import chain

OPERATED = ""
"""In place of the name of an attribute: any operator."""


def operands(nodes: Iterable[ast.AST]) -> Iterator[tuple[Chain, str]]:
    """What executing these nodes does things to other than by a call of it: an attribute of it is read, or OPERATED."""
    for node in nodes:
        for item in _operated(node) if type(node) in _OPERATING else ():
            if found := way(item):
                yield found, OPERATED
        if isinstance(node, ast.Attribute) and (found := way(node.value)):
            yield found, node.attr


_PARTS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.BinOp: ("left", "right"),
    ast.Compare: ("left", "comparators"),
    ast.BoolOp: ("values",),
    ast.UnaryOp: ("operand",),
    ast.AugAssign: ("value",),
    ast.Subscript: ("value",),
    ast.Starred: ("value",),
    ast.FormattedValue: ("value",),
    ast.YieldFrom: ("value",),
    ast.Await: ("value",),
    **dict.fromkeys((ast.For, ast.AsyncFor, ast.comprehension), ("iter",)),
    **dict.fromkeys((ast.If, ast.While, ast.IfExp, ast.Assert), ("test",)),
    ast.Match: ("subject",),
    ast.withitem: ("context_expr",),
    ast.Call: ("args",),
    ast.keyword: ("value",),
}
"""The parts of a node that methods of their own may run for; whoever is given an argument may do anything with it."""


_OPERATING = frozenset({*_PARTS, ast.Assign})


def _operated(node: ast.AST) -> Iterator[ast.AST]:
    for name in _PARTS.get(type(node), ()):
        part = getattr(node, name)
        yield from part if isinstance(part, list) else (part,)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple | ast.List):
        yield node.value


def alters(nodes: Iterable[ast.AST], own: Collection[str], fresh: Collection[str]) -> bool:
    """Whether a function itself changes what its parameters, and local names that are not `fresh`, hold.

    What its parameters' methods do counts when they run.
    """
    changed = (found for node in nodes for found in _altered(node))
    return any(found[0] in own and found[0] not in fresh for found in changed)


def _altered(node: ast.AST) -> Iterator[Chain]:
    match node:
        case (
            ast.Attribute(ctx=ast.Store() | ast.Del(), value=value)
            | ast.Subscript(ctx=ast.Store() | ast.Del(), value=value)
            | ast.AugAssign(target=ast.Name() as value)
            | ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[value, *_])
        ):
            if found := way(value):
                yield found
        case ast.Call():
            yield from _handed_over(node)


def _handed_over(node: ast.Call) -> Iterator[Chain]:
    """What a call may change, but for the object whose method it is."""
    if isinstance(node.func, ast.Attribute):
        owner = way(node.func.value)
        if owner and (node.func.attr in CHANGING or (len(owner) > 1 and node.func.attr not in TELLING)):
            yield owner
    elif isinstance(node.func, ast.Name) and node.func.id in HARMLESS:
        return
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    yield from (found for item in given if len(found := way(item)) > 1)


def is_kept(node: ast.AST) -> bool:
    """Whether a decorator may keep what a function returns, in the object that it was called for or beside it."""
    known = [chain(item.func if isinstance(item, ast.Call) else item) for item in getattr(node, "decorator_list", ())]
    return any(not found or found[-1] not in _PLAIN_DECORATORS for found in known)


_PLAIN_DECORATORS = frozenset(
    "abstractmethod classmethod deleter final getter no_type_check overload override property setter "
    "staticmethod".split()
)
