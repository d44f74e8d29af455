"""Statements that only compute: what they bind follows from what they read, and nothing else happens."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from pepperpy_reload.core.names import hints_of
from pepperpy_reload.core.tree import walk
from pepperpy_reload.core.unit import Kind, Unit

_COMPUTING = (
    *(ast.Assign, ast.AnnAssign, ast.Name, ast.expr_context, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice),
    *(ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.BoolOp, ast.boolop, ast.Compare, ast.cmpop, ast.IfExp),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Starred, ast.JoinedStr, ast.FormattedValue),
)

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.comprehension)
_GATHERING = (ast.Name, ast.expr_context, ast.Constant, ast.Attribute, ast.Tuple, ast.List, ast.Dict)
PURE = frozenset(
    "abs bool bytes dict float frozenset int len list max min range repr round set sorted str sum tuple".split()
)
"""Functions and types of Python's own that change nothing, and call nothing but what their arguments are made of."""


def only_computes(unit: Unit) -> bool:
    """Whether a unit calls nothing, defines nothing and changes no object: it may be executed a moment too early.

    An import is not looked at here: what it does depends on what has been loaded.
    """
    if _does_more(unit):
        return False
    if unit.computes is None:
        unit.computes = _compute([unit.statement.node])
    return unit.computes


def is_plain(unit: Unit) -> bool:
    """Whether all that a unit ever does is to bind names to what it computes of other names, if these hold atoms.

    A number, a text and the like run no code of the project's whatever operators they are given to, and nothing can
    change them: there is nothing that could be taken back, or that anybody else could have been told.
    """
    if unit.plain is None:
        unit.plain = (
            only_computes(unit)
            and unit.kind is Kind.OTHER
            and not (unit.mutations or unit.sets or unit.imports or unit.texts or unit.annotates or unit.called)
            and not (unit.opaque or unit.sweeping or unit.deeds)
            and all(part.isidentifier() for chain in unit.reads for part in chain)
        )
    return unit.plain


def computes_or_calls(unit: Unit) -> bool:
    """Whether it does no more than that, goes through collections and calls what is pure, if the names mean that."""
    if _does_more(unit):
        return False
    if unit.calls is None:
        unit.calls = _compute([unit.statement.node], calls=True)
    return unit.calls


def _does_more(unit: Unit) -> bool:
    """Whether no tree has to be read to know that a unit does more than compute, or something else."""
    return unit.alias is not None or unit.kind in (Kind.FUNCTION, Kind.CLASS) or bool(unit.statement.guards)


def only_gathers(unit: Unit) -> bool:
    """Whether a unit of which `only_computes` is true does nothing with what it reads but put it somewhere new."""
    if unit.gathers is None:
        unit.gathers = _gather(unit.statement.node)
    return unit.gathers


def _gather(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign) or not all(isinstance(target, ast.Name) for target in node.targets):
        return False
    return all(isinstance(item, _GATHERING) and not _hashes(item) for item in walk(node.value))


def _hashes(item: ast.AST) -> bool:
    return isinstance(item, ast.Dict) and not all(isinstance(key, ast.Constant) for key in item.keys)


def only_defines(unit: Unit) -> bool:
    """Whether a unit is a function without decorators whose defaults and annotations only compute."""
    return unit.kind is Kind.FUNCTION and not unit.decorated and _only_defines(unit, _head(unit))


def _head(unit: Unit) -> ast.stmt:
    """The tree of a definition, of which only the head is asked for."""
    return unit.statement.outline or unit.statement.node


def _only_defines(unit: Unit, node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    if node.decorator_list or getattr(node, "type_params", []):
        return False
    return _compute([*_defaults(node), *([] if unit.postponed else hints_of(node))])


def only_keeps(unit: Unit) -> bool:
    """Whether a unit that `only_defines` does nothing with its defaults but keep them: it goes through none of them."""
    if unit.kind is not Kind.FUNCTION or unit.decorated:
        return False
    if unit.keeps is None:
        node = _head(unit)
        unit.keeps = (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and _only_defines(unit, node)
            and all(isinstance(item, _GATHERING) and not _hashes(item) for one in _defaults(node) for item in walk(one))
        )
    return unit.keeps


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    return [item for item in (*node.args.defaults, *node.args.kw_defaults) if item is not None]


def _compute(nodes: Iterable[ast.AST], *, calls: bool = False) -> bool:
    kinds = (*_COMPUTING, *_COMPREHENSIONS) if calls else _COMPUTING
    return all(
        (isinstance(item, kinds) and not _changes(item)) or (calls and isinstance(item, ast.Call) and _is_pure(item))
        for node in nodes
        for item in walk(node)
    )


def _is_pure(call: ast.Call) -> bool:
    """Whether it names something pure, or a method of a text that stands there; and gives it no function to call."""
    if any(keyword.arg in (None, "key") for keyword in call.keywords):
        return False
    match call.func:
        case ast.Name(id=name):
            return name in PURE
        case ast.Attribute(value=ast.Constant(value=value)):
            return isinstance(value, str | bytes)
    return False


def _changes(item: ast.AST) -> bool:
    return isinstance(item, ast.Attribute | ast.Subscript) and not isinstance(item.ctx, ast.Load)
