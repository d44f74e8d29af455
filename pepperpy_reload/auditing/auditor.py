"""The audit of one worker: after a reload its own modules must be what a fresh start has.

The reloader's thread tells of reloads and takes one snapshot before each; everything else happens in a thread of the
audit and in processes of its own. Nothing here is on the way of a request, and a newer batch ends what is under way.
"""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from typing import IO, Any

from pepperpy_reload.auditing import loaded
from pepperpy_reload.auditing.snapshot import Snapshot, take_snapshot
from pepperpy_reload.auditing.start import Circumstances, FreshStartError, ask
from pepperpy_reload.auditing.verdict import Finding
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.errors import ReloadError, RestartNeeded
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.serving.session import Activity, Session

_QUICK = 0.05  # seconds that a snapshot may take to be had between two callbacks of the program's loop
_IDLE = 10.0  # seconds that a program without a break is waited for
_LOOK = 0.02
_STARTS = 3  # that have to agree before a reload is blamed: what is drawn by lot is often the same in two of them
_AT_WORK = Activity(besides="the program")
File = IO[bytes]


@dataclass(frozen=True, slots=True)
class Result:
    """What an audit has found: `findings` there are none, or `skipped` says why nothing can be said."""

    findings: tuple[Finding, ...] = ()
    skipped: str = ""
    duration: float = 0.0


@dataclass(slots=True)
class _Reload:
    """Reloads that have not been audited yet: the process as it was before them, and a fresh start of that time.

    Without `former` that fresh start is still to be made, of `modules` with the `sources` of then.
    """

    before: File
    former: File | None
    modules: list[str]
    sources: dict[str, loaded.Source]
    activity: Activity
    quiet: bool = True
    counts: bool = False
    """One of them has been done, and not taken back."""


class Auditor:
    """Compares this process with fresh starts. `on_result` is called from the audit's thread.

    `is_busy` says that batches are waiting. Once something was found, there are no more audits: this process ends.
    """

    def __init__(
        self,
        session: Session,
        circumstances: Circumstances,
        is_busy: Callable[[], bool],
        on_result: Callable[[Result], None],
    ) -> None:
        self._session = session
        self._circumstances = circumstances
        self._is_busy = is_busy
        self._on_result = on_result
        self._fresh: File | None = None
        self._reload: _Reload | None = None
        self._known: list[Any] = []
        self._last: tuple[File, Activity] | None = None
        self._wishes: SimpleQueue[int] = SimpleQueue()
        self._lock = threading.Lock()
        self._turn = 0  # of the newest wish; whatever is done for an older one is not wanted any more
        self._applied: dict[str, loaded.Source] | None = None
        self._lasted = 0.0
        self._is_due = False
        self._over = False

    def start(self) -> None:
        """From now on audits are made."""
        threading.Thread(target=self._work, name="pepperpy-reload-audit", daemon=True).start()

    # --- told by the reloader, in its thread

    def reload_begins(self) -> None:
        """A batch is about to be applied."""
        with self._lock:
            self._turn += 1
        self._applied = then = loaded.sources()
        if self._reload is None:  # else it is one more before the last one was audited
            activity = self._activity()
            last, self._last = self._last, None
            with suppress(RuntimeError):  # too lively: then this one cannot be audited
                if last is not None and last[1] == activity and activity.is_quiet:
                    before = last[0]  # nothing has run since
                else:
                    before = _written(self._snapshot())  # as objects it would slow every look through the heap
                self._reload = _Reload(before, self._fresh, loaded.modules(), then, activity)
        if self._reload is not None and loaded.has_hooks():
            self._reload.quiet = False

    def user_code_ran(self) -> None:
        """More than the modules has run: an app was made or started again."""
        if self._reload is not None:
            self._reload.quiet = False

    def reload_ended(self, report: ReloadReport) -> None:
        """A batch has been dealt with."""
        applied, self._applied = self._applied, None
        if applied is None:  # nothing was begun
            return
        gone = report.status in (ReloadStatus.FAILED, ReloadStatus.RESTART)
        if gone or applied == loaded.sources():
            if self._reload is not None and not self._reload.counts:
                self._reload = None  # all is as it was
            return
        if self._reload is None:
            self._fresh = None  # it is out of date
        else:
            self._is_due = self._reload.counts = True

    def resume(self) -> None:
        """There is no batch to be dealt with at the moment: what is due can be done."""
        if self._is_due and not self._over:
            with self._lock:
                self._turn += 1
            self._wishes.put(self._turn)

    # --- in the thread of the audit

    def _work(self) -> None:
        while True:
            turn = self._wishes.get()
            started = time.monotonic()
            try:
                result = self._audit(turn)
            except ReloadError as error:
                result = self._skip(turn, str(error))
            except Exception:  # noqa: BLE001 - a fault of ours is no reason to stop serving
                result = self._skip(turn, f"the audit itself failed; this is a bug\n{traceback.format_exc()}")
            if result is not None:
                self._over = bool(result.findings)
                self._on_result(replace(result, duration=time.monotonic() - started))

    def _skip(self, turn: int, reason: str) -> Result | None:
        return Result(skipped=reason) if self._put(turn, None) else None

    def _is_wanted(self, turn: int) -> bool:
        return turn == self._turn and not self._is_busy()

    def _audit(self, turn: int) -> Result | None:
        """Compare; None if a newer batch came between. Raises FreshStartError."""
        is_wanted = partial(self._is_wanted, turn)
        reload = self._reload
        if reload is None or not self._wait_for_a_break(is_wanted):
            return None
        gc.collect()  # what is garbage here has never been in a fresh start
        after = _written(self._between_callbacks())
        activity = self._activity()
        quiet = reload.quiet and reload.activity.is_quiet and activity == reload.activity
        if reload.former is None:
            reload.former = self._make_former(reload, is_wanted)
        if reload.former is None:
            return None
        files = {"before": reload.before, "former": reload.former, "after": after, "fresh": _file()}
        order = {"modules": loaded.modules(), "known": self._known, "kept": loaded.kept(), "quiet": quiet}
        hashes = loaded.hashes()
        answer = self._ask(order, files, is_wanted)
        if answer is None or answer["sources"] != hashes:
            return None  # files have been saved since: their batch follows
        findings = [Finding(**data) for data in answer["findings"]]
        if findings:
            findings = self._steady(findings, order, files["fresh"], is_wanted)
        done = is_wanted() and self._put(turn, files["fresh"], answer["known"], (after, activity))
        return Result(tuple(findings)) if done else None

    def _make_former(self, reload: _Reload, is_wanted: Callable[[], bool]) -> File | None:
        """A fresh start of the code as it was, if one is not known from the audit before."""
        file, order = _file(), {"modules": reload.modules}
        then = {name: [path, source.decode("latin-1")] for name, (path, source) in reload.sources.items()}
        return None if self._ask(order | {"instead": then}, {"fresh": file}, is_wanted) is None else file

    def _ask(
        self, order: dict[str, Any], files: dict[str, File], is_wanted: Callable[[], bool]
    ) -> dict[str, Any] | None:
        answer = ask(self._circumstances, order, files, is_wanted) if is_wanted() else None
        if answer is not None and "failed" in answer:
            if "instead" not in order and not all(map(loaded.is_on_disk, list(recorder.modules))):
                return None  # files have been saved since
            last = answer["text"].strip().splitlines()[-1]
            raise FreshStartError(f"a fresh start cannot import {answer['failed']}: {last}")
        return answer

    def _put(
        self, turn: int, fresh: File | None, known: list[Any] | None = None, last: tuple[File, Activity] | None = None
    ) -> bool:
        """The audit has ended; what the next reload is compared with. False if that one has begun already."""
        with self._lock:
            if turn != self._turn:
                return False
            self._is_due = False
            self._fresh, self._reload, self._last = fresh, None, last
            self._known = self._known if known is None else known
            return True

    def _steady(
        self, findings: list[Finding], order: dict[str, Any], fresh: File, is_wanted: Callable[[], bool]
    ) -> list[Finding]:
        """The findings without those at which one of some more fresh starts is not like the first one."""
        for _ in range(_STARTS):
            answer = self._ask({"modules": order["modules"]}, {"reference": fresh}, is_wanted) or {}
            unsteady = tuple(answer.get("unsteady", ()))
            findings = [one for one in findings if not any(_is_below(one.path, path) for path in unsteady)]
            if not findings:
                break
        return findings

    def _wait_for_a_break(self, is_wanted: Callable[[], bool]) -> bool:
        """Wait until no request is under way; whether the audit is still wanted then."""
        end = time.monotonic() + _IDLE
        while is_wanted():
            if not self._activity().under_way or time.monotonic() > end:
                return True
            time.sleep(_LOOK)
        return False

    def _activity(self) -> Activity:
        try:
            return self._session.activity()
        except RestartNeeded:  # its loop is busy
            return _AT_WORK

    def _between_callbacks(self) -> Snapshot:
        try:
            if self._lasted > _QUICK:
                return self._snapshot()
            return self._session.gate.call(self._snapshot)
        except (RuntimeError, RestartNeeded):
            raise FreshStartError("the program never paused for long enough to be looked at") from None

    def _snapshot(self) -> Snapshot:
        started = time.perf_counter()
        snapshot = take_snapshot(recorder.roots.__contains__)
        self._lasted = time.perf_counter() - started
        return snapshot


def _file() -> File:
    """A file without a name: it is gone with the last process that holds it. In memory, where the system can."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("pepperpy-reload-audit"), "w+b")
    return tempfile.TemporaryFile()


def _written(snapshot: Snapshot) -> File:
    file = _file()
    snapshot.write(file)
    return file


def _is_below(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}[", f"{other} "))
