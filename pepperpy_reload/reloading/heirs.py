"""Classes that are told of their heirs, with what these may change of them: their own bases as well."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.world import Cell
from pepperpy_reload.importing.settled import Print, print_of_class
from pepperpy_reload.reloading.looking import is_a
from pepperpy_reload.reloading.origins import home_of, is_own

_name: Any = type.__dict__["__name__"].__get__


def with_bases(cell: Cell, value: Any) -> Iterator[tuple[str, str, Any]]:
    """What a cell holds; of a class its bases too, if they are the project's: the module, the name in it, the class."""
    yield cell.module, cell.name, value
    for one in value.__mro__[1:-1] if is_a(value, type) else ():
        if is_own(one):
            yield str(home_of(one)), _name(one), one


def heirs_of(base: type) -> Iterator[type]:
    """All living classes that are derived from one, directly or not; of `object` all that there are."""
    seen: set[int] = set()
    waiting: list[type] = [base]
    while waiting:
        direct: list[type] = type.__subclasses__(waiting.pop())
        for one in direct:
            if identity(one) not in seen:
                seen.add(identity(one))
                waiting.append(one)
                yield one


def prints(value: type) -> list[tuple[type, Print | None]]:
    """The prints of a class and its bases."""
    return [(one, print_of_class(one)) for one in value.__mro__[:-1]]


def value_of(cell: Cell) -> Any:
    """What a cell holds; None if nothing."""
    return getattr(sys.modules.get(cell.module), "__dict__", {}).get(cell.name)
