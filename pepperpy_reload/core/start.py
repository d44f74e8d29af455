"""A cold start played through on paper: which modules it would load, in which order, and by which units."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Cell, Place

Key = tuple[object, ...]


@dataclass(slots=True)
class Start:
    """The order of a cold start: `keys` compare as the times at which modules begin; `triggers` are who loads them."""

    keys: dict[str, Key] = field(default_factory=dict)
    triggers: dict[str, Place | None] = field(default_factory=dict)

    @property
    def sequence(self) -> list[str]:
        """The modules in the order in which they begin."""
        return list(self.keys)

    def is_below(self, module: str, top: str) -> bool:
        """Whether a module is loaded while `top` is; itself too."""
        name: str | None = module
        while name is not None and name != top:
            trigger = self.triggers.get(name)
            name = trigger.module if trigger is not None else None
        return name == top


def play_start(traces: Traces, gone: Container[str]) -> Start:
    """Depth first over imports, from the modules that no other one loads, in the order in which they were loaded.

    Modules that are `gone` are passed over. What functions have imported since the start has come after it.
    """
    start = Start()
    for root in traces.world.roots():
        _visit(traces, start, root, gone)
    later = {name: list(traces.world.imported_later_by(name)) for name in traces.world.sequence()}
    while found := [name for name, importers in later.items() if name not in start.keys and _any_in(importers, start)]:
        before = len(start.keys)
        for name in found:
            _visit(traces, start, name, gone)
        if len(start.keys) == before:
            break
    return start


def _any_in(names: Iterable[str], start: Start) -> bool:
    return any(name in start.keys for name in names)


def _visit(traces: Traces, start: Start, root: str, gone: Container[str]) -> None:
    if root in start.keys or root in gone or traces.module(root) is None:
        return
    _enter(start, root, None, (len(start.keys),))
    waiting = [_imports(traces, root, start.keys)]  # no recursion: deep chains of imports are no reason to fail
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        name, place = found
        if name not in start.keys and name not in gone and traces.module(name) is not None:
            _enter(start, name, place, (*start.keys[place.module], place.index - 0.5, len(start.keys)))
            waiting.append(_imports(traces, name, start.keys))


def _enter(start: Start, name: str, trigger: Place | None, key: Key) -> None:
    start.keys[name] = key
    start.triggers[name] = trigger


def _imports(traces: Traces, name: str, loaded: Container[str]) -> Iterator[tuple[str, Place]]:
    """The modules that a module loads, each with the unit; asked for one by one, while others are being visited.

    Those that have been `loaded` by then may be left out.
    """
    module = traces.module(name)
    assert module is not None
    alignment, world = module.alignment, traces.world
    for unit, old, fate in zip(alignment.units, alignment.olds, alignment.fates, strict=True):
        known = old >= 0 and (fate is Fate.SAME or fate is Fate.BODY)
        says_none = known and unit.alias is None and not unit.imports
        if says_none and not world.triggered_by(name, old) and not world.imported_by(name, old):
            continue
        place = Place(name, unit.index)
        for target in _targets(traces, place, unit, old, loaded, known=known):
            yield target, place


def _targets(
    traces: Traces, place: Place, unit: Unit, old: int, loaded: Container[str], *, known: bool
) -> Iterator[str]:
    """The modules that executing a unit imports, as far as its source and the last start tell.

    It is `known` if it has been executed: as the unit with the index `old`.
    """
    if unit.alias is not None:
        for name in _loading(traces, unit.alias, known=known):
            if name in loaded or not traces.world.knows(name):
                continue
            if not (known and _was_loaded_later(traces, name, place, old)):
                yield name
    before = traces.old_unit(place).imports if traces.old_index(place) >= 0 else ()
    for alias in unit.imports:
        is_new = not (known or alias in before)
        if is_new or traces.world.has_imported(place.module, alias.module):
            yield from _loading(traces, alias, known=not is_new)
    if known:
        yield from traces.world.imported_by(place.module, old)
        yield from traces.world.triggered_by(place.module, old)
        return
    for key in traces.predicted(place.module, unit):
        facts = traces.world.facts(key)
        for alias in facts[1].imports if facts is not None else ():
            yield from _loading(traces, alias, known=False)


def _was_loaded_later(traces: Traces, name: str, place: Place, old: int) -> bool:
    """Whether a unit has been executed without loading what its import names, which something else loaded later.

    `from package import name` takes what the package has by that name, be it a submodule or not.
    """
    seen = {name}
    trigger = traces.world.trigger(name)
    while trigger is not None and trigger[0] not in seen:
        if trigger[0] == place.module:
            return trigger[1] > old
        seen.add(trigger[0])
        trigger = traces.world.trigger(trigger[0])
    return (
        traces.ranks[name] > traces.ranks[place.module]
    )  # one began after the other had ended, or when that had begun


def _loading(traces: Traces, alias: Alias, *, known: bool) -> Iterator[str]:
    """The modules that an import names; also what those import that it loads for the first time, if it is not known."""
    for name in _named(alias):
        yield name
        if not known and not traces.world.knows(name):
            yield from traces.world.imported_by_unloaded(name)


def _named(alias: Alias) -> Iterator[str]:
    """The modules that an import names, its packages first."""
    parts = alias.module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    if alias.name and alias.name != "*":
        yield f"{alias.module}.{alias.name}"


def imports_otherwise(traces: Traces, name: str) -> bool:
    """Whether a module's edit may change which modules a cold start loads, or in which order."""
    module = traces.module(name)
    if module is None:
        return False
    alignment = module.alignment
    fates = alignment.fates
    gone = {*range(len(alignment.old))} - {
        old for old, fate in zip(alignment.olds, fates, strict=True) if fate in (Fate.SAME, Fate.BODY)
    }
    kept = [old for old in alignment.olds if old >= 0]
    others = (unit for unit in alignment.units if fates[unit.index] in (Fate.NEW, Fate.CHANGED))
    return (
        kept != sorted(kept)
        or any(traces.world.triggered_by(name, index) for index in gone)
        or any(_loads(traces, Place(name, unit.index), unit) for unit in others if unit.alias or unit.imports)
    )


def _loads(traces: Traces, place: Place, unit: Unit) -> bool:
    """Whether a new unit would load a module that a start has loaded after it, or somebody else since then."""
    turn = traces.order(place)
    targets = _targets(traces, place, unit, -1, (), known=False)
    return any(
        traces.world.knows(one) and one != place.module and traces.order(Place(one, -1)) > turn for one in targets
    )


def crossings(traces: Traces, start: Start, edited: Container[str]) -> Iterator[str]:
    """The imports of edited modules that have moved across statements which what they load reads from, half-way.

    Such a start has never been seen; each is told in a few words.
    """
    for loaded, place in start.triggers.items():
        if place is not None and place.module in edited:
            for cell in _crossed(traces, loaded, place):
                if reader := _reader_below(traces, start, cell, loaded):
                    line = traces.unit(place).line
                    yield f"{place.module}:{line} imports {loaded} at another time, and {reader} reads {cell}"


def missed(traces: Traces, edited: Iterable[str]) -> Iterator[str]:
    """The units that would look for a module in another one before it is there: imports of that one have gone or moved.

    Each is told in a few words.
    """
    for name in edited:
        for cell in _imported_otherwise(traces, name):
            for place in traces.passing(cell):
                if not _is_there(traces, cell, place):
                    yield f"{place.module}:{traces.unit(place).line} reads {cell} before that is there"


def _imported_otherwise(traces: Traces, name: str) -> Iterator[Cell]:
    """The cells with modules that imports of an edited module bound before, and bind elsewhere now, if at all."""
    module = traces.module(name)
    if module is None:
        return
    kept = [old for old in module.alignment.olds if old >= 0]
    others = module.alignment.gone if kept == sorted(kept) else module.alignment.old
    cells = (Cell(name, unit.alias.bound) for unit in others if unit.alias is not None)
    yield from (cell for cell in dict.fromkeys(cells) if traces.world.module_value(cell))


def _is_there(traces: Traces, cell: Cell, place: Place) -> bool:
    """Whether a cell holds a module when a unit is executed: it is bound by then, or is a submodule that is loaded."""
    turn, submodule = traces.order(place), f"{cell.module}.{cell.name}"
    if traces.module(submodule) is not None and traces.is_through(submodule, turn):
        return True
    return any(traces.order(one) < turn for one in traces.binders(cell))


def half_way(traces: Traces, start: Start) -> Iterator[str]:
    """The modules that now find another one half-way, or no longer do, and read from it what is bound after that.

    Such a start has never been seen; each is told in a few words.
    """
    for name in start.keys:
        now, before = _above(start.triggers.get, name), _above(partial(_once, traces), name)
        if now.keys() != before.keys():
            yield from _absent(traces, name)
        for other in now.keys() ^ before.keys():
            for place, cell in _read_from(traces, name, other):
                binders = [one for one in traces.binders(cell) if one.module == other]
                if any(_is_later(traces, one, now.get(other), before.get(other)) for one in binders):
                    line = traces.unit(place).line
                    yield f"{name}:{line} reads {cell}, and {other} is half-way then, or was so before"


def _absent(traces: Traces, name: str) -> Iterator[str]:
    module = traces.module(name)
    for unit in module.alignment.units if module is not None else ():
        for cell in traces.absent(Place(name, unit.index)):
            yield f"{name}:{unit.line} reads {cell} before that has been loaded"


def _is_later(traces: Traces, place: Place, now: int | None, before: int | None) -> bool:
    """Whether a unit stands after the one that is under way: by the new order, or by the old one."""
    old = traces.old_index(place)
    return place.index >= now if now is not None else before is None or old < 0 or old >= before


def _above(trigger: Callable[[str], Place | None], name: str) -> dict[str, int]:
    """The modules that are half-way while a module is executed, each with the index of the unit that is under way."""
    found: dict[str, int] = {}
    while (place := trigger(name)) is not None and place.module not in found:
        found[place.module] = place.index
        name = place.module
    return found


def _once(traces: Traces, name: str) -> Place | None:
    """The unit that has loaded a module, by its old index."""
    known = traces.world.trigger(name)
    return Place(*known) if known is not None else None


def _read_from(traces: Traces, name: str, other: str) -> Iterator[tuple[Place, Cell]]:
    module = traces.module(name)
    for unit in module.alignment.units if module is not None else ():
        place = Place(name, unit.index)
        cells = traces.read_when_executed(place)
        yield from ((place, cell) for cell in cells if cell.module == other)
        if unit.alias is not None and unit.alias.bound == "*" and unit.alias.module == other:
            yield from ((place, Cell(other, bound)) for bound in traces.offered(other))


def _crossed(traces: Traces, loaded: str, place: Place) -> Iterator[Cell]:
    """The names that are bound before the import now and were bound after it, or the other way round."""
    before = traces.world.trigger(loaded)
    module = traces.module(place.module)
    if before is None or module is None or before[0] != place.module:
        return
    for unit in module.alignment.units:
        old = module.alignment.olds[unit.index]
        if old >= 0 and unit.index != place.index and (unit.index < place.index) != (old < before[1]):
            yield from (Cell(place.module, name) for name in unit.binds)


def _reader_below(traces: Traces, start: Start, cell: Cell, loaded: str) -> str:
    readers = [*traces.readers(cell), *traces.star_readers(cell), *(place for place, _ in traces.callers(cell))]
    below = (place for place in readers if start.is_below(place.module, loaded))
    return next((place.module for place in below if not _loads_itself(traces, place, cell)), "")


def _loads_itself(traces: Traces, place: Place, cell: Cell) -> bool:
    """Whether a unit imports from a package what is there a submodule, and nothing else: it finds that at any time."""
    alias, submodule = traces.unit(place).alias, f"{cell.module}.{cell.name}"
    if alias is None or alias.target != submodule or traces.world.module_value(cell) != submodule:
        return False
    binders = [traces.unit(one).alias for one in traces.binders(cell)]
    asked = traces.binders(Cell(cell.module, "__getattr__"))
    return not asked and all(one is not None and one.target == submodule for one in binders)


def displaced(before: list[str], after: list[str]) -> list[str]:
    """The fewest names without which both lists have the others in the same order (a longest increasing run stays)."""
    rank = {name: index for index, name in enumerate(before)}
    chosen = [name for name in after if name in rank]
    ends: list[int] = []  # of all runs of a length, the lowest rank that one ends with
    best: list[int] = []  # and the index of the name that has it
    back: list[int] = []
    for index, name in enumerate(chosen):
        length = bisect_left(ends, rank[name])
        back.append(best[length - 1] if length else -1)
        ends[length : length + 1] = [rank[name]]
        best[length : length + 1] = [index]
    stays = set()
    index = best[-1] if best else -1
    while index >= 0:
        stays.add(chosen[index])
        index = back[index]
    return [name for name in chosen if name not in stays]
