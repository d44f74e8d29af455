"""Sources that were generated for classes: libraries keep them in linecache, each under a name of its own."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable
from functools import partial
from types import FunctionType

from pepperpy_reload.reloading.looking import is_a, wrapped

Undo = Callable[[Callable[[], None]], None]


def forget_sources(values: Iterable[object], undo: Undo) -> None:
    """These are about to be made again: the names of their generated sources are free for what takes their place.

    A library that finds a name taken by another source would choose another name than in a fresh start.
    """
    for value in values:
        for member in list(vars(value).values()) if is_a(value, type) else [value]:
            function = wrapped(member)
            name = function.__code__.co_filename if type(function) is FunctionType else ""
            if name.startswith("<") and name in linecache.cache:
                undo(partial(linecache.cache.__setitem__, name, linecache.cache.pop(name)))
