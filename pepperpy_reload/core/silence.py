"""Statements that give a logger a handler which does nothing: as long as that is there, nothing is left to be done."""

from __future__ import annotations

import ast

from pepperpy_reload.core.statement import chain
from pepperpy_reload.core.unit import Unit

LOGGING = "logging"


def silenced(unit: Unit, module: str) -> str | None:
    """The logger that a unit only gives such a handler, if the name `logging` means what it should; else None.

    `logging.getLogger(__name__).addHandler(logging.NullHandler())`, as libraries do.
    """
    if b"NullHandler" not in unit.statement.text or unit.statement.guards:
        return None
    match unit.statement.node:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(
                    value=ast.Call(func=getting, args=[ast.Name("__name__") | ast.Constant() as named], keywords=[]),
                    attr="addHandler",
                ),
                args=[ast.Call(func=making, args=[], keywords=[])],
                keywords=[],
            )
        ) if chain(getting) == (LOGGING, "getLogger") and chain(making) == (LOGGING, "NullHandler"):
            name = named.value if isinstance(named, ast.Constant) else module
            return name if isinstance(name, str) else None
    return None
