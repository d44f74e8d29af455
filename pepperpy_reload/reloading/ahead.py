"""What reloads ask for, found out while nothing else is to do: each step has its `turn`, when nothing is applied."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager

from pepperpy_reload.core.statement import forget_trees
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger, properties
from pepperpy_reload.reloading.cascades import cascades
from pepperpy_reload.reloading.kept import Inquiry
from pepperpy_reload.reloading.live import LiveWorld

Turn = AbstractContextManager[object]


def read_ahead(turn: Turn) -> Iterator[str]:
    """Read the loaded modules as a plan needs them, and what most plans ask for; one with each step, by its name."""
    ran, inquiry = ledger.ran_by_file(), Inquiry()
    for name, loaded in list(recorder.modules.items()):
        with turn:
            ledger.read_ahead(name, ran.get(loaded.path, ()))
            inquiry.add(_made(name))
        yield name
    with turn:
        _put_in_order()
    yield from _in_turn(turn, inquiry.answers())
    yield from look_ahead(turn)


def look_ahead(turn: Turn) -> Iterator[str]:
    """Read what reloads have changed, and find out what follows from names that many modules import; likewise."""
    ran: dict[str, list[CodeKey]] = {}
    for name, loaded in list(recorder.modules.items()):
        if ledger.is_outdated(name):
            ran = ran or ledger.ran_by_file()
            with turn:
                ledger.read_ahead(name, ran.get(loaded.path, ()))
            yield name
    yield from _in_turn(turn, cascades.look_ahead())


def _in_turn(turn: Turn, steps: Iterator[str]) -> Iterator[str]:
    while True:
        with turn:
            name = next(steps, None)
        if name is None:
            return
        yield name


def _put_in_order() -> None:
    """Put the imports in order, and read the functions that are behind caches: they are asked for with most plans."""
    importlib.invalidate_caches()  # the first time it loads something
    recorder.graph.settle()
    recorder.modules.at_real("")  # the first one to ask has them all sorted by their files
    traces = Traces(LiveWorld())
    for _, key in traces.world.caches():
        traces.reached(key)
    properties.read_ahead(traces)
    forget_trees()


def _made(name: str) -> Iterator[object]:
    """What the names of a module hold that its statements bind, import statements apart."""
    space, page = getattr(sys.modules.get(name), "__dict__", {}), ledger.page(name)
    for unit in page.units if page is not None else ():
        if unit.alias is None:
            yield from (space.get(bound) for bound in unit.binds)
