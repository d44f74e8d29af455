"""What the system tells of its memory: whether it has ended processes for lack of it, whether it is running short."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_COUNTS = Path("/proc/vmstat")
_STATE = Path("/proc/meminfo")
_LITTLE = 512 * 1024  # KiB


def times_out_of_memory() -> int | None:
    """How often that was so since the system came up, in containers too; None where it is not told."""
    with suppress(OSError, ValueError):
        for line in _COUNTS.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None


def is_scarce() -> bool:
    """Whether there is so little left that nothing should be kept in it that can be done without."""
    with suppress(OSError, ValueError):
        for line in _STATE.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) < _LITTLE
    return False
