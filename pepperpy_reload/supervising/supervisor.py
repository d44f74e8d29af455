"""The process that never imports user code: it owns the socket, the watcher, the terminal and the workers.

Everything that happens comes into one inbox and is handled one after the other by the main thread; what it means is
looked up in `core.lifecycle`, for each place where a worker runs.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.drawing.news import Happening, Note, Started, Stopped, Stopping
from pepperpy_reload.drawing.recall import Recall
from pepperpy_reload.drawing.terminal import Display
from pepperpy_reload.supervising import signals
from pepperpy_reload.supervising.apology import Apology
from pepperpy_reload.supervising.console import Console
from pepperpy_reload.supervising.crew import Crew
from pepperpy_reload.supervising.guard import adopt_orphans
from pepperpy_reload.supervising.inbox import Exited, Item, Pressed, Said
from pepperpy_reload.supervising.keyboard import Keyboard
from pepperpy_reload.supervising.keys import Keys
from pepperpy_reload.supervising.listener import Listener
from pepperpy_reload.supervising.orders import Orders
from pepperpy_reload.supervising.place import Place
from pepperpy_reload.supervising.staff import Staff
from pepperpy_reload.supervising.timings import Timings
from pepperpy_reload.supervising.told import acted_on, written_in
from pepperpy_reload.supervising.triggers import Triggers, not_our_output
from pepperpy_reload.supervising.warmth import Warmth, Wishes

_GRACE_FOR_GRACE = 0.5  # seconds on top: a worker that keeps its grace period to the full is not killed for it


class Supervisor:
    """Runs a worker, or several of an app, and others whenever they are needed, until it is told to end.

    What is saved, what a watcher has to tell, and signals are put into `inbox`. With `overlap` the new worker of an
    app starts beside the old one and takes over when it is ready.
    """

    def __init__(
        self,
        orders: Orders,
        listener: Listener | None,
        display: Display,
        inbox: SimpleQueue[Item],
        triggers: Triggers,
        *,
        url: str = "",
        grace: float = 2.0,
        overlap: bool = True,
        keys: bool = True,
        wishes: Wishes | None = None,
        timings: Timings | None = None,
        workers: int = 1,
    ) -> None:
        from pepperpy_reload.watching.authored import Authored  # by now the first worker is on its way

        self._orders = orders
        self._listener = listener
        self._recall = Recall(display)
        self._triggers = triggers
        self._url = url
        self._grace = grace + _GRACE_FOR_GRACE
        self._overlap = overlap
        self._timings = timings
        self._authored = Authored()
        self._inbox = inbox
        self._warmth = Warmth(orders, wishes or Wishes(wanted=False), self._inbox.put)
        self._apology = Apology(orders, listener)
        self._staff = Staff(workers, self._place, self._recall, timings)
        keyboard = Keyboard(lambda key: self._inbox.put(Pressed(key))) if keys else None
        self._console = Console(self._staff, self._recall, keyboard, self._inbox.put)
        self._keys = Keys(self._staff.restart, self._recall, url, self._quit, self._console)
        self._status = 0
        self._has_terminal = signals.has_terminal()

    def run(self) -> int:
        """Everything, until the end. Returns the exit status.

        Raises UsageError if the very first worker finds nothing to run, SurroundingsError if the port is lost.
        """
        try:
            self._recall.show(Started(self._orders.target, self._url, self._orders.roots))
            self._staff.begin()
            adopt_orphans()
            while not self._staff.closed:
                self._take()
        finally:
            self._console.close()
            self._apology.end()
            self._warmth.close()
            for place in self._staff.places:
                place.crew.kill()
            for place in self._staff.places:
                place.crew.bury()
        self._recall.show(Stopped(self._status))
        return self._status

    def _place(self, number: int, display: Display) -> Place:
        crew = Crew(
            self._orders,
            self._listener,
            lambda worker, message: self._inbox.put(Said(worker, message, number)),
            lambda worker, status: self._inbox.put(Exited(worker, status, number)),
            self._grace,
            self._warmth,
        )
        return Place(
            self._orders,
            self._listener,
            display,
            crew,
            self._apology,
            self._warmth,
            url=self._url,
            grace=self._grace,
            overlap=self._overlap,
            timings=self._timings,
            others_serve=lambda: self._staff.others_serve(number),
            on_lent=lambda texts: self._staff.lent(number, texts),
            on_taken=lambda version, digests: self._staff.taken(version, digests),
        )

    def _take(self) -> None:
        dues = [self._apology.due(self._staff.down_since), self._staff.due]
        for place in self._staff.places:
            dues += place.dues()
        times = [due for due in dues if due is not None]
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        with suppress(Empty):
            self._handle(self._inbox.get(timeout=timeout))
        now = time.monotonic()
        for place in self._staff.places:
            place.look(now)
        self._staff.look()
        if self._console.mind():
            self._keys.hint()
        due = self._apology.due(self._staff.down_since)
        if due is not None and now >= due:
            self._apology.begin()

    def _handle(self, item: Item) -> None:
        if isinstance(item, Said):
            if path := written_in(item.message):
                self._authored.wrote(path)
                return
            self._staff.places[item.place].hear(item.worker, item.message)
            self._count(acted_on(item.message))
        elif isinstance(item, Exited):
            self._staff.places[item.place].bury(item.worker, item.status)
        elif isinstance(item, signals.Signalled):
            self._obey(item.number)
        elif isinstance(item, Pressed):
            self._keys.press(item.key)
        elif isinstance(item, Happening):
            self._recall.show(item)
        else:
            self._saved(item)

    def _saved(self, event: Hint | Quiet) -> None:
        paths = self._authored.heeded(not_our_output(event.paths))
        if not paths:
            return
        reason = self._triggers.reason(paths) if isinstance(event, Quiet) else ""
        if self._console.keeps(paths, reason):
            return
        if reason:
            self._staff.restart(reason)
            self._count(paths)
        elif isinstance(event, Quiet):
            self._staff.saved(event._replace(paths=paths))
        else:
            self._staff.hint(event._replace(paths=paths))

    def _count(self, paths: Iterable[str]) -> None:
        """These files have had code reloaded, or a worker replaced: it is told if that is enough for some of them."""
        if tired := self._authored.acted(paths):
            self._recall.show(Note(tired))

    def _obey(self, number: int) -> None:
        if number == getattr(signal, "SIGHUP", None) and not self._is_hung_up():
            self._staff.restart("SIGHUP")
            return
        if number == getattr(signal, "SIGTSTP", None):
            self._console.stand_still()
            return
        if number == getattr(signal, "SIGCONT", None):
            self._console.go_on()
            return
        if number == signal.SIGINT and self._console.interrupts_a_prompt():
            return
        self._status = self._status or signals.ENDED_BY_SIGNAL + number
        self._quit()

    def _quit(self) -> None:
        if self._staff.interrupt():
            self._recall.show(Stopping())

    def _is_hung_up(self) -> bool:
        """Whether the terminal that we were started on is gone: then nobody is left to serve for."""
        return self._has_terminal and not signals.has_terminal()
