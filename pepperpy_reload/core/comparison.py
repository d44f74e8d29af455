"""Two profiles of one target: what came, what went, and what takes longer than it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A time has grown if it did so by more than both: a share of what it was, and seconds."""

    relative: float = 0.1
    absolute: float = 0.01

    def is_exceeded(self, before: float, after: float) -> bool:
        """Whether a time has grown."""
        return after - before > self.absolute and after - before > self.relative * before


@dataclass(frozen=True, slots=True)
class Came:
    """A module that was not loaded before, with where it is imported; `exclusive` would be saved without it."""

    module: str
    importer: str
    file: str
    line: int
    exclusive: float


@dataclass(frozen=True, slots=True)
class Grown:
    """A package, or all imports (""), and the seconds it took and takes."""

    package: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """`came` has only those modules whose importer was there before: what they bring along follows from them."""

    total: Grown
    is_slower: bool
    came: tuple[Came, ...]
    came_in_all: int
    gone: tuple[str, ...]
    grown: tuple[Grown, ...]


def compare(before: Mapping[str, Any], after: Mapping[str, Any], tolerance: Tolerance) -> Comparison:
    """What differs between two profiles, as `profile --json` gives them."""
    old = {one["module"] for one in before["modules"] if not one["error"]}
    new = {one["module"]: one for one in after["modules"] if not one["error"]}
    came = [one for name, one in new.items() if name not in old]
    first = [one for one in came if one["importer"] in old or one["importer"] not in new]
    total = Grown("", before["total"], after["total"])
    own = {one["package"]: one["self"] for one in before["packages"]}
    grown = [Grown(one["package"], own.get(one["package"], 0.0), one["self"]) for one in after["packages"]]
    slower = [one for one in grown if tolerance.is_exceeded(one.before, one.after)]
    keys = ("module", "importer", "file", "line", "exclusive")
    return Comparison(
        total,
        tolerance.is_exceeded(total.before, total.after),
        tuple(Came(**{key: one[key] for key in keys}) for one in sorted(first, key=lambda one: -one["exclusive"])),
        len(came),
        tuple(sorted(old - {*new})),
        tuple(sorted(slower, key=lambda one: one.before - one.after)),
    )
