"""Which first-party functions ran while a module's statement was executed.

On 3.12 and newer `sys.monitoring` (PEP 669) tells when a function starts, on 3.11 `sys.setprofile` does. Both are on
only while first-party code is being loaded, and both are told to leave third-party code alone.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, NamedTuple

from pepperpy_reload.core.identity import identity
from pepperpy_reload.importing.executed import EXECUTED, SOMEWHERE, sees_a_module
from pepperpy_reload.importing.roots import Roots
from pepperpy_reload.importing.searchers import Searchers

_FREE_TOOL_IDS = (4, 3)  # 0, 1, 2 and 5 are spoken for by debuggers, coverage, profilers and optimizers


_NOTHING_OPENED: dict[int, set[str]] = {}
"""Of nearly all: one for each would be work for garbage collection."""


class CodeKey(NamedTuple):
    """A function in the source: its file, its qualified name and its first line (that of its first decorator)."""

    file: str
    qualname: str
    line: int

    @classmethod
    def of(cls, code: CodeType) -> CodeKey:
        """The key of a code object."""
        return cls(code.co_filename, code.co_qualname, code.co_firstlineno)


class Activity:
    """First-party code that is being executed for the sake of an import, on one thread.

    `ran` maps an offset in the module's bytecode (`f_lasti`, which `co_positions` turns into a statement) to the keys
    of the functions that ran meanwhile; -1 stands for a call that is recorded as a whole. `opened` are the files opened
    meanwhile, likewise. Without a frame `place` stands for the offset, and `started` is the line
    at which what is executed begins.
    """

    __slots__ = (
        "_codes", "code", "frame", "is_plain", "missing", "module", "opened", "place", "started", "strays",
    )  # fmt: skip

    def __init__(self, module: str, code: CodeType | None, place: int = -1, started: int = 0) -> None:
        self.module = module
        self.code = code
        self.frame: FrameType | None = None
        self.place = place
        self.started = started
        self.opened: dict[int, set[str]] = _NOTHING_OPENED
        self.strays: list[tuple[int, int, CodeType]] = []
        """What other threads ran meanwhile: the thread, the offset of the statement that started it, the function."""
        self.is_plain = False
        """Whether its own import statements need no closer look: no reload is under way, and nobody else's load."""
        self.missing = ""
        """Why the functions could not be recorded, or ""."""
        self._codes: dict[int, dict[int, CodeType]] = {}
        """By offset and identity; a code object that is kept keeps its identity."""

    def note_opened(self, path: str) -> None:
        """A file has been opened."""
        if not self.opened:
            self.opened = {}
        self.opened.setdefault(self.offset, set()).add(path)

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
        place = self.place if self.frame is None else self.frame.f_lasti
        try:
            self._codes[place][identity(code)] = code
        except KeyError:
            self._codes[place] = {identity(code): code}

    def note_at(self, place: int, code: CodeType) -> None:
        """It belongs to the statement at that offset."""
        self._codes.setdefault(place, {})[identity(code)] = code

    def disown(self, code: CodeType) -> None:
        """That is the code of the statement itself, executed alone: no function that it ran."""
        for found in self._codes.values():
            found.pop(identity(code), None)

    @property
    def ran(self) -> dict[int, set[CodeKey]]:
        """The functions that have run."""
        return footprint_of(self.noted())

    def noted(self) -> tuple[Any, ...]:
        """The same as it was noted: offset, code, offset ... One flat tuple is no work for garbage collection."""
        if not self._codes:
            return ()
        noted: list[Any] = []
        for place, found in self._codes.items():
            for code in found.values():
                noted += (place, code)
        return tuple(noted)


def footprint_of(noted: tuple[Any, ...]) -> dict[int, set[CodeKey]]:
    """What an activity has noted, in order: by offset of the statement."""
    ran: dict[int, set[CodeKey]] = {}
    for place, code in zip(noted[::2], noted[1::2], strict=True):
        ran.setdefault(place, set()).add(CodeKey.of(code))
    return ran


class Footprint:
    """What a call into user code ran: functions, and modules that it imported. It follows functions that move."""

    __slots__ = ("__weakref__", "functions", "modules")

    def __init__(self) -> None:
        self.functions: set[CodeKey] = set()
        self.modules: set[str] = set()


class OfThread(threading.local):
    """What is under way on a thread."""

    def __init__(self) -> None:
        self.stack: list[Activity] = []
        """The activities, innermost last."""
        self.loads: list[str] = []
        """The modules that are being found and loaded, innermost last."""
        self.unheard: list[tuple[str, int]] = []
        """3.11: the loads that nobody listens to, each with the depth of the stack then, -1 if it is listened to."""
        self.owner: tuple[Activity, int] | tuple[()] | None = None
        """Whose statement has started the thread, () if nobody's; None as long as that is not known."""


class Watch:
    """Tells the activity on top of each thread's stack which functions start."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._is_first_party = roots.__contains__
        self.local = OfThread()
        self._lock = threading.Lock()
        self._depth = 0
        self._tool: int | None = None
        self._closing = False
        self.entered: dict[Activity, None] = {}
        """The activities of all threads, innermost last."""
        self._older: set[int | None] = set()
        """The threads that ran before: what they do is nobody's."""
        if sys.version_info < (3, 12):
            self._searchers = Searchers(self._is_first_party)
            self._hook = self._on_event  # one object, that it can be told from others

    def note_executed(self) -> None:
        """Code of a function is going to be executed by `exec` or `eval`: nobody sees where."""
        if self.entered:
            self._note(SOMEWHERE)

    def _note(self, code: CodeType) -> None:
        """Code starts on this thread that is no function of the user's own."""
        if self.local.stack:
            self.local.stack[-1].note(code)
        else:
            self._note_stray(code)

    def _note_stray(self, code: CodeType) -> None:
        """A thread that loads nothing runs a function: perhaps for the statement that has started the thread."""
        entered = list(self.entered)
        owner = self.local.owner
        if owner is None and entered:
            top = entered[-1]
            is_older = threading.get_ident() in self._older
            owner = self.local.owner = () if is_older else (top, top.offset)
        if owner and owner[0] in entered:
            owner[0].strays.append((threading.get_ident(), owner[1], code))

    def _sort_strays(self, activity: Activity) -> None:
        """What threads ran counts as run by the statement if they are through with it: else it is their own affair."""
        frames = sys._current_frames()
        frames.pop(threading.get_ident(), None)  # a frame that held itself would keep all that it has seen
        for thread, offset, code in activity.strays:
            frame = frames.get(thread)
            while frame is not None and not self._is_first_party(frame.f_code.co_filename):
                frame = frame.f_back
            if frame is None:
                activity.note_at(offset, code)

    @property
    def stack(self) -> list[Activity]:
        """The activities of the current thread, innermost last."""
        return self.local.stack

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
        stack = self.local.stack
        stack.append(activity)
        if not self.entered:
            self._older = {thread.ident for thread in threading.enumerate()}
        self.entered[activity] = None
        if sys.version_info < (3, 12):
            self._listen()
        elif len(stack) == 1:
            self._begin()
        if sys.version_info >= (3, 12) and self._tool is None:
            activity.missing = "no free sys.monitoring tool id"

    def leave(self) -> Activity:
        """It has ended."""
        stack = self.local.stack
        if sys.version_info < (3, 12) and not self.pause():  # first of all: what follows would be told to the hook
            stack[-1].missing = "another profiler is running"
        activity = stack.pop()
        del self.entered[activity]
        activity.frame = None
        if activity.strays:
            self._sort_strays(activity)
        if sys.version_info < (3, 12) or not stack:
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
            file = code.co_filename
            if not self._roots.known.get(file) and (file[:1] == "<" or not self._is_first_party(file)):
                if code.co_name != EXECUTED:
                    return sys.monitoring.DISABLE
                if sees_a_module(sys._getframe(1), self._is_first_party):
                    self._note(code)
                return None
            stack = self.local.stack
            if stack:
                top = stack[-1]
                if code is top.code and top.frame is None:
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
            if event != "call":
                return
            # Whose it is shows its module, mostly: to ask a frame for its code is an event for audit hooks.
            file = frame.f_globals.get("__file__")
            if file.__class__ is str and self._roots.known.get(file) is False:
                return
            code = frame.f_code
            if not self._is_first_party(code.co_filename):
                if file.__class__ is str and file not in self._roots.known:
                    self._is_first_party(file)
                if code.co_name == EXECUTED and self.entered and sees_a_module(frame, self._is_first_party):
                    self._note(code)
                return
            stack = self.local.stack
            if stack:
                top = stack[-1]
                if code is top.code and top.frame is None:
                    top.frame = frame
                else:
                    top.note(code)
            elif self.entered:
                self._note_stray(code)
            else:
                sys.setprofile(None)  # nothing is being loaded any more: this thread was started while something was

        def load_begins(self, name: str) -> None:
            """A module begins to load on this thread: the import system's own work would pay dear for the hook.

            First-party code that is executed for it is listened to again, see `enter`.
            """
            here = self.local
            if not here.stack:  # there is nothing of the project's underneath
                here.unheard.append((name, 0))
                return
            listened = (self.pause() or sys.getprofile() is not None) and self._searchers.are_first_party(name)
            here.unheard.append((name, -1 if listened else len(here.stack)))
            if listened:
                self._set()

        def load_is_foreign(self, name: str) -> None:
            """It is third-party: neither is its own code listened to."""
            here = self.local
            if here.stack and here.unheard and here.unheard[-1][0] == name:  # else somebody only asks where it is
                here.unheard[-1] = (name, len(here.stack))
                self._set()

        def load_ends(self) -> None:
            """It has been loaded."""
            self.local.unheard.pop()
            if self.local.stack:
                self._set()

        def _set(self) -> None:
            """The hook is on while first-party code runs and no module is being found, and none of others' executed."""
            stack, loads = self.local.stack, self.local.unheard
            if not self.entered and threading.getprofile() is self._hook:
                threading.setprofile(None)
            if not stack or (loads and loads[-1][1] == len(stack)):
                self.pause()
            elif sys.getprofile() is None:
                sys.setprofile(self._hook)

        def _listen(self) -> None:
            """First-party code is going to be executed: that is the last thing to be done before."""
            if threading.getprofile() is None:  # for the threads that are started meanwhile
                threading.setprofile(self._hook)
            if sys.getprofile() is None:
                sys.setprofile(self._hook)

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
            """Nothing is kept on: there is nothing to be gained by it."""

        def _end(self) -> None:
            self._set()

        def close(self) -> None:
            """Nothing is kept between loads on 3.11."""
