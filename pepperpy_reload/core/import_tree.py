"""The imports of a running program as a tree: who loaded what, and what that cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pepperpy_reload.core.costs import Costs

_ROWS = 30


@dataclass(frozen=True, slots=True)
class ImportNode:
    """A module that was loaded, with those that were loaded inside of it. Times are in seconds, memory in bytes.

    `duration` has all that it loaded first, `self_time` has not; `exclusive` is what would be saved if nobody imported
    it. Of what libraries import again only the first time is recorded: what is saved without one may be less.
    `file:line` is where it was asked for by `importer`, "" and 0 where nobody knows; `error` is "" if it worked.
    """

    module: str
    self_time: float
    duration: float
    exclusive: float
    memory: int
    importer: str
    file: str
    line: int
    thread: str
    error: str
    children: tuple[ImportNode, ...] = ()

    def walk(self) -> Iterator[ImportNode]:
        """It and all that was loaded inside of it, in the order in which they began."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting.extend(reversed(one.children))

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "children"}
        return {**plain, "children": [child.as_json() for child in self.children]}


class ImportTree(tuple[ImportNode, ...]):
    """The modules that were loaded at the top, in their order. As a text it has the dearest modules, one a line."""

    __slots__ = ()

    @property
    def total(self) -> float:
        """Seconds of all imports; what threads did side by side counts as often as it was done."""
        return sum(node.self_time for node in self.walk())

    def walk(self) -> Iterator[ImportNode]:
        """All modules, in the order in which they began."""
        for node in self:
            yield from node.walk()

    def __str__(self) -> str:
        dearest = sorted(self.walk(), key=_duration, reverse=True)
        shown = {id(node) for node in dearest[:_ROWS] if node.duration >= self.total / 200}
        heading = f"{len(dearest)} modules in {self.total:.3f} s"
        return "\n".join([heading, "    self  with all     saved  ms", *_lines(self, "", shown)])


def _lines(nodes: Sequence[ImportNode], indent: str, shown: set[int]) -> Iterator[str]:
    chosen = sorted((node for node in nodes if id(node) in shown), key=_duration, reverse=True)
    for node in chosen:
        figures = (node.self_time, node.duration, node.exclusive)
        where = f"  {node.file}:{node.line}" if node.file else ""
        failed = f"  {node.error.splitlines()[0]}" if node.error else ""
        yield "".join(f"{1000 * one:8.1f}  " for one in figures) + f"{indent}{node.module}{where}{failed}"
        yield from _lines(node.children, f"{indent}  ", shown)
    if folded := [node for node in nodes if id(node) not in shown]:
        yield f"{'':10}{1000 * sum(map(_duration, folded)):8.1f}  {'':10}{indent}{len(folded)} more"


def _duration(node: ImportNode) -> float:
    return node.duration


def import_tree(costs: Costs, threads: Sequence[str]) -> ImportTree:
    """The tree of some loads; `threads` are the names of the threads that the loads have by number."""
    made: dict[int, ImportNode] = {}
    for number in reversed(range(len(costs.loads))):  # what is loaded inside a module has a higher number
        load = costs.loads[number]
        made[number] = ImportNode(
            load.name,
            costs.self_times[number],
            load.duration,
            costs.exclusive(load.name),
            load.memory,
            load.importer,
            load.file,
            load.line,
            threads[load.thread],
            load.error,
            tuple(made[child] for child in costs.children.get(number, ())),
        )
    return ImportTree(made[number] for number in costs.children.get(-1, ()))
