"""What the time of a reload goes into. Reloads come one after another, whatever threads they go through."""

from __future__ import annotations

import time
from collections.abc import Mapping


class Stopwatch:
    """Seconds by phase since `start`: each lap is the time since the one before."""

    def __init__(self) -> None:
        self._phases: dict[str, float] = {}
        self._started = self._since = 0.0

    def start(self) -> None:
        """From now on."""
        self._phases = {}
        self._started = self._since = time.perf_counter()

    def lap(self, phase: str) -> None:
        """What there was since the last lap belonged to this phase."""
        now = time.perf_counter()
        self._phases[phase] = self._phases.get(phase, 0.0) + now - self._since
        self._since = now

    def stop(self) -> tuple[float, Mapping[str, float]]:
        """Seconds since the start, and what they went into; what is left of them belongs to the report."""
        self.lap("report")
        return self._since - self._started, self._phases


stopwatch = Stopwatch()
"""That of this process."""
