"""Which first-party functions ran while a module's statement was executed.

On 3.12 and newer `sys.monitoring` (PEP 669) tells when a function starts, on 3.11 `sys.setprofile` does. Both are on
only while first-party code is being loaded, and both are told to leave third-party code alone.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, NamedTuple

from pepperpy_reload.importing.searchers import Searchers

_FREE_TOOL_IDS = (4, 3)  # 0, 1, 2 and 5 are spoken for by debuggers, coverage, profilers and optimizers


class CodeKey(NamedTuple):
    """A function in the source: its file, its qualified name and its first line (that of its first decorator)."""

    file: str
    qualname: str
    line: int

    @classmethod
    def of(cls, code: CodeType) -> CodeKey:
        """The key of a code object."""
        return cls(code.co_filename, code.co_qualname, code.co_firstlineno)


@dataclass(slots=True, eq=False)
class Activity:
    """First-party code that is being executed for the sake of an import, on one thread.

    `ran` maps an offset in the module's bytecode (`f_lasti`, which `co_positions` turns into a statement) to the keys
    of the functions that ran meanwhile; -1 stands for a call that is recorded as a whole.
    """

    module: str
    code: CodeType | None
    frame: FrameType | None
    place: int = -1
    """What stands for the offset where there is no frame."""
    started: int = 0
    """The line at which what is executed begins, where there is no frame."""
    ran: dict[int, set[CodeKey]] = field(default_factory=dict)
    opened: dict[int, set[str]] = field(default_factory=dict)
    """The files opened meanwhile, likewise."""
    strays: list[tuple[int, int, CodeType]] = field(default_factory=list)
    """What other threads ran meanwhile: the thread, the offset of the statement that started it, the function."""
    missing: str = ""
    """Why the functions could not be recorded, or ""."""

    @property
    def offset(self) -> int:
        """The offset of the statement that is being executed."""
        return self.place if self.frame is None else self.frame.f_lasti

    @property
    def line(self) -> int:
        """The line that is being executed."""
        return self.started if self.frame is None else self.frame.f_lineno

    def note(self, code: CodeType) -> None:
        """Function code `code` starts."""
        self.ran.setdefault(self.offset, set()).add(CodeKey.of(code))


class Watch:
    """Tells the activity on top of each thread's stack which functions start."""

    def __init__(self, is_first_party: Callable[[str], bool]) -> None:
        self._is_first_party = is_first_party
        self._local = threading.local()
        self._lock = threading.Lock()
        self._depth = 0
        self._tool: int | None = None
        self._closing = False
        self._entered: list[Activity] = []
        """The activities of all threads, innermost last."""
        self._older: set[int | None] = set()
        """The threads that ran before: what they do is nobody's."""
        if sys.version_info < (3, 12):
            self._searchers = Searchers(is_first_party)
            self._hook = self._on_event  # one object, that it can be told from others

    def _note_stray(self, code: CodeType) -> None:
        """A thread that loads nothing runs a function: perhaps for the statement that has started the thread."""
        entered = self._entered.copy()
        owner = self._local.__dict__.get("owner")
        if owner is None and entered:
            top = entered[-1]
            is_older = threading.get_ident() in self._older
            owner = self._local.owner = () if is_older else (top, top.offset)
        if owner and owner[0] in entered:
            owner[0].strays.append((threading.get_ident(), owner[1], code))

    def _sort_strays(self, activity: Activity) -> None:
        """What threads ran counts as run by the statement if they are through with it: else it is their own affair."""
        frames = sys._current_frames()
        for thread, offset, code in activity.strays:
            frame = frames.get(thread)
            while frame is not None and not self._is_first_party(frame.f_code.co_filename):
                frame = frame.f_back
            if frame is None:
                activity.ran.setdefault(offset, set()).add(CodeKey.of(code))

    @property
    def stack(self) -> list[Activity]:
        """The activities of the current thread, innermost last."""
        try:
            return self._local.stack  # type: ignore[no-any-return]
        except AttributeError:
            self._local.stack = []
            return self._local.stack  # type: ignore[no-any-return]

    @contextmanager
    def kept_on(self) -> Iterator[None]:
        """Many activities are going to follow each other: listening is not switched on and off for each of them."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    def enter(self, activity: Activity) -> None:
        """First-party code begins to run on this thread."""
        self.stack.append(activity)
        if not self._entered:
            self._older = {thread.ident for thread in threading.enumerate()}
        self._entered.append(activity)
        self._begin()
        if sys.version_info >= (3, 12) and self._tool is None:
            activity.missing = "no free sys.monitoring tool id"

    def leave(self) -> Activity:
        """It has ended."""
        if sys.version_info < (3, 12) and sys.getprofile() is not self._hook:
            self.stack[-1].missing = "another profiler is running"
        activity = self.stack.pop()
        self._entered.remove(activity)
        if activity.strays:
            self._sort_strays(activity)
        activity.frame = None
        self._end()
        return activity

    if sys.version_info >= (3, 12):

        def _begin(self) -> None:
            with self._lock:
                self._depth += 1
                self._closing = False
                if self._depth == 1:
                    self._switch_on()

        def _end(self) -> None:
            with self._lock:
                self._depth -= 1
                if self._depth == 0 and self._tool is not None:
                    sys.monitoring.set_events(self._tool, sys.monitoring.events.NO_EVENTS)
                    if self._closing:
                        self._free()

        def _switch_on(self) -> None:
            monitoring = sys.monitoring
            if self._tool is None:
                free = [tool for tool in _FREE_TOOL_IDS if monitoring.get_tool(tool) is None]
                if not free:
                    return
                self._tool = free[0]
                monitoring.use_tool_id(self._tool, "pepperpy-reload")
                monitoring.register_callback(self._tool, monitoring.events.PY_START, self._on_start)
            monitoring.set_events(self._tool, monitoring.events.PY_START)

        def _free(self) -> None:
            assert self._tool is not None
            sys.monitoring.register_callback(self._tool, sys.monitoring.events.PY_START, None)
            sys.monitoring.free_tool_id(self._tool)
            self._tool, self._closing = None, False

        def _on_start(self, code: CodeType, _offset: int) -> object:
            if not self._is_first_party(code.co_filename):
                return sys.monitoring.DISABLE
            stack = self.stack
            if stack:
                top = stack[-1]
                if top.frame is None and code is top.code:
                    top.frame = sys._getframe(1)
                else:
                    top.note(code)
            else:
                self._note_stray(code)
            return None

        def load_begins(self, name: str) -> None:
            """Nothing to do: third-party code is disabled function by function."""

        def load_is_foreign(self, name: str) -> None:
            """Nothing to do, see `load_begins`."""

        def load_ends(self) -> None:
            """Nothing to do, see `load_begins`."""

        def close(self) -> None:
            """Give the tool id back, as soon as nothing is being recorded."""
            with self._lock:
                if self._tool is not None and self._depth == 0:
                    self._free()
                else:
                    self._closing = self._tool is not None

    else:

        def _on_event(self, frame: FrameType, event: str, _argument: Any) -> None:
            if event != "call" or not self._is_first_party(frame.f_code.co_filename):
                return
            stack = self.stack
            if stack:
                top = stack[-1]
                if top.frame is None and frame.f_code is top.code:
                    top.frame = frame
                else:
                    top.note(frame.f_code)
            elif self._entered:
                self._note_stray(frame.f_code)
            else:
                sys.setprofile(None)  # nothing is being loaded any more: this thread was started while something was

        @property
        def _loads(self) -> list[tuple[str, int]]:
            """The loads under way on this thread that nobody listens to, each with the depth of the stack then."""
            try:
                return self._local.loads  # type: ignore[no-any-return]
            except AttributeError:
                self._local.loads = []
                return self._local.loads  # type: ignore[no-any-return]

        def load_begins(self, name: str) -> None:
            """A module begins to load on this thread: the import system's own work would pay dear for the hook.

            First-party code that is executed for it is listened to again, see `enter`.
            """
            listened = sys.getprofile() is not None and self._searchers.are_first_party(name)
            self._loads.append((name, -1 if listened else len(self.stack)))
            if not listened:
                self._set()

        def load_is_foreign(self, name: str) -> None:
            """It is third-party: neither is its own code listened to."""
            if self._loads and self._loads[-1][0] == name:  # else somebody only asks where it is
                self._loads[-1] = (name, len(self.stack))
                self._set()

        def load_ends(self) -> None:
            """It has been loaded."""
            self._loads.pop()
            self._set()

        def _set(self) -> None:
            """The hook is on while first-party code runs and no module is being found, and none of others' executed."""
            current = sys.getprofile()
            stack, loads = self.stack, self._loads
            if stack and not (loads and loads[-1][1] == len(stack)):
                if current is None:
                    sys.setprofile(self._hook)
                if threading.getprofile() is None:  # for the threads that are started meanwhile
                    threading.setprofile(self._hook)
            elif current is self._hook:
                sys.setprofile(None)
            if not self._entered and threading.getprofile() is self._hook:
                threading.setprofile(None)

        def pause(self) -> bool:
            """Work of our own begins on this thread; whether it was listened to."""
            if sys.getprofile() is not self._hook:
                return False
            sys.setprofile(None)
            return True

        def go_on(self) -> None:
            """It has ended, and was listened to before."""
            sys.setprofile(self._hook)

        def _begin(self) -> None:
            self._set()

        def _end(self) -> None:
            self._set()

        def close(self) -> None:
            """Nothing is kept between loads on 3.11."""
