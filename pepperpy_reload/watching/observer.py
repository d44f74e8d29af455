"""The watcher, and the only place that knows watchdog.

Events are hints and no more: a handler only queues what it is given, and one consumer thread
(`pepperpy_reload.watching.consumer`) looks at the files. See there for what is promised.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, EventEmitter, ObservedWatch

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.watching.consumer import Consumer, Item, Overflow, Stop
from pepperpy_reload.watching.territory import Touched

# Never opened and closed_no_write: the observer's own walk through a large tree would overflow its queue, for ever.
_EVENTS: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileAttribEvent, FileMovedEvent, FileDeletedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]
_UNPAIRED_MOVE = 0.01  # seconds an event waits for its other half; watchdog's 0.5 s would hold up all events behind it


def ignore(text: str) -> None:
    """Take a notice and say nothing."""


class Watcher:
    """Watches directories and reports files whose content has changed, has appeared or has gone; nothing else.

    `on_event` is called from one thread of the watcher, with absolute real paths: `Hint` as soon as a known file has
    other content, `Quiet` once per batch. `on_notice` gets sentences for a person, from the same thread. `include`
    and `exclude` are globs as in a `.gitignore` (see `pepperpy_reload.watching.ignore`). With `poll` no file events
    are used: the files are looked at every so many seconds. A root need not exist yet, and may go and come back.

    A watcher is started once. It is a context manager.
    """

    def __init__(
        self,
        roots: Sequence[str],
        *,
        on_event: Callable[[Hint | Quiet], None],
        on_notice: Callable[[str], None] = ignore,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        poll: float | None = None,
    ) -> None:
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._consumer = Consumer(
            [os.fspath(root) for root in roots],
            source=None if poll is not None else Events(self._queue),
            queue=self._queue,
            on_event=on_event,
            on_notice=on_notice,
            include=include,
            exclude=exclude,
            poll=poll,
        )
        self._thread = threading.Thread(target=self._consumer.run, name="pepperpy-reload watcher", daemon=True)

    def start(self) -> Self:
        """Start watching; returns when no change can be missed any more."""
        self._thread.start()
        self._consumer.live.wait()
        return self

    def stop(self) -> None:
        """Stop; no callback is running when this returns, unless it is itself called from one."""
        self._queue.put(Stop())
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether changes are being reported."""
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class Events:
    """watchdog, as the consumer wants it. All methods are called by the consumer's thread only."""

    def __init__(self, queue: SimpleQueue[Item]) -> None:
        self._queue = queue
        self._handler = _Handler(queue)
        self._log_handler = _LossHandler(queue)
        self._observer: BaseObserver | None = None
        self._watches: dict[str, ObservedWatch] = {}

    def open(self) -> None:
        """Start without watching anything yet. OSError if the machine gives us no events."""
        # A directory that was moved away and comes back; where warnings are errors it would kill watchdog's thread.
        warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
        observer = Observer()
        observer.name = "pepperpy-reload observer"
        with contextlib.suppress(AttributeError):
            self._reader(observer).name = "pepperpy-reload inotify"
        observer.start()
        logging.getLogger("watchdog.observers").addHandler(self._log_handler)
        logging.getLogger("watchdog.observers.inotify").addFilter(_is_no_farewell)
        self._observer = observer

    def close(self) -> None:
        """Stop all threads, dead or alive."""
        logging.getLogger("watchdog.observers").removeHandler(self._log_handler)
        observer, self._observer = self._observer, None
        self._watches.clear()
        if observer is None:
            return
        emitters = [(emitter, getattr(emitter, "_inotify", None)) for emitter in list(observer.emitters)]
        with contextlib.suppress(OSError, RuntimeError, KeyError):
            observer.stop()
        for emitter, group in emitters:
            _end(emitter, group)
        with contextlib.suppress(AttributeError, OSError, RuntimeError):
            reader: Any = self._reader(observer)
            reader.stop()
            reader.join()
        observer.join()

    def watch(self, directory: str, *, recursive: bool) -> None:
        """Watch a directory, anew if it was watched before. OSError if that cannot be."""
        assert self._observer is not None
        self.unwatch(directory)
        watch = self._observer.schedule(self._handler, directory, recursive=recursive, event_filter=_EVENTS)
        self._watches[directory] = watch
        emitter = self._emitter(directory)
        if emitter is not None:
            emitter.name = f"pepperpy-reload events of {directory}"
            emitter._event_queue = _Straight(self._handler)  # type: ignore[assignment]
            with contextlib.suppress(AttributeError):
                _make_robust(emitter._inotify)  # type: ignore[attr-defined]

    def unwatch(self, directory: str) -> None:
        """Stop watching a directory, if it is watched."""
        if directory in self._watches and self._observer is not None:
            emitter = self._emitter(directory)
            group = getattr(emitter, "_inotify", None)
            with contextlib.suppress(OSError, KeyError):
                self._observer.unschedule(self._watches[directory])
            if emitter is not None:
                _end(emitter, group)
        self._watches.pop(directory, None)

    @property
    def watched(self) -> Iterable[str]:
        """The directories that were asked for."""
        return self._watches.keys()

    def lapsed(self) -> list[str]:
        """The directories that were asked for and are watched no more: they were deleted, at least for a while."""
        return [path for path in self._watches if (emitter := self._emitter(path)) is None or not emitter.is_alive()]

    def is_healthy(self) -> bool:
        """Whether the threads that all watches share are alive."""
        observer = self._observer
        if observer is None or not observer.is_alive():
            return False
        try:
            return self._reader(observer).is_alive()
        except AttributeError:
            return True

    def really_watched(self) -> set[str] | None:
        """The directories that the kernel watches for us; None if we cannot know. watchdog hides failures."""
        found: set[str] = set()
        for path in self._watches:
            group: Any = getattr(self._emitter(path), "_inotify", None)
            try:
                found.update(os.fsdecode(each) for each, wd in list(group._active_callbacks_by_path.items()) if wd >= 0)
            except (AttributeError, RuntimeError):  # not inotify; or changed while we looked
                return None
        return found

    def _emitter(self, directory: str) -> EventEmitter | None:
        watch = self._watches[directory]
        emitters = list(self._observer.emitters) if self._observer is not None else []
        return next((emitter for emitter in emitters if emitter.watch == watch), None)

    @staticmethod
    def _reader(observer: BaseObserver) -> threading.Thread:
        reader: threading.Thread = observer._inotify_fd  # type: ignore[attr-defined]
        return reader


class _Handler(FileSystemEventHandler):
    """Queues. It must not raise, nor take time: it runs in the thread that all events come through."""

    def __init__(self, queue: SimpleQueue[Item]) -> None:
        self._queue = queue

    def dispatch(self, event: FileSystemEvent) -> None:
        source, target = event.src_path, event.dest_path
        paths = (source, target) if target else (source,)
        self._queue.put(Touched(paths, event.is_directory, time.monotonic()))  # type: ignore[arg-type]


class _Straight:
    """Stands where emitters put their events: the handler has them without another thread between."""

    def __init__(self, handler: FileSystemEventHandler) -> None:
        self._handler = handler

    def put(self, item: tuple[FileSystemEvent, ObservedWatch]) -> None:
        self._handler.dispatch(item[0])


class _Descriptors(dict[bytes, int]):
    """watchdog's own table of paths. Moves of directories make it wrong, and its threads die of a missing path."""

    def pop(self, path: bytes, default: Any = -1) -> Any:
        return super().pop(path, default)


def _make_robust(group: Any) -> None:
    """Change what cannot be set from outside in an inotify watch group; AttributeError if it is not one we know."""
    group._move_event_grouper._queue.delay = _UNPAIRED_MOVE
    with group._lock:
        group._active_callbacks_by_path = _Descriptors(group._active_callbacks_by_path)


def _end(emitter: EventEmitter, group: Any) -> None:
    """End an emitter's thread, even if the shared one that it depends on has died, which watchdog does not expect."""
    with contextlib.suppress(OSError, RuntimeError):
        emitter.stop()
    with contextlib.suppress(AttributeError):
        group._move_event_grouper.close()
    with contextlib.suppress(RuntimeError):  # never started
        emitter.join()


def _is_no_farewell(record: logging.LogRecord) -> bool:
    """False for what watchdog logs as an error whenever a watch is taken back."""
    return "called when the thread is inactive" not in str(record.msg)


class _LossHandler(logging.Handler):
    """watchdog tells of lost events by a line in its log, and in no other way."""

    def __init__(self, queue: SimpleQueue[Item]) -> None:
        super().__init__(logging.WARNING)
        self._queue = queue

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "watchdog.observers.inotify_c":
            self._queue.put(Overflow())
