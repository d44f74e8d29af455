"""What abstract classes know of others (PEP 3119): it is by what these had when somebody asked.

That is forgotten when a class gets or loses attributes in place: `__subclasshook__` may say otherwise of it now.
"""

from __future__ import annotations

import abc
import weakref
from abc import ABCMeta
from collections.abc import Collection
from typing import Any

from pepperpy_reload.reloading.heirs import heirs_of

_forget: Any = ABCMeta._abc_caches_clear  # type: ignore[attr-defined]


class _Nobodys(metaclass=ABCMeta):  # noqa: B024 - see `_tell`
    """An abstract class of which there is nothing to know."""


def looked_for(cls: type, without: Collection[str]) -> dict[str, bool]:
    """What may be looked for: which attributes a class has, and whether they are None, as if it had them not."""
    return {name: value is None for name, value in vars(cls).items() if name not in without}


def settle(cls: type, *, is_other: bool) -> None:
    """A class has been changed in place; `is_other` if what may be looked for has."""
    known = (cls, *heirs_of(cls))
    if isinstance(cls, ABCMeta):
        for one in known:
            abc.update_abstractmethods(one)
    # Who has asked about a class knows it by a weak reference that it is told of, which other classes have not.
    references = (one for one in known for one in weakref.getweakrefs(one)) if is_other else ()
    if any(one.__callback__ is not None for one in references):
        _tell()


def _tell() -> None:
    """Have all abstract classes ask again, and `functools.singledispatch`, which listens whether any is registered."""
    for one in heirs_of(object):
        if issubclass(type(one), ABCMeta):
            _forget(one)
    _Nobodys.register(type("Nobody", (), {}))
