"""Classes that a library may remember, and that are made again: nobody is to have the old ones afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from types import ModuleType

from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.world import Cell
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.classes import remembers
from pepperpy_reload.reloading.heirs import value_of
from pepperpy_reload.reloading.looking import is_a
from pepperpy_reload.reloading.memory import Print, Tellers, counts, found, lead_to, modules_of, numbering
from pepperpy_reload.reloading.origins import is_own

TimeOf = Callable[[str, str], tuple[object, ...] | None]
"""When a cold start binds a name of a module; None if that is not known."""


class Forgetting:
    """Sees to it that no library keeps such classes, or counts them, and that no name leads to them any more."""

    def __init__(self) -> None:
        self._outgoing: dict[int, type] = {}
        self._packages: frozenset[str] = frozenset()
        self._counts: dict[tuple[str, str], int | str] = {}
        self._before: list[tuple[type, Tellers, Print]] = []

    def expect(self, things: Iterable[object]) -> None:
        """Objects that are going to be made again, or are going to go."""
        for thing in things:
            if is_a(thing, type) and is_own(thing) and remembers(thing):  # type: ignore[arg-type]
                self._outgoing[identity(thing)] = thing  # type: ignore[assignment]
                self._packages |= Tellers(thing).packages  # type: ignore[arg-type]
        if self._packages:
            self._counts = counts(self._packages)

    def begin(self, cls: object) -> None:
        """A class is made again now."""
        known = self._outgoing.get(identity(cls))
        if known is not None:
            tellers = Tellers(known)
            self._before.append((known, tellers, tellers.print()))

    def end(self) -> None:
        """It has been made. Raises RestartNeeded if a library has written down that it was."""
        while self._before:
            cls, tellers, before = self._before.pop()
            if tellers.print() != before:
                raise RestartNeeded(f"{cls.__qualname__} is made again, and its base class remembers its subclasses")

    def check(self, cells: Collection[Cell], time_of: TimeOf) -> None:
        """All has been done; what some `cells` hold is another now.

        Raises RestartNeeded if a library has counted, or somebody still has an old class.
        """
        gone = [one for one in self._outgoing.values() if found(one) is not one]
        if not gone:
            return
        for one in gone:
            if not found(one) and Tellers(one).may_know(one):
                raise RestartNeeded(f"{one.__qualname__} is gone, and its base class remembers its subclasses")
        now = counts(self._packages)
        moved = {key[1] for key in now.keys() | self._counts.keys() if now.get(key) != self._counts.get(key)}
        numbers = numbering(gone, moved) if moved else set[str]()
        if moved - numbers:
            raise RestartNeeded(f"{gone[0].__qualname__} was made again, and its base class counts what is made")
        if numbers:
            _see_order(numbers, cells, time_of)
        own = [sys.modules[name] for name in recorder.modules if name in sys.modules]
        if lead_to({*map(identity, gone)}, [*own, *modules_of(self._packages)], self._packages):
            raise RestartNeeded(f"{gone[0].__qualname__} was made again, and the old one is still in use")


def _is_imported(value: object, module: str) -> bool:
    """Whether a class is found in another module, which has made it."""
    return is_a(value, type) and value.__module__ != module and found(value) is value  # type: ignore[arg-type]


def _see_order(names: Collection[str], cells: Collection[Cell], time_of: TimeOf) -> None:
    """What has a number is made after all that has a lower one, as in a fresh start. Raises RestartNeeded if not."""
    made = {identity(value_of(cell)) for cell in cells}
    times: dict[int, tuple[object, ...]] = {}
    for module in recorder.modules:
        for name, value in list(getattr(sys.modules.get(module), "__dict__", {}).items()):
            if is_a(value, ModuleType) or _is_imported(value, module) or not numbering([value], names):
                continue
            time = time_of(module, name)
            if time is None:
                raise RestartNeeded(f"{module}.{name} has a number, and it is not known when it was made")
            times[identity(value)] = min(time, times.get(identity(value), time))  # others have imported it from there
    new = [time for number, time in times.items() if number in made]
    if new and any(time > min(new) for number, time in times.items() if number not in made):
        raise RestartNeeded("what a library numbers as it is made would not be in the order of a fresh start")
