"""Where instances of a class keep what they hold; no code of the user's runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import CellType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

namespace_of: Callable[[type], Mapping[str, Any]] = type.__dict__["__dict__"].__get__
"""The namespace of a class, past what a metaclass makes of `__dict__`."""


def slots_of(cls: type) -> list[MemberDescriptorType]:
    """The slots that a class itself adds. Those of another class are plain values in its namespace."""
    base = _BASE(cls)
    if base is not None and _SIZE(cls) == _SIZE(base):  # most classes: a slot takes room in each instance
        return []
    members = namespace_of(cls).values()
    return [item for item in members if is_slot(cls, item)]


def is_slot(cls: object, item: object) -> bool:
    """Whether an item is a slot of a class that the class got as it was made."""
    return type(item) is MemberDescriptorType and item.__objclass__ is cls


def held_in(cell: CellType) -> Any:
    """What a closure's cell holds; None if it is empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def dict_getter(kind: type) -> GetSetDescriptorType | None:
    """What gives the `__dict__` of an instance; None if it has none."""
    for base in kind.__mro__:
        item = namespace_of(base).get("__dict__")
        if type(item) is GetSetDescriptorType:
            return item
    return None


_BASE: Any = type.__dict__["__base__"].__get__
_SIZE: Any = type.__dict__["__basicsize__"].__get__
