"""Two portraits: equal, or the first place where they are not."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pepperpy_reload.comparing.portrait import Node, Portrait, Reference


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two portraits differ: the path from a module, and what each shows there."""

    path: str
    one: str
    other: str

    def __str__(self) -> str:
        return f"{self.path}: {self.one} / {self.other}"


def first_difference(one: Portrait, other: Portrait) -> Difference | None:
    """The first difference, nearest to the modules' own names; None if the portraits are isomorphic."""
    return next(differences(one, other), None)


def differences(one: Portrait, other: Portrait) -> Iterator[Difference]:
    """All differences that can be told apart, nearest to the modules' own names first."""
    yield from _Walk(one, other).run()


class _Walk:
    """Both graphs walked in step: an object of one goes with one object of the other, wherever it is met."""

    def __init__(self, one: Portrait, other: Portrait) -> None:
        self.one = one
        self.other = other
        self._partner: dict[int, int] = {0: 0}
        self._back: dict[int, int] = {0: 0}
        self._paths: dict[int, str] = {0: ""}
        self._paths_back: dict[int, str] = {0: ""}
        self._waiting: deque[tuple[int, int]] = deque([(0, 0)])

    def run(self) -> Iterator[Difference]:
        while self._waiting:
            left, right = self._waiting.popleft()
            path = self._paths[left]
            mine, theirs = self.one.nodes[left], self.other.nodes[right]
            found = self._details(path, mine, theirs)
            if found is not None:
                yield found
            if mine.kind == theirs.kind:
                for label in mine.edges.keys() & theirs.edges.keys() if found else mine.edges:
                    place = join(path, label)
                    yield from self._edge(place, mine.edges[label], theirs.edges[label])

    def _details(self, path: str, mine: Node, theirs: Node) -> Difference | None:
        if mine.kind != theirs.kind:
            return Difference(path, _shown(mine), _shown(theirs))
        for key in mine.detail:
            left, right = mine.detail[key], theirs.detail.get(key)
            if left == right:
                continue
            if key == "code":
                return self._codes(f"{path}.__code__", str(left), str(right))
            if isinstance(left, list) and isinstance(right, list):
                return _lists(f"{path} ({key})" if key not in ("names", "members") else path, left, right)
            return Difference(f"{path} ({key})", str(left), str(right))
        if list(mine.edges) != list(theirs.edges):
            return _lists(path, list(mine.edges), list(theirs.edges))
        return None

    def _edge(self, place: str, mine: Reference, theirs: Reference) -> Iterator[Difference]:
        if isinstance(mine, int) and isinstance(theirs, int):
            yield from self._objects(place, mine, theirs)
        elif isinstance(mine, int) or isinstance(theirs, int):
            yield Difference(place, self._told(self.one, mine), self._told(self.other, theirs))
        elif mine != theirs:
            yield from self._values(place, mine, theirs)

    def _objects(self, place: str, mine: int, theirs: int) -> Iterator[Difference]:
        if mine not in self._partner and theirs not in self._back:
            self._partner[mine], self._back[theirs] = theirs, mine
            self._paths[mine] = self._paths_back[theirs] = place
            self._waiting.append((mine, theirs))
        elif self._partner.get(mine) != theirs and not self._are_twins(place, mine, theirs):
            yield Difference(
                place, self._met(self.one, mine, self._paths), self._met(self.other, theirs, self._paths_back)
            )

    def _are_twins(self, place: str, mine: int, theirs: int) -> bool:
        twin, twin_back = self._back.get(theirs), self._partner.get(mine)
        return (twin is None or are_twins(place, self.one, (mine, twin), self._paths.get(twin, ""))) and (
            twin_back is None or are_twins(place, self.other, (theirs, twin_back), self._paths_back.get(twin_back, ""))
        )

    def _met(self, portrait: Portrait, number: int, paths: dict[int, str]) -> str:
        shown = _shown(portrait.nodes[number])
        return f"{shown}, the one at {paths[number]}" if number in paths else f"{shown}, met here only"

    def _values(self, place: str, mine: list[Any], theirs: list[Any]) -> Iterator[Difference]:
        if mine[:1] == theirs[:1] == ["code"]:
            yield self._codes(place, mine[1], theirs[1])
            return
        yield Difference(place, _short(mine), _short(theirs))

    def _codes(self, place: str, mine: str, theirs: str) -> Difference:
        left, right = self.one.codes[mine], self.other.codes[theirs]
        for key in left:
            if left[key] == right.get(key):
                continue
            if key == "constants":
                for one, other in zip(left[key], right[key], strict=False):
                    if one != other and one[0] == other[0] == "code":
                        return self._codes(f"{place}.{one[1].split(':')[0].rpartition('.')[2]}", one[1], other[1])
            return Difference(f"{place}.{key}", _short(left[key]), _short(right.get(key)))
        return Difference(place, mine, theirs)

    def _told(self, portrait: Portrait, reference: Reference) -> str:
        return _shown(portrait.nodes[reference]) if isinstance(reference, int) else _short(reference)


def are_twins(place: str, portrait: Portrait, numbers: tuple[int, int], met: str) -> bool:
    """Whether two nodes, at `place` and where one was `met`, are equal in metadata of `Annotated`.

    Which of them a parametrised type has says nothing: typing gives the one that is in its cache for an equal one.
    """
    one, other = (portrait.nodes[number] for number in numbers)
    return one == other and all(_METADATA.search(path) for path in (place, met))


_METADATA = re.compile(r"\[metadata \d+\]$")


def join(path: str, label: str) -> str:
    """The path from a module to what a node holds under a label."""
    if not path:
        return label
    return f"{path}{label}" if label[0] in ".[" else f"{path} <{label}>"


def _shown(node: Node) -> str:
    name = node.detail.get("name") or node.detail.get("of") or ""
    return f"{node.kind} {name[-1] if isinstance(name, list) else name}".strip()


def _lists(path: str, mine: list[Any], theirs: list[Any]) -> Difference:
    only_mine = [item for item in mine if item not in theirs]
    only_theirs = [item for item in theirs if item not in mine]
    if only_mine or only_theirs:
        return Difference(path, f"has {_short(only_mine)}", f"has {_short(only_theirs)}")
    return Difference(path, f"order {_short(mine)}", f"order {_short(theirs)}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
