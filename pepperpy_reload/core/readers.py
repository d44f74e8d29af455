"""Who uses a cell under whatever name, who runs a function, and what a unit reads and binds when it is executed."""

from __future__ import annotations

from collections.abc import Iterator

from pepperpy_reload.core.computing import is_plain
from pepperpy_reload.core.concordance import Concordance
from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.effects import Chain, Depth
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Cell, Key, Place, World

_PREDICTED = 200  # functions looked at for one new statement
_NOTHING: dict[Cell, Depth] = {}
_LIST = "__all__"
"""What no star import takes."""
_HOOKS = frozenset({"__init_subclass__", "__set_name__"})
"""What a class statement calls by itself, and gives the class."""


class Readers(Concordance):
    """What the units of a scope read, and who is concerned by what."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.keys: dict[str, tuple[object, ...]] = {}
        """Where a cold start begins each module, if the edits change that."""
        self._reached: dict[Key, tuple[set[Key], set[Cell]]] = {}
        self._cached: dict[Key, list[Cell]] | None = None
        self._asked: set[Key] = set()
        self._readers: dict[Cell, list[Place]] = {}
        self._callers: dict[Cell, list[tuple[Place, Key]]] = {}
        self._users: dict[Cell, list[Place]] = {}
        self._called: dict[tuple[Cell, Chain], list[Key]] = {}
        self._plain: dict[Place, bool] = {}

    def forget_values(self) -> None:
        """Names may hold something else than they did: what was said of them is no longer true."""
        super().forget_values()
        self._called.clear()
        self._plain.clear()

    def is_plain(self, place: Place) -> bool:
        """Whether a unit is as it was, has run nothing, and only takes a name over or computes something of atoms.

        To put modules somewhere is no more than that.

        It has changed no object of anybody, will not, and nobody can have changed what it reads.
        """
        known = self._plain.get(place)
        if known is None:
            known = self._plain[place] = self._find_plain(place)
        return known

    def _find_plain(self, place: Place) -> bool:
        module = self.module(place.module)
        if module is None or module.alignment.fates[place.index] is not Fate.SAME:
            return False
        unit = module.alignment.units[place.index]
        if unit.alias is not None:
            if unit.alias.bound == "*":
                return False
        elif not is_plain(unit) or not all(self._is_plain_value(place.module, chain) for chain in unit.reads):
            return False
        return not self.world.ran(place.module, module.alignment.olds[place.index])

    def _is_plain_value(self, name: str, chain: Chain) -> bool:
        cell, rest = self.cell(name, chain)
        return self.world.holds_atom(cell) or (not rest and bool(self.module_bound(cell)))

    def callees(self, cell: Cell, rest: Chain) -> list[Key]:
        """The functions that calling a value would run first; asked for again and again."""
        known = self._called.get((cell, rest))
        if known is None:
            known = self._called[cell, rest] = list(self.world.callees(cell, rest))
        return known

    def order(self, place: Place) -> tuple[object, ...]:
        """When a cold start executes the unit."""
        return (*self.begins(place.module), place.index)

    def is_during(self, module: str, place: Place) -> bool:
        """Whether a cold start runs a module while it executes a unit, which has done other things before.

        By `order` it comes before the unit, as what an import statement loads does.
        """
        if self.unit(place).alias is not None or not self.unit(place).imports:
            return False
        begin = (*self.begins(place.module), place.index - 0.5)
        return self.begins(module)[: len(begin)] == begin

    def begins(self, module: str) -> tuple[object, ...]:
        """When a cold start begins to run a module."""
        return self.keys.get(module) or self.world.order(module)

    def readers(self, cell: Cell) -> list[Place]:
        """The units that read a cell when they are executed themselves; asked for again and again."""
        if cell not in self._readers:
            self._readers[cell] = list(super().readers(cell))
        return self._readers[cell]

    def callers(self, cell: Cell) -> list[tuple[Place, Key]]:
        """The units that ran a function which reads a cell, each with the function; likewise."""
        if cell not in self._callers:
            self._callers[cell] = list(super().callers(cell))
        return self._callers[cell]

    def users(self, cell: Cell) -> list[Place]:
        """The units that read a cell, under whatever name, themselves or through what they call."""
        if cell not in self._users:
            self._users[cell] = list(dict.fromkeys(self._find_users(cell)))
        return self._users[cell]

    def _find_users(self, cell: Cell) -> Iterator[Place]:
        waiting, seen = [cell], {cell}
        while waiting:
            one = waiting.pop()
            for place in self.readers(one):
                unit = self.unit(place)
                if unit.alias is None and not unit.same_as:
                    yield place
                    continue
                for name in unit.binds:
                    other = Cell(place.module, name)
                    if other not in seen:
                        seen.add(other)
                        waiting.append(other)
            for star in self.star_readers(one):
                other = Cell(star.module, one.name)
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
            yield from (place for place, _ in self.callers(one))

    def runners(self, key: Key) -> Iterator[Place]:
        """The units that ran a function while they were executed, or were given what a cache had kept of its run."""
        yield from super().runners(key)
        if key not in self._asked:  # one that calls itself
            self._asked.add(key)
            for cell in self._caches_over(key):
                yield from (place for place in list(self.users(cell)) if self._calls(place, self.canonical(cell)))
            self._asked.discard(key)

    def _caches_over(self, key: Key) -> list[Cell]:
        if self._cached is None:
            self._cached = {}
            for cell, cached in self.world.caches():
                for inner in self.reached(cached)[0] if any(True for _ in self.world.runners(cached)) else ():
                    self._cached.setdefault(inner, []).append(cell)
        return self._cached.get(key, [])

    def _calls(self, place: Place, cell: Cell) -> bool:
        return any(self.canonical(self.cell(home, chain)[0]) == cell for home, chain in self.chains_called(place))

    def reached(self, key: Key) -> tuple[set[Key], set[Cell]]:
        """The functions that calling one may run, itself too, as far as names tell, and the cells that they read."""
        if key not in self._reached:
            keys, cells = self._reached[key] = {key}, set()
            waiting = [key]
            while waiting and len(keys) < _PREDICTED:
                known = self.world.facts(waiting.pop())
                for chain in known[1].reads if known is not None else ():
                    cell, rest = self.cell(known[0], chain)  # type: ignore[index]
                    cells |= {cell, Cell(known[0], chain[0])}  # type: ignore[index]
                    new = set(self.callees(cell, rest)) - keys
                    keys |= new
                    waiting.extend(new)
        return self._reached[key]

    def finds(self, star: Place, name: str) -> bool:
        """Whether a star import finds a name bound when its turn comes in a cold start, or nobody knows who binds it.

        It is not there yet if the imported module is half-way, or if it is a submodule that is loaded later.
        """
        return self._found(star, name, {star}) is not False

    def takes(self, star: Place, name: str) -> bool:
        """Whether a star import may take a name, or may have taken it: not if it comes too early, now as before."""
        return self.took(star, name) or self.finds(star, name)

    def may_take(self, star: Place, name: str) -> bool:
        """The same of a name that the imported module binds, as far as its source tells."""
        alias = self.unit(star).alias
        return alias is not None and name in self.offered(alias.module) and self.takes(star, name)

    def took(self, star: Place, name: str) -> bool:
        """Whether a star import may have found a name in the start: what it takes from may have been half-way."""
        alias = self.unit(star).alias
        under_way = self.under_way(star, alias.module) if alias is not None else None
        if alias is None or under_way is None or self._was_there(star, f"{alias.module}.{name}"):
            return True
        if name in self._binders_in(alias.module) or any(True for _ in self.world.setting(Cell(alias.module, name))):
            return True
        once = self._alignment(alias.module).old[:under_way]
        return any(name in unit.binds or (name != _LIST and _is_star(unit)) for unit in once)

    def _was_there(self, place: Place, submodule: str) -> bool:
        """Whether a submodule is one, and had been executed to its end before a unit was: then its package had it."""
        if not self.world.knows(submodule):
            return False
        turn = (*self.world.order(place.module), self.old_index(place))
        return _is_past(self.world.order(submodule), turn)

    def under_way(self, star: Place, other: str) -> int | None:
        """The old unit of another module that was under way when a unit was executed; None if that is not known."""
        known: tuple[str, int] | None = (star.module, self.old_index(star))
        passed: set[str] = set()
        while known is not None and known[0] not in passed and known[1] >= 0:
            if known[0] == other:
                return known[1]
            passed.add(known[0])
            known = self.world.trigger(known[0])
        return None

    def star_readers(self, cell: Cell) -> Iterator[Place]:
        """The star imports that may take a cell."""
        return (star for star in super().star_readers(cell) if self.takes(star, cell.name))

    def _found(self, star: Place, name: str, seen: set[Place]) -> bool | None:
        alias = self.unit(star).alias
        assert alias is not None
        cell, turn = Cell(alias.module, name), self.order(star)
        found = [self.order(place) < turn for place in self.binders(cell)]
        if self.module(f"{cell.module}.{name}") is not None:
            found.append(self.is_through(f"{cell.module}.{name}", turn))
        for other in self.stars(cell) if name != _LIST else ():
            if other not in seen and (inner := self._found(other, name, seen | {other})) is not None:
                found.append(inner and self.order(other) < turn)
        return any(found) if found else None

    def is_through(self, module: str, time: tuple[object, ...]) -> bool:
        """Whether a module has been executed to its end by that time: only then its package has it as an attribute."""
        return _is_past(self.begins(module), time)

    def absent(self, place: Place) -> Iterator[Cell]:
        """The submodules that a unit reads as attributes, and would not find in its turn in a cold start."""
        turn = self.order(place)
        for home, chain in self.chains_read(place):
            cell, rest = Cell(home, chain[0]), chain[1:]
            while rest and (package := self.module_bound(cell)):
                cell, rest = Cell(package, rest[0]), rest[1:]
                submodule = f"{package}.{cell.name}"
                if self.module(submodule) is not None and not self.binders(cell):
                    yield from () if self.is_through(submodule, turn) else (cell,)

    def passing(self, cell: Cell) -> Iterator[Place]:
        """The units of other modules that read through a cell that holds a module, or ran a function which does."""
        for name in self.world.mentioning(cell):
            module = self.module(name)
            if module is None or name == cell.module:
                continue
            for unit in module.saying(frozenset((cell.name,))):
                if any(self._passes(name, chain, cell) for chain in unit.reads):
                    yield Place(name, unit.index)
            for key, facts in self.world.functions(name, frozenset((cell.name,))).items():
                if any(self._passes(name, chain, cell) for chain in facts.reads):
                    yield from self.runners(key)

    def _passes(self, home: str, names: Chain, through: Cell) -> bool:
        cell, rest = Cell(home, names[0]), names[1:]
        while cell != through and rest and (package := self.module_bound(cell)):
            cell, rest = Cell(package, rest[0]), rest[1:]
        return cell == through

    def unfound(self, star: Place) -> list[str]:
        """The names of a module that a star import does not find there, as they are bound later in a cold start."""
        alias = self.unit(star).alias
        assert alias is not None
        below = (name.rpartition(".") for name in self.world.sequence())
        names = self.offered(alias.module) | {last for package, _, last in below if package == alias.module}
        return sorted(name for name in names if not self.finds(star, name))

    def offered(self, source: str) -> set[str]:
        """The names that a star import may take from a module, or might have taken before the edits."""
        names: set[str] = set()
        waiting, seen = [source], {source}
        while waiting:
            module = self.module(waiting.pop())
            for unit in [*module.alignment.units, *module.alignment.gone] if module is not None else ():
                names |= unit.binds
                if unit.alias is not None and unit.alias.bound == "*" and unit.alias.module not in seen:
                    seen.add(unit.alias.module)
                    waiting.append(unit.alias.module)
        return names

    def read_in_module(self, name: str, old: int) -> set[str]:
        """The names of its own module that an old unit read, itself or through the functions that it ran."""
        module = self.module(name)
        assert module is not None
        found = {chain[0] for chain in module.alignment.old[old].reads}
        for key in self.world.ran(name, old):
            known = self.world.facts(key)
            if known is not None and known[0] == name:
                found.update(chain[0] for chain in known[1].reads)
        return found

    def chains_read(self, place: Place) -> Iterator[tuple[str, Chain]]:
        """What a unit reads when it is executed, itself or in functions that it ran, each with the module it is in."""
        yield from ((place.module, chain) for chain in self.unit(place).reads)
        for home, facts in self._run_by(place):
            yield from ((home, chain) for chain in facts.reads)

    def chains_called(self, place: Place) -> Iterator[tuple[str, Chain]]:
        """What a unit calls when it is executed, likewise."""
        yield from ((place.module, chain) for chain in self.unit(place).called)
        for home, facts in self._run_by(place):
            yield from ((home, chain) for chain in facts.called)

    def _run_by(self, place: Place) -> Iterator[tuple[str, FunctionFacts]]:
        """The functions that a unit has run, each with the module it is in."""
        old = self.old_index(place)
        known = (self.world.facts(key) for key in self.world.ran(place.module, old)) if old >= 0 else ()
        return (one for one in known if one is not None)

    def read_when_executed(self, place: Place) -> set[Cell]:
        """What it reads as cells, each with the name that its chain begins with."""
        found = {cell for home, chain in self.chains_read(place) for cell in self._on_the_way(home, chain)}
        found.update(Cell(one.module, one.name) for _, facts in self._run_by(place) for one in facts.imports)
        return found | self.read_by_itself(place)

    def read_by_itself(self, place: Place) -> set[Cell]:
        """Those that it reads without a function."""
        unit = self.unit(place)
        found = {cell for chain in unit.reads for cell in self._on_the_way(place.module, chain)}
        return found | {Cell(alias.module, alias.name) for alias in (unit.alias, *unit.imports) if alias is not None}

    def _on_the_way(self, home: str, chain: Chain) -> tuple[Cell, Cell]:
        return Cell(home, chain[0]), self.cell(home, chain)[0]

    def bound_in_functions(self, name: str, old: int) -> set[Cell]:
        """The cells that an old unit bound through the functions that it ran."""
        return {cell for cell in self._bindable(name, old) if not self.is_as_bound(cell)}

    def left_unbound(self, name: str, old: int) -> set[Cell]:
        """Those that these functions may bind, and have not."""
        return {cell for cell in self._bindable(name, old) if self.is_as_bound(cell)}

    def _bindable(self, name: str, old: int) -> set[Cell]:
        known = (self.world.facts(key) for key in self.world.ran(name, old))
        return {Cell(found[0], bound) for found in known if found is not None for bound in found[1].binds}


def _is_star(unit: Unit) -> bool:
    return unit.alias is not None and unit.alias.bound == "*"


def _is_past(begin: tuple[object, ...], time: tuple[object, ...]) -> bool:
    """Whether a module that begins then has been executed to its end by that time."""
    return begin < time and time[: len(begin)] != begin
