"""Import times and errors: ImportProfiler and what it knows of a module, ImportProfile."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pepperpy_reload.core.timing import analyze

try:
    _PAGE = os.sysconf("SC_PAGE_SIZE")
except (AttributeError, ValueError, OSError):
    _PAGE = 0


_MOMENT = 0.0002
"""Seconds. Many modules take no longer, and reading the resident memory for each costs a tenth of them."""
_ERRORS_KEPT = 100
"""Of one module: it may be broken for hours, and be tried at every save."""


@dataclass(slots=True)
class ImportProfile:
    """One import. Times are in seconds, memory is resident memory in bytes (noisy: it is the whole process's)."""

    module: str
    duration: float = 0.0
    """From the search to the end of the module's code, with everything that it imported first."""
    self_time: float = 0.0
    """`duration` without the imports that it caused."""
    dependencies: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    """`SomeError: text`, one for every failed try."""
    memory_before: int = 0
    memory_after: int = 0
    importer: str = ""
    """The module whose import caused this one to load, "" at the top."""
    thread: str = ""

    @property
    def memory_delta(self) -> int:
        """By how much the process grew meanwhile."""
        return self.memory_after - self.memory_before


@dataclass(slots=True)
class _Open:
    profile: ImportProfile
    started: float
    inner: float = 0.0


class ImportProfiler:
    """Times imports. Right with nested imports, with threads (each has its own nesting) and with re-entrance."""

    def __init__(self) -> None:
        self._profiles: dict[str, ImportProfile] = {}
        self._local = threading.local()
        self._read = (-_MOMENT, 0)
        """When the resident memory was last read, and what it was."""

    @property
    def _stack(self) -> list[_Open]:
        try:
            return self._local.stack  # type: ignore[no-any-return]
        except AttributeError:
            self._local.stack = []
            return self._local.stack  # type: ignore[no-any-return]

    def start_import(self, module: str) -> None:
        """The import of `module` begins on this thread."""
        stack = self._stack
        importer = stack[-1].profile.module if stack else ""
        now = time.perf_counter()
        profile = ImportProfile(
            module, importer=importer, thread=threading.current_thread().name, memory_before=self._memory(now)
        )
        stack.append(_Open(profile, now))

    def is_under_way(self, module: str) -> bool:
        """Whether an import of `module` has begun on this thread and not ended."""
        stack = self._stack
        if stack and stack[-1].profile.module == module:
            return True
        return any(entry.profile.module == module for entry in stack)

    def finish_import(
        self, module: str, dependencies: Iterable[str] | None = None, error: BaseException | str | None = None
    ) -> ImportProfile:
        """The import of `module`, which began on this thread, has ended, with `error` if it failed.

        Imports inside it that were never finished (an exception went through them) end with it. The profile counts
        from now on; that of an earlier import of the same module is replaced, its errors are kept. Raises ValueError
        if no import of `module` has begun on this thread.
        """
        now = time.perf_counter()
        stack = self._stack
        if not self.is_under_way(module):
            raise ValueError(f"no import of {module!r} has begun on this thread: call start_import({module!r}) first")
        while stack[-1].profile.module != module:
            self._close(stack.pop(), now, None)
        entry = stack.pop()
        if dependencies:
            entry.profile.dependencies.update(dependencies)
        return self._close(entry, now, error)

    def _close(self, entry: _Open, now: float, error: BaseException | str | None) -> ImportProfile:
        profile = entry.profile
        profile.duration = now - entry.started
        profile.self_time = max(0.0, profile.duration - entry.inner)
        profile.memory_after = self._memory(now)
        stack = self._stack
        if stack:
            stack[-1].inner += profile.duration
            stack[-1].profile.dependencies.add(profile.module)
        if (earlier := self._profiles.get(profile.module)) is not None:
            profile.errors = earlier.errors
        if error is not None:
            text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
            profile.errors = [*profile.errors[1 - _ERRORS_KEPT :], text]
        self._profiles[profile.module] = profile
        return profile

    def _memory(self, now: float) -> int:
        """The resident memory now, or a moment ago: it cannot have grown by anything that counts."""
        read, memory = self._read
        if now - read > _MOMENT:
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
        return analyze(list(self.get_all_profiles().values()))

    def clear(self) -> None:
        """Forget every profile; imports that are under way go on being timed."""
        self._profiles = {}


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
