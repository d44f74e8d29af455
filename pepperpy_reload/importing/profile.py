"""What is known of an import that has ended."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ImportProfile:
    """One import. Times are in seconds, memory is resident memory in bytes (noisy: it is the whole process's)."""

    module: str
    duration: float = 0.0
    """From the search to the end of the module's code, with everything that it imported first."""
    self_time: float = 0.0
    """`duration` without the imports of other modules that it caused."""
    dependencies: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    """`SomeError: text`, one for every failed try."""
    memory_before: int = 0
    memory_after: int = 0
    importer: str = ""
    """The module whose import caused this one to load, "" at the top."""
    thread: str = ""
    started: float = 0.0
    """When the search began, by `time.perf_counter`."""
    inner: ImportProfile | None = None
    """Its load inside of this one, if its own package imported it while it was being loaded for it."""

    @property
    def memory_delta(self) -> int:
        """By how much the process grew meanwhile."""
        return self.memory_after - self.memory_before
