"""What objects of the project's hold that they did not hold when their contents were copied."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Set
from types import MemberDescriptorType
from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.importing.layout import dict_getter
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.contents import COPIED, NOTHING, Contents, same, slot_value, worth
from pepperpy_reload.reloading.looking import instance_dict, is_a, is_atom

_PLAIN = ("builtins", "collections", "types", "array")
_DEEP = 3  # an instance, its containers, and those in them


class Changes:
    """Compares what objects hold now with what `contents` say that they held.

    What was `remade` has taken what another one holds: that is not looked at.
    """

    def __init__(self, contents: Contents, remade: Iterable[object]) -> None:
        self._contents = contents
        self._copies = {identity(thing): (thing, copy) for thing, copy in contents.taken}
        self._apart = {*contents.spaces, *self._annotations()}
        for thing in remade:
            self._copies.pop(identity(thing), None)
            self._apart.add(identity(instance_dict(thing)))

    def attributes(self, names: Set[str]) -> Iterator[tuple[Any, str]]:
        """The instances of the project's classes of which one of these attributes has another value or other contents.

        Each with that attribute.
        """
        for kind, found in self._contents.instances.items():
            getter = dict_getter(kind) if self._contents.is_ours(kind) else None
            if getter is None:
                continue
            for thing in [one for one in found if type(one) is kind]:
                inside, copy = self._copies.get(identity(getter.__get__(thing)), ({}, {}))
                for name in (inside.keys() | copy.keys()) & names:
                    if self._is_other(inside.get(name, NOTHING), copy.get(name, NOTHING)):
                        yield thing, name
        for thing, member, value in self._own_slots():
            is_named = member.__name__ in names and is_a(thing, member.__objclass__)
            if is_named and self._is_other(slot_value(thing, member), value):
                yield thing, member.__name__

    def containers(self) -> Iterator[Any]:
        """The tables, lists and sets that the project's modules, classes, functions and instances hold, and that hold
        something else now.

        Namespaces do not count, nor does what modules have annotated, which is put in order in place.
        """
        seen = set(self._apart)
        level = [*self._held()]
        for _ in range(_DEEP):
            found: list[Any] = []
            for thing in level:
                if identity(thing) in seen:
                    continue
                seen.add(identity(thing))
                kind = type(thing)
                if issubclass(kind, tuple):
                    found.extend(tuple.__iter__(thing))
                elif issubclass(kind, COPIED) and identity(thing) in self._copies:
                    copy = self._copies[identity(thing)][1]
                    is_known = kind.__module__ in _PLAIN or self._contents.is_ours(kind)
                    if is_known and not (same(thing, copy) or _is_alike(thing, copy)):
                        yield thing
                    found.extend(copy.values() if isinstance(copy, dict) else copy)
            level = worth(found)

    @staticmethod
    def _annotations() -> set[int]:
        modules = [sys.modules.get(name) for name in recorder.modules]
        return {identity(getattr(module, "__dict__", {}).get("__annotations__")) for module in modules}

    def _held(self) -> Iterator[Any]:
        """What the project's modules, classes, functions and instances held."""
        contents = self._contents
        yield from contents.starts
        yield from (held for _, held in contents.cells)
        for function, (*_, defaults, by_name) in contents.functions:
            yield from (*(defaults or ()), *(by_name or {}).values(), *self._copied(function.__dict__).values())
        for thing, copy in contents.taken:
            if is_a(thing, type):
                yield from (value for name, value in copy.items() if not name.startswith("__"))
        for kind, found in contents.instances.items():
            getter = dict_getter(kind) if kind.__module__ in _PLAIN or contents.is_ours(kind) else None
            if getter is not None:
                for thing in [one for one in found if type(one) is kind]:
                    yield from self._copied(getter.__get__(thing)).values()
        yield from (value for *_, value in self._own_slots() if value is not NOTHING)

    def _own_slots(self) -> Iterator[tuple[Any, MemberDescriptorType, Any]]:
        return (one for one in self._contents.slots if self._contents.is_ours(type(one[0])))

    def _copied(self, inside: object) -> dict[Any, Any]:
        """What was copied of the `__dict__` of an object."""
        copy = self._copies.get(identity(inside), ({}, {}))[1]
        return copy if type(copy) is dict else {}

    def _is_other(self, now: object, before: Any) -> bool:
        if not _is_as(now, before):
            return True
        copies, level = self._copies, [before]
        for _ in range(_DEEP):
            known = [copies[identity(part)] for part in level if type(part) in COPIED and identity(part) in copies]
            if not all(same(part, copy) or _is_alike(part, copy) for part, copy in known):
                return True
            level = [part for _, copy in known for part in (copy.values() if isinstance(copy, dict) else copy)]
        return False


def _is_alike(thing: Any, copy: Any) -> bool:
    """Whether a plain table or list holds the same, or values that nobody can tell from what it held."""
    if type(thing) is dict:
        return thing.keys() == copy.keys() and all(_is_as(thing[key], value) for key, value in copy.items())
    return type(thing) is list and len(thing) == len(copy) and all(map(_is_as, thing, copy))


def _is_as(one: object, other: object) -> bool:
    return one is other or (is_atom(one) and type(one) is type(other) and one == other)
