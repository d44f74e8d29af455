"""The traces that units leave: whose objects they change, and who uses a cell under whatever name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from pepperpy_reload.core.computing import is_plain
from pepperpy_reload.core.concordance import Concordance
from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.effects import Chain, Depth, Mutation
from pepperpy_reload.core.operators import Known, foreseen, operated
from pepperpy_reload.core.setters import set_by
from pepperpy_reload.core.stores import computes_arguments
from pepperpy_reload.core.unit import FunctionFacts, Kind, Unit, read_otherwise
from pepperpy_reload.core.world import Cell, Key, Place, World, qualname_of

_PREDICTED = 200  # functions looked at for one new statement
_NOTHING: dict[Cell, Depth] = {}
_HOOKS = frozenset({"__init_subclass__", "__set_name__"})
"""What a class statement calls by itself, and gives the class."""


class Traces(Concordance):
    """What the units of a scope change beyond their own names."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.keys: dict[str, tuple[object, ...]] = {}
        """Where a cold start begins each module, if the edits change that."""
        self._reached: dict[Key, tuple[set[Key], set[Cell]]] = {}
        self._cached: dict[Key, list[Cell]] | None = None
        self._asked: set[Key] = set()
        self._mutated: dict[tuple[Place, bool], dict[Cell, Depth]] = {}
        self._presumed: dict[Place, set[Cell]] = {}
        self._stored: dict[int, tuple[Unit, set[Cell]]] = {}
        self._readers: dict[Cell, list[Place]] = {}
        self._callers: dict[Cell, list[tuple[Place, Key]]] = {}
        self._users: dict[Cell, list[Place]] = {}
        self._called: dict[tuple[Cell, Chain], list[Key]] = {}
        self._predicted: dict[tuple[str, int], set[Key]] = {}
        self._plain: dict[Place, bool] = {}

    def forget_values(self) -> None:
        """Names may hold something else than they did: what was said of them is no longer true."""
        super().forget_values()
        self._called.clear()
        self._predicted.clear()
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
        old = self.old_index(place)
        known = [self.world.facts(key) for key in self.world.ran(place.module, old)] if old >= 0 else []
        chains = [(place.module, self.unit(place).called), *((one[0], one[1].called) for one in known if one)]
        return any(self.canonical(self.cell(home, chain)[0]) == cell for home, called in chains for chain in called)

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

    def _found(self, star: Place, name: str, seen: set[Place]) -> bool | None:
        alias = self.unit(star).alias
        assert alias is not None
        cell, turn = Cell(alias.module, name), self.order(star)
        found = [self.order(place) < turn for place in self.binders(cell)]
        if self.module(f"{cell.module}.{name}") is not None:
            found.append(self.is_through(f"{cell.module}.{name}", turn))
        for other in self.stars(cell):
            if other not in seen and (inner := self._found(other, name, seen | {other})) is not None:
                found.append(inner and self.order(other) < turn)
        return any(found) if found else None

    def is_through(self, module: str, time: tuple[object, ...]) -> bool:
        """Whether a module has been executed to its end by that time: only then its package has it as an attribute."""
        begin = self.begins(module)
        return begin < time and time[: len(begin)] != begin

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

    def mutated(self, place: Place, *, old: bool) -> dict[Cell, Depth]:
        """The cells of others whose objects a unit changes: as it was, or as it is going to be."""
        known = (place, old)
        if known not in self._mutated:
            if self.is_plain(place):  # see there: what it reads is no iterator either, which it would use up
                return _NOTHING
            index = self.old_index(place)
            if old and index < 0:
                return {}
            module = self.module(place.module)
            assert module is not None
            unit = module.alignment.old[index] if old else module.alignment.units[place.index]
            if not old and self.fate(place) is Fate.SAME and unit is module.alignment.old[index]:
                return self.mutated(place, old=True)
            changed = not old and self.fate(place) is Fate.CHANGED
            ran = self.foreseen(place) if changed else None
            told = self._presumed.setdefault(place, set()) if changed or (index < 0 and not old) else None
            self._mutated[known] = self.mutated_by(place.module, unit, -1 if changed else index, ran, told)
        return self._mutated[known]

    def presumed(self, place: Place) -> Collection[Cell]:
        """The classes that a unit may change by making an heir of them; it is presumed that it leaves them as they are.

        That has to be seen when it is executed.
        """
        if self.fate(place) in (Fate.NEW, Fate.CHANGED):
            self.mutated(place, old=False)
        return self._presumed.get(place, ())

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
        old = self.old_index(place)
        for key in self.world.ran(place.module, old) if old >= 0 else ():
            known = self.world.facts(key)
            if known is not None:
                yield from ((known[0], chain) for chain in known[1].reads)

    def chains_called(self, place: Place) -> Iterator[tuple[str, Chain]]:
        """What a unit calls when it is executed, likewise."""
        yield from ((place.module, chain) for chain in self.unit(place).called)
        old = self.old_index(place)
        for key in self.world.ran(place.module, old) if old >= 0 else ():
            known = self.world.facts(key)
            if known is not None:
                yield from ((known[0], chain) for chain in known[1].called)

    def read_when_executed(self, place: Place) -> set[Cell]:
        """The same as cells, each with the name that its chain begins with."""
        found = {cell for home, chain in self.chains_read(place) for cell in self._on_the_way(home, chain)}
        old = self.old_index(place)
        for key in self.world.ran(place.module, old) if old >= 0 else ():
            known = self.world.facts(key)
            found |= {Cell(alias.module, alias.name) for alias in known[1].imports} if known is not None else set()
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

    def stored_by(self, name: str, unit: Unit) -> set[Cell]:
        """The objects of which a unit itself sets attributes or items: functions and classes are among them."""
        known = self._stored.get(id(unit))
        if known is None:
            known = self._stored[id(unit)] = (unit, self._find_stored(name, unit, self._ran_by(name, unit)))
        return known[1]

    def _ran_by(self, name: str, unit: Unit) -> frozenset[Key]:
        """The functions that an old or a new unit has run; each is known by its place among its own."""
        module = self.module(name)
        units = module.alignment.units if module is not None else ()
        is_new = unit.index < len(units) and units[unit.index] is unit
        old = self.old_index(Place(name, unit.index)) if is_new else unit.index
        return self.world.ran(name, old) if old >= 0 else frozenset()

    def going_to_store(self, place: Place) -> set[Cell]:
        """The same for a new or changed unit and the functions that it may run."""
        return self._find_stored(place.module, self.unit(place), self.foreseen(place))

    def _find_stored(self, name: str, unit: Unit, ran: Iterable[Key]) -> set[Cell]:
        stores = [(name, mutation) for mutation in unit.mutations]
        for key in ran:
            known = self.world.facts(key)
            stores += [(known[0], mutation) for mutation in known[1].mutations] if known is not None else []
        chains = ((home, mutation.chain) for home, mutation in stores if mutation.depth is not Depth.CALL)
        cells = {self.canonical(self.cell(home, chain)[0]) for home, chain in chains}
        return {cell for cell in cells if not self.module_bound(cell)} - {Cell(name, bound) for bound in unit.binds}

    def set_on_modules(self, name: str, unit: Unit, old: int) -> set[Cell]:
        """The names of modules that a unit binds as attributes of these, itself or through functions that it runs.

        `old` is the index by which its footprint is known, -1 if it has none.
        """
        own = (self.cell(name, chain) for chain in unit.sets if len(chain) > 1)
        found = {cell for cell, rest in own if not rest and self.module(cell.module) is not None}
        for key in self.world.ran(name, old) if old >= 0 else self.predicted(name, unit):
            known = self.world.facts(key)
            found |= set_by(self, known[0], known[1]) if known is not None else set()
        return found

    def mutated_by(
        self, name: str, unit: Unit, old: int, soon: set[Key] | None = None, presumed: set[Cell] | None = None
    ) -> dict[Cell, Depth]:
        """The same for any unit; `old` is the index by which its footprint is known, -1 if it has none.

        Classes that all heirs have left alone until now are told in `presumed` instead.
        """
        told: dict[Cell, Depth] = {}
        found: dict[Cell, Depth] = {}
        self._add_mutations(found, name, unit.mutations)
        self._add_used_up(found, name, unit.reads if not unit.same_as else ())
        ran = self.world.ran(name, old) if old >= 0 else self.predicted(name, unit) if soon is None else soon
        is_told = unit.kind is Kind.CLASS and (unit.decorated or self._is_told(name, unit, ran, old))
        every = {key: known for key in ran if (known := self.world.facts(key)) is not None}
        if every or old < 0:
            for home, change in (foreseen if old < 0 else operated)(self, name, unit, every):
                self._add_mutations(found, home, [change])
        for key, known in every.items():
            changes = (self._certain(one, known[0], name, unit, every) for one in known[1].mutations)
            self._add_mutations(found, known[0], changes)
            self._add_used_up(found, known[0], known[1].reads)
            if known[1].reached or known[1].set_on_first:
                state = self.world.class_state(key, known[1])
                told.update({self.canonical(cell): Depth.CALL for cell in state})
            if known[1].keeps_state:
                found.update({self.canonical(cell): Depth.CALL for cell in self.world.keepers(key)})
            if known[1].completes:
                given = [one.chain for one in unit.mutations if not one.called]
                made = [one for one in given if self.world.is_made_by_a_library(self.cell(name, one)[0])]
                self._add_mutations(found, name, [Mutation(one, Depth.HARD) for one in made])
            if known[1].reaches_through and is_told:
                self._add_mutations(told, name, [Mutation(base, Depth.HARD) for base in unit.bases])
        self._add_told(found, told, name, presumed)
        own = {self.canonical(Cell(name, bound)) for bound in unit.binds}
        changed = {
            cell: depth
            for cell, depth in found.items()
            if cell not in own and not (old >= 0 and self.world.was_left_alone(cell, name))
        }
        names = frozenset().union(*(known[1].reached for known in every.values()))
        for cell in [cell for cell, depth in changed.items() if depth is Depth.CALL] if names else ():
            changed.update(dict.fromkeys(self._lenders(cell, names) - own - changed.keys(), Depth.CALL))
        return changed

    def _certain(
        self, change: Mutation, home: str, name: str, unit: Unit, every: Mapping[Key, tuple[str, FunctionFacts]]
    ) -> Mutation:
        """What a function of module `home` does that a unit calls; who may set another item then does more than set.

        It is another if something under whose name it has been set is another by now, or what is computed for it.
        """
        if not change.key or change.depth is not Depth.STORE:
            return change
        cell, rest = self.cell(home, change.chain)
        chains = {(name, chain) for chain in (*unit.reads, *((bound,) for bound in unit.binds))}
        chains |= {(module, chain) for module, facts in every.values() for chain in facts.reads}
        ends = (self.cell(module, chain) for module, chain in chains)
        is_other = computes_arguments(unit.statement.node) or any(
            self.world.is_key(cell, rest, one, (*inner, *change.key[1:])) for one, inner in ends
        )
        return replace(change, depth=Depth.CALL) if is_other else change

    def _add_told(
        self, found: dict[Cell, Depth], told: Mapping[Cell, Depth], name: str, presumed: set[Cell] | None
    ) -> None:
        """Add the classes that a unit of module `name` may change by making heirs of them."""
        if presumed is not None:
            presumed |= {cell for cell in told.keys() - found.keys() if self.world.was_left_alone(cell, name)}
        for cell in told.keys() - (presumed or set()):
            found[cell] = max(found.get(cell, Depth.STORE), told[cell])

    def _lenders(self, cell: Cell, names: Collection[str]) -> set[Cell]:
        """Who has made what the cell's object has as attributes: where its own maker found that."""
        around = {self.canonical(one) for one in self.world.having_parts(cell, names)} - {cell}
        return around & self._found_by_maker(cell) if around else around

    def _found_by_maker(self, cell: Cell) -> set[Cell]:
        """The cells that whoever made a cell's object has read; the bases of a class are read with it."""
        waiting = [one for place in self.binders(cell) for one in self.read_when_executed(place)]
        found: set[Cell] = set()
        while waiting:
            one = self.canonical(waiting.pop())
            if one not in found:
                found.add(one)
                classes = (place for place in self.binders(one) if self.unit(place).kind is Kind.CLASS)
                bases = [(place.module, base) for place in classes for base in self.unit(place).bases]
                waiting += [self.cell(home, base)[0] for home, base in bases]
        return found

    def changed_by(self, name: str, facts: FunctionFacts) -> set[Cell]:
        """The cells whose objects a function of module `name` changes."""
        found: dict[Cell, Depth] = {}
        self._add_mutations(found, name, facts.mutations)
        return set(found)

    def changed_by_operators(self, name: str, unit: Unit, ran: Mapping[Key, Known]) -> set[Cell]:
        """The cells whose objects a unit of module `name` has changed, as these functions ran, without a call."""
        found: dict[Cell, Depth] = {}
        for home, change in operated(self, name, unit, ran):
            self._add_mutations(found, home, [change])
        return found.keys() - {self.canonical(Cell(name, bound)) for bound in unit.binds}

    def _is_told(self, name: str, unit: Unit, ran: Iterable[Key], old: int) -> bool:
        """Whether a class statement gives the class, and with it its bases, to functions by itself."""
        heirs = {key for base in unit.bases for key in self.world.told_of_heirs(*self.cell(name, base))}
        return bool(heirs if old < 0 else heirs.intersection(ran)) or not _HOOKS.isdisjoint(map(_last_name, ran))

    def running(self, place: Place) -> Collection[Key]:
        """The functions that a unit has run, or is going to."""
        if self.fate(place) in (Fate.NEW, Fate.CHANGED):
            return self.foreseen(place)
        return self.world.ran(place.module, self.old_index(place))

    def foreseen(self, place: Place) -> set[Key]:
        """The functions that a new or changed unit may run, as far as its names and what it has run tell.

        A decorator that has run is not taken to call what it returns: the witness sees if somebody does.
        """
        unit, old = self.unit(place), self.old_index(place)
        chains = read_otherwise(self.old_unit(place), unit) if old >= 0 else None
        if chains is None:
            return self.predicted(place.module, unit)
        ran = self.world.ran(place.module, old)
        names = set(map(qualname_of, ran))
        new = self._reachable(place.module, chains) - ran
        return {*ran, *(key for key in new if qualname_of(key).rpartition(".<locals>.")[0] not in names)}

    def predicted(self, name: str, unit: Unit) -> set[Key]:
        """The functions that a unit which has never been executed may run, as far as its names tell."""
        known = self._predicted.get((name, id(unit)))
        if known is None:
            inherited = frozenset(unit.bases) - unit.called
            told = {key for base in unit.bases for key in self.world.told_of_heirs(*self.cell(name, base))}
            known = self._predicted[name, id(unit)] = self._reachable(name, unit.reads - inherited, told)
        return known

    def _reachable(self, name: str, chains: Iterable[Chain], keys: Iterable[Key] = ()) -> set[Key]:
        """Those that may run if what the chains mean is called, or handed to something that calls it."""
        found = {*keys}
        waiting = [(home, chain) for key in found for home, chain in self._read_in(key)]
        waiting += [(name, chain) for chain in chains]
        while waiting and len(found) < _PREDICTED:
            module, chain = waiting.pop()
            for key in self.callees(*self.cell(module, chain)):
                if key not in found:
                    found.add(key)
                    waiting.extend(self._read_in(key))
        return found

    def _read_in(self, key: Key) -> Iterator[tuple[str, Chain]]:
        known = self.world.facts(key)
        if known is not None:
            yield from ((known[0], chain) for chain in known[1].reads)

    def _add_mutations(self, found: dict[Cell, Depth], name: str, changes: Iterable[Mutation]) -> None:
        for mutation in changes:
            cell, rest = self.cell(name, mutation.chain)
            if mutation.depth in (Depth.STORE, Depth.KEPT) and self.module_bound(cell):
                continue  # see set_on_modules
            cell = self.canonical(cell)
            if self._is_foreign(cell):
                continue  # to import it again would undo nothing
            cells = self._shared(cell, rest, called=mutation.called)
            if not mutation.called and (mutation.depth >= Depth.KEPT or self.world.is_mutable(cell, rest)):
                cells.add(cell)
            for one in cells:
                found[one] = max(found.get(one, Depth.STORE), mutation.depth)

    def _shared(self, cell: Cell, rest: Chain, *, called: bool) -> set[Cell]:
        """The cells that hold the same object: as their values, or inside of what these were made from."""
        direct, around = self.world.holders(cell, rest, called=called)
        found = {self.canonical(one) for one in direct}
        homes = [place for one in found for place in self.binders(one)]
        read = {self.canonical(one) for place in homes for one in self.read_when_executed(place)}
        found.update(one for one in map(self.canonical, around) if not homes or one in read)
        if called and found:
            found.add(cell)
        return found

    def _is_foreign(self, cell: Cell) -> bool:
        """Whether a cell holds what import statements have taken from modules that are nobody's here."""
        aliases = [self.unit(place).alias for place in self.binders(cell)]
        homes = {"" if alias is None else alias.module for alias in aliases}
        return bool(aliases) and all(home and self.module(home) is None for home in homes)

    def _add_used_up(self, found: dict[Cell, Depth], name: str, chains: Iterable[Chain]) -> None:
        """What reads an iterator may go through it, in a loop or by functions that change nothing else."""
        for chain in chains:
            cell, rest = self.cell(name, chain)
            if not rest and self.world.is_iterator(cell):
                cell = self.canonical(cell)
                found[cell] = max(found.get(cell, Depth.STORE), Depth.CALL)


def _last_name(key: Key) -> str:
    return qualname_of(key).rpartition(".")[2]
