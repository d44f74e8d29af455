"""The objects that Python's garbage collector knows, asked for without harm to the other threads.

A thread that executes `tuple(each(x) for x in ...)` builds its tuple while the generator runs, and the collector knows
that tuple by then. If anybody else holds it when it is to take its size, the thread fails with SystemError: "bad
argument to internal function" (python/cpython#59313; since 3.14 a tuple is begun when all of its items are there). So
what the collector tells is sifted in one call into C, in which no other thread comes to run, and no plain tuple comes
out of it.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, compress, repeat, starmap, tee
from operator import is_, is_not
from types import FunctionType
from typing import Any

from pepperpy_reload.core.identity import identity

_FEW = 100
"""Classes: for so many it is cheaper to ask for what refers to them than to look at everything."""


def functions() -> list[FunctionType]:
    """All functions that are written in Python."""
    every = _twice(gc.get_objects, [()])
    with _uncollected():
        return list(compress(every, map(is_, map(type, every), repeat(FunctionType))))


def instances(kinds: Collection[type]) -> list[Any]:
    """The objects of exactly these classes, which have been made by class statements."""
    known = frozenset(map(identity, kinds))
    if len(known) <= _FEW:
        return [one for one in referrers(kinds) if identity(type(one)) in known]
    return _of(known, [()])


def youngest_instances(kind: type) -> list[Any]:
    """The same of one class, of what has been made since the last full collection only."""
    return _of(frozenset([identity(kind)]), [(0,), (1,)])


def all_but_tuples() -> list[Any]:
    """All objects but plain tuples."""
    return _sifted(gc.get_objects, ())[0]


def referrers(things: Collection[object]) -> list[Any]:
    """What refers to one of these, but `things`; all plain tuples that do are told by a single empty one."""
    mark: list[object] = []  # a tuple in which nothing is tracked may itself be tracked no more, and not be told
    found, tuples = _sifted(gc.get_referrers, (*things, mark)) if things else ([], 0)
    found = [one for one in found if one is not things]
    if tuples > _OWN:
        found.append(())
    return found


def _of(known: frozenset[int], asked: Iterable[tuple[int, ...]]) -> list[Any]:
    """Of the objects in each of the answers those whose types have these identities."""
    every = _twice(gc.get_objects, asked)
    with _uncollected():
        return list(compress(every, map(known.__contains__, map(identity, map(type, every)))))


def _sifted(ask: Callable[..., list[Any]], arguments: tuple[object, ...]) -> tuple[list[Any], int]:
    """The answer without plain tuples, and how many there were."""
    every = _twice(ask, [arguments])
    chosen, told = tee(map(is_not, map(type, every), repeat(tuple)))
    with _uncollected():
        found, kept = map(list, (compress(every, chosen), told))
    return found, kept.count(False)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Up to 3.11 garbage is collected in the midst of a call into C, and with it runs what is written in Python."""
    if sys.version_info >= (3, 12) or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _twice(ask: Callable[..., list[Any]], asked: Iterable[tuple[object, ...]]) -> Iterator[Any]:
    """All that is in the answers, each twice in succession; nothing is asked before somebody goes through it.

    Not with `tee`, for the objects and for their types: what that keeps is among the answers, and would go on keeping
    them.
    """
    return chain.from_iterable(map(repeat, chain.from_iterable(starmap(ask, asked)), repeat(2)))


_OWN = _sifted(gc.get_referrers, ([], []))[1]
"""The tuples in which we hand that over: since 3.13 they are among the answers."""
