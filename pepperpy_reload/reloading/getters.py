"""Modules with a `__getattr__` (PEP 562), and what that has given: it may load others, and keep what it finds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FunctionType, ModuleType

from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.core.graph import EdgeKind
from pepperpy_reload.core.world import Cell, Given, Place
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.looking import attribute_of, is_a, plain_attribute


class Getters:
    """Modules that give names by functions, as `alignment` and `value` tell of their source and of live values."""

    def __init__(
        self,
        getters: Mapping[str, FunctionType],
        alignment: Callable[[str], Alignment | None],
        value: Callable[[Cell], object],
    ) -> None:
        self._getters = getters
        self._alignment = alignment
        self._value = value

    def fetched(self) -> Mapping[Cell, Sequence[Place]]:
        """Where values come from that import statements were given by a module's `__getattr__`: who has them.

        What does not say where it was defined may be from any module that has been loaded by name meanwhile.
        """
        found: dict[Cell, list[Place]] = {}
        for name in self._getters:
            given = vars(sys.modules[name])
            for importer in recorder.graph.importers_of(name):
                alignment = self._alignment(importer)
                for unit in alignment.units if alignment is not None else ():
                    alias = unit.alias
                    if alias is not None and alias.module == name and alias.name and alias.name not in given:
                        for cell in self._origins(name, self._value(Cell(importer, alias.bound))):
                            found.setdefault(cell, []).append(Place(importer, unit.index))
        return found

    def kept(self) -> Mapping[str, Given]:
        """By module: what its `__getattr__` has put into the namespace, as far as nothing else can have done that."""
        found = {}
        for name, getter in self._getters.items():
            keys = [CodeKey.of(getter.__code__)] if getter.__code__.co_filename in recorder.roots else []
            names = list(self._unbound(name, keys))
            if names:
                values = vars(sys.modules[name])
                origins = {cell for bound in names for cell in self._origins(name, values.get(bound))}
                found[name] = Given(tuple(names), frozenset(origins), tuple(keys))
        return found

    def _unbound(self, module: str, keys: Sequence[CodeKey]) -> Iterator[str]:
        """The names of a module that none of its statements binds, nor a function, nor the import system.

        If statements bind what cannot be told, it is those that somebody has named who ran one of the functions.
        """
        alignment, namespace = self._alignment(module), vars(sys.modules[module])
        if alignment is None:
            return
        bound = {name for unit in alignment.old for name in unit.binds}
        stars = [unit.alias.module for unit in alignment.old if unit.alias is not None and unit.alias.bound == "*"]
        taken = [vars(source) for source in map(sys.modules.get, stars) if source is not None]
        for key in ledger.ran_by_file().get(recorder.modules[module].path, ()):
            facts = ledger.facts(module, key)
            bound |= facts.binds if facts is not None else set()
        asked = self._asked(keys) if any(unit.opaque for unit in alignment.old) else namespace.keys()
        for name in [name for name in namespace if name in asked]:
            value = namespace[name]
            if name.startswith("__") or name in bound or sys.modules.get(f"{module}.{name}") is value:
                continue
            if not any(names.get(name) is value for names in taken):
                yield name

    def _asked(self, keys: Sequence[CodeKey]) -> set[str]:
        """What is named by the statements that ran one of some functions."""
        found: set[str] = set()
        for key in keys:
            for name in recorder.runners.get(key, ()):
                page, alignment = ledger.page(name), self._alignment(name)
                for index, ran in enumerate(page.ran if page is not None and alignment is not None else ()):
                    if key in ran and alignment is not None:
                        unit = alignment.old[index]
                        found.update(part for chain in unit.reads for part in chain)
                        found.update(alias.name for alias in (unit.alias, *unit.imports) if alias is not None)
        return found

    def _origins(self, giver: str, value: object) -> list[Cell]:
        home, name = plain_attribute(value, "__module__"), plain_attribute(value, "__name__")
        if isinstance(name, str) and home in recorder.modules and self._value(Cell(home, name)) is value:
            return [Cell(home, name)]
        edges = ((one, recorder.graph.edge(giver, one)) for one in recorder.graph.imports_of(giver))
        return [Cell(one, "*") for one, edge in edges if edge is not None and edge.kind is EdgeKind.IMPORT_MODULE]


def live_getters() -> Mapping[str, FunctionType]:
    """By module: the function by which it gives names, of all first-party ones that have one."""
    modules = ((name, sys.modules.get(name)) for name in recorder.modules)
    found = ((name, getter_of(module)) for name, module in modules if isinstance(module, ModuleType))
    return {name: getter for name, getter in found if getter is not None}


def getter_of(module: ModuleType) -> FunctionType | None:
    """The function by which a module gives names that it has not; of its class, if that is one of its own."""
    found = vars(module).get("__getattr__")
    if found is None and type(module) is not ModuleType:
        found = attribute_of(type(module), "__getattr__")
    return found if is_a(found, FunctionType) else None


def left_as_they_were(values: Iterable[tuple[Cell, object]]) -> Iterator[Cell]:
    """Of names that were taken away, with what they held: those that hold it again though its home has another."""
    for cell, value in values:
        home, name = plain_attribute(value, "__module__"), plain_attribute(value, "__name__")
        namespace = getattr(sys.modules.get(cell.module), "__dict__", {})
        is_back = namespace.get(cell.name, cell) is value and isinstance(name, str) and home in recorder.modules
        if is_back and getattr(sys.modules.get(home), "__dict__", {}).get(name) is not value:
            yield cell


def why_displaced(name: str) -> str:
    """Why code of a module cannot be executed where that is to be found: the functions look elsewhere; or ""."""
    module = sys.modules.get(name)
    if type(module) is ModuleType or not isinstance(module, ModuleType) or name not in recorder.modules:
        return ""
    functions = [one for one in list(vars(module).values()) if is_a(one, FunctionType)]
    own = (one for one in functions if one.__code__.co_filename == recorder.modules[name].path)
    displaced = any(one.__globals__ is not vars(module) for one in own)
    return f"{name} has put another module in its place" if displaced else ""
