"""The process that never imports user code: it owns the socket, the watcher, the terminal and the worker.

Everything that happens comes into one inbox and is handled one after the other by the main thread; what it means is
looked up in `core.lifecycle`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.lifecycle import Action, Event, Lifecycle, State
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.drawing.news import (
    Audited,
    Died,
    Finished,
    Note,
    Ready,
    Reported,
    Restarted,
    Restarting,
    Started,
    Stopped,
    Stopping,
    Trouble,
    Unstarted,
)
from pepperpy_reload.drawing.terminal import Display
from pepperpy_reload.errors import ReloadError, SurroundingsError, UsageError
from pepperpy_reload.supervising import signals
from pepperpy_reload.supervising.channel import Message
from pepperpy_reload.supervising.listener import Listener
from pepperpy_reload.supervising.orders import Orders, Task
from pepperpy_reload.supervising.process import WorkerProcess
from pepperpy_reload.supervising.triggers import Triggers, holds_code, not_our_output

WatcherMaker = Callable[[Callable[[Hint | Quiet], None], Callable[[str], None]], AbstractContextManager[object]]
"""Makes a watcher from what is to be called with events and with sentences for the user."""

_SERVED = ("asgi", "wsgi")
_FAULTS: dict[str, type[ReloadError]] = {"usage": UsageError, "surroundings": SurroundingsError}
_GRACE_FOR_GRACE = 0.5  # seconds on top: a worker that keeps its grace period to the full is not killed for it


@dataclass(frozen=True, slots=True)
class _Said:
    worker: WorkerProcess
    message: Message


@dataclass(frozen=True, slots=True)
class _Exited:
    worker: WorkerProcess
    status: int


@dataclass(frozen=True, slots=True)
class _Signalled:
    number: int


Item = _Said | _Exited | _Signalled | Hint | Quiet | Note


class Supervisor:
    """Runs one worker at a time, and another one whenever that is needed, until it is told to end."""

    def __init__(
        self,
        orders: Orders,
        listener: Listener | None,
        display: Display,
        watch: WatcherMaker,
        triggers: Triggers,
        *,
        url: str = "",
        grace: float = 2.0,
    ) -> None:
        self._orders = orders
        self._listener = listener
        self._display = display
        self._watch = watch
        self._triggers = triggers
        self._url = url
        self._inbox: SimpleQueue[Item] = SimpleQueue()
        self._life = Lifecycle(grace=grace + _GRACE_FOR_GRACE)
        self._worker: WorkerProcess | None = None
        self._plain = orders.task is not Task.SERVE
        self._status = 0
        self._reason = ""
        self._since = 0.0
        self._was_ready = False
        self._error = ""
        self._code_was_saved = False
        self._has_terminal = signals.has_terminal()

    def run(self) -> int:
        """Everything, until the end. Returns the exit status.

        Raises UsageError if the very first worker finds nothing to run, SurroundingsError if the port is lost.
        """
        with signals.caught(lambda number: self._inbox.put(_Signalled(number))):
            try:
                with self._watch(self._inbox.put, lambda text: self._inbox.put(Note(text))):  # before the worker reads
                    self._display.show(Started(self._orders.target, self._url, self._orders.roots))
                    self._advance(Event.BEGIN)
                    while self._life.state is not State.CLOSED:
                        self._take()
            finally:
                if self._worker is not None:
                    self._worker.kill()
        self._display.show(Stopped(self._status))
        return self._status

    def _take(self) -> None:
        due = self._life.due
        try:
            timeout = None if due is None else max(0.0, due - time.monotonic())
            item = self._inbox.get(timeout=timeout)
        except Empty:
            self._advance(Event.DUE)
            return
        self._handle(item)

    def _handle(self, item: Item) -> None:
        if isinstance(item, _Said):
            if item.worker is self._worker:
                self._hear(item.message)
        elif isinstance(item, _Exited):
            if item.worker is self._worker:
                self._bury(item.status)
        elif isinstance(item, _Signalled):
            self._obey(item.number)
        elif isinstance(item, Note):
            self._display.show(item)
        else:
            self._saved(item)

    # -- the table ----------------------------------------------------------------------------------------------------

    def _advance(self, event: Event, *, code: bool = True) -> Action:
        serving = self._life.state is State.SERVING
        self._life, action = self._life.advance(event, time.monotonic(), code=code)
        if action is Action.SPAWN:
            self._spawn(event)
        elif action is Action.END and self._worker is not None:
            self._worker.end(signal.SIGINT if serving and event is Event.INTERRUPT else signal.SIGTERM)
        elif action is Action.KILL and self._worker is not None:
            self._worker.kill()
        return action

    def _spawn(self, event: Event) -> None:
        if event not in (Event.RESTART, Event.ENDED, Event.CRASHED):
            self._since = time.monotonic()  # else the time runs from the wish for another worker
        sock = None if self._listener is None else self._listener.sock
        try:
            self._worker = WorkerProcess(
                self._orders,
                sock,
                lambda worker, message: self._inbox.put(_Said(worker, message)),
                lambda worker, status: self._inbox.put(_Exited(worker, status)),
            )
        except ReloadError as error:  # the env file, read anew
            if not self._was_ready:
                raise
            self._display.show(Unstarted(Trouble(str(error))))
            self._advance(Event.ENDED)

    # -- the worker ---------------------------------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        kind = message.get("type")
        if kind == "kind":
            self._learn(str(message["kind"]))
        elif kind == "ready":
            self._welcome()
        elif kind == "report":
            self._read(ReloadReport.from_json(message["report"]))
        elif kind == "unstarted":
            self._pity(message)
        elif kind == "notice":
            self._display.show(Note(str(message["text"])))
        elif kind == "audit":
            self._display.show(Audited(**{key: value for key, value in message.items() if key != "type"}))

    def _learn(self, kind: str) -> None:
        self._plain = kind not in _SERVED
        if not self._plain and self._listener is not None:
            self._listener.listen()

    def _welcome(self) -> None:
        state = self._life.state
        self._advance(Event.READY)
        url = "" if self._plain else self._url
        turned_out = state is State.SERVING and bool(url)  # what was taken for a program serves an app
        if self._life.state is not State.SERVING or self._worker is None or (state is State.SERVING and not turned_out):
            return
        pid, duration = self._worker.pid, time.monotonic() - self._since
        if self._was_ready and not turned_out:
            self._display.show(Restarted(self._reason, pid, duration))
        else:
            self._display.show(Ready(self._orders.target, url, pid, duration, self._orders.roots))
        self._was_ready = True

    def _read(self, report: ReloadReport) -> None:
        error = "" if report.error is None else str(report.error)
        again = error == self._error and report.status is ReloadStatus.FAILED and not self._code_was_saved
        if report.status is not ReloadStatus.UNCHANGED:
            self._error = error
        if report.status is ReloadStatus.RESTART:
            self._restart(report.reason)
        elif not again:  # a program that writes files while its code is broken would have it told for ever
            self._display.show(Reported(report))

    def _pity(self, message: Message) -> None:
        error = message["error"]
        if message.get("fault") == "port" and self._listener is not None:
            self._listener.listen()  # says who has it
        fault = _FAULTS.get(str(message.get("fault")))
        if fault is not None and not self._was_ready:
            raise fault(str(error["text"]))
        self._advance(Event.UNSTARTED)
        if self._life.state in (State.BROKEN, State.BROKEN_STALE):
            trouble = Trouble(str(error["text"]), str(error["file"]), int(error["line"]))
            self._display.show(Unstarted(trouble, ran=bool(message.get("ran"))))

    def _bury(self, status: int) -> None:
        before, self._worker = self._life.state, None
        crashed = self._is_crash(before, status)
        self._advance(Event.CRASHED if crashed else Event.ENDED)
        if before not in (State.STARTING, State.STALE, State.SERVING):
            return
        if not crashed and before is State.SERVING:
            self._display.show(Finished(status))
            return
        retry = None if self._life.due is None else round(self._life.due - time.monotonic(), 1)
        how = signals.end_of(status)
        self._reason = how
        self._display.show(Died(how, retry))

    def _is_crash(self, state: State, status: int) -> bool:
        """Whether another try may end otherwise: not for a script, and not for a plain end while it starts."""
        if self._orders.task is not Task.SERVE:
            return False
        return status < 0 or (state is State.SERVING and not self._plain)

    # -- the world ----------------------------------------------------------------------------------------------------

    def _saved(self, event: Hint | Quiet) -> None:
        paths = not_our_output(event.paths)
        if not paths:
            return
        reason = self._triggers.reason(paths) if isinstance(event, Quiet) else ""
        if reason:
            self._restart(reason)
            return
        self._pass_on(replace(event, paths=paths))
        if isinstance(event, Quiet):
            self._count(paths)

    def _count(self, paths: frozenset[str]) -> None:
        self._code_was_saved = holds_code(paths)
        if self._worker is None:
            self._reason = f"{_named(paths)} saved"
        self._advance(Event.SAVED, code=self._code_was_saved)

    def _pass_on(self, event: Hint | Quiet) -> None:
        if self._worker is None:
            return
        message: Message = {"type": "quiet", "paths": sorted(event.paths)}
        if isinstance(event, Hint):
            message |= {"type": "hint", "first": event.first}
        self._worker.post(message)

    def _restart(self, reason: str) -> None:
        now = time.monotonic()
        if self._life.state is not State.REPLACING:
            self._reason, self._since = reason, now
        if self._advance(Event.RESTART) is not Action.NOTHING:
            self._display.show(Restarting(reason))

    def _obey(self, number: int) -> None:
        if number == getattr(signal, "SIGHUP", None) and not self._is_hung_up():
            self._restart("SIGHUP")
            return
        self._status = self._status or signals.ENDED_BY_SIGNAL + number
        if self._advance(Event.INTERRUPT) in (Action.END, Action.NOTHING):
            self._display.show(Stopping())

    def _is_hung_up(self) -> bool:
        """Whether the terminal that we were started on is gone: then nobody is left to serve for."""
        return self._has_terminal and not signals.has_terminal()


def _named(paths: frozenset[str]) -> str:
    first, *rest = sorted(path.rpartition("/")[2] for path in paths)
    return f"{first} and {len(rest)} more" if rest else first
