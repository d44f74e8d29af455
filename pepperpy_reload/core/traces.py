"""The traces that units leave: whose objects they change, and who uses a cell under whatever name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.effects import Chain, Depth, Mutation
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.unit import Alias, FunctionFacts, Kind, Unit
from pepperpy_reload.core.world import Cell, Key, Place, World

_PREDICTED = 200  # functions looked at for one new statement


class Traces(Scope):
    """What the units of a scope change beyond their own names."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.keys: dict[str, tuple[object, ...]] = {}
        """Where a cold start begins each module, if the edits change that."""
        self._mutated: dict[tuple[Place, bool], dict[Cell, Depth]] = {}

    def order(self, place: Place) -> tuple[object, ...]:
        """When a cold start executes the unit."""
        return (*(self.keys.get(place.module) or self.world.order(place.module)), place.index)

    def users(self, cell: Cell) -> Iterator[Place]:
        """The units that read a cell, under whatever name, themselves or through what they call."""
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
            yield from (place for place, _ in self.callers(one))

    def mutated(self, place: Place, *, old: bool) -> dict[Cell, Depth]:
        """The cells of others whose objects a unit changes: as it was, or as it is going to be."""
        known = (place, old)
        if known not in self._mutated:
            index = self.old_index(place)
            if old and index < 0:
                return {}
            if not old and self.fate(place) is Fate.CHANGED:
                index = -1  # what its old form ran tells nothing of the new one
            module = self.module(place.module)
            assert module is not None
            unit = module.alignment.old[index] if old else module.alignment.units[place.index]
            self._mutated[known] = self.mutated_by(place.module, unit, index)
        return self._mutated[known]

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

    def read_when_executed(self, place: Place) -> set[Cell]:
        """The same as cells, each with the name that its chain begins with."""
        found = {cell for home, chain in self.chains_read(place) for cell in self._on_the_way(home, chain)}
        return found | self.read_by_itself(place)

    def read_by_itself(self, place: Place) -> set[Cell]:
        """Those that it reads without a function."""
        unit = self.unit(place)
        found = {cell for chain in unit.reads for cell in self._on_the_way(place.module, chain)}
        return found | ({Cell(unit.alias.module, unit.alias.name)} if unit.alias is not None else set())

    def _on_the_way(self, home: str, chain: Chain) -> tuple[Cell, Cell]:
        return Cell(home, chain[0]), self.cell(home, chain)[0]

    def bound_in_functions(self, name: str, old: int) -> set[Cell]:
        """The cells that an old unit bound through the functions that it ran."""
        known = (self.world.facts(key) for key in self.world.ran(name, old))
        return {Cell(found[0], bound) for found in known if found is not None for bound in found[1].binds}

    def stored_by(self, name: str, unit: Unit) -> set[Cell]:
        """The objects of which a unit itself sets attributes or items: functions and classes are among them."""
        stores = [(name, mutation) for mutation in unit.mutations]
        for key in self.world.ran(name, unit.index):
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

    def mutated_by(self, name: str, unit: Unit, old: int) -> dict[Cell, Depth]:
        """The same for any unit; `old` is the index by which its footprint is known, -1 if it has none."""
        found: dict[Cell, Depth] = {}
        self._add_mutations(found, name, unit.mutations)
        for key in self.world.ran(name, old) if old >= 0 else self.predicted(name, unit):
            known = self.world.facts(key)
            if known is None:
                continue
            self._add_mutations(found, known[0], known[1].mutations)
            if known[1].keeps_state:
                found.update({self.canonical(cell): Depth.CALL for cell in self.world.keepers(key)})
            if known[1].changes_parameters and unit.kind is Kind.CLASS:
                self._add_mutations(found, name, [Mutation(base, unit.line, Depth.HARD) for base in unit.bases])
        own = {self.canonical(Cell(name, bound)) for bound in unit.binds}
        return {
            cell: depth
            for cell, depth in found.items()
            if cell not in own and not (old >= 0 and self.world.was_left_alone(cell, name))
        }

    def predicted(self, name: str, unit: Unit) -> set[Key]:
        """The functions that a unit which has never been executed may run, as far as its names tell."""
        found: set[Key] = set()
        waiting = [(name, chain) for chain in (*unit.reads, *unit.bases)]
        while waiting and len(found) < _PREDICTED:
            module, chain = waiting.pop()
            for key in self.world.callees(*self.cell(module, chain)):
                known = self.world.facts(key) if key not in found else None
                found.add(key)
                if known is not None:
                    waiting.extend((known[0], inner) for inner in known[1].reads)
        return found

    def _add_mutations(self, found: dict[Cell, Depth], name: str, changes: Iterable[Mutation]) -> None:
        for mutation in changes:
            cell, rest = self.cell(name, mutation.chain)
            if self.module_bound(cell) and mutation.depth is Depth.STORE:
                continue
            cell = self.canonical(cell)
            cells = self._shared(cell, rest, called=mutation.called)
            if not mutation.called and (mutation.depth is Depth.HARD or self.world.is_mutable(cell, rest)):
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


def set_by(scope: Scope, home: str, facts: FunctionFacts) -> set[Cell]:
    """The names of modules that a function in module `home` binds as attributes of these."""
    local = {alias.bound: alias for alias in facts.imports}
    chains = [_through(local[one[0]], one) if one[0] in local else (home, one) for one in facts.sets]
    cells = (scope.cell(name, chain) for name, chain in chains if chain)
    return {cell for cell, rest in cells if not rest and scope.module(cell.module) is not None}


def _through(alias: Alias, chain: Chain) -> tuple[str, Chain]:
    """A chain that begins with what an import inside a function binds, as one that begins in a module."""
    if alias.name:
        return alias.module, (alias.name, *chain[1:])
    plain = alias.bound == alias.module.partition(".")[0]
    return alias.bound if plain else alias.module, chain[1:]
