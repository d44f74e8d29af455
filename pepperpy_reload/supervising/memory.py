"""Whether the system has ended processes because there was no memory left."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_COUNTS = Path("/proc/vmstat")


def times_out_of_memory() -> int | None:
    """How often that was so since the system came up, in containers too; None where it is not told."""
    with suppress(OSError, ValueError):
        for line in _COUNTS.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None
