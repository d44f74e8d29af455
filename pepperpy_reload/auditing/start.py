"""The worker's hold on a fresh start: begun, waited for while it is wanted, ended."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from pepperpy_reload.errors import ReloadError

# `-c` puts the working directory on sys.path, where a file of the user's could stand for a module of ours.
_CODE = """\
import sys
if not sys.flags.safe_path: del sys.path[0]
from pepperpy_reload.auditing.fresh import main
main()
"""
_PATIENCE = 60.0
_LOOK = 0.05  # seconds between two looks whether it is still wanted
Message = dict[str, Any]


class FreshStartError(ReloadError):
    """There is no fresh start to compare with. The text is the reason, in one line."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Under which the worker was started, and so is every fresh start."""

    search: tuple[str, ...]
    roots: tuple[str, ...]
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: str


def ask(
    circumstances: Circumstances, order: Message, files: Mapping[str, IO[bytes]], is_wanted: Callable[[], bool]
) -> Message | None:
    """What a new process answers to the order; None if it was no longer wanted, and was ended.

    It is one of this process's group, and ends with it. Raises FreshStartError.
    """
    descriptors = {name: file.fileno() for name, file in files.items()}
    told = order | {"files": descriptors, "search": circumstances.search, "roots": circumstances.roots}
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    process = subprocess.Popen(
        [sys.executable, *flags, "-c", _CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=list(descriptors.values()),
        env=dict(circumstances.environment),
        cwd=circumstances.cwd,
    )
    try:
        return _talk(process, json.dumps(told | {"argv": circumstances.argv}), is_wanted)
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        process.wait()


def _talk(process: subprocess.Popen[bytes], order: str, is_wanted: Callable[[], bool]) -> Message | None:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.write(order.encode() + b"\n")
        process.stdin.flush()
    end = time.monotonic() + _PATIENCE
    heard = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not heard.endswith(b"\n"):
            if not is_wanted():
                return None
            if time.monotonic() >= end:
                raise FreshStartError(f"a fresh start took longer than {_PATIENCE:.0f} s")
            if selector.select(_LOOK):
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise FreshStartError(f"a fresh start ended with status {process.wait()} while it was imported")
                heard += chunk
    answer: Message = json.loads(heard)
    if "fault" in answer:
        raise FreshStartError(f"the audit itself failed; this is a bug\n{answer['fault']}")
    return answer
