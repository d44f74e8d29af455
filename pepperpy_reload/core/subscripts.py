"""Classes that a library makes of others when these are asked for items: `Page[Item]`, as pydantic has it.

Which module such a class is of, and whether it has a name there, is up to who asks for it first.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.statement import chain, import_time
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Cell

_NONE: Mapping[str, Alias] = {}


def subscripts(scope: Scope, name: str, unit: Unit, gone: Mapping[str, Alias] = _NONE) -> dict[Cell, set[str]]:
    """The classes of a library's making that a unit of a module asks for items when it is executed, and for which.

    `gone` is what the module has bound by import statements that it has no more.
    """
    found: dict[Cell, set[str]] = {}
    asked: dict[tuple[str, ...], Cell | None] = {}
    if unit.alias is not None or b"[" not in unit.statement.text:
        return found
    for node in import_time(unit.statement.shell):
        owner = chain(node.value) if isinstance(node, ast.Subscript) else ()
        if owner and isinstance(node, ast.Subscript):
            if owner not in asked:
                asked[owner] = _class_asked(scope, name, owner, gone)
            cell = asked[owner]
            if cell is not None:
                found.setdefault(cell, set()).add(ast.unparse(node.slice))
    return found


def _class_asked(scope: Scope, name: str, owner: tuple[str, ...], gone: Mapping[str, Alias]) -> Cell | None:
    alias = gone.get(owner[0])
    if alias is not None:
        name, owner = alias.module, (alias.name, *owner[1:]) if alias.name else owner[1:]
    cell, rest = scope.cell(name, owner) if owner else (Cell(name, "*"), ())
    cell = scope.canonical(cell)
    return cell if not rest and scope.binders(cell) and scope.world.is_made_by_a_library(cell) else None
