"""A syntax tree gone through quickly: only the fields that may hold something are looked at.

Contexts and operators are passed over: they say nothing that the nodes that have them do not say.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

_LEAVES = frozenset(
    "arg asname attr conversion ctx id is_async kind kwd_attrs level module op ops rest simple str tag "
    "type_comment type_ignores".split()
)
"""Fields that hold no nodes, or none that are worth a look."""
_Fields = tuple[Callable[[ast.AST], object], bool]


def children(node: ast.AST) -> Sequence[ast.AST]:
    """The nodes right inside one, in the order of its source as far as its fields have that."""
    get, plain = _FIELDS[type(node)]
    return get(node) if plain else _listed(get(node))  # type: ignore[return-value, arg-type]


def outside_body(node: ast.AST) -> Sequence[ast.AST]:
    """The same for a function, without its body: decorators, parameters, defaults, annotations."""
    return _listed(_WITHOUT_BODY[type(node)](node))


def walk(*nodes: ast.AST) -> Iterator[ast.AST]:
    """Nodes and all inside them, those around before those inside."""
    waiting: list[ast.AST] = [*nodes]
    for node in waiting:
        waiting.extend(children(node))
        yield node


def _listed(values: Iterable[object]) -> list[ast.AST]:
    found: list[ast.AST] = []
    for value in values:
        if type(value) is list:
            found.extend(value)
        elif value is not None:
            found.append(value)  # type: ignore[arg-type]
    if None in found:  # `{**other}` has no key there, a parameter without a default no default
        return [one for one in found if one is not None]
    return found


def _fields_of(kind: type[ast.AST], without: str = "") -> list[str]:
    holds_others = kind in (ast.Global, ast.Nonlocal, ast.Constant, ast.MatchSingleton)
    names = [] if holds_others else [name for name in kind._fields if name not in _LEAVES and name != without]
    return [name for name in names if name != "name" or kind.__name__ == "TypeAlias"]


def _getter(names: Sequence[str]) -> Callable[[ast.AST], tuple[object, ...]]:
    """The values of some fields as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _: ()
    (name,) = names
    return lambda node: (getattr(node, name),)


_PLAIN = (
    ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.keyword, ast.NamedExpr, ast.Starred, ast.Await,
    ast.Expr, ast.Lambda, ast.Name, ast.Constant, ast.Global, ast.Nonlocal, ast.Pass, ast.Break, ast.Continue,
    ast.alias, ast.YieldFrom, ast.AugAssign,
)  # fmt: skip
"""Nodes whose fields are single nodes that are always there."""
_KINDS = [kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)]
_FIELDS: dict[type[ast.AST], _Fields] = {kind: (_getter(_fields_of(kind)), kind in _PLAIN) for kind in _KINDS}
_WITHOUT_BODY: dict[type[ast.AST], Callable[[ast.AST], tuple[object, ...]]] = {
    kind: _getter(_fields_of(kind, "body")) for kind in (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
}
