"""What a statement binds for certain: it can have the namespace itself, where nobody sees what is left unbound."""

from __future__ import annotations

import ast

from pepperpy_reload.core.unit import Kind, Unit


def surely_bound(unit: Unit) -> frozenset[str] | None:
    """The names that a statement binds, if it binds all of them unless it fails; None if that is not known."""
    if unit.alias is not None or unit.statement.guards:
        return None
    if unit.kind in (Kind.FUNCTION, Kind.CLASS):  # no tree has to be read for that
        return unit.binds if unit.binds == {unit.statement.name} else None
    if unit.sure is None:
        unit.sure = _bound_by(unit.statement.node, unit.binds)
    return unit.sure if isinstance(unit.sure, frozenset) else None


def _bound_by(node: ast.stmt, binds: frozenset[str]) -> frozenset[str] | bool:
    names = set[str]()
    if isinstance(node, ast.Assign):
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
    elif isinstance(node, ast.AnnAssign):
        names = {node.target.id} if isinstance(node.target, ast.Name) and node.value is not None else set()
    elif not isinstance(node, ast.Expr):
        return False
    return binds if names == binds else False
