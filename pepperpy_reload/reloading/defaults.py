"""Defaults of a dataclass's fields: the live class keeps its own, and what a decorator made anew has to share them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field
from types import FunctionType
from typing import Any

from pepperpy_reload.reloading.classslots import setter_of

_NOTHING = object()


def share(live: type, scratch: type) -> None:
    """Have the fields and methods that a live class has from `scratch` know the values that it has kept itself.

    They were made with it, and nobody else has them yet.
    """
    swapped = {id(old): (old, new) for old, new in _kept(live, scratch)}
    if not swapped:
        return
    for value in list(vars(live).values()):
        if type(value) is FunctionType:
            _give(value, swapped)
    doc = vars(live).get("__doc__")
    if type(doc) is str:  # it may tell what the defaults are, and where in memory
        for old, new in swapped.values():
            doc = doc.replace(f"{id(old):#x}", f"{id(new):#x}")
        setter_of(live)(live, "__doc__", doc)


def _kept(live: type, scratch: type) -> Iterator[tuple[Any, Any]]:
    """The values of fields that the class keeps, each with the one that the new version had made in its place."""
    table = vars(scratch).get("__dataclass_fields__")
    if type(table) is not dict:
        return
    inherited = {id(one) for base in scratch.__mro__[1:] for one in vars(base).get("__dataclass_fields__", {}).values()}
    for name, field in table.items():
        made, current = vars(scratch).get(name, _NOTHING), vars(live).get(name, _NOTHING)
        if type(field) is not Field or id(field) in inherited or made is _NOTHING or current is _NOTHING:
            continue
        if made is field.default and current is not made:
            field.default = current
            yield made, current


def _give(function: FunctionType, swapped: dict[int, tuple[Any, Any]]) -> None:
    defaults, by_name = function.__defaults__, function.__kwdefaults__
    if defaults and any(id(one) in swapped for one in defaults):
        function.__defaults__ = tuple(swapped[id(one)][1] if id(one) in swapped else one for one in defaults)
    for name, one in list((by_name or {}).items()):
        if id(one) in swapped:
            by_name[name] = swapped[id(one)][1]  # type: ignore[index]
