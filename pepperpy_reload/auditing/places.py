"""Where two portraits differ, place by place: what is known to be state can be passed over.

`comparing.compare` tells a person where the first difference is; this walk goes on, and says of every difference which
object has it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pepperpy_reload.comparing.compare import are_twins, join
from pepperpy_reload.comparing.portrait import Node, Portrait, Reference

WHOLE = "*"
"""In place of a label: all that the object holds."""
CHANCE = "#"
"""In place of a label: all names that are drawn by chance."""
_DRAWN = re.compile(r"[0-9a-f]{16}")
_NAMED = frozenset({"modules", "module", "class"})
_CONTENTS = frozenset({"keys", "members", "value"})
_LISTS = ("names", "members", "edges", "keys")
"""Details that list the labels of edges."""
Spot = tuple[int, str]
"""A node of the first portrait, and one of its labels, WHOLE, or `(detail)`."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place where two portraits differ: a node of each, the label, the way there, and what each shows."""

    node: int
    partner: int
    label: str
    path: str
    one: str = ""
    other: str = ""

    @property
    def spot(self) -> Spot:
        """Where it is in the first portrait."""
        return self.node, self.label

    def __str__(self) -> str:
        return f"{self.path}: {self.one} / {self.other}"


def differing(one: Portrait, other: Portrait, known: Collection[Spot] = ()) -> Iterator[Place]:
    """The places where the portraits differ, nearest to the modules' own names first; `known` ones are passed over.

    A container that holds other keys or members is one place as a whole; of a module, class or instance every name is.
    """
    yield from Walk(one, other, known).run()


def is_drawn(name: str) -> bool:
    """Whether a name may have been drawn by chance: it has long numbers in it."""
    return _DRAWN.search(name) is not None


class Walk:
    """Both graphs walked in step: an object of one goes with one object of the other, wherever it is met."""

    def __init__(self, one: Portrait, other: Portrait, known: Collection[Spot] = ()) -> None:
        self.one = one
        self.other = other
        self._known = known
        self._partner: dict[int, int] = {0: 0}
        self._back: dict[int, int] = {0: 0}
        self._paths: dict[int, str] = {0: ""}
        self._waiting: deque[Spot] = deque([(0, "")])

    def has_met(self, partner: int) -> bool:
        """Whether a node of the second portrait goes with one of the first."""
        return partner in self._back

    def partner(self, node: int) -> int | None:
        """The node of the second portrait that goes with one of the first, if that has been met."""
        return self._partner.get(node)

    def path(self, node: int) -> str:
        """The way to a node of the first portrait."""
        return self._paths.get(node, "")

    def run(self) -> Iterator[Place]:
        """See `differing`."""
        while self._waiting:
            left, path = self._waiting.popleft()
            if (left, WHOLE) not in self._known:
                here = Place(left, self._partner[left], WHOLE, path)
                for place in self._compare(here, self.one.nodes[left], self.other.nodes[here.partner]):
                    if place.spot not in self._known:
                        yield place

    def _compare(self, here: Place, mine: Node, theirs: Node) -> Iterator[Place]:
        if mine.kind != theirs.kind:
            yield replace(here, one=shown(mine), other=shown(theirs))
            return
        labels = mine.edges.keys() ^ theirs.edges.keys()
        if labels and not _is_named(mine, theirs):
            only = [[_told_label(label) for label in node.edges if label in labels] for node in (mine, theirs)]
            yield replace(here, one=f"holds {_short(only[0])}", other=f"holds {_short(only[1])}")
            return
        drawn = (here.node, CHANCE) in self._known
        for label in sorted(label for label in labels if not (drawn and is_drawn(label))):
            one, other = (_told(portrait, node.edges.get(label)) for portrait, node in self._sides(mine, theirs))
            yield replace(here, label=label, path=join(here.path, label), one=one, other=other)
        yield from self._details(here, mine, theirs, has_other_labels=bool(labels))
        for label in mine.edges:
            if label in theirs.edges and (here.node, label) not in self._known:
                place = replace(here, label=label, path=join(here.path, label))
                yield from self._edge(place, mine.edges[label], theirs.edges[label])

    def _sides(self, mine: Node, theirs: Node) -> tuple[tuple[Portrait, Node], tuple[Portrait, Node]]:
        return (self.one, mine), (self.other, theirs)

    def _details(self, here: Place, mine: Node, theirs: Node, *, has_other_labels: bool) -> Iterator[Place]:
        for key, left in mine.detail.items():
            right = theirs.detail.get(key)
            if left == right or (has_other_labels and key in _LISTS):
                continue
            label = f"({key})" if _is_named(mine, theirs) else WHOLE
            path = here.path if key in _CONTENTS else f"{here.path} ({key})"
            yield replace(here, label=label, path=path, one=_short(left), other=_short(right))

    def _edge(self, place: Place, mine: Reference, theirs: Reference) -> Iterator[Place]:
        if isinstance(mine, int) and isinstance(theirs, int):
            if mine not in self._partner and theirs not in self._back:
                self._partner[mine], self._back[theirs] = theirs, mine
                self._paths[mine] = place.path
                self._waiting.append((mine, place.path))
            elif self._partner.get(mine) != theirs:
                mine_at, theirs_at = self._paths.get(mine, ""), self._paths.get(self._back.get(theirs, -1), "")
                if not self._are_twins(place.path, mine, theirs):
                    yield replace(
                        place, one=_met(self.one.nodes[mine], mine_at), other=_met(self.other.nodes[theirs], theirs_at)
                    )
        elif mine != theirs:
            yield replace(place, one=_told(self.one, mine), other=_told(self.other, theirs))

    def _are_twins(self, path: str, mine: int, theirs: int) -> bool:
        twin, twin_back = self._back.get(theirs), self._partner.get(mine)
        return (twin is None or are_twins(path, self.one, (mine, twin), self._paths.get(twin, ""))) and (
            twin_back is None or are_twins(path, self.other, (theirs, twin_back), self._paths.get(mine, ""))
        )


def _is_named(mine: Node, theirs: Node) -> bool:
    """Whether what a node holds goes by names, each a place of its own."""
    if mine.kind in _NAMED:
        return True
    labels = mine.edges.keys() | theirs.edges.keys()
    return mine.kind == "instance" and not (mine.detail.keys() & _CONTENTS) and not any(x[0] == "[" for x in labels)


def shown(node: Node) -> str:
    """A node in a few words."""
    name = node.detail.get("name") or node.detail.get("of") or ""
    return f"{node.kind} {name[-1] if isinstance(name, list) else name}".strip().removeprefix("instance ")


def _met(node: Node, path: str) -> str:
    return f"{shown(node)}, the one at {path}" if path else f"{shown(node)}, found here only"


def _told(portrait: Portrait, reference: Reference | None) -> str:
    if reference is None:
        return "nothing"
    return shown(portrait.nodes[reference]) if isinstance(reference, int) else _short(_value(reference))


def _value(value: list[Any]) -> str:
    return str(value[1]) if len(value) == 2 else " ".join(str(part) for part in value)


def _told_label(label: str) -> str:
    return label[1:-1] if label[0] == "[" and label[-1] == "]" else label


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
