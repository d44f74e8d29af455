"""The traces that units leave: whose objects they change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from pepperpy_reload.core.computing import only_keeps
from pepperpy_reload.core.deeds import Deed
from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.effects import Chain, Depth, Mutation
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.operators import Known, foreseen, operated
from pepperpy_reload.core.readers import Readers
from pepperpy_reload.core.setters import set_by
from pepperpy_reload.core.stores import computes_arguments
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Key, Place, Reach, World, qualname_of

_PREDICTED = 200  # functions looked at for one new statement
_NOTHING: dict[Cell, Depth] = {}
_HOOKS = frozenset({"__init_subclass__", "__set_name__"})
"""What a class statement calls by itself, and gives the class."""


class Traces(Readers):
    """What the units of a scope change beyond their own names."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._mutated: dict[tuple[Place, bool], dict[Cell, Depth]] = {}
        self._presumed: dict[Place, set[Cell]] = {}
        self._stored: dict[int, tuple[Unit, set[Cell]]] = {}
        self._predicted: dict[tuple[str, int], set[Key]] = {}
        self._foreseen: dict[Place, set[Key]] = {}
        self._reaches: dict[tuple[str, int], tuple[Deed, Reach | None]] = {}

    def forget_values(self) -> None:
        """See `Readers`; what a new statement may run is found by values, too."""
        super().forget_values()
        self._predicted.clear()
        self._foreseen.clear()
        self._reaches.clear()

    def reach(self, name: str, deed: Deed, local: tuple[Alias, ...]) -> Reach | None:
        """What a deed of a unit, or of a function, of a module does outside; asked for by all who look there."""
        known = self._reaches.get((name, identity(deed)))
        if known is None:
            known = self._reaches[name, identity(deed)] = deed, self.world.reach(name, deed, local)
        return known[1]

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
        if self.fate(place) in (Fate.NEW, Fate.CHANGED) and (place, False) not in self._mutated:
            # Most make no heir that anybody is told of: what else they change takes longer to find out.
            ran = self.foreseen(place)
            if not self._told_of_heirs(place.module, self.unit(place), ran, self._facts_of(ran), -1):
                return ()
            self.mutated(place, old=False)
        return self._presumed.get(place, ())

    def stored_by(self, name: str, unit: Unit) -> set[Cell]:
        """The objects of which a unit itself sets attributes or items: functions and classes are among them."""
        known = self._stored.get(identity(unit))
        if known is None:
            known = self._stored[identity(unit)] = (unit, self._find_stored(name, unit, self._ran_by(name, unit)))
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
        cells |= self._looped_over(name, unit, soon=False)
        return {cell for cell in cells if not self.module_bound(cell)} - {Cell(name, bound) for bound in unit.binds}

    def _looped_over(self, name: str, unit: Unit, *, soon: bool) -> set[Cell]:
        """The objects that a loop goes through, and sets attributes of: `for cls in (A, B): cls.size = 1`."""
        names = {chain[1] for chain in unit.sets if len(chain) == 2 and chain[0] in unit.binds}
        ways = [self.cell(name, chain) for chain in unit.reads] if names else []
        return {self.canonical(one) for way in ways for one in self.world.marked(*way, () if soon else names)}

    def set_on_modules(self, name: str, unit: Unit, old: int, soon: Iterable[Key] = ()) -> set[Cell]:
        """The names of modules that a unit binds as attributes of these, itself or through functions that it runs.

        `old` is the index by which its footprint is known, -1 if it has none: then it is going to run those of `soon`.
        """
        own = (self.cell(name, chain) for chain in unit.sets if len(chain) > 1)
        found = {cell for cell, rest in own if not rest and self.module(cell.module) is not None}
        for key in self.world.ran(name, old) if old >= 0 else soon:
            known = self.world.facts(key)
            found |= set_by(self, known[0], known[1]) if known is not None else set()
        return found

    def mutated_by(
        self, name: str, unit: Unit, old: int, soon: set[Key] | None = None, presumed: set[Cell] | None = None
    ) -> dict[Cell, Depth]:
        """The same for any unit; `old` is the index by which its footprint is known, -1 if it has none.

        Classes that all heirs have left alone until now are told in `presumed` instead.
        """
        found: dict[Cell, Depth] = {}
        self._add_mutations(found, name, unit.mutations)
        self._add_lent(found, name, unit.lent)
        self._add_used_up(found, name, () if unit.same_as or only_keeps(unit) else unit.reads)
        ran = self.world.ran(name, old) if old >= 0 else self.predicted(name, unit) if soon is None else soon
        every = self._facts_of(ran)
        if every or old < 0:
            for home, change in (foreseen if old < 0 else operated)(self, name, unit, every):
                self._add_mutations(found, home, [change])
        if old >= 0:
            found.update(dict.fromkeys(self._marked(name, unit, every, soon=False), Depth.HARD))
        for key, known in every.items():
            changes = (self._certain(one, known[0], name, unit, every) for one in known[1].mutations)
            self._add_mutations(found, known[0], changes)
            self._add_lent(found, known[0], known[1].lent)
            self._add_used_up(found, known[0], known[1].reads)
            if known[1].keeps_state:
                found.update({self.canonical(cell): Depth.CALL for cell in self.world.keepers(key)})
            if known[1].completes:
                given = [one.chain for one in unit.mutations if not one.called]
                made = [one for one in given if self.world.is_made_by_a_library(self.cell(name, one)[0])]
                self._add_mutations(found, name, [Mutation(one, Depth.HARD) for one in made])
        self._add_told(found, self._told_of_heirs(name, unit, ran, every, old), name, presumed)
        found.update(dict.fromkeys(self._registered(name, unit), Depth.HARD))
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

    def _registered(self, name: str, unit: Unit) -> set[Cell]:
        """What a unit has told a library of, for the effect: that is undone only if it is made again."""
        told = [one for deed in unit.deeds if (one := self.reach(name, deed, unit.imports)) is not None]
        return {self.canonical(self.cell(name, path)[0]) for one in told for path in one.about}

    def _facts_of(self, keys: Iterable[Key]) -> dict[Key, tuple[str, FunctionFacts]]:
        return {key: known for key in keys if (known := self.world.facts(key)) is not None}

    def _told_of_heirs(
        self, name: str, unit: Unit, ran: Iterable[Key], every: Mapping[Key, tuple[str, FunctionFacts]], old: int
    ) -> dict[Cell, Depth]:
        """The classes that a unit may change by making heirs of them, or what they hold, by functions that it runs."""
        told: dict[Cell, Depth] = {}
        is_told: bool | None = None
        for key, known in every.items():
            if known[1].reached or known[1].changes_first:
                state = self.world.class_state(key, known[1])
                told.update({self.canonical(cell): Depth.CALL for cell in state})
            if known[1].reaches_through and unit.kind is Kind.CLASS:
                if is_told is None:
                    is_told = unit.decorated or self._is_told(name, unit, ran, old)
                if is_told:
                    self._add_mutations(told, name, [Mutation(base, Depth.HARD) for base in unit.bases])
        return told

    def going_to_mark(self, place: Place) -> set[Cell]:
        """The objects that a new or changed unit may give to functions which set attributes of them, or set them."""
        known = {key: facts for key in self.foreseen(place) if (facts := self.world.facts(key)) is not None}
        unit = self.unit(place)
        return self._marked(place.module, unit, known, soon=True) | self._looped_over(place.module, unit, soon=True)

    def _marked(self, name: str, unit: Unit, ran: Mapping[Key, tuple[str, FunctionFacts]], *, soon: bool) -> set[Cell]:
        """What is given to functions that set attributes of what they are given; these are not there yet if `soon`."""
        names = {mark for key, (_, facts) in ran.items() for mark in _marks(key, facts)}
        if not names:
            return set()
        given = [(name, _given(unit.mutations)), *((home, _given(facts.mutations)) for home, facts in ran.values())]
        given.append((name, set(unit.passed_on) if unit.kind is Kind.OTHER else set()))
        ways = [self.cell(home, chain) for home, chains in given for chain in chains]
        found = {self.canonical(one) for way in ways for one in self.world.marked(*way, () if soon else names)}
        return {cell for cell in found if not self._is_foreign(cell)}

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
        is_other = computes_arguments(unit.statement.shell) or any(
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
        known = self._foreseen.get(place)
        if known is None:
            known = self._foreseen[place] = self._find_foreseen(place)
        return known

    def _find_foreseen(self, place: Place) -> set[Key]:
        chains = self._alignment(place.module).read_otherwise(place.index)
        if chains is None:
            return self.predicted(place.module, self.unit(place))
        ran = self.world.ran(place.module, self.old_index(place))
        names = set(map(qualname_of, ran))
        new = self._reachable(place.module, chains) - ran
        return {*ran, *(key for key in new if qualname_of(key).rpartition(".<locals>.")[0] not in names)}

    def predicted(self, name: str, unit: Unit) -> set[Key]:
        """The functions that a unit which has never been executed may run, as far as its names tell."""
        known = self._predicted.get((name, identity(unit)))
        if known is None:
            inherited = frozenset(unit.bases) - unit.called
            told = {key for base in unit.bases for key in self.world.told_of_heirs(*self.cell(name, base))}
            known = self._predicted[name, identity(unit)] = self._reachable(name, unit.reads - inherited, told)
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
            if cell.module != name and self.world.is_asked_for(cell):
                self._add_lent(found, name, [mutation.chain])
                continue
            cell = self.canonical(cell)
            if self._is_foreign(cell):
                continue  # to import it again would undo nothing
            cells = self._shared(cell, rest, called=mutation.called)
            if not mutation.called and (mutation.depth >= Depth.KEPT or self.world.is_mutable(cell, rest)):
                cells.add(cell)
            for one in cells:
                found[one] = max(found.get(one, Depth.STORE), mutation.depth)

    def _add_lent(self, found: dict[Cell, Depth], name: str, chains: Iterable[Chain]) -> None:
        """Add the cells that hold what functions give away, and code in module `name` may change."""
        for chain in chains:
            cell, rest = self.cell(name, chain)
            for direct, around in self.world.lent(self.canonical(cell), rest):
                for one in self._makers(direct, around):
                    found[one] = max(found.get(one, Depth.STORE), Depth.CALL)

    def _shared(self, cell: Cell, rest: Chain, *, called: bool) -> set[Cell]:
        """The cells that hold the same object: as their values, or inside of what these were made from."""
        found = self._makers(*self.world.holders(cell, rest, called=called))
        if called and found:
            found.add(cell)
        return found

    def _makers(self, direct: Iterable[Cell], around: Iterable[Cell]) -> set[Cell]:
        """Of the cells that hold an object, those whose makers have made it, or have found it."""
        found = {self.canonical(one) for one in direct}
        homes = [place for one in found for place in self.binders(one)]
        read = {self.canonical(one) for place in homes for one in self.read_when_executed(place)}
        return found.union(one for one in map(self.canonical, around) if not homes or one in read)

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


def _marks(key: Key, facts: FunctionFacts) -> frozenset[str]:
    """The attributes that a function sets of what it is given; a method is called for its first parameter."""
    is_method = "." in qualname_of(key).rpartition("<locals>.")[2]
    return facts.marks if is_method else facts.marks | facts.set_on_first


def _given(changes: Iterable[Mutation]) -> set[Chain]:
    return {one.chain for one in changes if one.depth is Depth.CALL and not one.called}
