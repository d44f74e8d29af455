"""Statements that only compute: what they bind follows from what they read, and nothing else happens."""

from __future__ import annotations

import ast

from pepperpy_reload.core.tree import walk
from pepperpy_reload.core.unit import Unit

_COMPUTING = (
    *(ast.Assign, ast.AnnAssign, ast.Name, ast.expr_context, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice),
    *(ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.BoolOp, ast.boolop, ast.Compare, ast.cmpop, ast.IfExp),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Starred, ast.JoinedStr, ast.FormattedValue),
)


def only_computes(unit: Unit) -> bool:
    """Whether a unit calls nothing, defines nothing and changes no object: it may be executed a moment too early.

    An import is not looked at here: what it does depends on what has been loaded.
    """
    if unit.alias is not None or unit.statement.guards:
        return False
    return all(isinstance(item, _COMPUTING) and not _changes(item) for item in walk(unit.statement.node))


def _changes(item: ast.AST) -> bool:
    return isinstance(item, ast.Attribute | ast.Subscript) and not isinstance(item.ctx, ast.Load)
