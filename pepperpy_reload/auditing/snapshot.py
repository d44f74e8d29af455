"""A portrait together with the addresses of what it shows, as a file: two of one process can be laid side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import IO

from pepperpy_reload.comparing.objects import describe_table
from pepperpy_reload.comparing.portrait import Node, Painter, Portrait, own_modules

_ANEW = frozenset({"alias", "union", "arguments"})
"""Kinds of nodes that are made for what has no identity."""
_TRIES = 3


@dataclass(slots=True)
class Snapshot:
    """What a process held at a moment. `by_address` finds the node of an object in a later one of the same process."""

    portrait: Portrait
    addresses: list[int]
    by_address: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        nodes = self.portrait.nodes
        self.by_address = {at: number for number, at in enumerate(self.addresses) if nodes[number].kind not in _ANEW}

    def write(self, file: IO[bytes]) -> None:
        """Write it over what the file held."""
        nodes = [(node.kind, node.detail, node.edges) for node in self.portrait.nodes]
        text = json.dumps([nodes, self.portrait.codes, self.addresses])
        file.seek(0)
        file.truncate()
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()

    @classmethod
    def read(cls, file: IO[bytes]) -> Snapshot:
        """The snapshot that `write` wrote."""
        file.seek(0)
        nodes, codes, addresses = json.loads(file.read().decode("utf-8", "surrogatepass"))
        return cls(Portrait([Node(*node) for node in nodes], codes), addresses)


def take_snapshot(own: Callable[[str], bool]) -> Snapshot:
    """What this process's own modules hold now. No code of the user's runs, and nothing is waited for.

    Raises RuntimeError if the program does not leave it alone for long enough.
    """
    for chance in reversed(range(_TRIES)):
        try:
            return _take(own, own_modules(own))
        except RuntimeError:  # a dict or set changed its size while it was read
            if not chance:
                raise
    raise AssertionError("unreachable")


def _take(own: Callable[[str], bool], modules: dict[str, ModuleType]) -> Snapshot:
    painter = Painter(own, modules)
    portrait = painter.paint(modules, describe_table)
    return Snapshot(portrait, painter.addresses())
