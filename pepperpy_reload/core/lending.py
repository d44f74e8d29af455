"""What functions give away of what they keep, and what code changes of that: `get().append(1)` changes a list of `get`.

Chains here go through calls: `("get", "()", "items")` is what `get().items` means.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from pepperpy_reload.core.effects import CALLED, ITEM, Chain, targets, way

_FAR = 2  # from a local name to the one that it has its object from, and so on


def lent(nodes: Iterable[ast.AST], own: frozenset[str] = frozenset()) -> frozenset[Chain]:
    """What executing these nodes may change of what calls have given them; `own` names are no names of a module."""
    chosen = list(nodes)
    changed = list(targets(chosen))
    named = _named(chosen) if any(isinstance(node, ast.Call) for node in chosen) else {}
    found = {one for target in changed for one in _ways(target, named)}
    return frozenset(one for one in found if CALLED in one and one[0] not in own)


def given_away(nodes: Iterable[ast.AST]) -> frozenset[Chain]:
    """What a function may return that it has not made: of its module, of functions around it, of its parameters."""
    chosen = list(nodes)
    returned = [node.value for node in chosen if isinstance(node, ast.Return | ast.Yield) and node.value is not None]
    named = _named(chosen) if returned else {}
    return frozenset(one for value in returned for part in _alternatives(value) for one in _ways(part, named))


def _alternatives(value: ast.expr) -> Iterator[ast.expr]:
    """The objects that an expression may mean, one of them."""
    match value:
        case ast.IfExp(body=one, orelse=other):
            yield from (*_alternatives(one), *_alternatives(other))
        case ast.BoolOp(values=values):
            for one in values:
                yield from _alternatives(one)
        case ast.NamedExpr(value=one) | ast.Await(value=one):
            yield from _alternatives(one)
        case ast.Tuple(elts=values) | ast.List(elts=values):
            for one in values:
                yield from _alternatives(one)
        case _:
            yield value


def _named(nodes: Iterable[ast.AST]) -> Mapping[str, list[tuple[ast.expr, Chain]]]:
    """Where names that are bound in the midst of some code have their objects from, with the items on the way."""
    found: dict[str, list[tuple[ast.expr, Chain]]] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=bound, value=value):
                step: Chain = ()
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                bound, step = [target], ()
            case ast.withitem(context_expr=value, optional_vars=ast.Name() as target):
                bound, step = [target], ()
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                bound, step = [target], (ITEM,)
            case _:
                continue
        for target in bound:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, []).extend((part, step) for part in _alternatives(value))
    return found


def _ways(node: ast.AST, named: Mapping[str, list[tuple[ast.expr, Chain]]], left: int = _FAR) -> Iterator[Chain]:
    """The chains that an expression means, its own and those of what its first name stands for."""
    whole = way(node, through_calls=True)
    if not whole:
        return
    yield whole
    for value, step in named.get(whole[0], ()) if left else ():
        for one in _ways(value, named, left - 1):
            if one[0] != whole[0]:
                yield (*one, *step, *whole[1:])
