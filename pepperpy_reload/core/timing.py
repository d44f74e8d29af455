"""Figures over import timings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

SLOW = 0.1  # seconds


class Timed(Protocol):
    """What is asked of an import's profile."""

    @property
    def module(self) -> str:
        """The module's name."""

    @property
    def duration(self) -> float:
        """Seconds, imports inside it included."""

    @property
    def self_time(self) -> float:
        """Seconds, imports inside it left out."""

    @property
    def dependencies(self) -> Collection[str]:
        """What it imported."""

    @property
    def errors(self) -> Sequence[str]:
        """What went wrong."""

    @property
    def memory_delta(self) -> int:
        """Bytes by which the process grew."""


def analyze(profiles: Sequence[Timed], slow: float = SLOW) -> dict[str, Any]:
    """Totals, means and maxima over imports.

    `total_imports`, `total_duration` (wall time: nested imports count once), `average_duration`, `max_duration` (both
    with nested imports, in seconds), `error_count`, `average_dependencies`, `max_dependencies`, `slow_imports` (names,
    slowest first, of imports of more than `slow` seconds), `total_memory`, `average_memory`, `max_memory` (bytes).
    """
    count = len(profiles)
    durations = [profile.duration for profile in profiles]
    dependencies = [len(profile.dependencies) for profile in profiles]
    memory = [profile.memory_delta for profile in profiles]
    slowest = sorted(profiles, key=lambda profile: profile.duration, reverse=True)
    return {
        "total_imports": count,
        "total_duration": sum(profile.self_time for profile in profiles),
        "average_duration": sum(durations) / count if count else 0.0,
        "max_duration": max(durations, default=0.0),
        "error_count": sum(len(profile.errors) for profile in profiles),
        "average_dependencies": sum(dependencies) / count if count else 0.0,
        "max_dependencies": max(dependencies, default=0),
        "slow_imports": [profile.module for profile in slowest if profile.duration > slow],
        "total_memory": sum(max(0, grown) for grown in memory),
        "average_memory": sum(memory) / count if count else 0.0,
        "max_memory": max(memory, default=0),
    }
