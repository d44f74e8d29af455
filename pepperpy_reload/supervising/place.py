"""One place of a supervisor's: what its worker says is heard, and what becomes of it is seen to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pepperpy_reload.core.batch import Hint
from pepperpy_reload.core.lifecycle import SERVED, Event, State
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.core.roll import Stand, Standing
from pepperpy_reload.drawing.excerpt import headline
from pepperpy_reload.drawing.news import Died, Finished, Note, Ready, Reported, Restarted, Trouble, Unstarted
from pepperpy_reload.drawing.terminal import Display
from pepperpy_reload.supervising import signals
from pepperpy_reload.supervising.apology import Apology
from pepperpy_reload.supervising.channel import Message
from pepperpy_reload.supervising.course import Course
from pepperpy_reload.supervising.crew import Crew
from pepperpy_reload.supervising.listener import Listener
from pepperpy_reload.supervising.orders import Orders, Task
from pepperpy_reload.supervising.process import WorkerProcess
from pepperpy_reload.supervising.timings import Timings
from pepperpy_reload.supervising.told import FAULTS, news_of, trouble_of
from pepperpy_reload.supervising.triggers import holds_code
from pepperpy_reload.supervising.warmth import Warmth

if TYPE_CHECKING:  # it brings along what a worker needs
    from pepperpy_reload.preloading.loads import Source

_SERVED = ("asgi", "wsgi")
_STANDINGS = {
    State.NEW: Standing.NEW,
    State.WAITING: Standing.DOWN,
    State.SERVING: Standing.FINE,
    State.OVERDUE: Standing.WRONG,
    **dict.fromkeys(SERVED - {State.SERVING, State.OVERDUE}, Standing.BUSY),
}


class Place:
    """A worker, and another one whenever that is needed, until it is told to end.

    `others_serve` says whether requests are answered without it. While it is its `turn`, it may get another worker for
    reasons of its own; otherwise that waits for its turn. `on_lent` gets what another worker can begin with, if it was
    asked to `lend` that; a place that is to get it is `promised` it meanwhile. `on_taken` gets the number of what its
    worker has taken up, and what that runs of it.
    """

    def __init__(
        self,
        orders: Orders,
        listener: Listener | None,
        display: Display,
        crew: Crew,
        apology: Apology,
        warmth: Warmth,
        *,
        url: str,
        grace: float,
        overlap: bool,
        timings: Timings | None,
        others_serve: Callable[[], bool],
        on_lent: Callable[[Mapping[str, str]], None],
        on_taken: Callable[[int, Mapping[str, str]], None],
    ) -> None:
        self.crew = crew
        self.course = Course(crew, apology, display, grace=grace, overlap=overlap, plain=orders.task is not Task.SERVE)
        self.turn = True
        self.promised = False
        self._on_lent = on_lent
        self._on_taken = on_taken
        self._others_serve = others_serve
        self._orders = orders
        self._listener = listener
        self._display = display
        self._apology = apology
        self._warmth = warmth
        self._url = url
        self._timings = timings
        self._code_was_saved = False
        self._asked: tuple[WorkerProcess | None, str, Event] | None = None
        self._kept: WorkerProcess | None = None

    # -- how it is ----------------------------------------------------------------------------------------------------

    @property
    def stand(self) -> Stand:
        """How it is with it, for who decides whose turn it is."""
        life, worker = self.course.life, self.crew.worker
        standing = _STANDINGS.get(life.state, Standing.STARTING)
        if worker is None or life.state not in SERVED:
            return Stand(Standing.STARTING if self.promised else standing)
        if worker.answers.open or self.promised:
            standing = Standing.BUSY
        elif standing is Standing.FINE and worker.is_wrong:
            standing = Standing.WRONG
        return Stand(
            standing,
            worker.version,
            asks=self._asked is not None and self._asked[0] is worker,
            asleep=worker.answers.reading and self.crew.heir is None,
        )

    @property
    def at_a_prompt(self) -> bool:
        """Whether somebody types at a prompt in its worker."""
        return self.crew.worker is not None and self.crew.worker.answers.reading

    def dues(self) -> tuple[float | None, ...]:
        """When to call `look`."""
        return self.course.life.due, self.crew.due, self._silent_at(), self.course.slow_at

    def look(self, now: float) -> None:
        """Do what is due: nothing is waited for without end, no save is swallowed, no start takes for ever unsaid."""
        life, crew = self.course.life.due, self.crew.due
        if life is not None and now >= life:
            if self.course.waits_for_a_prompt:
                self.course.put_off(now)
            else:
                self.course.advance(Event.DUE)
        if crew is not None and now >= crew:
            for where in self.crew.expire(now):
                self._display.show(Note(f"the old worker was to end and has not{where}; it is killed"))
        due, worker = self._silent_at(), self.crew.worker
        if worker is not None and due is not None and now >= due:
            self._ask(f"{worker.answers.complaint()}{worker.whereabouts()}", Event.ASKED)
        if self.course.slow_at is not None and now >= self.course.slow_at:
            self.course.tell_of_slow_start()
        if self._kept is not None and not self.at_a_prompt:
            kept, self._kept = self._kept, None
            if kept is self.crew.heir:
                self.course.advance(Event.HEIR_READY)

    def _silent_at(self) -> float | None:
        return None if self.crew.worker is None else self.crew.worker.answers.due

    # -- what it is given ---------------------------------------------------------------------------------------------

    def hint(self, hint: Hint) -> None:
        """Pass on that something is being saved."""
        self._post({"type": "hint", "paths": sorted(hint.paths), "first": hint.first})

    def give(self, paths: frozenset[str], number: int, digests: Mapping[str, str] | None = None) -> None:
        """A batch was saved: the worker has to deal with it, or another one starts with it.

        `digests` says what other workers have of it; None if there are none.
        """
        self.crew.version = number
        self._post({"type": "quiet", "paths": sorted(paths)} | ({} if digests is None else {"digests": dict(digests)}))
        for process in (self.crew.worker, self.crew.heir):
            if process is not None:
                process.answers.ask(_named(paths), time.monotonic(), number)
        self._code_was_saved = holds_code(paths)
        if self.crew.worker is None:
            self.course.reason = f"{_named(paths)} saved"
        self.course.advance(Event.SAVED, code=self._code_was_saved)

    def replace_worker(self, reason: str, number: int) -> None:
        """Another worker is wanted, with all that was saved."""
        self.crew.version = number
        self.course.restart(reason)

    def lend(self) -> None:
        """Ask its worker what another one can begin with."""
        if self.crew.worker is not None:
            self.crew.worker.post({"type": "lend"})

    def borrow(self, texts: Mapping[str, str], number: int) -> None:
        """It gets a worker that serves what another place lends it, whatever the files hold."""
        self.promised = False
        self.crew.version, self.crew.texts = number, texts
        if self.course.life.state is State.NEW:
            self.course.advance(Event.BEGIN)
        else:
            self.course.restart("it is to serve what the other workers do")

    def do_as_asked(self) -> None:
        """It gets the other worker that it has asked for."""
        asked, self._asked = self._asked, None
        if asked is not None and asked[0] is self.crew.worker:
            self.course.restart(*asked[1:])

    def _ask(self, reason: str, event: Event) -> None:
        if self.turn:
            self.course.restart(reason, event)
        else:
            self._asked = self.crew.worker, reason, event

    def _post(self, message: Message) -> None:
        for process in (self.crew.worker, self.crew.heir):
            if process is not None:
                process.post(message)

    # -- its worker ---------------------------------------------------------------------------------------------------

    def hear(self, process: WorkerProcess, message: Message) -> None:
        """A process of this place's has said something; it runs code of the user's, who may have said it."""
        done = process.answers.take(message, time.monotonic())
        try:
            self._heed(process, message, done)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            why = type(error).__name__
            self._display.show(Note(f"a message of the worker makes no sense, and is left out ({why})"))
        if done is not None and not process.is_wrong:
            process.version = max(process.version, done)

    def _heed(self, process: WorkerProcess, message: Message, done: int | None) -> None:
        if process is self.crew.worker:
            self._hear(process, message)
        elif process is self.crew.heir:
            self._hear_heir(process, message)
        elif message.get("type") == "notice":  # of one that is about to end
            self._display.show(Note(str(message["text"])))
        if done is not None and message.get("overtaken"):
            process.is_wrong = True
        elif done is not None and not process.is_wrong:
            self._on_taken(done, _by_file(message.get("digests", {})))

    def _hear(self, worker: WorkerProcess, message: Message) -> None:
        kind = message.get("type")
        if kind == "kind":
            self._learn(str(message["kind"]))
        elif kind == "ready":
            self._welcome()
        elif kind == "report":
            report = ReloadReport.from_json(message["report"])
            worker.reported(report.status)
            self._read(report, pending=bool(message.get("pending")), hinted=bool(message.get("hinted")))
        elif kind == "unstarted":
            self._pity(message)
        elif kind == "yielded":
            self.course.advance(Event.YIELDED)
        elif kind == "libraries":
            names = _texts(message["names" if self.course.overlap else "first"])
            self._warmth.learn(names, _sources(message["sources"]))
        elif kind == "lent":
            self._on_lent(_by_file(message["texts"]))
        elif kind == "doubt":  # it has not begun
            self._warmth.hear_doubt(message)
            self.course.advance(Event.RESTART)
        elif (news := news_of(message)) is not None:
            self._display.show(news)

    def _hear_heir(self, heir: WorkerProcess, message: Message) -> None:
        kind = message.get("type")
        if kind == "kind":
            heir.plain = message["kind"] not in _SERVED
        elif kind == "ready" and not self._keeps_back(heir):
            self.course.advance(Event.HEIR_READY)
        elif kind == "report":
            status = ReloadStatus(message["report"]["status"])
            heir.reported(status)
            if status is ReloadStatus.RESTART:
                self.course.advance(Event.HEIR_OUTDATED)
        elif kind == "unstarted":
            self._pity_heir(message)
        elif kind == "libraries":
            heir.libraries, heir.sources = _texts(message["names"]), _sources(message["sources"])
        elif kind == "doubt":
            self._warmth.hear_doubt(message)
            self.course.advance(Event.HEIR_OUTDATED)

    def _keeps_back(self, heir: WorkerProcess) -> bool:
        """Whether an heir that is ready has to wait: the worker whose place it would take cannot answer."""
        if not self.at_a_prompt:
            return False
        self._kept = heir
        self._display.show(Note("the new worker is ready, and waits until nobody is at the old one's prompt"))
        return True

    def _learn(self, kind: str) -> None:
        self.course.plain = kind not in _SERVED
        if not self.course.plain and self._listener is not None:
            self._listener.listen()

    def _welcome(self) -> None:
        state = self.course.life.state
        self.course.advance(Event.READY)
        url = "" if self.course.plain else self._url
        turned_out = state is State.SERVING and bool(url)  # what was taken for a program serves an app
        worker = self.crew.worker
        if self.course.life.state is not State.SERVING or worker is None or (state is State.SERVING and not turned_out):
            return
        self._apology.served()
        worker.has_served = True
        pid, duration = worker.pid, time.monotonic() - self.course.since
        if self.course.was_ready and not turned_out:
            self._display.show(Restarted(self.course.reason, pid, duration, worker.is_fork))
        else:
            self._display.show(Ready(self._orders.target, url, pid, duration, self._orders.roots))
        self.course.was_ready = True

    def _read(self, report: ReloadReport, *, pending: bool, hinted: bool) -> None:
        error = "" if report.error is None else str(report.error)
        again = error == self.course.error and report.status is ReloadStatus.FAILED and not self._code_was_saved
        if report.status is not ReloadStatus.UNCHANGED:
            self.course.error = error
        if report.status is ReloadStatus.RESTART:
            self._ask(report.reason, Event.ASKED if pending else Event.RESTART)
        elif not again:  # a program that writes files while its code is broken would have it told for ever
            self._display.show(Reported(report))
        if self._timings is not None and (timed := self._timings.of(report, hinted=hinted)) is not None:
            self._display.show(timed)
        if report.status in (ReloadStatus.RELOADED, ReloadStatus.UNCHANGED) and not pending:
            self._asked = None
            self.course.advance(Event.HEALED)

    def _pity(self, message: Message) -> None:
        error = message["error"]
        if message.get("fault") == "port" and self._listener is not None:
            self._listener.listen()  # says who has it
        fault = FAULTS.get(str(message.get("fault")))
        if fault is not None and not (self.course.was_ready or self._others_serve()):
            raise fault(str(error["text"]))
        self.course.advance(Event.UNSTARTED)
        if self.course.life.state in (State.BROKEN, State.BROKEN_STALE):
            self._apology.trouble = trouble_of(error)
            self._display.show(Unstarted(trouble_of(error), ran=bool(message.get("ran")), serving=self._others_serve()))

    def _pity_heir(self, message: Message) -> None:
        trouble = trouble_of(message["error"])
        if message.get("exclusive") and self.course.life.state in (State.SUCCEEDING, State.SUCCEEDING_STALE):
            self.course.overlap = False
            what = f"the new worker needs what the old one has ({headline(trouble.text)})"
            self._display.show(Note(f"{what}: from now on the old one ends first, as with --restart sequential"))
            self.course.advance(Event.HEIR_BARRED)
            return
        self.course.advance(Event.HEIR_UNSTARTED)
        if self.course.life.state is State.OVERDUE:  # else it is tried again at once
            self._display.show(Unstarted(trouble, serving=True))

    def bury(self, process: WorkerProcess, status: int) -> None:
        """A process of this place's is gone."""
        worker, heir = self.crew.worker, self.crew.heir
        self.crew.forget(process)
        if process.is_fork and status < 0 and not (process.has_served or process.is_told_to_end):
            self._warmth.distrust(
                f"a forked one came to an end before it served ({signals.end_of(status, process.out_of_memory)})"
            )
        if process is heir:
            self.course.advance(Event.HEIR_CRASHED if status < 0 else Event.HEIR_ENDED)
            self._display.show(Died(process.obituary(status), self._retry(), serving=True))
        elif process is worker:
            self._mourn(process, status, replaced=heir is not None)

    def _mourn(self, worker: WorkerProcess, status: int, *, replaced: bool) -> None:
        """The worker is gone."""
        before, how = self.course.life.state, worker.obituary(status)
        if replaced:
            self._display.show(Died(how, None, serving=True))
        crashed = self._is_crash(before, status)
        self.course.advance(Event.CRASHED if crashed else Event.ENDED)
        if replaced or not (before in SERVED or before in (State.STARTING, State.STALE)):
            return
        if not crashed and before in SERVED:
            self._display.show(Finished(status))
            return
        self.course.reason, self._apology.trouble = how, Trouble(how)
        self._display.show(Died(how, self._retry(), serving=self._others_serve()))

    def _retry(self) -> float | None:
        return None if self.course.life.due is None else round(self.course.life.due - time.monotonic(), 1)

    def _is_crash(self, state: State, status: int) -> bool:
        """Whether another try may end otherwise: not for a script, and not for a plain end while it starts."""
        if self._orders.task is not Task.SERVE:
            return False
        return status < 0 or (state in SERVED and not self.course.plain)


def _by_file(values: Mapping[Any, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in values.items()}


def _named(paths: frozenset[str]) -> str:
    first, *rest = sorted(path.rpartition("/")[2] for path in paths)
    return f"{first} and {len(rest)} more" if rest else first


def _sources(value: object) -> list[Source]:
    """The files of modules, each with the module's name and those that it needs. Raises TypeError, ValueError."""
    if not isinstance(value, list):
        raise TypeError("no list of files")
    return [(*_texts([path, name]), _texts(needed)) for path, name, needed in value]  # type: ignore[misc]


def _texts(value: object) -> list[str]:
    """A list of texts. Raises TypeError if it is none."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("no list of texts")
    return value
