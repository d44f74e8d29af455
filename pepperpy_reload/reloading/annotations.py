"""What a module's annotated names are after an edit: Python notes them in a table as their statements are executed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from pepperpy_reload.core.unit import Unit


def settle(namespace: dict[str, Any], old: Iterable[Unit], new: Iterable[Unit]) -> None:
    """Make `__annotations__` what it is after a fresh start: without what is annotated no more, and in order."""
    notes = namespace.get("__annotations__")
    before, after = _annotated(old), _annotated(new)
    if type(notes) is not dict or before == after:
        return
    if not after:
        del namespace["__annotations__"]
        return
    kept = {name: notes[name] for name in (*after, *notes) if name in notes and (name in after or name not in before)}
    notes.clear()
    notes.update(kept)


def _annotated(units: Iterable[Unit]) -> list[str]:
    """The names that are annotated at module level, in order."""
    found = (node for unit in units for node in _module_level(unit.statement.node) if isinstance(node, ast.AnnAssign))
    return list(dict.fromkeys(node.target.id for node in found if node.simple and isinstance(node.target, ast.Name)))


def _module_level(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.expr):
        for inner in ast.iter_child_nodes(node):
            yield from _module_level(inner)
