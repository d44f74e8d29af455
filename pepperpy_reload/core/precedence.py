"""What an edit does to the order of a module's units: which of them find a name bound by another unit than before."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from pepperpy_reload.core.difference import Alignment, Fate
from pepperpy_reload.core.unit import Unit

_NOBODY = -2


def misplaced(alignment: Alignment, reads: Callable[[int], Iterable[str]]) -> Iterator[tuple[int, str]]:
    """The units that find a name bound by another unit of the module than before, each with the name.

    `reads` tells the names of the module that an old unit read when it was executed. Units that are new or say
    something else are left out.
    """
    if keeps_order(alignment):
        return
    before, after = _binders(alignment.old), _binders(alignment.units)
    for index, old in enumerate(alignment.olds):
        kept = alignment.fates[index] in (Fate.SAME, Fate.BODY)
        for name in reads(old) if kept else ():
            if _as_old(alignment, _last(after, name, index)) != _last(before, name, old):
                yield index, name


def bound_otherwise(alignment: Alignment) -> Iterator[str]:
    """The names that another unit than before is the last to bind, of those that are still bound."""
    if keeps_order(alignment):
        return
    before, after = _binders(alignment.old), _binders(alignment.units)
    for name, indexes in after.items():
        if name in before and _as_old(alignment, indexes[-1]) != before[name][-1]:
            yield name


def keeps_order(alignment: Alignment) -> bool:
    """Whether units are at most added: those that were there still follow each other as they did, and none is gone."""
    kept = [old for old in alignment.olds if old >= 0]
    return not alignment.gone and all(one < other for one, other in pairwise(kept))


def _binders(units: Sequence[Unit]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for unit in units:
        for name in unit.binds:
            found.setdefault(name, []).append(unit.index)
    return found


def _last(binders: dict[str, list[int]], name: str, before: int) -> int:
    """The last unit before one that binds a name."""
    indexes = binders.get(name, [])
    place = bisect_left(indexes, before)
    return indexes[place - 1] if place else _NOBODY


def _as_old(alignment: Alignment, index: int) -> int:
    return alignment.olds[index] if index >= 0 else index
