"""What the differences between a reloaded process and a fresh start mean: the reload's doing, or state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from pepperpy_reload.auditing.places import WHOLE, Place, Spot, Walk, differing
from pepperpy_reload.auditing.snapshot import Snapshot
from pepperpy_reload.comparing.portrait import Node, Reference

Known = set[tuple[int, str]]
"""Places that are state, by the address of the object in the reloaded process."""
_TOLD = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where the process is not what a fresh start is, and what each has there."""

    path: str
    here: str
    fresh: str

    def as_json(self) -> dict[str, str]:
        """A dict of plain values; `Finding(**data)` is the way back."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.path} is {self.here}; in a fresh start: {self.fresh}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A process just before and after a reload, and fresh starts of the code of then and now.

    `quiet` says that nothing but the reload can have changed anything meanwhile.
    """

    before: Snapshot
    former: Snapshot
    after: Snapshot
    fresh: Snapshot
    quiet: bool


def state_before(evidence: Evidence) -> Known:
    """What the process had already made of its own when the reload came: it is left out from then on."""
    before = evidence.before
    spots = (place.spot for place in differing(before.portrait, evidence.former.portrait))
    return {(before.addresses[node], label) for node, label in spots}


def judge(evidence: Evidence, known: Known) -> list[Finding]:
    """What the reload has to answer for, nearest to the modules' own names first; `known` is state.

    If other code may have run meanwhile, that is only what a fresh start has otherwise than before while the process
    has it as it was: a place that the process alone has changed may as well be state that has just come into being.
    """
    after, fresh = evidence.after, evidence.fresh
    found = list(differing(after.portrait, fresh.portrait, spots_in(after, known)))
    if found and not evidence.quiet:
        changed = _Changed(evidence)
        found = [place for place in found if changed.in_fresh(place) and not changed.in_process(place)]
    return [Finding(place.path, place.one, place.other) for place in found[:_TOLD]]


def spots_in(snapshot: Snapshot, known: Iterable[tuple[int, str]]) -> set[Spot]:
    """Where in a snapshot the known places are, as far as their objects are still there."""
    at = snapshot.by_address
    return {(at[address], label) for address, label in known if address in at}


class _Changed:
    """Which places are other than before, in the process and in a fresh start."""

    def __init__(self, evidence: Evidence) -> None:
        self._before, self._after = evidence.before, evidence.after
        self._walk = Walk(evidence.former.portrait, evidence.fresh.portrait)
        self._in_fresh = {(place.partner, place.label) for place in self._walk.run()}

    def in_fresh(self, place: Place) -> bool:
        """Whether a fresh start has this otherwise than before."""
        spots = {(place.partner, place.label), (place.partner, WHOLE)}
        return not self._walk.has_met(place.partner) or not spots.isdisjoint(self._in_fresh)

    def in_process(self, place: Place) -> bool:
        """Whether the process has this otherwise than before."""
        number = self._before.by_address.get(self._after.addresses[place.node])
        if number is None:
            return True
        then, now = self._before.portrait.nodes[number], self._after.portrait.nodes[place.node]
        if place.label == WHOLE or place.label[0] == "(":
            return then.kind != now.kind or then.detail != now.detail or self._held(then, now, None)
        return self._held(then, now, place.label)

    def _held(self, then: Node, now: Node, label: str | None) -> bool:
        labels = then.edges.keys() | now.edges.keys() if label is None else {label}
        return any(not self._is_same(then.edges.get(one), now.edges.get(one)) for one in labels)

    def _is_same(self, then: Reference | None, now: Reference | None) -> bool:
        if isinstance(then, int) and isinstance(now, int):
            return self._before.addresses[then] == self._after.addresses[now]
        return then == now


def kept_places(after: Snapshot, kept: Mapping[str, Iterable[str]]) -> Known:
    """What the user has declared to survive reloads: by module, the names, or WHOLE."""
    found: Known = set()
    modules = after.portrait.nodes[0].edges
    for module, names in kept.items():
        number = modules.get(module)
        if not isinstance(number, int):
            continue
        for name in names:
            label = name if name == WHOLE else f".{name}"
            found.add((after.addresses[number], label))
            value = after.portrait.nodes[number].edges.get(label)
            if isinstance(value, int):
                found.add((after.addresses[value], WHOLE))
    return found
