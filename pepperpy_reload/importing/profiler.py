"""Import times and errors."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # loaded when somebody asks
    from pepperpy_reload.importing.profile import ImportProfile

try:
    _PAGE = os.sysconf("SC_PAGE_SIZE")
except (AttributeError, ValueError, OSError):
    _PAGE = 0


_MOMENT = 0.003
"""Seconds. Most modules take no longer, and reading the resident memory for each would cost a tenth of them."""
_UNASKED = 500
"""Imports, beside one of each module: nobody may ever ask, and what is reloaded all the time must not fill memory."""
_ERRORS_KEPT = 100
"""Of one module: it may be broken for hours, and be tried at every save."""


class _Open:
    """An import that is under way."""

    __slots__ = ("importer", "inner", "inside", "memory", "module", "started", "thread")

    def __init__(self, module: str, importer: str, thread: str, started: float, memory: int) -> None:
        self.module = module
        self.importer = importer
        self.thread = thread
        self.started = started
        self.memory = memory
        self.inner = 0.0
        self.inside: list[str] = []


_Ended = tuple[str, float, float, tuple[str, ...], str, int, int, str, str, float]
"""What a profile is made of, the last error apart; plain values in one tuple are no work for garbage collection."""


class _OfThread(threading.local):
    """What is under way on a thread, innermost last."""

    def __init__(self) -> None:
        self.stack: list[_Open] = []


class ImportProfiler:
    """Times imports. Right with nested imports, with threads (each has its own nesting) and with re-entrance."""

    def __init__(self) -> None:
        self._made: dict[str, ImportProfile] = {}
        self._ended: deque[_Ended] = deque()
        """What has ended since anybody asked: profiles are made of it then, or when there is much of it."""
        self._room = _UNASKED
        self._lock = threading.Lock()  # held while profiles are made; no import ever waits for it
        self._local = _OfThread()
        self._read = (-_MOMENT, 0)
        """When the resident memory was last read, and what it was."""

    def start_import(self, module: str) -> None:
        """The import of `module` begins on this thread."""
        stack = self._local.stack
        importer, thread = (stack[-1].module, stack[-1].thread) if stack else ("", threading.current_thread().name)
        now = time.perf_counter()
        read, memory = self._read
        stack.append(_Open(module, importer, thread, now, memory if now - read < _MOMENT else self._memory(now)))

    def is_under_way(self, module: str) -> bool:
        """Whether an import of `module` has begun on this thread and not ended."""
        stack = self._local.stack
        if stack and stack[-1].module == module:
            return True
        return any(entry.module == module for entry in stack)

    def finish_import(
        self, module: str, dependencies: Iterable[str] | None = None, error: BaseException | str | None = None
    ) -> ImportProfile:
        """The import of `module`, which began on this thread, has ended, with `error` if it failed.

        Imports inside it that were never finished (an exception went through them) end with it. The profile counts
        from now on; that of an earlier import of the same module is replaced, its errors are kept. Raises ValueError
        if no import of `module` has begun on this thread.
        """
        if not self.finish(module, dependencies, error):
            raise ValueError(f"no import of {module!r} has begun on this thread: call start_import({module!r}) first")
        return self._profiles[module]

    def finish(
        self, module: str, dependencies: Iterable[str] | None = None, error: BaseException | str | None = None
    ) -> bool:
        """The same for somebody in a hurry: the profile is made when it is asked for. Whether it had begun."""
        now = time.perf_counter()
        stack = self._local.stack
        if not (stack and stack[-1].module == module):
            if not self.is_under_way(module):
                return False
            while stack[-1].module != module:
                self._close(stack.pop(), now, None)
        entry = stack.pop()
        if dependencies:
            entry.inside += dependencies
        self._close(entry, now, error)
        return True

    def _close(self, entry: _Open, now: float, error: BaseException | str | None) -> None:
        duration = now - entry.started
        stack = self._local.stack
        if stack:
            above = stack[-1]
            above.inner += duration
            above.inside.append(entry.module)
        text = "" if error is None else error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        read, memory = self._read
        if now - read >= _MOMENT:
            memory = self._memory(now)
        self._ended.append(
            (
                entry.module, duration, entry.inner, tuple(entry.inside), text, entry.memory, memory,
                entry.importer, entry.thread, entry.started,
            )
        )  # fmt: skip
        if len(self._ended) > self._room:
            self._make_room()

    def _make_room(self) -> None:
        """Nobody has asked for long. A start, which loads each module once, leaves all of it to who asks."""
        self._room = _UNASKED + len(sys.modules)
        if len(self._ended) > self._room and self._lock.acquire(blocking=False):  # else it is being done, maybe below
            try:
                self._make_all()
            finally:
                self._lock.release()

    @property
    def _profiles(self) -> dict[str, ImportProfile]:
        if self._ended:
            with self._lock:
                self._make_all()
        return self._made

    def _make_all(self) -> None:
        while self._ended:
            self._make(*self._ended[0])
            self._ended.popleft()  # only now: who finds nothing to do finds all of it there

    def _make(
        self, module: str, duration: float, inner: float, inside: tuple[str, ...], error: str, before: int, *rest: Any
    ) -> None:
        from pepperpy_reload.importing.profile import ImportProfile

        earlier = self._made.get(module)
        errors = earlier.errors if earlier is not None else []
        if error:
            errors = [*errors[1 - _ERRORS_KEPT :], error]
        own = max(0.0, duration - inner)
        made = self._made[module] = ImportProfile(module, duration, own, set(inside), errors, before, *rest)
        if earlier is not None and earlier.started > made.started and earlier.thread == made.thread:
            made.inner = earlier
            made.self_time += earlier.self_time
            made.dependencies |= earlier.dependencies

    def _memory(self, now: float) -> int:
        """The resident memory now; a moment later it cannot have grown by anything that counts."""
        memory = _resident_memory()
        self._read = (now, memory)
        return memory

    def get_profile(self, module: str) -> ImportProfile | None:
        """What is known of `module`, None if no import of it has ended."""
        return self._profiles.get(module)

    def get_all_profiles(self) -> dict[str, ImportProfile]:
        """Every profile by module name, in the order in which the imports ended."""
        return dict(self._profiles)

    def get_slow_imports(self, threshold: float = 0.1) -> list[ImportProfile]:
        """The imports that took longer than `threshold` seconds, slowest first."""
        slow = [profile for profile in self.get_all_profiles().values() if profile.duration > threshold]
        return sorted(slow, key=lambda profile: profile.duration, reverse=True)

    def get_memory_intensive_imports(self, threshold: int = 1_000_000) -> list[ImportProfile]:
        """The imports during which the process grew by more than `threshold` bytes, most first."""
        grown = [profile for profile in self.get_all_profiles().values() if profile.memory_delta > threshold]
        return sorted(grown, key=lambda profile: profile.memory_delta, reverse=True)

    def get_import_chain(self, module: str) -> list[str]:
        """The chain of imports that loaded `module`, outermost first, `module` last; [] if it is not known."""
        chain: list[str] = []
        profiles = self._profiles
        while module in profiles and module not in chain:
            chain.append(module)
            module = profiles[module].importer
        return chain[::-1]

    def analyze_imports(self) -> dict[str, Any]:
        """Figures over all imports; see `core.timing.analyze` for the keys."""
        from pepperpy_reload.core.timing import analyze

        return analyze(list(self.get_all_profiles().values()))

    def clear(self) -> None:
        """Forget every profile; imports that are under way go on being timed."""
        with self._lock:
            self._ended.clear()
            self._made = {}


def _resident_memory() -> int:
    """The resident memory of this process in bytes, 0 where the system does not tell cheaply."""
    if not _PAGE:
        return 0
    try:
        descriptor = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)  # not by a file: it is often read
        try:
            return int(os.read(descriptor, 64).split()[1]) * _PAGE
        finally:
            os.close(descriptor)
    except (OSError, ValueError, IndexError):
        return 0
