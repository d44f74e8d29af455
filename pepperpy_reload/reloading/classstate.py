"""What classes hold by themselves and share with all their instances: lists, tables, counters."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from types import FunctionType
from typing import Any

from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.names import mangled
from pepperpy_reload.core.world import Cell
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.holders import can_change
from pepperpy_reload.reloading.looking import is_a, plain_attribute
from pepperpy_reload.reloading.origins import is_own


class ClassState:
    """The first-party classes that modules hold by their own names, with what is in them that may change."""

    def __init__(self) -> None:
        self._classes: dict[str, list[type]] = {}
        """By the name of an attribute."""
        self._cells: dict[int, Cell] = {}
        self._held: list[tuple[type, type]] = []
        """The types of objects that stand in classes, each with the class."""
        for module in recorder.modules:
            for name, value in list(getattr(sys.modules.get(module), "__dict__", {}).items()):
                if is_a(value, type) and (plain_attribute(value, "__module__"), _qualname(value)) == (module, name):
                    self._cells[id(value)] = Cell(module, name)
                    for attribute in _changeable(value):
                        self._classes.setdefault(attribute, []).append(value)
                        self._held += ((type(one), value) for one in _objects_in(vars(value)[attribute]))
        self._holding = {id(cls) for classes in self._classes.values() for cls in classes}

    def of(self, key: CodeKey, module: str, facts: FunctionFacts) -> Iterator[Cell]:
        """The classes of which a function of a module may change something: for a method, those of its family."""
        home = _class_of(key, module)
        written = written_in(key)
        for name in facts.reached:
            for cls in self._classes.get(mangled(written, name), ()):
                if home is None or issubclass(cls, home) or issubclass(home, cls):
                    yield self._cells[id(cls)]
        if home is not None and _changes_self(key, facts):
            yield from (self._cells[id(cls)] for kind, cls in self._held if issubclass(kind, home))
        set_on_first = {mangled(written, name) for name in facts.set_on_first}
        if home is not None and set_on_first and _is_given_the_class(home, key):
            subclasses: list[type] = type.__subclasses__(home)
            family = [cls for cls in (home, *subclasses) if id(cls) in self._cells]
            yield from (self._cells[id(cls)] for cls in family if not set_on_first.isdisjoint(vars(cls)))

    def has(self, value: object) -> bool:
        """Whether this is such a class, and something in it may change."""
        return id(value) in self._holding


_BEGINNING = frozenset({"__new__", "__init__", "__post_init__", "__set_name__", "__init_subclass__"})
"""Methods for objects and classes that are just being made."""
_MANY = 100  # of what a container holds
_CONTAINERS = (list, tuple, set, frozenset)


def _changes_self(key: CodeKey, facts: FunctionFacts) -> bool:
    """Whether a method may change what it is called for, or a function inside of it what that was."""
    if "<locals>" in key.qualname:
        return bool(facts.reached)
    return facts.changes_first and not is_beginning(key)


def is_beginning(key: CodeKey) -> bool:
    """Whether a function is a method for what is just being made."""
    return "<locals>" not in key.qualname and key.qualname.rpartition(".")[2] in _BEGINNING


def _objects_in(value: Any) -> Iterator[object]:
    """A value, or what it holds by itself, as far as it is of a class of the project's."""
    kind = type(value)
    inside: Iterable[object] = value.values() if kind is dict else value if kind in _CONTAINERS else [value]
    yield from (one for one in islice(inside, _MANY) if not is_a(one, type) and is_own(type(one)))


_qualname: Any = type.__dict__["__qualname__"].__get__


def _changeable(cls: type) -> Iterator[str]:
    """The attributes of a class that are its own and hold what may change; what Python keeps there is left out."""
    kept = _of_named_tuple(cls) if issubclass(cls, tuple) else ()
    for name, value in list(vars(cls).items()):
        if not name.startswith("__") and name not in kept and type(value) is not FunctionType and can_change(value):
            yield name


def _of_named_tuple(cls: type) -> Collection[str]:
    """What `NamedTuple` keeps in a class that it makes, by its name."""
    fields = vars(cls).get("_fields")
    return {"_field_defaults", *fields} if type(fields) is tuple else ()


def _class_of(key: CodeKey, module: str) -> type | None:
    """The class in which a function was written; None if it was in none."""
    name, _, inside = key.qualname.partition(".<locals>")[0].partition(".")
    found = getattr(sys.modules.get(module), "__dict__", {}).get(name) if inside else None
    return found if is_a(found, type) else None


def written_in(key: CodeKey) -> str:
    """The name of the class in whose source a function stands, "" if it stands in none."""
    *_, cls, _ = ("", *key.qualname.partition(".<locals>")[0].split("."))
    return cls


def _is_given_the_class(cls: type, key: CodeKey) -> bool:
    """Whether a method is given the class, not an instance."""
    return is_a(vars(cls).get(key.qualname.split(".")[1]), classmethod)
