"""Objects that stay as they are, and have been changed nevertheless by statements that were executed once more.

Which objects a statement changes is found by the names that lead to them. Where it has got one by other ways (from a
function, by a weak reference, by a name that is made up), the change shows only when it has been made: what was copied
for the way back tells.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable
from typing import Any

from pepperpy_reload.core.effects import Depth
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.names import mangled
from pepperpy_reload.core.refills import refills
from pepperpy_reload.core.setters import attributes_changed
from pepperpy_reload.core.statement import chain, import_time
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Cell, Place
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.reloading.changes import Changes
from pepperpy_reload.reloading.classstate import is_beginning, written_in
from pepperpy_reload.reloading.contents import Contents
from pepperpy_reload.reloading.heirs import value_of
from pepperpy_reload.reloading.holders import inside_of
from pepperpy_reload.reloading.looking import is_atom

_DEPTH = 4  # what a name holds, what that holds, and so on
_MOST = 5_000  # objects


class Bystanders:
    """Knows what the statements that have been executed again were known to change, and which attributes they may."""

    def __init__(self, scope: Traces) -> None:
        self._scope = scope
        self._known: dict[int, Any] = {}
        self._told: set[Place] = set()
        self._cells: set[Cell] = set()
        self._names: set[str] = set()
        self._first: set[str] = set()
        """The attributes that statements change which are new: they do so for the first time."""
        self._refills = False
        """Whether any of them may change containers that no name leads to."""

    def note(self, place: Place, unit: Unit, ran: Iterable[tuple[CodeKey, str, FunctionFacts]]) -> None:
        """A statement has been executed, and has run these functions, with their modules."""
        self._told.add(place)
        names = self._names if self._scope.old_index(place) >= 0 else self._first
        nodes = list(import_time(unit.statement.shell))
        names.update(attributes_changed(nodes))
        self._refills = self._refills or self._may_refill(place.module, nodes, ())
        for key, home, facts in ran:
            self._refills = self._refills or self._may_refill(home, facts.nodes, facts.own)
            if not is_beginning(key):
                names.update(mangled(written_in(key), name) for name in attributes_changed(facts.nodes))

    def tell(self, cell: Cell) -> None:
        """What a name means is changed for the first time, and nobody uses it later."""
        self._cells.add(cell)

    def _may_refill(self, module: str, nodes: Iterable[ast.AST], local: Collection[str]) -> bool:
        return refills(nodes, {*local, *self._passing(module, nodes)})

    def _passing(self, module: str, nodes: Iterable[ast.AST]) -> set[str]:
        """The names in some code that do not say what it has by them: bound more than once, gone, or made by asking."""
        found = set[str]()
        for names in {one for node in nodes if isinstance(node, ast.Name | ast.Attribute) and (one := chain(node))}:
            cell, _ = self._scope.cell(module, names)
            count = len(self._scope.binders(cell))
            is_there = cell.name in _space(cell.module) or cell.module not in sys.modules
            if count > 1 or (not is_there and (count or "__getattr__" in _space(cell.module))):
                found.add(names[0])
        return found

    def why_not(self, contents: Contents, remade: Iterable[object]) -> str:
        """What has been changed of what stays, in a few words; or ""."""
        names = self._names - self._first
        if not names and not self._refills:
            return ""
        changes = Changes(contents, remade)
        attributes = list(changes.attributes(names)) if names else []
        containers = list(changes.containers()) if self._refills else []
        if attributes or containers:
            self._explain(remade)
        for thing, name in attributes:
            if identity(thing) not in self._known:
                attribute = f"{type(thing).__qualname__}.{name}"
                return f"{attribute} is changed once more, of an object that would not be made again"
        left = (type(thing).__name__ for thing in containers if identity(thing) not in self._known)
        return next((f"a {kind} is changed once more, which would not be made again" for kind in left), "")

    def _explain(self, remade: Iterable[object]) -> None:
        """What the plan has seen to is no bystander."""
        for cell in self._cells:
            self._note(value_of(cell))
        for place in self._told:
            before = self._scope.mutated(place, old=True)
            for cell, depth in self._scope.mutated(place, old=False).items():
                if cell not in before or depth is Depth.STORE:  # else it is made again, and this is another one
                    self._note(value_of(cell))
        for thing in remade:
            self._note(thing)

    def _note(self, value: object) -> None:
        level = [value]
        for _ in range(_DEPTH):
            level = [one for one in level if identity(one) not in self._known and not is_atom(one)][:_MOST]
            self._known.update((identity(one), one) for one in level)
            level = [inner for one in level for inner in inside_of(one)]


def _space(module: str) -> dict[str, Any]:
    return getattr(sys.modules.get(module), "__dict__", {})
