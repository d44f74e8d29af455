"""The zygote: a process with one thread that has imported third-party modules, and whose forks become workers.

It never runs the user's code. A fork goes on as a worker does that was started for it: what differs is renewed or put
out of sight. Orders come over a socket; when that is at its end, so is the zygote.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pepperpy_reload.supervising import follower, guard, signals, worker  # noqa: F401 - forks need not load it
from pepperpy_reload.supervising.channel import Channel, Message
from pepperpy_reload.supervising.orders import Orders

if TYPE_CHECKING:
    from pepperpy_reload.preloading.ahead import Ahead

_TYPED = (signal.SIGINT, signal.SIGTSTP, signal.SIGQUIT, signal.SIGHUP)


def main() -> None:
    """The process's whole life; `sys.argv[1]` is the socket's descriptor."""
    signals.restore()
    line = socket.socket(fileno=int(sys.argv[1]))
    line.set_inheritable(False)
    zygote = Zygote(line)
    own = zygote.serve()
    _go_on(own, zygote.ahead)  # only forks come back


def _go_on(own: socket.socket, ahead: Ahead) -> None:
    """As `worker.main` does. Until it has a place it may be long, and all that can be done before is done by then."""
    channel = Channel(own)
    orders, early = channel.hear()
    if orders is None:
        os._exit(0)
    sources, wanted, is_careful = (orders.pop(name) for name in ("sources", "early", "careful"))
    born = worker.born()
    if not wanted:  # else whoever waits is to know first whether it can be used
        channel.send(born)
    ahead.settle_in()
    argv, arguments = sys.argv, list(orders["argv"])
    one = worker.Worker(channel, Orders.from_json(orders), ahead.veil)
    one.read_ahead(sources)
    if wanted:
        sys.argv = arguments  # as they will be
        channel.send(_import_early(one, ahead, wanted, careful=is_careful))
        sys.argv = argv
        channel.send(born)
    worker.live(one, channel, early, ahead.begin)


def _import_early(one: worker.Worker, ahead: Ahead, groups: list[list[str]], *, careful: bool) -> Message:
    """Import modules of the project's own before anything is asked; what there is to say of it."""
    with _silence(), one.loads.unnoted():
        before, held = frozenset(sys.modules), dict(ahead.veil.held)
        from pepperpy_reload.preloading.early import Early  # it brings along what a worker does not have

        spoiled = Early(ahead, before, held, careful=careful).run(groups)
    if spoiled is None:
        return {"type": "early", "module": "", "text": ""}
    return {"type": "spoiled", "module": spoiled.module, "text": spoiled.reason}


@contextmanager
def _silence() -> Iterator[None]:
    """What is written meanwhile goes nowhere: it will be written again."""
    kept = [os.dup(number) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        yield
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):
                stream.flush()
    finally:
        for number, before in enumerate(kept, 1):
            os.dup2(before, number)
            os.close(before)
        os.close(nowhere)


class Zygote:
    """Imports what it is told, then forks as often as it is asked."""

    ahead: Ahead

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._base = frozenset(sys.modules) - {__name__}
        self._argv = list(sys.argv)
        # What is typed on the terminal is the supervisor's to answer; forks have the handlers of a program again.
        self._handlers = {number: signal.signal(number, signal.SIG_IGN) for number in _TYPED}
        self._code = ""
        self._crowd: Callable[[], str]

    def serve(self) -> socket.socket:
        """In each fork: the socket over which it gets its orders. In the zygote itself this never returns."""
        orders = Channel(self._line)
        order, _ = orders.hear()
        if order is None:
            os._exit(0)
        _end_with(self._line, is_wanted=True)
        from pepperpy_reload.preloading.disturbance import disturbance  # not among what a worker begins with

        fault = disturbance() or self._preload(order)
        _end_with(self._line, is_wanted=False)
        self._tell({"type": "useless" if fault else "ready", "text": fault})
        gc.collect()
        gc.freeze()
        while True:
            message, descriptors = orders.hear()
            if message is None or fault:
                os._exit(0)
            channel, lifeline = descriptors
            fault = self._crowd()
            if fault:
                self._tell({"type": "useless", "text": fault})
            elif self._fork(lifeline):
                return self._become_worker(channel, lifeline)
            os.close(channel)
            os.close(lifeline)

    # -- before the forks ---------------------------------------------------------------------------------------------

    def _preload(self, order: Message) -> str:
        """Import the modules and put them out of sight; why they cannot be used, or ""."""
        from pepperpy_reload.preloading.ahead import Ahead, crowd

        self._code, self._crowd = order["code"], crowd
        self.ahead = Ahead(order, self._base)
        return self.ahead.fault

    # -- forks --------------------------------------------------------------------------------------------------------

    def _fork(self, lifeline: int) -> bool:
        """Fork a worker below a guard of its own, which becomes a child of the supervisor; whether this is the worker.

        In between is a process that ends at once: who has lost its parent is adopted by the supervisor.
        """
        read, write = os.pipe()
        between = os.fork()
        if not between:
            child = os.fork()
            if child:
                os.write(write, b"%d" % child)
                os._exit(0)
            os.close(read)
            os.close(write)
            self._line.close()
            os.setsid()
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            guard.keep(lifeline)
            return True
        os.close(write)
        os.waitpid(between, 0)
        born = os.read(read, 32)
        os.close(read)
        self._tell({"type": "born", "pid": int(born or 0)})
        return False

    def _become_worker(self, channel: int, lifeline: int) -> socket.socket:
        sys.argv = [self._argv[0], str(channel), str(lifeline)]
        sys.orig_argv[-2:] = [self._code, *sys.argv[1:]]
        vars(sys.modules["__main__"])["main"] = guard.main  # as in one that was started
        return socket.socket(fileno=channel)

    def _tell(self, message: Message) -> None:
        with suppress(OSError):
            self._line.sendall(json.dumps(message).encode() + b"\n")


def _end_with(line: socket.socket, *, is_wanted: bool) -> None:
    """Have this process end when the line does, whatever it is doing; or only when it looks."""
    flags = fcntl.fcntl(line, fcntl.F_GETFL)
    fcntl.fcntl(line, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(line, fcntl.F_SETFL, flags | os.O_ASYNC if is_wanted else flags & ~os.O_ASYNC)
