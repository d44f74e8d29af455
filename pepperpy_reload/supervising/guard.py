"""A worker's guard: a small process above it that outlives it and us, and leaves nothing of what it started.

A worker that is stopped, or busy in C, can do nothing when the supervisor is gone; and what it has started may have
left its process group. On Linux everything that loses its parent below the guard becomes the guard's child.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

CODE = """\
import sys
if not sys.flags.safe_path: del sys.path[0]
from pepperpy_reload.supervising.guard import main
main()
"""
"""What a worker's interpreter runs: `-c` puts the working directory on `sys.path`, where a file of the user's could
stand for a module of ours."""
_PASSED_ON = (signal.SIGTERM, signal.SIGINT)
_SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h


def main() -> None:
    """The process that `supervising.process` starts: it becomes the guard, and its child the worker."""
    keep(int(sys.argv[2]))
    from pepperpy_reload.supervising.worker import main as work  # after the fork: a guard needs nothing of it

    work()


def keep(lifeline: int) -> None:
    """Fork. Returns in the child, which has a session of its own; this process guards it and ends as it ended.

    When `lifeline` is at its end, the child and all that it has started are killed at once.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [*_PASSED_ON, signal.SIGCHLD])  # none may be lost meanwhile
    child = os.fork()
    if child:
        _guard(child, lifeline)
    os.close(lifeline)
    os.setsid()  # Ctrl-C is the supervisor's to hand on, and the group can be killed as one
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def adopt_orphans() -> None:
    """From now on what loses its parent below this process becomes its child, where the system can do that."""
    if sys.platform == "linux":
        with suppress(AttributeError, ImportError, OSError):
            import _ctypes  # the rest of ctypes takes four times as long to load, and a worker's start waits for it

            prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # the process itself
            _ctypes.call_function(prctl, (_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def _guard(child: int, lifeline: int) -> NoReturn:
    with suppress(AttributeError):
        os.sched_yield()  # the worker first: somebody waits for it
    for descriptor in _open_descriptors():  # the port, and all else that is the worker's alone
        if descriptor > 2 and descriptor != lifeline:
            with suppress(OSError):
                os.close(descriptor)
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    for number in _PASSED_ON:
        signal.signal(number, lambda number, _: _send(child, number))
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    adopt_orphans()
    watched = select.poll()
    watched.register(wake, select.POLLIN)
    watched.register(lifeline, select.POLLIN)
    status: int | None = None
    while status is None:
        ready = dict(watched.poll())
        if lifeline in ready:
            break
        with suppress(BlockingIOError):
            os.read(wake, 4096)
        status = _reap(child)
    status = _clear(child, status)
    _end_as(status)


def _reap(child: int) -> int | None:
    """Bury the dead; the status of `child` if it is one of them."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == child:
            return status
        if not pid:
            return None


def _clear(child: int, status: int | None) -> int:
    """Kill all that is left, and wait until it is gone; the status of `child`."""
    if status is None or sys.platform != "linux":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    while status is None or sys.platform == "linux":
        for one in _children():
            _send(one, signal.SIGKILL)
        try:
            pid, ended = os.waitpid(-1, 0)
        except ChildProcessError:
            break
        if pid == child:
            status = ended
    return 0 if status is None else status


def _children() -> list[int]:
    """Our children; those that have died among them. Nothing where the system does not tell."""
    ours = os.getpid()
    with suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/{ours}/task/{ours}/children").read_text().split()]
    return [pid for pid in map(_numbered, Path("/proc").glob("[0-9]*")) if pid and _parent_of(pid) == ours]


def _open_descriptors() -> list[int]:
    for place in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError, ValueError):
            return [int(name) for name in os.listdir(place)]  # noqa: PTH208 - a list, before anything is closed
    return list(range(3, 1024))


def _numbered(path: Path) -> int:
    return int(path.name) if path.name.isdigit() else 0


def _parent_of(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _end_as(status: int) -> NoReturn:
    """End the way that the worker did, so that who waits for us learns how."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(ImportError, OSError, ValueError):
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the worker has left one, if they are wanted
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code += 256
    os._exit(code)
