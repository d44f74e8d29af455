"""Which modules a process may hold before the user's code runs, so that a fork of it is what a fresh start is.

A probe has imported every candidate in a throw-away process and noted what each did meanwhile; here that is judged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

Item = TypeVar("Item")


class Deed(StrEnum):
    """What a module did while it was imported that a fork would not have, or would have too early."""

    RAISES = "cannot be imported alone"
    FOREIGN = "is not from the standard library or site-packages"
    UNSAFE = "is known not to survive a fork"
    THREADS = "starts threads"
    CHILDREN = "starts processes"
    DESCRIPTORS = "opens files or sockets and keeps them"
    SIGNALS = "changes signal handlers"
    PATCHES = "changes other packages"
    ENVIRONMENT = "changes environment variables"
    DIRECTORY = "changes the working directory or the umask"
    IMPORTS = "changes how modules are found"
    STREAMS = "writes to the standard streams or replaces them"
    HOOKS = "changes settings of the interpreter"
    LOCALE = "changes the locale"
    LOGGING = "sets logging up"
    RANDOM = "draws random numbers"
    CLOCK = "keeps the time or its process's number"


STUBBORN = frozenset({Deed.RAISES, Deed.FOREIGN, Deed.THREADS, Deed.CHILDREN})
"""What nobody can vouch for: such a process cannot be forked, or is stale soon."""
UNSAFE = frozenset(
    ("torch", "jax", "jaxlib", "tensorflow", "cupy", "grpc", "polars", "pyarrow", "duckdb", "ray", "gevent", "eventlet")
)
"""Packages whose import looks harmless, and whose makers warn of a fork after it."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a probe saw of one module: what it did itself, and what it imported while it was being imported."""

    deeds: frozenset[Deed] = frozenset()
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The modules to preload, in the order in which they are to be imported, and why others are left out.

    `left_out` names those that did something themselves; who imports one of them is left out, too, unnamed.
    """

    names: tuple[str, ...] = ()
    vouched: frozenset[str] = frozenset()
    """What may be there though nobody imports it."""
    left_out: Mapping[str, str] = field(default_factory=dict)


def choose(
    wanted: Sequence[str],
    records: Mapping[str, Record],
    present: Collection[str] = (),
    *,
    vouched: Collection[str] = (),
    excluded: Collection[str] = (),
) -> Choice:
    """What of `wanted` may be preloaded where `present` is loaded already.

    A module may be preloaded if neither it nor anything that its import brings along did one of the deeds. `vouched`
    names packages that the user wants preloaded nevertheless, `excluded` those that they do not.
    """
    trusted = closure([name for name in records if is_part(name, vouched)], records)
    faults = _faults(records, trusted, excluded)
    barred = _with_importers(faults, records)
    candidates = dict.fromkeys([*wanted, *(name for name in trusted if name in records)])
    chosen = [name for name in candidates if name in records and name not in barred and name not in present]
    left_out = {name: fault for name, fault in faults.items() if name not in present}
    return Choice(tuple(chosen), frozenset(trusted), left_out)


def _faults(records: Mapping[str, Record], trusted: Collection[str], excluded: Collection[str]) -> dict[str, str]:
    """What is wrong with each module by itself."""
    found: dict[str, str] = {}
    for name, record in records.items():
        deeds = set(record.deeds)
        if is_part(name, UNSAFE):
            deeds.add(Deed.UNSAFE)
        if name in trusted:
            deeds &= STUBBORN
        if is_part(name, excluded):
            found[name] = "is excluded by preload-exclude"
        elif deeds:
            found[name] = min(deeds, key=list(Deed).index).value
    return found


def _with_importers(names: Collection[str], records: Mapping[str, Record]) -> set[str]:
    """These modules and all whose import would bring one of them."""
    importers: dict[str, list[str]] = {}
    for name, record in records.items():
        for required in record.requires:
            importers.setdefault(required, []).append(name)
    found, open_ones = set(names), list(names)
    while open_ones:
        for importer in importers.get(open_ones.pop(), ()):
            if importer not in found:
                found.add(importer)
                open_ones.append(importer)
    return found


def closure(names: Sequence[str], records: Mapping[str, Record]) -> dict[str, None]:
    """These modules and all that their import brings along, in the order in which a fresh import begins them."""
    found: dict[str, None] = {}
    # By hand: a chain of imports may be longer than Python's stack is deep.
    open_ones = [iter(names)]
    while open_ones:
        name = next(open_ones[-1], None)
        if name is None:
            open_ones.pop()
        elif name not in found:
            found[name] = None
            open_ones.append(iter(records[name].requires if name in records else ()))
    return found


def is_part(name: str, packages: Collection[str]) -> bool:
    """Whether a module is one of these packages or lies in one."""
    if not packages:
        return False
    parts = name.split(".")
    return any(".".join(parts[:end]) in packages for end in range(1, len(parts) + 1))


def added_filters(before: Sequence[Item], after: Sequence[Item]) -> list[tuple[Item, bool]] | None:
    """What has to be added to `before`, in that order and perhaps in front, to make it `after`; None: it cannot be."""
    for count in range(len(after) + 1):
        front, rest = after[:count], after[count:]
        kept = [item for item in before if item not in front]
        if rest[: len(kept)] == kept:
            back = rest[len(kept) :]
            return [*((item, True) for item in reversed(front)), *((item, False) for item in back)]
    return None
