"""What differs between fresh starts themselves tells nothing of a reload: chance, and what libraries count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import pairwise

from pepperpy_reload.auditing.places import CHANCE, Spot, Walk, differing, is_drawn
from pepperpy_reload.comparing.portrait import Portrait, Reference

_STARTS = 5
"""Fresh starts that one is compared with, if they are not all the same: chance may have it that two are."""

Start = Callable[[bool], Portrait]
"""Makes another fresh start; or, if it is True, one more in a process that has had one: libraries go on counting."""


def difference(fresh: Portrait, hot: Portrait, start: Start) -> str:
    """Where a process is not what a fresh start is, nor what another one could be; "" if it is nowhere."""
    unsteady: set[Spot] = set()
    for _ in range(_STARTS):
        places = list(differing(fresh, start(False)))
        unsteady |= {place.spot for place in places}
        unsteady |= {(place.node, CHANCE) for place in places if is_drawn(place.label)}
        if not unsteady:
            break
        if next(differing(fresh, hot, unsteady), None) is None:
            return ""
    numbers = _counted(fresh, start(True), unsteady)
    walk = Walk(fresh, hot, unsteady | numbers)
    place = next(walk.run(), None)
    if place is not None:
        return f"{place.path}: {place.other}; in a fresh start: {place.one}"
    return next(_in_another_order(walk, numbers), "")


def _counted(fresh: Portrait, again: Portrait, unsteady: Collection[Spot]) -> set[Spot]:
    """The whole numbers that objects are given in their turn: they are higher when the same is made once more."""
    found = set()
    walk = Walk(fresh, again, unsteady)
    for place in walk.run():
        one, other = (
            _number(portrait.nodes[node].edges.get(place.label))
            for portrait, node in ((fresh, place.node), (again, place.partner))
        )
        if one is not None and other is not None and one < other and fresh.nodes[place.node].kind == "instance":
            found.add(place.spot)
    return found


def _in_another_order(walk: Walk, numbers: Collection[Spot]) -> Iterator[str]:
    """Where objects that one holder has were made in another order: these numbers are what that is seen by."""
    held: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
    for node, label in numbers:
        path, partner = walk.path(node), walk.partner(node)
        if partner is None:
            continue
        one, other = _number(walk.one.nodes[node].edges[label]), _number(walk.other.nodes[partner].edges.get(label))
        if one is not None and other is not None:
            held.setdefault((path.rpartition(".")[0], label), []).append((one, other, path))
    for several in held.values():
        several.sort()
        for before, after in pairwise(several):
            if before[0] < after[0] and before[1] >= after[1]:
                yield f"{after[2]} was made before {before[2]}; in a fresh start it is made after it"


def _number(reference: Reference | None) -> int | None:
    """The whole number that a reference is; None if it is something else."""
    return int(reference[1]) if isinstance(reference, list) and reference[0] == "int" else None
