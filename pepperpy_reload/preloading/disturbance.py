"""Who watches this process so closely that a fork of it would not be what a fresh process is."""

from __future__ import annotations

import sys

_DEBUGGERS = ("pydevd", "debugpy", "_pydevd_bundle")


def disturbance() -> str:
    """Why forks of this process would not be what a fresh process is, or ""."""
    watched = sys.gettrace() is not None or sys.getprofile() is not None
    if sys.version_info >= (3, 12):
        watched = watched or any(sys.monitoring.get_tool(number) is not None for number in range(6))
    if watched or any(name in sys.modules for name in _DEBUGGERS):
        return "a debugger or a profiler is active"
    if "importtime" in sys._xoptions or "tracemalloc" in sys._xoptions:
        return "imports or memory are being traced"
    return ""
