"""Who finds what a unit sets on an object of others: when it is executed again that is something else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pepperpy_reload.core.effects import Chain, Depth, Mutation
from pepperpy_reload.core.marks import Cause
from pepperpy_reload.core.past import Past
from pepperpy_reload.core.world import Cell, Place

Source = tuple[str, Collection[Chain], Collection[Mutation]]
"""A module, and what a piece of its code reads and changes."""


class Observers(Past):
    """Marks what comes later in a start than a unit that sets attributes or items, and looks at them."""

    def _tell_observers(self, place: Place) -> None:
        """The unit is as it was, and so are the objects that it sets something on; what it sets may be another."""
        for cell in sorted(self.stored_by(place.module, self.unit(place))):
            names = frozenset(self._names_set(place, cell))
            self.set_again.add(cell)
            known = self._told.get((cell, names))
            if known is not None and not self._is_after(known, place):
                continue  # who comes later than that has been told
            self._told[cell, names] = place
            for other in self._observing(cell, names):
                if self._is_later(other, place):
                    self.mark(other, Cause(f"looks at {cell}", place))

    def _names_set(self, place: Place, cell: Cell) -> Iterator[str]:
        """The attributes that it sets; none for an item."""
        chains = [(place.module, chain) for chain in self.unit(place).sets]
        chains += [(home, chain) for home, facts in self._run_by(place) for chain in facts.sets]
        yield from (chain[-1] for home, chain in chains if self._is_of(cell, home, chain))

    def _observing(self, cell: Cell, names: frozenset[str]) -> list[Place]:
        """The units that may look at what is set on the object of a cell: at items, or at attributes of these names."""
        known = self._observers.get((cell, names))
        if known is None:
            found = [one for one in self.users(cell) if any(self._looks(cell, names, each) for each in self._code(one))]
            known = self._observers[cell, names] = found
        return known

    def _code(self, place: Place) -> Iterable[Source]:
        unit = self.unit(place)
        yield place.module, unit.reads, unit.mutations
        yield from ((home, facts.reads, facts.mutations) for home, facts in self._run_by(place))

    def _looks(self, cell: Cell, names: frozenset[str], code: Source) -> bool:
        """Whether a piece of code does more with the object than to set something on it."""
        home, reads, mutations = code
        chains = [chain for chain in reads if self._is_of(cell, home, chain)]
        if not chains:
            return False
        if any(chain[-1] in names or not names.isdisjoint(chain) for chain in chains):
            return True
        only_sets = [one for one in mutations if one.depth is Depth.STORE and self._is_of(cell, home, one.chain)]
        if only_sets:
            return False
        return not names or self.world.is_mutable(cell, ())

    def _is_of(self, cell: Cell, home: str, chain: Chain) -> bool:
        return self.canonical(self.cell(home, chain)[0]) == cell
