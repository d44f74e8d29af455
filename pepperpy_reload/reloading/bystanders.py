"""Objects that stay as they are, and have been changed nevertheless by statements that were executed once more.

Which objects a statement changes is found by the names that lead to them. Where it has got one by other ways (from a
function, by a weak reference, by a name that is made up), the change shows only when it has been made: what was copied
for the way back tells.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from pepperpy_reload.core.effects import Depth
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.names import mangled
from pepperpy_reload.core.setters import attributes_changed
from pepperpy_reload.core.statement import import_time
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Place
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.reloading.classstate import is_beginning, written_in
from pepperpy_reload.reloading.contents import Contents
from pepperpy_reload.reloading.looking import instance_dict, is_a, is_atom

_DEPTH = 4  # what a name holds, what that holds, and so on
_MOST = 5_000  # objects


class Bystanders:
    """Knows what the statements that have been executed again were known to change, and which attributes they may."""

    def __init__(self, scope: Traces) -> None:
        self._scope = scope
        self._known: dict[int, Any] = {}
        self._told: set[Place] = set()
        self._names: set[str] = set()
        self._first: set[str] = set()
        """The attributes that statements change which are new: they do so for the first time."""

    def note(self, place: Place, unit: Unit, ran: Iterable[tuple[CodeKey, FunctionFacts]]) -> None:
        """A statement has been executed, and has run these functions."""
        self._told.add(place)
        names = self._names if self._scope.old_index(place) >= 0 else self._first
        names.update(attributes_changed(import_time(unit.statement.shell)))
        for key, facts in ran:
            if not is_beginning(key):
                names.update(mangled(written_in(key), name) for name in attributes_changed(facts.nodes))

    def changed(self, contents: Contents, remade: Iterable[object]) -> str:
        """The attribute that has been changed of an object that stays, with its class; or ""."""
        names = self._names - self._first
        found = list(contents.changed(names, remade)) if names else []
        if found:
            self._explain(remade)
        left = (f"{type(thing).__qualname__}.{name}" for thing, name in found if identity(thing) not in self._known)
        return next(left, "")

    def _explain(self, remade: Iterable[object]) -> None:
        """What the plan has seen to is no bystander."""
        for place in self._told:
            before = self._scope.mutated(place, old=True)
            for cell, depth in self._scope.mutated(place, old=False).items():
                if cell not in before or depth is Depth.STORE:  # else it is made again, and this is another one
                    self._note(getattr(sys.modules.get(cell.module), "__dict__", {}).get(cell.name))
        for thing in remade:
            self._note(thing)

    def _note(self, value: object) -> None:
        level = [value]
        for _ in range(_DEPTH):
            level = [one for one in level if identity(one) not in self._known and not is_atom(one)][:_MOST]
            self._known.update((identity(one), one) for one in level)
            level = [inner for one in level for inner in _inside(one)]


def _inside(thing: Any) -> Iterator[Any]:
    if is_a(thing, dict):
        yield from dict.values(thing)
    elif is_a(thing, (list, tuple, set, frozenset)):
        yield from thing
    elif is_a(thing, type):
        yield from vars(thing).values()
    else:
        yield from instance_dict(thing).values()
