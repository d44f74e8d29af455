"""A process's own modules as a graph of plain values, for comparison with that of another process."""

from __future__ import annotations

import gc
import json
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import Any

from pepperpy_reload.comparing.codes import Codes
from pepperpy_reload.comparing.living import Living

Reference = int | list[Any]
"""A node by its number, or a value in itself."""


@dataclass(slots=True)
class Node:
    """An object: what it is, and what it holds under which label.

    `detail` are plain values. Labels are unique in a node and stand in an order that is the same in both processes if
    what they name is.
    """

    kind: str
    detail: dict[str, Any] = field(default_factory=dict)
    edges: dict[str, Reference] = field(default_factory=dict)


@dataclass(slots=True)
class Portrait:
    """The objects that can be reached from a process's own modules; the first one is the table of these modules."""

    nodes: list[Node]
    codes: dict[str, dict[str, Any]]

    def as_json(self) -> str:
        """Text that `from_json` reads."""
        return json.dumps([[asdict(node) for node in self.nodes], self.codes])

    @classmethod
    def from_json(cls, text: str) -> Portrait:
        """The portrait that `as_json` wrote."""
        nodes, codes = json.loads(text)
        return cls([Node(**node) for node in nodes], codes)


Describe = Callable[["Painter", Any], Node]


class Painter:
    """Numbers objects in the order in which they are reached; each object is described once.

    `own` says of a file whether it is part of what is portrayed. No code of the user's runs: attributes are read past
    whatever classes override, and values are never compared.
    """

    def __init__(self, own: Callable[[str], bool], modules: Mapping[str, ModuleType]) -> None:
        self.own = own
        self.codes = Codes()
        self.living = Living()
        self.modules = modules
        self.spaces = {id(vars(module)): name for name, module in modules.items()}
        self._numbers: dict[int, int] = {}
        self._alive: list[object] = []  # a number stands for an object as long as nothing else can take its address
        self._waiting: deque[tuple[int, Describe]] = deque()
        self._nodes: list[Node] = []

    def number(self, thing: object, describe: Describe) -> int:
        """The node of an object; `describe` will be asked for it when its turn comes."""
        known = self._numbers.get(id(thing))
        if known is None:
            known = self._numbers[id(thing)] = len(self._alive)
            self._alive.append(thing)
            self._nodes.append(Node(""))
            self._waiting.append((known, describe))
        return known

    def addresses(self) -> list[int]:
        """The address of the object of each node: what survives in a process can be found again by it."""
        return [id(thing) for thing in self._alive]

    def fresh(self, thing: object, describe: Describe) -> int:
        """A node for something that is described anew wherever it is met: which object it is says nothing."""
        number = len(self._alive)
        self._alive.append(thing)
        self._nodes.append(Node(""))
        self._waiting.append((number, describe))
        return number

    def paint(self, root: object, describe: Describe) -> Portrait:
        """The portrait of all that can be reached from `root`."""
        self.number(root, describe)
        while self._waiting:
            number, describing = self._waiting.popleft()
            self._nodes[number] = describing(self, self._alive[number])
        return Portrait(self._nodes, self.codes.table)


def take_portrait(own: Callable[[str], bool]) -> Portrait:
    """The portrait of this process: all modules in `sys.modules` whose file is `own`, and what they reach."""
    from pepperpy_reload.comparing.objects import describe_table

    gc.collect()
    modules = own_modules(own)
    return Painter(own, modules).paint(modules, describe_table)


def own_modules(own: Callable[[str], bool]) -> dict[str, ModuleType]:
    """The loaded modules whose file is `own`, by name, sorted."""
    found = {}
    for name, module in sorted(sys.modules.items()):
        if name != "__main__" and issubclass(type(module), ModuleType) and is_own_module(module, own):
            found[name] = module
    return found


def is_own_module(module: ModuleType, own: Callable[[str], bool]) -> bool:
    """Whether a module was made from a file that is `own`, or is a package without a file under one that is."""
    namespace = object.__getattribute__(module, "__dict__")
    file = namespace.get("__file__")
    if isinstance(file, str):
        return own(file)
    path = namespace.get("__path__")
    return path is not None and any(own(entry + "/") for entry in _listed(path) if isinstance(entry, str))


def _listed(path: Any) -> Iterable[object]:
    if type(path) is list:
        return path
    inner = getattr(path, "_path", ())  # a namespace package's path looks itself up again when it is iterated over
    return list(inner) if isinstance(inner, list) else []
