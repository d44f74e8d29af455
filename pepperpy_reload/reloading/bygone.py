"""Classes that reloads do without: until garbage is collected, their functions are there and have code of modules."""

from __future__ import annotations

import weakref
from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.reloading.looking import is_a
from pepperpy_reload.reloading.origins import is_own

_known: dict[int, weakref.ref[type]] = {}
"""By their identities."""


def note(thing: Any) -> None:
    """A class of the project's is made again, or was made only to be looked at; anything else is passed over."""
    if is_a(thing, type) and is_own(thing):
        _known[identity(thing)] = weakref.ref(thing)


def bygone() -> list[type]:
    """Those that are alive; some may be in use yet."""
    alive = [(key, cls) for key, one in list(_known.items()) if (cls := one()) is not None]
    for key in _known.keys() - dict(alive).keys():
        del _known[key]
    return [cls for _, cls in alive]
