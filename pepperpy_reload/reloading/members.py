"""Members of enums: those that an edit does not concern stay who they are, in the class that is made anew."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import partial
from types import FrameType
from typing import Any

from pepperpy_reload.reloading import heap
from pepperpy_reload.reloading.classslots import setter_of
from pepperpy_reload.reloading.instances import refill, turn

Undo = Callable[[Callable[[], None]], None]

_PLAIN = (int, str, float, bytes, bool, type(None))


def keep_members(old: type[Enum], new: type[Enum], undo: Undo) -> None:
    """Put the members of `old` where `new`, just made by the same statement, has members that are the same.

    The same are members of one name with equal values. What they hold besides is what the new ones held. A new member
    that somebody has got hold of by other means than its class is left there. The class of the old ones is not changed.
    """
    for name in list(new.__members__):
        member, successor = old.__members__.get(name), new.__members__[name]
        if member is not None and member is not successor and _are_same(member, successor, name):
            _put(member, successor, new, undo)


def _are_same(one: Enum, other: Enum, name: str) -> bool:
    """Whether what cannot be copied from one to the other is equal: their values, and what their data type has."""
    kind: type = one._member_type_  # type: ignore[attr-defined]
    return (
        one.name == other.name == name
        and kind is other._member_type_  # type: ignore[attr-defined]
        and (kind is object or (kind in _PLAIN and kind.__repr__(one) == kind.__repr__(other)))
        and _is_plain(one.value)
        and _is_plain(other.value)
        and repr(one.value) == repr(other.value)
    )


def _is_plain(value: Any) -> bool:
    """Whether a value is all that its representation says."""
    return type(value) in _PLAIN or (type(value) is tuple and all(_is_plain(item) for item in value))


def _put(member: Enum, successor: Enum, home: type[Enum], undo: Undo) -> None:
    turns = list(_turns(heap.referrers([successor]), successor, home))
    if None not in turns:
        before = dict(vars(member))
        undo(lambda: refill(vars(member), before))
        for put in turns:
            if put is not None:
                put(member)
        refill(vars(member), dict(vars(successor)))


def _turns(holders: Iterable[Any], successor: Enum, home: type[Enum]) -> Iterator[Callable[[Any], None] | None]:
    """How to make all that holds a new member hold another one; None for what cannot be made to."""
    inside = gc.get_referents(vars(home))
    for holder in holders:  # a generator that asked for them itself would be one of them
        if any(holder is one for one in inside):  # the dict of a class is changed by way of the class alone
            for name in [name for name, value in vars(home).items() if value is successor]:
                yield partial(setter_of(home), home, name)
        elif not isinstance(holder, FrameType):
            yield turn(holder, successor)
