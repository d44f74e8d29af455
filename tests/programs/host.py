"""A process that plays cases: it forks a child for each start of a program, so that no start pays for an interpreter.

It has one thread and has imported what every child needs. Orders and answers are lines of JSON, as between a replay
and its children.
"""

from __future__ import annotations

import dataclasses
import enum
import gc
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from pepperpy_reload.comparing.portrait import take_portrait
from pepperpy_reload.replaying.child import Sitter
from tests.programs.law import Start, judge, untouched
from tests.programs.model import ENTRY, Sources

_SECONDS = 6  # for a child's whole life: one that hangs is ended by its alarm
_TIME = 1_700_000_000  # of every file: bytecode that goes by times would be taken for fresh
_WARM = (dataclasses, enum)


class Forked:
    """A forked child that answers orders with `answer`."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        ours, theirs = os.pipe()
        orders, sending = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ours)
            os.close(sending)
            _live(make, os.fdopen(orders), os.fdopen(theirs, "w"))
        os.close(theirs)
        os.close(orders)
        self._answers = os.fdopen(ours)
        self._orders = os.fdopen(sending, "w")

    def tell(self, order: Any) -> None:
        """Give an order."""
        try:
            self._orders.write(json.dumps(order) + "\n")
            self._orders.flush()
        except BrokenPipeError:
            return  # `hear` says so

    def hear(self) -> Any:
        """The answer to an order. Raises EOFError if the child has ended."""
        line = self._answers.readline()
        if not line:
            raise EOFError("a child has ended without an answer")
        return json.loads(line)

    def ask(self, order: Any) -> Any:
        """Give an order and wait for the answer."""
        self.tell(order)
        return self.hear()

    def end(self) -> None:
        """Let it end."""
        for file in (self._orders, self._answers):
            try:
                file.close()
            except BrokenPipeError:
                continue
        os.waitpid(self.pid, 0)


def _live(make: Callable[[], Callable[[Any], Any]], orders: IO[str], answers: IO[str]) -> None:
    """The life of a child."""
    status = 1
    try:
        signal.alarm(_SECONDS)
        answer = make()
        for line in orders:
            answers.write(json.dumps(answer(json.loads(line))) + "\n")
            answers.flush()
        status = 0
    finally:
        os._exit(status)


def cold(root: str) -> Callable[[Any], Any]:
    """A fresh start of the program."""

    def answer(_: Any) -> Start:
        sys.dont_write_bytecode = True  # plain Python's own would go by times
        sys.path.insert(0, root)
        return _started(Sitter(root, armed=False))

    return answer


class Hot:
    """A start of the program that follows edits."""

    def __init__(self, root: str) -> None:
        sys.path.insert(0, root)
        self._sitter = Sitter(root, armed=True)
        self._sitter.arm()

    def __call__(self, order: Any) -> Any:
        """Start it, or apply a batch."""
        if order is None:
            return {**_started(self._sitter), "table": _table()}
        before = {name: _found(name) for name in order["untouched"]}
        report = self._sitter.apply({"paths": order["paths"]})["report"]
        after = {name: _found(name) for name in before}
        return {
            "report": report,
            "portrait": take_portrait(self._sitter.own).as_json(),
            "table": _table(),
            "replaced": [name for name, thing in before.items() if thing is not None and after[name] is not thing],
        }


def _table() -> list[str]:
    """The modules, without those of Python itself: what importlib and traceback import on their way is theirs."""
    return [name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names]


def _found(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    return getattr(sys.modules.get(module), "__dict__", {}).get(attribute)


def _started(sitter: Sitter) -> Start:
    failed = sitter.load({"modules": [ENTRY]})["failed"]
    return {"failed": failed.get(ENTRY, ""), "portrait": "" if failed else take_portrait(sitter.own).as_json()}


@contextmanager
def forked(make: Callable[[], Callable[[Any], Any]]) -> Iterator[Forked]:
    """A child that ends with the block."""
    child = Forked(make)
    try:
        yield child
    finally:
        child.end()


def play(versions: list[Sources], root: Path) -> list[dict[str, Any]]:
    """What becomes of each edit: `status`, `reason`, and `fault` where the law is broken; [] if it does not start."""
    outcomes: list[dict[str, Any]] = []
    at = 0
    while at < len(versions) - 1:
        show(root, {} if at == 0 else versions[at - 1], versions[at])
        with forked(lambda: Hot(str(root))) as hot:
            hot.tell(None)
            with forked(lambda: cold(str(root))) as fresh:
                first = fresh.ask(None)
            start = hot.hear()
            if start["failed"] or first["failed"]:
                same = bool(start["failed"]) == bool(first["failed"])
                fault = "" if same else f"armed: {start['failed']!r}, plain: {first['failed']!r}"
                return (
                    [*outcomes, {"status": "start", "reason": "", "fault": fault, "imported": []}]
                    if fault
                    else outcomes
                )
            more = list(_follow(hot, start, versions[at:], root))
        outcomes += more
        at += len(more)
        if any(outcome["fault"] for outcome in more):
            break
    return outcomes


def _follow(hot: Forked, start: dict[str, Any], versions: list[Sources], root: Path) -> Iterator[dict[str, Any]]:
    """One process through the edits, until it asks for a restart."""
    before = start
    for old, new in pairwise(versions):
        paths = show(root, old, new)
        with forked(lambda: cold(str(root))) as fresh:
            fresh.tell(None)
            after = hot.ask({"paths": paths, "untouched": untouched(old, new)})
            outcome = judge(before, after, fresh.hear())
        if outcome["fault"]:
            outcome["fault"] += _doubt(root, outcome)
        yield outcome
        if outcome["fault"] or outcome["status"] == "restart":
            return
        before = after


def _doubt(root: Path, outcome: dict[str, Any]) -> str:
    """Two fresh starts are compared, so that what is not deterministic is not blamed on the engine."""
    found = []
    for _ in range(2):
        with forked(lambda: cold(str(root))) as fresh:
            found.append(fresh.ask(None))
    return "" if found[0] == found[1] else " (NOT DETERMINISTIC)"


def show(root: Path, old: Sources, new: Sources) -> list[str]:
    """Write what differs; the paths."""
    changed = [path for path in sorted({*old, *new}) if old.get(path) != new.get(path)]
    for path in changed:
        file = root / path
        if path not in new:
            file.unlink(missing_ok=True)  # a new process begins with the files that the last one was shown
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(new[path], encoding="utf-8")
        os.utime(file, (_TIME, _TIME))
    return [str(root / path) for path in changed]


def main() -> None:
    """Play cases until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    orders = os.fdopen(os.dup(0), encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sys.argv = ["programs"]
    with tempfile.TemporaryDirectory() as folder:
        with forked(lambda: cold(folder)) as child:  # warms what is imported on the way
            child.ask(None)
        for name in ("abc", "contextlib", "functools", "typing", "json"):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is here before a program is none of its children's concern
    for line in orders:
        root = Path(os.path.realpath(tempfile.mkdtemp(prefix="programs-")))
        try:
            answer: Any = play(json.loads(line), root)
        except EOFError as error:
            answer = [{"status": "error", "reason": "", "fault": str(error), "imported": []}]
        finally:
            shutil.rmtree(root, ignore_errors=True)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
