"""Everything in one process: that of a debugger, which would not follow into another one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.drawing.news import Finished, Note, Outdated, Ready, Reported, Started, Stopped, Unstarted
from pepperpy_reload.drawing.terminal import Display
from pepperpy_reload.serving.succession import Succession
from pepperpy_reload.supervising import signals
from pepperpy_reload.supervising.channel import Message
from pepperpy_reload.supervising.leaving import SERVED, insist_on_leaving
from pepperpy_reload.supervising.listener import Listener
from pepperpy_reload.supervising.orders import Orders
from pepperpy_reload.supervising.timings import Timings
from pepperpy_reload.supervising.told import FAULTS, acted_on, news_of, trouble_of
from pepperpy_reload.supervising.triggers import Triggers, not_our_output
from pepperpy_reload.supervising.worker import UNSTARTED, Worker
from pepperpy_reload.watching.authored import Authored

WatcherMaker = Callable[[Callable[[Hint | Quiet], None], Callable[[str], None]], AbstractContextManager[object]]
"""Makes a watcher from what is to be called with events and with sentences for the user."""


class SingleProcess:
    """Runs the target in this process, in the main thread, and brings it up to date as a worker does.

    Nobody can take its place: what a reload cannot do is told with every save, until the user starts it again.
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
        timings: Timings | None = None,
    ) -> None:
        self._orders = orders
        self._listener = listener
        self._display = display
        self._watch = watch
        self._triggers = triggers
        self._url = url
        self._timings = timings
        self._line = _Inside(self._hear)
        self._began = time.monotonic()
        self._kind = ""
        self._was_ready = False
        self._outdated: dict[str, None] = {}
        """Why it is no longer what would start now: what was saved that no reload can do."""
        self._untold = False
        """Whether there is a reason that has not been told yet."""
        self._trouble: Message = {}
        self._authored = Authored()

    def run(self) -> int:
        """Everything, until the end; returns the exit status.

        Raises UsageError if there is nothing to run, SurroundingsError if what is needed is not there.
        """
        os.environ.update(self._orders.environment())
        worker = Worker(self._line, self._orders)
        sock = None if self._listener is None else self._listener.sock
        with self._watch(self._saved, lambda text: self._hear({"type": "notice", "text": text})):
            self._display.show(Started(self._orders.target, self._url, self._orders.roots))
            try:
                status = worker.run(sock, Succession())
            except KeyboardInterrupt:
                status = signals.ENDED_BY_SIGNAL + signal.SIGINT
        if status == UNSTARTED and self._trouble:
            self._regret()
            status = 1
        elif worker.ended_by:
            status = signals.ENDED_BY_SIGNAL + worker.ended_by
        elif not worker.has_served:
            self._display.show(Finished(status))
        self._display.show(Stopped(status))
        if worker.has_served:
            insist_on_leaving(status)
        return status

    def _regret(self) -> None:
        error, fault = self._trouble["error"], FAULTS.get(self._trouble["fault"])
        if fault is not None:
            raise fault(error["text"])
        self._display.show(Unstarted(trouble_of(error), ran=self._trouble["ran"], final=True))

    # -- what happens: in the threads of the watcher and of the worker -------------------------------------------------

    def _saved(self, event: Hint | Quiet) -> None:
        paths = self._authored.heeded(not_our_output(event.paths))
        if not paths:
            return
        if self._timings is not None:
            self._timings.saved(event)
        if isinstance(event, Hint):
            self._line.tell({"type": "hint", "paths": list(paths), "first": event.first})
            return
        if reason := self._triggers.reason(paths):
            self._outdated[reason], self._untold = None, True
            self._count(paths)
        if not self._line.tell({"type": "quiet", "paths": list(paths)}) and self._untold:
            self._tell_of_it()

    def _hear(self, message: Message) -> None:
        kind = message["type"]
        if kind == "wrote":
            self._authored.wrote(message["path"])
        elif kind == "kind":
            self._kind = message["kind"]
            if self._kind in SERVED and self._listener is not None:
                self._listener.listen()
        elif kind == "ready":
            self._welcome()
        elif kind == "report":
            self._read(ReloadReport.from_json(message["report"]), hinted=bool(message.get("hinted")))
            self._count(acted_on(message))
        elif kind == "unstarted":
            self._trouble = message
        elif kind == "done" and self._untold:  # the batch with it has had nothing to tell by itself
            self._tell_of_it()
        elif (news := news_of(message)) is not None:
            self._display.show(news)

    def _count(self, paths: Iterable[str]) -> None:
        """These files have had code reloaded, or would need a new process: it is told if that is enough for some."""
        if tired := self._authored.acted(paths):
            self._display.show(Note(tired))

    def _welcome(self) -> None:
        serves = self._kind in SERVED
        if not self._was_ready or serves:  # what was taken for a program may serve an app in the end
            duration = time.monotonic() - self._began
            url = self._url if serves else ""
            self._display.show(Ready(self._orders.target, url, os.getpid(), duration, self._orders.roots))
        self._was_ready = True

    def _read(self, report: ReloadReport, *, hinted: bool) -> None:
        if report.status is ReloadStatus.RESTART:
            self._tell_of_it(report.reason)
        else:
            self._display.show(Reported(report))
            if report.status is not ReloadStatus.UNCHANGED:
                self._tell_of_it()
        if self._timings is not None and (timed := self._timings.of(report, hinted=hinted)) is not None:
            self._display.show(timed)

    def _tell_of_it(self, *more: str) -> None:
        self._untold = False
        if self._outdated or more:
            self._display.show(Outdated((*self._outdated, *more)))


class _Inside:
    """What a worker says, and hears, in its own process."""

    def __init__(self, hear: Callable[[Message], None]) -> None:
        self._hear = hear
        self._told: Callable[[Message], None] | None = None

    def send(self, message: Message) -> bool:
        """It is heard at once."""
        self._hear(message)
        return True

    def post(self, message: Message) -> None:
        """The same: who hears it waits for nobody."""
        self._hear(message)

    def listen(self, on_message: Callable[[Message], None], on_end: Callable[[], None]) -> None:  # noqa: ARG002 - there is no end before that of the process
        """What is saved is told from now on; the rest is what will be loaded."""
        self._told = on_message

    def tell(self, message: Message) -> bool:
        """Say something to the worker; False if it does not listen yet."""
        if self._told is None:
            return False
        self._told(message)
        return True
