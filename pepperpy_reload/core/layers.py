"""Where the nodes of a graph are drawn: in layers, what is imported below what imports it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pepperpy_reload.core.graph import strong_components

GAP, HEIGHT, ROOM = 14.0, 26.0, 44.0
"""Between neighbours in a row, of a box, and between two layers."""
_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node is: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float = HEIGHT

    @property
    def middle(self) -> float:
        """Half-way between left and right."""
        return self.x + self.width / 2


def layers(names: Sequence[str], links: Collection[tuple[str, str]]) -> list[list[str]]:
    """The names by layers, importers first: each link leads downwards, but for some of those that are in a cycle.

    In a cycle the names that come first are above the others. In a layer the order is the given one where nothing
    else speaks: neighbours are near those that they are linked with, so that few links cross.
    """
    below: dict[str, list[str]] = {name: [] for name in names}
    for importer, imported in links:
        below[importer].append(imported)
    first = {name: number for number, name in enumerate(names)}
    home = {name: number for number, group in enumerate(strong_components(names, below.__getitem__)) for name in group}
    down = {
        name: [other for other in row if home[other] != home[name] or first[name] < first[other]]
        for name, row in below.items()
    }
    level = dict.fromkeys(names, 0)
    for group in reversed(strong_components(names, down.__getitem__)):  # importers first, one by one: no cycle is left
        for name in group:
            for other in down[name]:
                level[other] = max(level[other], level[name] + 1)
    found: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for name in names:
        found[level[name]].append(name)
    return _untangled(found, links)


def _untangled(found: list[list[str]], links: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Each layer ordered by where the neighbours above are, then below, and so on (the barycentre heuristic)."""
    beside: dict[str, list[str]] = {}
    for one, other in links:
        beside.setdefault(one, []).append(other)
        beside.setdefault(other, []).append(one)
    place: dict[str, float] = {}
    depth = {name: number for number, row in enumerate(found) for name in row}
    for row in found:
        place.update(_spread(row))
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in found if down else reversed(found):
            wish = {}
            for name in row:
                others = [place[one] for one in beside.get(name, ()) if (depth[one] < depth[name]) == down]
                wish[name] = sum(others) / len(others) if others else place[name]
            row.sort(key=wish.__getitem__)  # stable: who wishes the same stays as it was
            place.update(_spread(row))
    return found


def _spread(row: Sequence[str]) -> dict[str, float]:
    return {name: (number + 0.5) / len(row) for number, name in enumerate(row)}


def lay_out(widths: Mapping[str, float], links: Collection[tuple[str, str]], most: float) -> dict[str, Box]:
    """A box for each name. Layers that are wider than `most` are broken into rows: nothing in them is linked."""
    found: dict[str, Box] = {}
    y = 0.0
    for layer in layers(list(widths), links):
        for row in _rows(layer, widths, most):
            x = -(sum(widths[name] for name in row) + GAP * (len(row) - 1)) / 2
            for name in row:
                found[name] = Box(x, y, widths[name])
                x += widths[name] + GAP
            y += HEIGHT + GAP
        y += ROOM - GAP
    _drawn_together(found, links)
    left = min((box.x for box in found.values()), default=0.0)
    return {name: Box(box.x - left, box.y, box.width) for name, box in found.items()}


def _rows(layer: Sequence[str], widths: Mapping[str, float], most: float) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    used = 0.0
    for name in layer:
        if rows[-1] and used + widths[name] > most:
            rows.append([])
            used = 0.0
        rows[-1].append(name)
        used += widths[name] + GAP
    return rows


def _drawn_together(boxes: dict[str, Box], links: Iterable[tuple[str, str]]) -> None:
    """Move boxes in their rows towards what they are linked with, as far as the neighbours let them."""
    beside: dict[str, list[str]] = {}
    for one, other in links:
        beside.setdefault(one, []).append(other)
        beside.setdefault(other, []).append(one)
    rows: dict[float, list[str]] = {}
    for name, box in boxes.items():
        rows.setdefault(box.y, []).append(name)
    widest = max((boxes[row[-1]].x + boxes[row[-1]].width - boxes[row[0]].x for row in rows.values()), default=0.0)
    for _ in range(_SWEEPS):
        for row in rows.values():
            _shift(row, boxes, beside, widest)


def _shift(row: Sequence[str], boxes: dict[str, Box], beside: Mapping[str, Sequence[str]], widest: float) -> None:
    free = -widest / 2
    left: list[float] = []
    for name in row:
        near = [boxes[other].middle for other in beside.get(name, ()) if boxes[other].y != boxes[name].y]
        wish = (sum(near) / len(near) if near else boxes[name].middle) - boxes[name].width / 2
        left.append(max(wish, free))
        free = left[-1] + boxes[name].width + GAP
    over = widest / 2
    for number in reversed(range(len(row))):  # what has been pushed out to the right comes back
        width = boxes[row[number]].width
        left[number] = min(left[number], over - width)
        over = left[number] - GAP
        boxes[row[number]] = Box(left[number], boxes[row[number]].y, width)
