"""The double of a class: made to see what its statement makes now, and to be held by nobody once that is known."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CellType, FunctionType, GetSetDescriptorType, MemberDescriptorType

from pepperpy_reload.reloading import heap

_SLOTS = (GetSetDescriptorType, MemberDescriptorType)

FunctionsIn = Callable[[object], Iterator[FunctionType]]


def settle(live: type, double: type, functions_in: FunctionsIn) -> None:
    """Whoever has closed over the double has closed over the live class.

    What a decorator was given has the cell of its class (`super()` needs it), and may be anywhere: the heap is gone
    through if somebody holds the double after those that can be seen from it do so no more.
    """
    for value in vars(double).values():
        for function in functions_in(value):
            for cell in function.__closure__ or ():
                _close_over(cell, live, double)
    if _is_held(double):
        for holder in heap.referrers([double]):
            if type(holder) is CellType:
                _close_over(holder, live, double)


def _is_held(double: type) -> bool:
    """Whether somebody holds a class but its own parts, what it was bound in, and two functions that call this one."""
    return _references(double) > _ALONE + 3


def _references(cls: type) -> int:
    """How many there are, but those of its own parts."""
    own = sum(type(value) in _SLOTS and value.__objclass__ is cls for value in vars(cls).values())
    return sys.getrefcount(cls) - own


def _alone() -> int:
    class Plain:
        """Held by nobody."""

    return _references(Plain)


def _close_over(cell: CellType, live: type, double: type) -> None:
    try:
        if cell.cell_contents is double:
            cell.cell_contents = live
    except ValueError:  # it is empty
        pass


_ALONE = _alone()
