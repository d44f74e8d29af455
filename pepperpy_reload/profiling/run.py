"""A target imported in fresh processes, and what its imports cost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pepperpy_reload.core.costs import Costs
from pepperpy_reload.core.medians import median_run
from pepperpy_reload.errors import UsageError
from pepperpy_reload.profiling.testimony import Testimony, read

CHILD = Path(__file__).with_name("child.py")
_START = """\
import sys
__file__ = sys.argv.pop(1)
exec(sys.modules["_frozen_importlib_external"].SourceFileLoader("__main__", __file__).get_code("__main__"))
"""
"""What the child's interpreter runs: the program with its bytecode, as a script it would be compiled each time."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What runs of one target showed.

    `costs` are the medians of `times` runs. `error` is what the target raised, "" if nothing. `called` are the
    functions that were called, by file and first line; None if nobody watched, or this Python does not tell.
    """

    target: str
    costs: Costs
    error: str = ""
    called: frozenset[tuple[str, int]] | None = None
    times: int = 1
    totals: tuple[float, ...] = ()
    """Seconds of all imports, by run."""


def profile(
    target: str, search: Sequence[str], environment: Mapping[str, str], times: int = 1, *, watched: bool = False
) -> Profile:
    """Import `target` in `times` fresh processes: a module, `module:attribute`, or the path of a script.

    `search` comes first on its sys.path. Bytecode is as the first run leaves it, so that is not counted if there are
    more. With `watched` it is noted which functions run, from Python 3.12 on. Raises UsageError if a process ends
    before it has told anything.
    """
    _check(target)
    count = times if times == 1 else times + 1
    runs = [_run(target, search, environment, watched) for _ in range(count)]
    counted = runs if times == 1 else runs[1:]
    last, costs = counted[-1], [one.costs for one in counted]
    called = last.called if watched and sys.version_info >= (3, 12) else None
    return Profile(target, median_run(costs), last.error, called, times, tuple(one.total for one in costs))


def _check(target: str) -> None:
    """Refuse what can name nothing. Raises UsageError."""
    name, colon, attribute = target.partition(":")
    if not name or (colon and not attribute):
        raise UsageError(f"{target!r} names nothing: a target is a module, module:attribute, or the path of a script")
    if colon and name.endswith(".py"):
        module = name.removesuffix(".py").replace(os.sep, ".")
        raise UsageError(f"{target} is no target: it is {name} for the script, or {module}:{attribute} for the module")


def start_ratio(target: str, search: Sequence[str], environment: Mapping[str, str], times: int = 5) -> float:
    """By how much more processor time a process takes that imports `target` than a bare interpreter.

    They are started in turn, and the least of each counts: what else the machine does only ever adds. Raises UsageError
    if the target does not load.
    """
    bare, whole = [], []
    for _ in range(times):
        bare.append(_processor_time([sys.executable, "-P", "-c", "pass"], environment, "the interpreter"))
        command = [*child_command(target, -1, "plain"), *search]
        if not target.endswith(".py"):
            command = [sys.executable, "-P", "-c", IMPORTING, target, *search]
        whole.append(_processor_time(command, environment, target))
    return min(whole) / min(bare)


IMPORTING = """\
import os, sys
sys.path[:0] = sys.argv[2:]
name, _, attribute = sys.argv[1].partition(":")
__import__(name)
found = sys.modules[name]
for part in attribute.split(".") if attribute else ():
    found = getattr(found, part)
os._exit(0)
"""


def _processor_time(command: Sequence[str], environment: Mapping[str, str], target: str) -> float:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), env=dict(environment))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UsageError(f"the process that imported {target} ended with {process.returncode}: it cannot be measured")
    return usage.ru_utime + usage.ru_stime


def child_command(target: str, output: int, how: str) -> list[str]:
    """The command line of a process that imports a target and tells what it saw; the search path follows."""
    # -P: what a program finds beside itself is nothing that the target would find.
    return [sys.executable, "-P", "-c", _START, os.fspath(CHILD), target, str(output), how]


def _run(target: str, search: Sequence[str], environment: Mapping[str, str], watched: bool) -> Testimony:
    reading, writing = os.pipe()
    try:
        command = [*child_command(target, writing, "watched" if watched else "timed"), *search]
        process = subprocess.Popen(command, pass_fds=[writing], stdout=sys.stderr.fileno(), env=dict(environment))
    finally:
        os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            data = pipe.read()
    except BaseException:
        process.kill()
        raise
    finally:
        status = process.wait()
    with suppress(ValueError, EOFError, TypeError):
        seen = read(data)
        if seen.error.startswith("Missing: "):
            raise UsageError(seen.error.removeprefix("Missing: "))
        if seen.error and len(seen.costs.loads) < 2 and all(load.error for load in seen.costs.loads):
            raise UsageError(_not_begun(target, seen.error))
        return seen
    how = f"signal {-status}" if status < 0 else f"exit code {status}"
    raise UsageError(
        f"the process that imported {target} ended by itself with {how}, so nothing is known of its imports"
    )


def _not_begun(target: str, error: str) -> str:
    kind, _, text = error.partition(": ")
    if kind == "FileNotFoundError":
        return f"there is no script {target}"
    said = " ".join((text if kind == "ModuleNotFoundError" else error).split())
    return f"{target} cannot be imported: {said}"
