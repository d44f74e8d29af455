"""The first worker's process, begun before the supervisor is loaded: each loads what it needs while the other one does.

It is a fork of an interpreter that has done nothing yet, and is made to look like one that was started. It waits for
its orders then, and knows nothing of the user's code. Whoever turns out not to want it ends it. It gets its orders and
its place as soon as they are known, and whoever wants the first worker of a supervisor takes it as it is by then.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pepperpy_reload.preloading.disturbance import disturbance
from pepperpy_reload.supervising import guard

if TYPE_CHECKING:  # the rest is loaded after the fork
    from collections.abc import Callable, Mapping

    from pepperpy_reload.supervising.newborn import Newborn
    from pepperpy_reload.supervising.orders import Orders

COMMONS = (
    *("dataclasses", "inspect", "json", "locale", "logging", "queue", "shutil", "subprocess", "tempfile", "traceback"),
    *("pepperpy_reload.core.batch", "pepperpy_reload.supervising.orders", "pepperpy_reload.supervising.signals"),
)
"""What a supervisor needs and a worker needs too: it is loaded once."""
_TASKS = "/proc/self/task"
_OURS = 2  # processes that are busy: the supervisor and the worker
_MOMENT = 0.1  # seconds in which a worker with a processor of its own serves a small app
_LONGEST = 1.0  # seconds
_LOOK = 0.01  # seconds
_BEFORE = ("born", "kind")  # what a worker says before it serves


class _Waiting(NamedTuple):
    pid: int
    sock: socket.socket
    lifeline: int
    environment: dict[str, str]
    stacks: int


_waiting: _Waiting | None = None
_under_orders: tuple[Newborn, dict[str, str]] | None = None


def begin() -> None:
    """Fork it, if a fork is as good as a fresh process here; nothing else if not. It never comes back from here.

    Until the modules are loaded, nothing of what the interpreter holds becomes garbage: it is not looked for.
    """
    global _waiting
    gc.disable()
    if sys.platform != "linux" or not hasattr(os, "memfd_create") or disturbance():
        return
    if len(os.listdir(_TASKS)) > 1:  # noqa: PTH208 - pathlib takes time
        return
    _load_commons()
    ours, theirs = socket.socketpair()
    read, lifeline = os.pipe()
    paper = os.memfd_create("pepperpy-reload-stacks")  # it may be gone before anybody opens one of its own
    environment = dict(os.environ)
    try:
        pid = os.fork()
    except OSError:
        for end in (read, lifeline, paper):
            os.close(end)
        ours.close()
        theirs.close()
        return
    if not pid:
        os.close(lifeline)
        ours.close()
        os.setsid()  # what a terminal sends to all that were started on it is for the supervisor alone
        guard.keep(read)
        _look_started(theirs.detach(), read)
        from pepperpy_reload.supervising.worker import main

        main(paper, look_for_garbage)
        sys.exit()
    os.close(read)
    theirs.close()
    _waiting = _Waiting(pid, ours, lifeline, environment, paper)


def _load_commons() -> None:
    """Load what both will need, from where no file of the user's can stand for it."""
    first = [] if sys.flags.safe_path else [sys.path.pop(0)]
    try:
        for name in COMMONS:
            __import__(name)
    finally:
        sys.path[:0] = first


def look_for_garbage() -> None:
    """From now on, and as if all that is loaded had been looked through: it holds none, and to look takes time."""
    gc.freeze()
    gc.unfreeze()
    gc.enable()


def take(environment: Mapping[str, str]) -> Newborn | None:
    """It, if there is one and this is its environment."""
    global _waiting, _under_orders
    if _under_orders is not None and _under_orders[1] == environment:
        (born, _), _under_orders = _under_orders, None
        return born
    if _waiting is None or _waiting.environment != environment:
        end()
        return None
    from pepperpy_reload.supervising.channel import Channel
    from pepperpy_reload.supervising.newborn import Adopted, Newborn

    waiting, _waiting = _waiting, None
    return Newborn(Adopted(waiting.pid), Channel(waiting.sock, at_once=True), waiting.lifeline, stacks=waiting.stacks)


def instruct(orders: Orders) -> None:
    """Let it do all that it can before it has its place, if it is a worker for these orders; else it is ended.

    Raises as `Orders.environment` does.
    """
    global _under_orders
    environment = orders.environment()
    born = take(environment)
    if born is not None:
        born.channel.send(orders.as_json())
        _under_orders = born._replace(has_orders=True), environment


def settle(sock: socket.socket | None) -> None:
    """Let it run, if it has its orders. Whatever is saved from now on has to be noticed by us."""
    global _under_orders
    if _under_orders is not None:
        from pepperpy_reload.supervising.newborn import settle as give_place

        born, environment = _under_orders
        estate = give_place(born.channel, sock)
        _under_orders = born._replace(has_place=True, estate=estate), environment


def make_way(nothing_to_do: Callable[[], bool]) -> None:
    """Where no processor is to spare: wait for a moment until it serves, or there is something else to see to."""
    global _under_orders
    load = _load()
    if _under_orders is None or load <= 1:
        return
    born, environment = _under_orders
    deadline, said = time.monotonic() + min(_MOMENT * load, _LONGEST), list(born.said)
    while time.monotonic() < deadline and nothing_to_do():
        if not born.channel.wait(_LOOK):
            continue
        message, _ = born.channel.hear()
        if message is not None:
            said.append(message)
        if message is None or message.get("type") not in _BEFORE:
            break
    _under_orders = born._replace(said=tuple(said)), environment


def _load() -> float:
    """How many processes want each processor."""
    try:
        return (os.getloadavg()[0] + _OURS) / (os.cpu_count() or 1)
    except OSError:
        return _OURS


def end() -> None:
    """It is not wanted."""
    global _waiting, _under_orders
    waiting, _waiting = _waiting, None
    if waiting is not None:
        os.close(waiting.lifeline)
        os.close(waiting.stacks)
        waiting.sock.close()
        with suppress(ChildProcessError):
            os.waitpid(waiting.pid, 0)
    instructed, _under_orders = _under_orders, None
    if instructed is not None:
        born = instructed[0]
        os.close(born.lifeline)
        if born.stacks is not None:
            os.close(born.stacks)
        born.channel.close()
        if born.estate is not None:
            born.estate.close()
        born.guard.wait()


def _look_started(channel: int, lifeline: int) -> None:
    """What a program can see of how its process came to be is what it sees of one that was started."""
    if not sys.flags.safe_path:
        sys.path_importer_cache.pop(sys.path.pop(0), None)
    from subprocess import _args_from_interpreter_flags  # type: ignore[attr-defined]
    from types import ModuleType

    sys.argv = ["-c", str(channel), str(lifeline)]
    sys.orig_argv[:] = [sys.executable, *_args_from_interpreter_flags(), "-c", guard.CODE, *sys.argv[1:]]
    former, main = sys.modules["__main__"], ModuleType("__main__")
    kept = {name: value for name, value in vars(former).items() if name in ("__builtins__", "__annotations__")}
    vars(main).update(kept, __loader__=sys.modules["_frozen_importlib"].BuiltinImporter, sys=sys, main=guard.main)
    sys.modules["__main__"] = main
    for name in ("runpy", "pepperpy_reload.__main__", disturbance.__module__, __name__):  # a worker has none of these
        sys.modules.pop(name, None)
