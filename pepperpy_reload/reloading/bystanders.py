"""Objects that stay as they are, and have been changed nevertheless by methods that were called once more.

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
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.world import Place
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.classstate import changes_self
from pepperpy_reload.reloading.contents import Contents
from pepperpy_reload.reloading.looking import instance_dict, is_a, is_atom

_DEPTH = 4  # what a name holds, what that holds, and so on
_MOST = 5_000  # objects


class Bystanders:
    """Knows what the statements that have been executed again were known to change."""

    def __init__(self, scope: Traces) -> None:
        self._scope = scope
        self._known: dict[int, Any] = {}
        self._told: set[Place] = set()

    def changed_by(
        self, place: Place, ran: Iterable[tuple[CodeKey, FunctionFacts]], contents: Contents, remade: Iterable[object]
    ) -> str:
        """The method by which a statement, that has just been executed, has changed an object that stays; or ""."""
        self._told.add(place)
        if self._scope.old_index(place) < 0:
            return ""  # what is new changes things for the first time
        methods = {_class_of(key): key for key, facts in ran if changes_self(key, facts)}
        if not methods:
            return ""
        changed = list(contents.changed(lambda kind: not methods.keys().isdisjoint(_homes(kind)), remade))
        if not changed:
            return ""
        self._explain(remade)
        left = [thing for thing in changed if identity(thing) not in self._known]
        return next((methods[home].qualname for thing in left for home in _homes(type(thing)) if home in methods), "")

    def _explain(self, remade: Iterable[object]) -> None:
        """What the plan has seen to is no bystander."""
        for place in self._told:
            before = self._scope.mutated(place, old=True)
            for cell, depth in self._scope.mutated(place, old=False).items():
                if cell not in before or depth is Depth.STORE:  # else it is made again, and this is another one
                    self._note(getattr(sys.modules.get(cell.module), "__dict__", {}).get(cell.name))
        self._told.clear()
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


def _class_of(key: CodeKey) -> tuple[str, str]:
    """The file and the name of the class in whose body a method, or one around a function, was written."""
    return key.file, key.qualname.partition(".<locals>")[0].rpartition(".")[0]


def _homes(kind: type) -> Iterator[tuple[str, str]]:
    for base in type.mro(kind):
        loaded = recorder.by_name.get(str(vars(base).get("__module__")))
        if loaded is not None:
            yield loaded.path, base.__qualname__
