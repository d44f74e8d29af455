"""An exception planted among the statements that a reload is going to execute: it has to leave everything as it was."""

from __future__ import annotations

import ast
import linecache
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import decode_source
from pathlib import Path
from typing import Any

from pepperpy_reload.comparing.census import Census
from pepperpy_reload.core.plan import Action
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.errors import UserCodeError
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.attempt import Prepared
from pepperpy_reload.reloading.engine import prepare
from pepperpy_reload.reloading.reloader import Reloader

PLANTED = b"raise RuntimeError('planted by the replay')\n"
_EXECUTING = (Action.REFIT, Action.TRANSPLANT, Action.EXECUTE, Action.RUN)


@dataclass(frozen=True, slots=True)
class Plant:
    """A line to be put into a file, after its line `after`."""

    module: str
    path: str
    after: int

    def put(self) -> bytes:
        """Do so; what the file held before."""
        path = Path(self.path)
        source = path.read_bytes()
        lines = source.splitlines(keepends=True)
        head = b"".join(lines[: self.after])
        if not head.endswith((b"\n", b"\r")):
            head += b"\n"
        path.write_bytes(head + PLANTED + b"".join(lines[self.after :]))
        return source


def choose(prepared: Prepared, seed: str) -> Plant | None:
    """A place behind a statement that the plan executes, anywhere at the top of an edited module if it only patches.

    The same for the same seed. None if there is no such place: nothing is done, or only a new process will do.
    """
    places = [] if prepared.plan.restart else sorted(set(_places(prepared)))
    return Plant(*random.Random(seed).choice(places)) if places else None


def _places(prepared: Prepared) -> Iterator[tuple[str, str, int]]:
    steps = [step for step in prepared.plan.steps if step.action in _EXECUTING]
    for step in steps:
        units = _units(prepared, step.module)
        chosen = units if step.action is Action.RUN else units[step.index : step.index + 1]
        yield from _behind(step.module, units, chosen)
    if not steps:
        for name in prepared.plan.modules(Action.PATCH):
            yield from _behind(name, _units(prepared, name), _units(prepared, name))


def _units(prepared: Prepared, name: str) -> list[Unit]:
    edited = prepared.reading.edited.get(name)
    page = ledger.page(name)
    return list(edited.alignment.units) if edited is not None else page.units if page is not None else []


def _behind(name: str, units: list[Unit], chosen: Iterable[Unit]) -> Iterator[tuple[str, str, int]]:
    """The lines after which a line may be put: no statement goes on there, nor does one from `__future__` follow."""
    futures = [unit.last_line for unit in units if _is_future(unit.statement.node)]
    for unit in chosen:
        end = unit.statement.extent[1]
        across = any(other.line <= end < other.last_line for other in units)
        if not across and end >= max(futures, default=0) and name in recorder.modules:
            yield name, recorder.modules[name].path, end


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def fail(reloader: Reloader, paths: Iterable[str], seed: str, own: Callable[[str], bool]) -> dict[str, Any]:
    """Apply a batch with an exception planted in it, and put the file back: where that was, and what came of it.

    `changed` is the first thing in this process that is not what it was, or "": tracebacks, too, have to show the text
    of the code that goes on running, while the files hold another.
    """
    given = list(paths)
    try:
        plant = choose(prepare([*reloader.pending, *given]), seed)
    except UserCodeError:
        plant = None  # it fails by itself
    if plant is None:
        return {"planted": "", "report": None, "changed": ""}
    before = Census(own)
    source = plant.put()
    try:
        report = reloader.apply([*given, plant.path])
        changed = before.difference(Census(own)) or _other_lines()
    finally:
        Path(plant.path).write_bytes(source)
    return {"planted": f"{plant.module}:{plant.after + 1}", "report": report.as_json(), "changed": changed}


def _other_lines() -> str:
    """A file of which tracebacks would show other lines than those that run here."""
    for loaded in recorder.modules.values():
        linecache.checkcache(loaded.path)
        if "".join(linecache.getlines(loaded.path)).rstrip() != decode_source(loaded.source).rstrip():
            return f"linecache: other lines of {loaded.path}"
    return ""
