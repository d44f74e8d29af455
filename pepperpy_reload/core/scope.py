"""What names mean across modules, read from the source: which cell a chain of names is, and who reads a cell."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from pepperpy_reload.core.difference import Alignment, Fate
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.lookups import ANY
from pepperpy_reload.core.reflection import EXECUTED, SWEEPING
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Key, Place, World, qualname_of


class _Module:
    """A module's alignment with the indexes that the planner asks for, each made when it does."""

    def __init__(self, alignment: Alignment) -> None:
        self.alignment = alignment
        self.read: dict[int, set[Cell]] = {}
        """The cells that a unit reads, as far as somebody has asked."""
        self.taking: frozenset[int] | None = None
        """The units that may read names of others without saying them, as soon as somebody has asked."""

    def perhaps_saying(self, words: frozenset[str]) -> Sequence[Unit]:
        """The units that may say one of these words, and perhaps others."""
        found = self.alignment.mentioning(words)
        return self.alignment.units if found is None else [self.alignment.units[index] for index in found]

    def saying(self, words: frozenset[str]) -> Sequence[Unit]:
        """The units that may say one of these words."""
        found = self.alignment.mentioning(words)
        if found is None:
            return [unit for unit in self.alignment.units if unit.may_say(words)]
        return [self.alignment.units[index] for index in found]

    @cached_property
    def binders(self) -> dict[str, list[int]]:
        """The units that bind a name."""
        found: dict[str, list[int]] = {}
        for unit in self.alignment.units:
            for name in unit.binds:
                found.setdefault(name, []).append(unit.index)
        return found

    @cached_property
    def stars(self) -> list[int]:
        """The star imports."""
        return [unit.index for unit in self.alignment.units if unit.alias and unit.alias.bound == "*"]

    @cached_property
    def new_of_old(self) -> dict[int, int]:
        """The index of the new unit that goes with an old one."""
        return {old: new for new, old in enumerate(self.alignment.olds) if old >= 0}


class Scope:
    """The units of all modules, as the edits leave them, and the names that they bind and read."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._modules: dict[str, _Module | None] = {}
        self._canonical: dict[Cell, Cell] = {}
        self._read_in_functions: dict[str, dict[Key, set[Cell]]] = {}
        self._binding: dict[str, dict[str, list[Key]]] = {}
        """By module: the functions that bind a name of it."""
        self._meant: dict[tuple[str, Chain], tuple[Cell, Chain]] = {}
        self._modules_bound: dict[Cell, str] = {}
        self._star_readers: dict[str, Sequence[Place]] = {}

    def forget_values(self) -> None:
        """Names may hold something else than they did: what was said of them is no longer true."""
        self._meant.clear()
        self._modules_bound.clear()

    def module(self, name: str) -> _Module | None:
        """A module with its indexes; None if it is not a loaded first-party module."""
        try:
            return self._modules[name]
        except KeyError:
            alignment = self.world.alignment(name)
            self._modules[name] = None if alignment is None else _Module(alignment)
            return self._modules[name]

    def _alignment(self, name: str) -> Alignment:
        """The units of a module that is there."""
        module = self._modules.get(name) or self.module(name)
        assert module is not None
        return module.alignment

    def unit(self, place: Place) -> Unit:
        """The unit at a place."""
        return self._alignment(place[0]).units[place[1]]

    def old_index(self, place: Place) -> int:
        """The index of the old unit that goes with it, -1 if there is none."""
        return self._alignment(place[0]).olds[place[1]]

    def old_unit(self, place: Place) -> Unit:
        """The old unit that goes with it: there has to be one."""
        alignment = self._alignment(place[0])
        return alignment.old[alignment.olds[place[1]]]

    def fate(self, place: Place) -> Fate:
        """What the edit does to it."""
        return self._alignment(place[0]).fates[place[1]]

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """The modules in the order in which they were loaded."""
        return {name: rank for rank, name in enumerate(self.world.sequence())}

    def cell(self, name: str, chain: Chain) -> tuple[Cell, Chain]:
        """The cell that a chain of names in a module means, through modules bound on the way, and what is left."""
        known = self._meant.get((name, chain))
        if known is None:
            known = self._meant[name, chain] = self._find_meant(name, chain)
        return known

    def _find_meant(self, name: str, chain: Chain) -> tuple[Cell, Chain]:
        cell, rest = Cell(name, chain[0]), chain[1:]
        if chain[0].endswith(":"):  # of another module (see lookups)
            cell, rest = Cell(chain[0][:-1], rest[0] if rest else "*"), rest[1:]
        while rest:
            target = self.module_bound(cell)
            if not target:
                break
            cell, rest = Cell(target, rest[0]), rest[1:]
        return cell, rest

    def module_bound(self, cell: Cell) -> str:
        """The first-party module that a cell is bound to, by the new source, or by the live value."""
        known = self._modules_bound.get(cell)
        if known is None:
            known = self._modules_bound[cell] = self._find_module_bound(cell)
        return known

    def _find_module_bound(self, cell: Cell) -> str:
        held = self.world.module_held(cell)
        return self._module_by_source(cell) if held is None else held

    def _module_by_source(self, cell: Cell) -> str:
        module = self.module(cell.module)
        binders = module.binders.get(cell.name, []) if module else []
        aliases = {module.alignment.units[index].alias for index in binders} if module else set()
        for alias in aliases - {None}:
            assert alias is not None
            is_one = not alias.name or self.world.module_value(Cell(alias.module, alias.name))
            if is_one and self.world.knows(alias.target):
                return alias.target
        return self.world.module_value(cell)

    def canonical(self, cell: Cell) -> Cell:
        """Where the object that a cell holds was first bound: back along from-imports and plain aliases."""
        if cell not in self._canonical:
            self._canonical[cell] = self._first_bound(cell)
        return self._canonical[cell]

    def _first_bound(self, cell: Cell) -> Cell:
        seen = set()
        while cell not in seen:
            seen.add(cell)
            module = self.module(cell.module)
            if module is None:
                break
            binders = module.binders.get(cell.name, [])
            units = [module.alignment.units[index] for index in binders]
            if not units:
                stars = [module.alignment.units[index].alias for index in module.stars]
                sources = [Cell(alias.module, cell.name) for alias in stars if alias is not None]
                cell = next((source for source in sources if self._is_bound(source)), cell)
            elif len(units) == 1 and units[0].alias is not None and units[0].alias.name:
                source = Cell(units[0].alias.module, units[0].alias.name)
                cell = source if self._is_bound(source) else cell
            elif len(units) == 1 and units[0].same_as:
                cell = Cell(cell.module, units[0].same_as)
        return cell

    def _is_bound(self, cell: Cell) -> bool:
        module = self.module(cell.module)
        return module is not None and (cell.name in module.binders or bool(module.stars))

    def binders(self, cell: Cell) -> list[Place]:
        """The units that bind a cell, themselves or through a function that they ran."""
        module = self.module(cell.module)
        if module is None:
            return []
        found = [Place(cell.module, index) for index in module.binders.get(cell.name, ())]
        keys = self._binding[cell.module] if cell.module in self._binding else self._binders_in(cell.module)
        for key in keys.get(cell.name, ()) if keys else ():
            found += [place for place in self.runners(key) if place not in found]
        return found

    def is_as_bound(self, cell: Cell) -> bool:
        """Whether a cell holds the constant that its one statement gives it: no function has come to bind it."""
        module = self.module(cell.module)
        units = [unit for unit in module.alignment.old if cell.name in unit.binds] if module is not None else []
        if len(units) != 1 or units[0].kind is not Kind.OTHER:
            return False
        match units[0].statement.node:
            case ast.Assign(targets=[ast.Name()], value=ast.Constant(value=value)):
                return self.world.holds(cell, value)
            case ast.AnnAssign(target=ast.Name(), value=ast.Constant(value=value)):
                return self.world.holds(cell, value)
        return False

    def stars(self, cell: Cell) -> list[Place]:
        """The star imports in the cell's module that may bind it."""
        module = self.module(cell.module)
        return [Place(cell.module, index) for index in module.stars] if module else []

    def star_readers(self, cell: Cell) -> Iterable[Place]:
        """The star imports that may take a cell: of all that reads its module as a whole, these are found at once."""
        name = cell.module
        if name not in self._star_readers:
            whole = Cell(name, "*")
            found = [star for other in self.world.reading(whole) for star in self.stars(Cell(other, "*"))]
            taking = [star for star in found if (alias := self.unit(star).alias) is not None and alias.module == name]
            given = [place for place in self._fetched.get(whole, ()) if place in self.stars(Cell(place.module, "*"))]
            self._star_readers[name] = [*taking, *given]
        return self._star_readers[name]

    def readers(self, cell: Cell) -> Iterable[Place]:
        """The units that read a cell when they are executed themselves, not in the functions that they call."""
        words = self.world.names_of(cell.module) if cell.name == "*" else frozenset[str]()
        for name in self.world.reading(cell):
            module = self.module(name)
            if module is not None:
                found = (
                    module.perhaps_saying(frozenset({cell.name}))
                    if cell.name != "*"
                    else self._takers(name, module, words | SWEEPING)
                )
                for one in found:
                    if (cell.name == "*" or one.may_name(cell.name)) and cell in self._read_by(name, module, one):
                        yield Place(name, one.index)
        yield from self._fetched.get(cell, ())

    @cached_property
    def _fetched(self) -> Mapping[Cell, Sequence[Place]]:
        return self.world.fetched()

    def _takers(self, name: str, module: _Module, words: frozenset[str]) -> Sequence[Unit]:
        """The units that may read any name of a module which is held as one of `words`."""
        saying = module.saying(words)
        others = self._taking(name, module).difference(unit.index for unit in saying)
        if not others:
            return saying
        return sorted((*saying, *(module.alignment.units[index] for index in others)), key=lambda unit: unit.index)

    def _taking(self, name: str, module: _Module) -> frozenset[int]:
        if module.taking is None:
            units = module.alignment.units
            module.taking = frozenset(unit.index for unit in units if self._takes_any(name, unit))
        return module.taking

    def _takes_any(self, name: str, unit: Unit) -> bool:
        """Whether it takes names of other modules without saying them, or has loaded modules by their names."""
        if "*" in (alias.name for alias in (unit.alias, *unit.imports) if alias):
            return True
        old = self.old_index(Place(name, unit.index))
        return old >= 0 and bool(self.world.imported_by(name, old))

    def _read_by(self, name: str, module: _Module, unit: Unit) -> set[Cell]:
        """The cells that a unit reads by itself; asked for again and again."""
        if unit.index not in module.read:
            module.read[unit.index] = self._find_read(name, unit)
        return module.read[unit.index]

    def _find_read(self, name: str, unit: Unit) -> set[Cell]:
        if unit.alias is not None:
            return {Cell(unit.alias.module, unit.alias.name)} if unit.alias.name else set()
        found = self.cells(name, unit.reads | self.looked_up(name, unit))
        found |= {Cell(alias.module, alias.name) for alias in unit.imports if alias.name}
        if self.opacity(name, unit):
            found.add(Cell(name, "*"))
        old = self.old_index(Place(name, unit.index))
        return found | {Cell(imported, "*") for imported in (self.world.imported_by(name, old) if old >= 0 else ())}

    def opacity(self, name: str, unit: Unit) -> str:
        """Why a unit cannot be executed alone, or "": it may ask for modules, or names, that are nobody's here."""
        if unit.opaque and unit.entries and all(map(self.world.is_of_a_library, unit.entries)):
            return ""
        if unit.opaque and unit.listed and all(self.world.is_a_library(name, one) for one in unit.listed):
            return ""
        return unit.opaque

    def looked_up(self, name: str, unit: Unit) -> frozenset[Chain]:
        """The names in a unit's annotations that are text, if somebody may look them up while it is executed."""
        old = self.old_index(Place(name, unit.index)) if unit.texts else -1
        asked = [text.names for text in unit.texts if self.world.look_up(name, text.heads, old)]
        return frozenset(chain for names in asked for chain in names if chain[0] not in unit.binds)

    def looks_up_itself(self, name: str, unit: Unit) -> bool:
        """Whether somebody may look up, while a unit is executed, what it binds itself, as nothing does before it."""
        texts = unit.naming_itself
        old = self.old_index(Place(name, unit.index)) if texts else -1
        return any(self.world.look_up(name, text.heads, old, itself=True) for text in texts)

    def cells(self, name: str, chains: Iterable[Chain]) -> set[Cell]:
        """The cells that chains mean, each with the cells on its way that hold no first-party module."""
        found: set[Cell] = set()
        for chain in chains:
            if chain == ANY:
                found.update(Cell(one, "*") for one in self.world.sequence() if self.world.has_imported(name, one))
            cell, rest = self.cell(name, chain)
            found.add(cell)
            found.add(Cell(name, chain[0]))
            if target := self.module_bound(cell):
                found.add(Cell(target, "*"))  # a module as a whole is passed about: any name of it may be read
            if cell.name == "__dict__" or "__globals__" in rest:
                found.add(Cell(cell.module, "*"))
        return found

    def callers(self, cell: Cell) -> Iterable[tuple[Place, Key]]:
        """The units that ran a function which reads a cell, each with the function."""
        return self._callers_in(self.world.mentioning(cell), cell)

    def _callers_in(self, names: Iterable[str], cell: Cell) -> Iterator[tuple[Place, Key]]:
        """Those that ran such functions of some modules."""
        whole = Cell(cell.module, "*")
        saying = self.world.names_of(cell.module) | SWEEPING | {cell.name}
        for name in names:
            for key, facts in self.world.functions(name, saying).items():
                read = self._read_in_function(name, key, facts)
                if cell in read or whole in read:
                    apart = facts.executes and self._read_apart(name, key, facts).isdisjoint((cell, whole))
                    for place in self.runners(key):
                        if not (apart and self.executes_apart(place, key)):
                            yield place, key

    def _read_in_function(self, name: str, key: Key, facts: FunctionFacts) -> set[Cell]:
        """The cells that a function of a module reads; any name of it is the cell `*`."""
        known = self._read_in_functions.setdefault(name, {})
        if key not in known:
            known[key] = self._find_read_in_function(name, facts)
        return known[key]

    def _find_read_in_function(self, name: str, facts: FunctionFacts) -> set[Cell]:
        local = {alias.bound: alias for alias in facts.imports}
        cells = self.cells(name, (chain for chain in facts.reads if chain[0] not in local))
        cells |= {Cell(alias.module, alias.name) for alias in facts.imports if alias.name}
        if facts.opaque:
            cells.add(Cell(name, "*"))
        return cells

    def _read_apart(self, name: str, key: Key, facts: FunctionFacts) -> set[Cell]:
        """Those that a function reads if the code that it has executed sees no module."""
        known = self._read_in_functions.setdefault(f"{name}:", {})
        if key not in known:
            facts = replace(facts, reads=facts.reads - {ANY}, opaque="", executes=False)
            known[key] = self._find_read_in_function(name, facts)
        return known[key]

    def executes_apart(self, place: Place, key: Key) -> bool:
        """Whether a unit has run a function itself, and no code that was executed meanwhile has seen a module."""
        ran = self.world.ran(place.module, self.old_index(place))
        return key in ran and not any(qualname_of(one) == EXECUTED for one in ran)

    def _binders_in(self, name: str) -> dict[str, list[Key]]:
        if name not in self._binding:
            self._binding[name] = {}
            for key, facts in self.world.binding(name).items() if self.world.knows(name) else ():
                for bound in facts.binds:
                    if not self.is_as_bound(Cell(name, bound)):
                        self._binding[name].setdefault(bound, []).append(key)
        return self._binding[name]

    def runners(self, key: Key) -> Iterator[Place]:
        """The units that ran a function while they were executed."""
        for name, old in self.world.runners(key):
            module = self.module(name)
            if module is not None and old in module.new_of_old:
                yield Place(name, module.new_of_old[old])
