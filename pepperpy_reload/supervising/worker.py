"""The worker's process: it imports the user's code, runs it, and brings it up to date when files are saved.

It is started by `supervising.process` with one end of a channel, and imports no more than it needs: its start is what
a person waits for after a restart.
"""

from __future__ import annotations

import errno
import gc  # noqa: F401 - the engine's: see Worker._engine
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, NoReturn

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.errors import ReloadError, SurroundingsError, UsageError
from pepperpy_reload.importing import bytecode
from pepperpy_reload.importing.modules import ModuleManager
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.preloading.loads import Loads, own_sources
from pepperpy_reload.reloading.gate import GRACE
from pepperpy_reload.reloading.optimizer import ImportOptimizer
from pepperpy_reload.serving import headstart
from pepperpy_reload.serving.session import ServeOptions, Session, open_session
from pepperpy_reload.serving.succession import Succession
from pepperpy_reload.serving.target import Target, load_target, parse_target
from pepperpy_reload.supervising import signals, stacks
from pepperpy_reload.supervising.authorship import Authorship
from pepperpy_reload.supervising.channel import Channel, Line, Message, ServiceThread
from pepperpy_reload.supervising.leaving import SERVED, Signals, hasty, insist_on_leaving
from pepperpy_reload.supervising.orders import Orders, Task
from pepperpy_reload.supervising.prompt import Prompt
from pepperpy_reload.supervising.rivalry import is_exclusive

if TYPE_CHECKING:
    from pepperpy_reload.importing.veil import Veil
    from pepperpy_reload.serving.headstart import HeadStart
    from pepperpy_reload.supervising.follower import Follower

UNSTARTED = 3
"""The exit status of a worker that has said why it cannot start."""
_REST = 0.03  # seconds after an app is served for the first requests: whoever starts it waits for them


def main(paper: int | None = None, on_loaded: Callable[[], None] = lambda: None) -> None:
    """The process's whole life; `sys.argv[1]` is the channel's descriptor, `paper` one for stacks.

    `on_loaded` is called when all is there that can be without the user's code.
    """
    signals.restore()
    channel = Channel.inherited(int(sys.argv[1]))
    channel.send(born(paper))
    orders, early = channel.hear()
    if orders is not None:
        told = Orders.from_json(orders)
        begun = _head_start(told)
        if begun is not None:
            begun.begin()
        on_loaded()
        live(Worker(channel, told, begun=begun), channel, early)


def born(paper: int | None = None) -> Message:
    """What a worker says first."""
    return {"type": "born", "pid": os.getpid(), "stacks": stacks.offer(paper)}


def live(worker: Worker, channel: Channel, early: Sequence[int], begin: Callable[[], None] | None = None) -> NoReturn:
    """Hear what the worker has to do with others, and do what it is for, to the end of the process.

    `early` are descriptors that have come by now; `begin` is called between the two.
    """
    place, later = channel.hear()
    if place is None:
        os._exit(0)
    descriptors = iter([*early, *later])  # in the order in which they were sent
    given = {name: None if place[name] is None else next(descriptors) for name in ("socket", "estate", "legacy")}
    sock, legacy, estate = (_inherited(given[name]) for name in ("socket", "legacy", "estate"))
    texts, _ = channel.hear() if place["texts"] else ({"texts": {}}, [])
    if texts is None:
        os._exit(0)
    if begin is not None:
        begin()
    succession = Succession(beside=place["beside"], legacy=legacy, estate=estate)
    if texts["texts"]:
        from pepperpy_reload.supervising.lending import received

        bytecode.lend(received(texts["texts"]))
    with suppress(KeyboardInterrupt):
        status = worker.run(sock, succession)
        if worker.has_served:
            insist_on_leaving(status)
        sys.exit(status)
    sys.exit(signals.ENDED_BY_SIGNAL + signal.SIGINT)


class Worker:
    """What the supervisor's orders ask for, done in this process; a fork has a veil over what was imported ahead.

    To make one takes what has to be done before the user's code is run, whenever that may be; `begun` is what has been
    loaded before.
    """

    def __init__(self, channel: Line, orders: Orders, veil: Veil | None = None, begun: HeadStart | None = None) -> None:
        self._veil = veil
        self._begun = begun
        self.loads = Loads(veil or begun)
        self._channel = channel
        self._orders = orders
        self._sock: socket.socket | None = None
        self._succession = Succession()
        self._session: Session | None = None
        self._target: Target | None = None
        self._signals: Signals | None = None
        self._grace = float(orders.options.get("grace", GRACE))
        self._events: SimpleQueue[Hint | Quiet] = SimpleQueue()
        self._agreed: SimpleQueue[dict[str, str] | None] = SimpleQueue()
        """For each complete batch: what other workers run of it; None where there are no others."""
        self._saved = threading.Event()
        self._optimizer = ImportOptimizer(ModuleManager())
        self._is_ready = False
        self._began_in = (dict(os.environ), str(Path.cwd())) if orders.audit else ({}, "")  # user code may change it
        self.prompt = Prompt(self._tell_of_prompt)
        if os.isatty(0):
            self.prompt.watch()
        sys.path[:0] = orders.search
        self._optimizer.install()
        recorder.attach(self.loads)
        recorder.roots.narrow(orders.roots)  # before anything is loaded: what is first-party is asked from now on

    @property
    def has_served(self) -> bool:
        """Whether an app has run, not a program."""
        return self._session is not None and self._session.kind in SERVED

    @property
    def ended_by(self) -> int:
        """The signal that has ended what ran, 0 if none has."""
        return 0 if self._signals is None else self._signals.number

    def read_ahead(self, sources: Sequence[str]) -> None:
        """Have at hand what the user's modules are made of, as long as these files stay as they are."""
        bytecode.read_ahead(source for source in sources if source in recorder.roots)

    def run(self, sock: socket.socket | None, succession: Succession) -> int:
        """Load the user's code and run it until it ends or is told to; returns the exit status."""
        self._sock, self._succession = sock, succession
        if succession.beside:  # somebody waits for it
            bytecode.postpone_writing()
        self._channel.listen(self._hear, _die)
        recorder.on_write = Authorship(self._channel.post)
        try:
            self._load_server()
            if self._is_overtaken():
                return UNSTARTED
            self._session = session = self._open()
            self.loads.mark()
            if not succession.beside and self._is_doubtful():
                return UNSTARTED
            self._signals = Signals(session, self._grace, self._succession.enter, self.prompt.is_at)
            self._signals.obey(interruptible=self._orders.task is Task.SERVE)
            return session.run(self._on_ready(session))
        except ReloadError as error:
            self._confess(error)
        except OSError as error:  # not the user's: theirs come as UserCodeError
            if error.errno != errno.EADDRINUSE:
                raise
            self._confess(SurroundingsError(str(error)), fault="port")  # two servers began to listen at the same time
        return UNSTARTED

    def _load_server(self) -> None:
        """In a fork: what one that was started has loaded by now comes from behind the veil."""
        if self._veil is not None and _head_start(self._orders) is not None:
            headstart.load()

    def _is_overtaken(self) -> bool:
        """Whether what was loaded before the user's code is not what would be loaded now; the supervisor is told."""
        if self._begun is None or not self._begun.is_overtaken:
            return False
        text = "a file was saved that has the name of a library's"
        self._channel.send({"type": "doubt", "text": text, "culprit": "", "early": False})
        return True

    def _open(self) -> Session:
        orders = self._orders
        if orders.task is not Task.SERVE:
            from pepperpy_reload.serving.script import ScriptSession

            if orders.task is Task.MODULE:
                return ScriptSession(arguments=orders.argv, module=orders.target)
            return ScriptSession(orders.target, orders.argv)
        sys.argv = list(orders.argv)
        self._target = target = load_target(orders.target, factory=orders.factory)
        session = open_session(
            target, self._sock, ServeOptions(**orders.options), succession=self._succession, tell=self._notice
        )
        if session.kind in SERVED:  # from now on the socket may take connections
            self._channel.send({"type": "kind", "kind": session.kind.value})
        return session

    def _on_ready(self, session: Session) -> Callable[[], None]:
        """What the session calls: the reloader begins to work once there is something to reload.

        An app beside another worker is ready only when it has what was saved while it started; see `_follow`.
        """
        beside = self._succession.beside

        def ready() -> None:
            serves = session.kind in SERVED
            if beside and not serves and self._target is not None and self._target.may_be_factory:
                return  # that is a guess after some seconds; meanwhile the other worker serves
            if not self._is_ready:
                self._begin(session)
            self._is_ready = True
            self._channel.send({"type": "kind", "kind": session.kind.value})
            if not (beside and serves):
                self._channel.send({"type": "ready"})
            if beside and not serves:
                self._succession.wait()

        return ready

    def _begin(self, session: Session) -> None:
        is_awaited = self._succession.beside or session.kind not in SERVED
        if is_awaited:
            self._engine()
        follow = partial(self._follow, session, rest=0.0 if is_awaited else _REST)
        ServiceThread(follow, "pepperpy-reload").start()

    def _engine(self) -> type[Follower]:
        """What reloads: the largest part of us, loaded when the app is served, but before a program is run.

        By then the user's code may have changed what a name stands for: all that it needs besides modules of ours is
        there since this module was imported.
        """
        with self.loads.aside():
            from pepperpy_reload.supervising.follower import Follower

        return Follower

    def _follow(self, session: Session, rest: float) -> None:
        """Bring this process up to date, batch by batch. The first requests get `rest` seconds, if nothing is saved."""
        self._saved.wait(rest)
        follower = self._engine()(
            self._channel,
            self._orders,
            session,
            self._target,
            self._optimizer,
            self._events,
            self._agreed,
            self._began_in,
        )
        follower.follow(
            on_current=self._on_current, on_idle=self._on_idle, before_each=self._let_debug, is_late=rest > 0
        )

    def _on_current(self) -> None:
        if self._succession.beside and not self._is_doubtful():
            self._channel.send({"type": "ready"})

    def _on_idle(self) -> None:
        bytecode.write_postponed()
        self._tell_of_libraries()

    def _hear(self, message: Message) -> None:
        paths = frozenset(message.get("paths", ()))
        if message["type"] == "hint":
            self._events.put(Hint(paths, first=bool(message["first"])))
            self._saved.set()
        elif message["type"] == "quiet":
            self._agreed.put(message.get("digests"))
            self._events.put(Quiet(paths))
            self._saved.set()
            self._channel.post({"type": "heard"})
        elif message["type"] == "where":
            self._channel.post({"type": "where", "stacks": stacks.told()})
        elif message["type"] == "enter":
            self._succession.enter()
        elif message["type"] == "lend":
            from pepperpy_reload.supervising.lending import differing

            self._channel.post({"type": "lent", "texts": differing()})
        elif message["type"] == "yield" and self._session is not None:
            self.prompt.look()
            self._session.resign(lambda: self._channel.post({"type": "yielded"}))
        elif message["type"] == "end" and self._session is not None:
            self._succession.enter()
            self._session.stop(hasty(self._grace))
        elif message["type"] == "stay" and self._session is not None:
            self._session.stay()

    def _is_doubtful(self) -> bool:
        """Whether this process may not be what a fresh start is; the supervisor is told why."""
        doubt = "" if self._veil is None else self._veil.settle()
        if self._veil is not None and doubt:
            about = {"text": doubt, "culprit": self._veil.culprit, "early": self._veil.is_early}
            self._channel.send({"type": "doubt"} | about)
        return bool(doubt)

    def _tell_of_libraries(self) -> None:
        if self._orders.task is Task.SERVE:
            is_program = self._session is None or self._session.kind not in SERVED
            first = self.loads.libraries(first=True)
            names = first if is_program else self.loads.libraries()  # its own run imports what it likes
            found = {"names": names, "first": first, "sources": own_sources(named=not is_program)}
            self._channel.send({"type": "libraries"} | found)
            recorder.detach(self.loads)

    def _let_debug(self, event: Hint | Quiet) -> None:
        """A reload waits while somebody is at a prompt that counts."""
        if self._counts():
            names = ", ".join(sorted(path.rpartition("/")[2] for path in event.paths))
            self.prompt.wait(lambda: self._notice(f"{names} saved: that waits until nobody is at the prompt"))

    def _tell_of_prompt(self, is_open: bool) -> None:
        if not is_open or self._counts():
            debugs = self.prompt.is_in_main_thread and self.prompt.is_of_debugger
            self._channel.post({"type": "reading" if is_open else "read", "debugs": debugs})

    def _counts(self) -> bool:
        """Whether a prompt is to be let alone: that of a debugger, or any one in an app; a program may ask for ever."""
        is_program = self._session is not None and self._session.kind not in SERVED
        return not is_program or self.prompt.is_of_debugger

    def _notice(self, text: str) -> None:
        self._channel.send({"type": "notice", "text": text})

    def _confess(self, error: ReloadError, fault: str = "code") -> None:
        if self._veil is not None and not self._is_ready and self._veil.is_doubtful() and self._is_doubtful():
            return
        if fault == "code" and isinstance(error, UsageError | SurroundingsError):
            fault = "usage" if isinstance(error, UsageError) else "surroundings"
        what = {"text": str(error), "file": error.file, "line": error.line}
        message = {"type": "unstarted", "error": what, "fault": fault, "files": [error.file], "ran": self._is_ready}
        message["exclusive"] = is_exclusive(error)
        self._channel.send(message)


def _head_start(orders: Orders) -> HeadStart | None:
    """The server's, if it is going to be needed and can be loaded by now."""
    if orders.task is not Task.SERVE or orders.audit:  # an audit's fresh starts have the user's modules alone
        return None
    with suppress(UsageError):
        module, attribute = parse_target(orders.target)
        if orders.factory or headstart.is_app(module, attribute, orders.search):
            begun = headstart.HeadStart((*orders.search, *orders.roots))
            return begun if begun.is_possible else None
    return None


def _inherited(descriptor: int | None) -> socket.socket | None:
    """A socket that we were started with. Processes that we start do not get it."""
    if descriptor is None:
        return None
    sock = socket.socket(fileno=descriptor)
    sock.set_inheritable(False)
    sock.setblocking(False)  # it is, but a copy would be made one that waits, and with it those of other processes
    return sock


def _die() -> None:
    """The supervisor is gone: nobody would ever end us or what we have started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
