"""The process that never imports user code: it owns the socket, the watcher, the terminal and the workers.

Everything that happens comes into one inbox and is handled one after the other by the main thread; what it means is
looked up in `core.lifecycle`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.lifecycle import SERVED, Action, Event, State
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.drawing.excerpt import headline
from pepperpy_reload.drawing.news import (
    Died,
    Finished,
    Happening,
    Note,
    Ready,
    Reported,
    Restarted,
    Started,
    Stopped,
    Stopping,
    Trouble,
    Unstarted,
)
from pepperpy_reload.drawing.recall import Recall
from pepperpy_reload.drawing.terminal import Display
from pepperpy_reload.errors import ReloadError, SurroundingsError, UsageError
from pepperpy_reload.supervising import signals
from pepperpy_reload.supervising.apology import Apology
from pepperpy_reload.supervising.channel import Message
from pepperpy_reload.supervising.console import Console
from pepperpy_reload.supervising.course import Course
from pepperpy_reload.supervising.crew import Crew
from pepperpy_reload.supervising.guard import adopt_orphans
from pepperpy_reload.supervising.inbox import Exited, Item, Pressed, Said, Signalled
from pepperpy_reload.supervising.keyboard import Keyboard
from pepperpy_reload.supervising.keys import Keys
from pepperpy_reload.supervising.listener import Listener
from pepperpy_reload.supervising.orders import Orders, Task
from pepperpy_reload.supervising.process import WorkerProcess
from pepperpy_reload.supervising.timings import Timings
from pepperpy_reload.supervising.told import news_of
from pepperpy_reload.supervising.triggers import Triggers, holds_code, not_our_output
from pepperpy_reload.supervising.warmth import Warmth, Wishes

WatcherMaker = Callable[[Callable[[Hint | Quiet], None], Callable[[str], None]], AbstractContextManager[object]]
"""Makes a watcher from what is to be called with events and with sentences for the user."""

_SERVED = ("asgi", "wsgi")
_FAULTS: dict[str, type[ReloadError]] = {"usage": UsageError, "surroundings": SurroundingsError}
_GRACE_FOR_GRACE = 0.5  # seconds on top: a worker that keeps its grace period to the full is not killed for it


class Supervisor:
    """Runs a worker, and another one whenever that is needed, until it is told to end.

    With `overlap` the new worker of an app starts beside the old one and takes over when it is ready.
    """

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
        overlap: bool = True,
        keys: bool = True,
        wishes: Wishes | None = None,
        timings: Timings | None = None,
    ) -> None:
        self._orders = orders
        self._timings = timings
        self._listener = listener
        self._display = display = Recall(display)
        self._watch = watch
        self._triggers = triggers
        self._url = url
        self._inbox: SimpleQueue[Item] = SimpleQueue()
        self._warmth = Warmth(orders, wishes or Wishes(wanted=False), self._inbox.put)
        self._crew = Crew(
            orders,
            listener,
            lambda worker, message: self._inbox.put(Said(worker, message)),
            lambda worker, status: self._inbox.put(Exited(worker, status)),
            grace + _GRACE_FOR_GRACE,
            self._warmth,
        )
        self._apology = Apology(orders, listener)
        self._course = Course(
            self._crew,
            self._apology,
            display,
            grace=grace + _GRACE_FOR_GRACE,
            overlap=overlap,
            plain=orders.task is not Task.SERVE,
        )
        keyboard = Keyboard(lambda key: self._inbox.put(Pressed(key))) if keys else None
        self._console = Console(self._crew, self._course, display, keyboard, self._inbox.put)
        self._keys = Keys(self._course, display, url, self._quit, self._console)
        self._status = 0
        self._code_was_saved = False
        self._has_terminal = signals.has_terminal()

    def run(self) -> int:
        """Everything, until the end. Returns the exit status.

        Raises UsageError if the very first worker finds nothing to run, SurroundingsError if the port is lost.
        """
        with signals.caught(lambda number: self._inbox.put(Signalled(number))):
            try:
                with self._watch(self._inbox.put, lambda text: self._inbox.put(Note(text))):  # before the worker reads
                    self._display.show(Started(self._orders.target, self._url, self._orders.roots))
                    self._course.advance(Event.BEGIN)
                    adopt_orphans()
                    while self._course.life.state is not State.CLOSED:
                        self._take()
            finally:
                self._console.close()
                self._apology.end()
                self._warmth.close()
                self._crew.bury()
        self._display.show(Stopped(self._status))
        return self._status

    def _take(self) -> None:
        dues = [due for due in (*self._dues(), self._silent_at(), self._course.slow_at) if due is not None]
        timeout = max(0.0, min(dues) - time.monotonic()) if dues else None
        with suppress(Empty):
            self._handle(self._inbox.get(timeout=timeout))
        life, crew, apology = self._dues()
        now = time.monotonic()
        if life is not None and now >= life:
            if self._course.waits_for_a_prompt:
                self._course.put_off(now)
            else:
                self._course.advance(Event.DUE)
        if crew is not None and now >= crew:
            for where in self._crew.expire(now):
                self._display.show(Note(f"the old worker was to end and has not{where}; it is killed"))
        self._look_for_silence(now)
        if self._console.mind():
            self._keys.hint()
        if apology is not None and now >= apology:
            self._apology.begin()

    def _dues(self) -> tuple[float | None, float | None, float | None]:
        return self._course.life.due, self._crew.due, self._apology.due(self._course.life.down_since)

    def _silent_at(self) -> float | None:
        return None if self._crew.worker is None else self._crew.worker.answers.due

    def _look_for_silence(self, now: float) -> None:
        """No save is swallowed by a worker that does not deal with it, and no start takes for ever unsaid."""
        due, worker = self._silent_at(), self._crew.worker
        if worker is not None and due is not None and now >= due:
            self._course.restart(f"{worker.answers.complaint()}{worker.whereabouts()}", Event.ASKED)
        if self._course.slow_at is not None and now >= self._course.slow_at:
            self._course.tell_of_slow_start()

    def _handle(self, item: Item) -> None:
        if isinstance(item, Said):
            item.worker.answers.take(item.message, time.monotonic())
            if item.worker is self._crew.worker:
                self._hear(item.message)
            elif item.worker is self._crew.heir:
                self._hear_heir(item.message)
            elif item.message.get("type") == "notice":  # of one that is about to end
                self._display.show(Note(str(item.message["text"])))
        elif isinstance(item, Exited):
            self._bury(item.worker, item.status)
        elif isinstance(item, Signalled):
            self._obey(item.number)
        elif isinstance(item, Pressed):
            self._keys.press(item.key)
        elif isinstance(item, Happening):
            self._display.show(item)
        else:
            self._saved(item)

    # -- the worker ---------------------------------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        kind = message.get("type")
        if kind == "kind":
            self._learn(str(message["kind"]))
        elif kind == "ready":
            self._welcome()
        elif kind == "report":
            self._read(ReloadReport.from_json(message["report"]), pending=bool(message.get("pending")))
        elif kind == "unstarted":
            self._pity(message)
        elif kind == "yielded":
            self._course.advance(Event.YIELDED)
        elif kind == "libraries":
            self._warmth.learn(message["names" if self._course.overlap else "first"], message["sources"])
        elif kind == "doubt":  # it has not begun
            self._warmth.distrust(str(message["text"]), str(message["culprit"]))
            self._course.advance(Event.RESTART)
        elif (news := news_of(message)) is not None:
            self._display.show(news)

    def _hear_heir(self, message: Message) -> None:
        kind, heir = message.get("type"), self._crew.heir
        if kind == "kind" and heir is not None:
            heir.plain = message["kind"] not in _SERVED
        elif kind == "ready" and not self._console.keeps_back(heir):
            self._course.advance(Event.HEIR_READY)
        elif kind == "report" and message["report"]["status"] == ReloadStatus.RESTART:
            self._course.advance(Event.HEIR_OUTDATED)
        elif kind == "unstarted":
            self._pity_heir(message)
        elif kind == "libraries" and heir is not None:
            heir.libraries, heir.sources = message["names"], message["sources"]
        elif kind == "doubt":
            self._warmth.distrust(str(message["text"]), str(message["culprit"]))
            self._course.advance(Event.HEIR_OUTDATED)

    def _learn(self, kind: str) -> None:
        self._course.plain = kind not in _SERVED
        if not self._course.plain and self._listener is not None:
            self._listener.listen()

    def _welcome(self) -> None:
        state = self._course.life.state
        self._course.advance(Event.READY)
        url = "" if self._course.plain else self._url
        turned_out = state is State.SERVING and bool(url)  # what was taken for a program serves an app
        worker = self._crew.worker
        if (
            self._course.life.state is not State.SERVING
            or worker is None
            or (state is State.SERVING and not turned_out)
        ):
            return
        self._apology.served()
        worker.has_served = True
        pid, duration = worker.pid, time.monotonic() - self._course.since
        if self._course.was_ready and not turned_out:
            self._display.show(Restarted(self._course.reason, pid, duration, worker.is_fork))
        else:
            self._display.show(Ready(self._orders.target, url, pid, duration, self._orders.roots))
        self._course.was_ready = True

    def _read(self, report: ReloadReport, *, pending: bool) -> None:
        error = "" if report.error is None else str(report.error)
        again = error == self._course.error and report.status is ReloadStatus.FAILED and not self._code_was_saved
        if report.status is not ReloadStatus.UNCHANGED:
            self._course.error = error
        if report.status is ReloadStatus.RESTART:
            self._course.restart(report.reason, Event.ASKED if pending else Event.RESTART)
        elif not again:  # a program that writes files while its code is broken would have it told for ever
            self._display.show(Reported(report))
        if self._timings is not None and (timed := self._timings.of(report)) is not None:
            self._display.show(timed)
        if report.status in (ReloadStatus.RELOADED, ReloadStatus.UNCHANGED) and not pending:
            self._course.advance(Event.HEALED)

    def _pity(self, message: Message) -> None:
        error = message["error"]
        if message.get("fault") == "port" and self._listener is not None:
            self._listener.listen()  # says who has it
        fault = _FAULTS.get(str(message.get("fault")))
        if fault is not None and not self._course.was_ready:
            raise fault(str(error["text"]))
        self._course.advance(Event.UNSTARTED)
        if self._course.life.state in (State.BROKEN, State.BROKEN_STALE):
            self._apology.trouble = _trouble(error)
            self._display.show(Unstarted(_trouble(error), ran=bool(message.get("ran"))))

    def _pity_heir(self, message: Message) -> None:
        trouble = _trouble(message["error"])
        if message.get("exclusive") and self._course.life.state in (State.SUCCEEDING, State.SUCCEEDING_STALE):
            self._course.overlap = False
            what = f"the new worker needs what the old one has ({headline(trouble.text)})"
            self._display.show(Note(f"{what}: from now on the old one ends first, as with --restart sequential"))
            self._course.advance(Event.HEIR_BARRED)
            return
        self._course.advance(Event.HEIR_UNSTARTED)
        if self._course.life.state is State.OVERDUE:  # else it is tried again at once
            self._display.show(Unstarted(trouble, serving=True))

    def _bury(self, process: WorkerProcess, status: int) -> None:
        worker, heir = self._crew.worker, self._crew.heir
        self._crew.forget(process)
        if process.is_fork and status < 0 and not (process.has_served or process.is_told_to_end):
            self._warmth.distrust(
                f"a forked one came to an end before it served ({signals.end_of(status, process.out_of_memory)})"
            )
        if process is heir:
            self._course.advance(Event.HEIR_CRASHED if status < 0 else Event.HEIR_ENDED)
            self._display.show(Died(process.obituary(status), self._retry(), serving=True))
        elif process is worker:
            self._mourn(process, status, replaced=heir is not None)

    def _mourn(self, worker: WorkerProcess, status: int, *, replaced: bool) -> None:
        """The worker is gone."""
        before, how = self._course.life.state, worker.obituary(status)
        if replaced:
            self._display.show(Died(how, None, serving=True))
        crashed = self._is_crash(before, status)
        self._course.advance(Event.CRASHED if crashed else Event.ENDED)
        if replaced or not (before in SERVED or before in (State.STARTING, State.STALE)):
            return
        if not crashed and before in SERVED:
            self._display.show(Finished(status))
            return
        self._course.reason, self._apology.trouble = how, Trouble(how)
        self._display.show(Died(how, self._retry()))

    def _retry(self) -> float | None:
        return None if self._course.life.due is None else round(self._course.life.due - time.monotonic(), 1)

    def _is_crash(self, state: State, status: int) -> bool:
        """Whether another try may end otherwise: not for a script, and not for a plain end while it starts."""
        if self._orders.task is not Task.SERVE:
            return False
        return status < 0 or (state in SERVED and not self._course.plain)

    # -- the world ----------------------------------------------------------------------------------------------------

    def _saved(self, event: Hint | Quiet) -> None:
        paths = not_our_output(event.paths)
        if not paths:
            return
        reason = self._triggers.reason(paths) if isinstance(event, Quiet) else ""
        if self._console.keeps(paths, reason):
            return
        if reason:
            self._course.restart(reason)
            return
        self._pass_on(replace(event, paths=paths))
        if isinstance(event, Quiet):
            self._count(paths)

    def _count(self, paths: frozenset[str]) -> None:
        self._code_was_saved = holds_code(paths)
        if self._crew.worker is None:
            self._course.reason = f"{_named(paths)} saved"
        self._course.advance(Event.SAVED, code=self._code_was_saved)

    def _pass_on(self, event: Hint | Quiet) -> None:
        if self._timings is not None:
            self._timings.saved(event)
        message: Message = {"type": "quiet", "paths": sorted(event.paths)}
        if isinstance(event, Hint):
            message |= {"type": "hint", "first": event.first}
        for process in (self._crew.worker, self._crew.heir):
            if process is not None:
                process.post(message)
                if isinstance(event, Quiet):
                    process.answers.ask(_named(event.paths), time.monotonic())

    def _obey(self, number: int) -> None:
        if number == getattr(signal, "SIGHUP", None) and not self._is_hung_up():
            self._course.restart("SIGHUP")
            return
        if number == getattr(signal, "SIGTSTP", None):
            self._console.stand_still()
            return
        if number == getattr(signal, "SIGCONT", None):
            self._crew.go_on(time.monotonic())
            return
        if number == signal.SIGINT and self._console.interrupts_a_prompt():
            return
        self._status = self._status or signals.ENDED_BY_SIGNAL + number
        if self._course.advance(Event.INTERRUPT) in (Action.END, Action.NOTHING):
            self._display.show(Stopping())

    def _quit(self) -> None:
        if self._course.advance(Event.INTERRUPT) in (Action.END, Action.NOTHING):
            self._display.show(Stopping())

    def _is_hung_up(self) -> bool:
        """Whether the terminal that we were started on is gone: then nobody is left to serve for."""
        return self._has_terminal and not signals.has_terminal()


def _trouble(error: Mapping[str, Any]) -> Trouble:
    return Trouble(str(error["text"]), str(error["file"]), int(error["line"]))


def _named(paths: frozenset[str]) -> str:
    first, *rest = sorted(path.rpartition("/")[2] for path in paths)
    return f"{first} and {len(rest)} more" if rest else first
