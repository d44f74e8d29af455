"""What brings a worker up to date when files are saved. It brings the engine of reloads along."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

from pepperpy_reload.core import timing  # noqa: F401 - whoever asks for profiles would have it imported for the app
from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.importing import bytecode, profile  # noqa: F401 - likewise
from pepperpy_reload.reloading.optimizer import ImportOptimizer
from pepperpy_reload.reloading.reloader import Reloader
from pepperpy_reload.serving.session import Session
from pepperpy_reload.serving.target import Target
from pepperpy_reload.supervising.channel import Line
from pepperpy_reload.supervising.cycles import CycleTeller
from pepperpy_reload.supervising.orders import Orders

if TYPE_CHECKING:
    from pepperpy_reload.supervising.audit import Audit

_PAUSE = 0.005  # seconds in which nothing is read ahead: requests come first
_WORK = 0.003  # seconds of reading ahead between two pauses
_REST = 20  # such pauses after a reload


class Follower:
    """Takes what is saved, batch by batch, in the thread that calls `follow`.

    `began_in` is the environment and the directory in which the process began, for an audit.
    """

    def __init__(
        self,
        channel: Line,
        orders: Orders,
        session: Session,
        target: Target | None,
        optimizer: ImportOptimizer,
        events: SimpleQueue[Hint | Quiet],
        agreed: SimpleQueue[dict[str, str] | None],
        began_in: tuple[dict[str, str], str],
    ) -> None:
        self._channel = channel
        self._events = events
        self._agreed = agreed
        self._audit: Audit | None = None
        settle = session.settle
        if orders.audit:
            from pepperpy_reload.supervising.audit import Audit

            self._audit = Audit(session, orders, began_in, channel, events)
            settle = self._audit.settle
        self._reloader = Reloader(
            optimizer,
            roots=orders.roots,
            gate=session.gate,
            settle=settle,
            on_restart=lambda _report: None,  # the report goes to the supervisor, which sees to it
        )
        if target is not None:
            target.touches = self._reloader.touches
            target.remade = self._reloader.remade

    def follow(
        self,
        *,
        on_current: Callable[[], None],
        on_idle: Callable[[], None],
        before_each: Callable[[Hint | Quiet], None],
        is_late: bool,
    ) -> None:
        """For ever; first what was saved while the process started.

        `is_late` if it serves already, and was watched before it read anything: that is told of, and has its turn then.
        `on_current` is called once the process is up to date with that, `on_idle` when there is time afterwards,
        `before_each` with each event before it is taken.
        """
        cycles = CycleTeller(self._channel)
        report = self._tell(self._reloader.postpone if is_late or bytecode.is_lent() else self._reloader.catch_up)
        bytecode.lend({})
        cycles.note(report)
        if report is None or report.status is not ReloadStatus.RESTART:
            on_current()
        on_idle()
        if self._audit is not None:
            self._audit.start()
        ahead, is_read = self._reloader.read_ahead(), False
        while True:
            since = time.perf_counter()
            while self._events.empty() and _is_another(ahead):
                if time.perf_counter() > since + _WORK:
                    time.sleep(_PAUSE)
                    since = time.perf_counter()
            is_read = is_read or self._events.empty()
            event = self._events.get()
            before_each(event)
            self._take(event, cycles)
            if isinstance(event, Quiet):
                ahead = _rested(self._reloader.look_ahead()) if is_read else ahead
            if self._events.empty():
                cycles.tell()

    def _take(self, event: Hint | Quiet, cycles: CycleTeller) -> None:
        done, agreed = {"type": "done"}, self._agreed.get() if isinstance(event, Quiet) else None
        work = partial(self._tell, partial(self._reloader.notice, event), hinted=isinstance(event, Hint))
        if agreed is None:
            cycles.note(work())
        else:
            from pepperpy_reload.supervising.lending import taken_up

            done = taken_up(lambda: cycles.note(work()), self._reloader.postpone, event.paths, agreed)
        if self._audit is not None and self._events.empty():
            self._audit.resume()
        if isinstance(event, Quiet):
            self._refresh_templates(event.paths)
            self._channel.send(done)

    def _tell(self, work: Callable[[], ReloadReport | None], *, hinted: bool = False) -> ReloadReport | None:
        try:
            report = work()
        except Exception:  # noqa: BLE001 - a bug of ours must not swallow the saves to come: a new process has them
            traceback.print_exc()
            report = ReloadReport(ReloadStatus.RESTART, reason="the reload itself failed; this is a bug")
        if self._audit is not None:
            self._audit.reload_ended(report)
        if report is not None:
            about = {"report": report.as_json(), "pending": bool(self._reloader.pending), "hinted": hinted}
            self._channel.send({"type": "report"} | about)
        return report

    def _refresh_templates(self, paths: frozenset[str]) -> None:
        others = sorted(path for path in paths if not path.endswith(".py"))
        if not others:
            return
        from pepperpy_reload.serving.templates import refresh_templates

        for note in refresh_templates(others):
            self._channel.send({"type": "notice", "text": note})


def _rested(ahead: Iterator[str]) -> Iterator[str]:
    """The same after a while: whoever waits for what a reload has made comes first."""
    for _ in range(_REST):
        time.sleep(_PAUSE)
        yield ""
    yield from ahead


def _is_another(ahead: Iterator[str]) -> bool:
    """Whether one more module has been read ahead."""
    try:
        return next(ahead, None) is not None
    except Exception:  # noqa: BLE001 - the reload that needs it will tell what is wrong
        return False
