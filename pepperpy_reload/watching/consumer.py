"""The one thread that does all the work: takes hints from a queue, looks at the files, tells batches.

A change of one known file is told as soon as its event is taken from the queue: one `stat`, one read, one hash.
Everything that is not urgent (learning contents, looking at directories again) is done in portions of a few
milliseconds while the queue is empty.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from pepperpy_reload.core.batch import Batcher, Change, Hint, Quiet
from pepperpy_reload.watching.reach import Source
from pepperpy_reload.watching.territory import Territory, Touched

PORTION = 0.003  # seconds of work that can wait, before the queue is looked at again
AT_ONCE = 5000  # events

_log = logging.getLogger(__name__)


class Overflow:
    """Events were lost."""


class Stop:
    """End the thread."""


Item = Touched | Overflow | Stop


class Consumer:
    """See the module. `run` is the thread; `live` is set once no change can be missed any more."""

    def __init__(
        self,
        roots: Sequence[str],
        *,
        source: Source | None,
        queue: SimpleQueue[Item],
        on_event: Callable[[Hint | Quiet], None],
        on_notice: Callable[[str], None],
        include: Sequence[str],
        exclude: Sequence[str],
        poll: float | None,
    ) -> None:
        self.live = threading.Event()
        self._queue = queue
        self._on_event = on_event
        self._on_notice = on_notice
        self._batcher = Batcher()
        self._territory = Territory(
            roots, source=source, on_notice=on_notice, include=include, exclude=exclude, poll=poll
        )

    def run(self) -> None:
        """Work until `Stop` is queued."""
        try:
            self._territory.open()
            self.live.set()
            while self._survive():
                pass
        finally:
            self.live.set()
            self._territory.close()

    def _survive(self) -> bool:
        """One turn. Whatever goes wrong in it, in the callbacks above all, must not end the watching."""
        try:
            return self._turn()
        except Exception:  # noqa: BLE001 - it is logged, and looked at again
            _log.exception("while looking for changed files")
            self._territory.rescan()
            return True

    def _turn(self) -> bool:
        items = self._collect()
        if any(isinstance(item, Stop) for item in items):
            return False
        if any(isinstance(item, Overflow) for item in items):
            self._on_notice("There were more file events than the system keeps: looking at all files again.")
            self._territory.rescan(again=True)
        touched = [item for item in items if isinstance(item, Touched)]
        if touched:
            changes, relevant = self._territory.heed(touched)
            self._tell(changes, touched[-1].at)
            if relevant:  # silence is counted from here: if we are late, more may be on its way
                self._batcher.stirred(time.monotonic())
        now = time.monotonic()
        if now >= self._territory.next_inspection:
            self._territory.inspect(now)
        if now >= self._territory.next_poll:
            self._territory.poll()
        self._tell_quiet(now)
        if not items and self._territory.has_chores:
            self._tell(self._territory.chores(now + PORTION), time.monotonic())
        return True

    def _collect(self) -> list[Item]:
        """What is in the queue; waits for it as long as there is nothing else to do."""
        items: list[Item] = []
        try:
            items.append(self._queue.get(timeout=self._patience()))
            while len(items) < AT_ONCE:
                items.append(self._queue.get_nowait())
        except Empty:
            pass
        return items

    def _patience(self) -> float:
        if self._territory.has_chores:
            return 0.0
        due = self._batcher.due
        next_thing = min(self._territory.next_inspection, self._territory.next_poll)
        return max(0.0, (next_thing if due is None else min(due, next_thing)) - time.monotonic())

    def _tell(self, changes: list[Change], at: float) -> None:
        if changes:
            hint = self._batcher.changed(changes, at, busy=self._territory.is_busy())
            if hint is not None:
                self._on_event(hint)

    def _tell_quiet(self, now: float) -> None:
        if not self._is_complete(now):
            return
        # Two looks must agree. If they do not, the event of the last change is still on its way.
        self._tell(self._territory.look_again(self._batcher.paths), now)
        if not self._is_complete(now):
            return
        quiet = self._batcher.close(self._territory.contents(self._batcher.paths))
        if quiet is not None:
            self._on_event(quiet)

    def _is_complete(self, now: float) -> bool:
        due = self._batcher.due
        return due is not None and now >= due and self._batcher.ready(now, busy=self._territory.is_busy())
