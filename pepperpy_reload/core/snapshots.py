"""Which of the project's modules may be imported before anything is asked of a new process, and which such to use.

A snapshot holds some modules, imported in the order in which a good run was through with them. It can be used if none
of their files has been touched since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Modules that come with one import: of the last one, which imports the others or is a package that they lie in."""

    members: tuple[str, ...]

    @property
    def entry(self) -> str:
        """What is imported."""
        return self.members[-1]


def groups(order: Sequence[str], imports: Mapping[str, Iterable[str]]) -> list[Group]:
    """The modules of `order` in groups that can be imported one after the other.

    `order` is the order in which a run was through with them, `imports` who imported whom meanwhile. No import of a
    group begins a module of another one, and none needs one that comes later.
    """
    known = set(order)
    seen: set[str] = set()
    found: list[Group] = []
    members: list[str] = []
    open_ones: set[str] = set()
    for name in order:
        members.append(name)
        open_ones |= (needs(name, imports) & known) - seen
        seen.add(name)
        open_ones -= seen
        if not open_ones:
            found.append(Group(tuple(members)))
            members = []
    return found


def without(found: Iterable[Group], imports: Mapping[str, Iterable[str]], edited: Collection[str]) -> list[Group]:
    """The groups that can be imported without `edited`: that hold none of these, nor what hangs on them."""
    gone = set(edited)
    left: list[Group] = []
    for group in found:
        inside = set(group.members)
        needed = inside.union(*(needs(name, imports) for name in group.members))
        if gone.isdisjoint(needed):
            left.append(group)
        else:
            gone |= inside
    return left


def needs(name: str, imports: Mapping[str, Iterable[str]]) -> set[str]:
    """What has to be there for a module: what it imports, and the packages that it lies in."""
    parts = name.split(".")
    return {*imports.get(name, ()), *(".".join(parts[:end]) for end in range(1, len(parts)))} - {name}


def usable(snapshots: Iterable[Sequence[str]], touched: Collection[str]) -> int | None:
    """The number of the snapshot with the most files among those that hold no touched one; None: there is none."""
    best: tuple[int, int] | None = None
    for number, files in enumerate(snapshots):
        if touched and not set(touched).isdisjoint(files):
            continue
        if best is None or len(files) > best[0]:
            best = len(files), number
    return None if best is None else best[1]
