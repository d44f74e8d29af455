"""What is under way: frames that would go on running code that an edit has replaced.

A call that ends soon ends as it began, and the next one runs the new code. But the loop of a thread or of a task, and
what has called it, are never called again: they run the old code for good, and only a new process can help.
"""

from __future__ import annotations

import asyncio
import dis
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import thread as futures_thread
from contextlib import suppress
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.importing.recorder import recorder

if TYPE_CHECKING:  # what a reload needs is no matter of the start
    from pepperpy_reload.reloading.reading import Reading

GRACE = 0.5  # seconds in which a call ends
_POLL = 0.005
_ANYIO = os.path.join("anyio", "_backends", "_asyncio.py")
_FUTURES = futures_thread.__file__
_ASYNCHRONOUS = 0x80 | 0x200  # CO_COROUTINE, CO_ASYNC_GENERATOR
_TASK_LIBRARIES = ("asyncio", "anyio")

Codes = Mapping[int, CodeType]
Call = Callable[[Callable[[], str]], str]


def replaced_codes(reading: Reading) -> dict[int, CodeType]:
    """The functions of the edited modules that are other ones now, or gone: their old code objects by id."""
    found: dict[int, CodeType] = {}
    for edited in reading.edited.values():
        same = {identity(pair.old) for pair in edited.pairs if not pair.changed}
        found.update((identity(code), code) for code in _functions(edited.loaded.code) if identity(code) not in same)
        found.update((identity(code), code) for pair in edited.pairs if pair.changed for code in pair.olds)
    return found


def left_behind(codes: Codes, call: Call, grace: float) -> str:
    """What still runs one of these code objects after `grace` seconds: its name, line and thread; "" if nothing does.

    `call` runs a function where the program's own code runs, on the thread of its loop if it has one.
    """
    deadline = time.monotonic() + grace
    look_at_tasks = any(code.co_flags & _ASYNCHRONOUS for code in codes.values())
    while where := _in_threads(codes) or (call(lambda: _in_tasks(codes)) if look_at_tasks else ""):
        if time.monotonic() >= deadline:
            return where
        time.sleep(_POLL)
    return ""


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of a stack, innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def awaiting(waiting: Any) -> list[FrameType]:
    """The frames of a chain of coroutines and asynchronous generators, innermost first."""
    frames: list[FrameType] = []
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "ag_frame", None)
        if frame is not None:
            frames.append(frame)
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "ag_await", None)
    return frames[::-1]


def is_pool_worker(stack: Collection[FrameType]) -> bool:
    """Whether a stack is that of a thread that is given one call after the other."""
    for frame in stack:
        code = frame.f_code
        if code.co_name == "_worker" and code.co_filename == _FUTURES:
            return True
        if code.co_qualname == "WorkerThread.run" and code.co_filename.endswith(_ANYIO):
            return True
    return False


def _functions(code: CodeType) -> Iterator[CodeType]:
    waiting = [code]
    while waiting:
        for constant in waiting.pop().co_consts:
            if isinstance(constant, CodeType):
                waiting.append(constant)
                if constant.co_flags & 0x1:  # CO_OPTIMIZED: not a class body
                    yield constant


def _in_threads(codes: Codes) -> str:
    """The first thread but this one that is left behind; what a pool was given is a call that ends."""
    for ident, frame in frames_of_others().items():
        stack = list(outwards(frame))
        where = "" if is_pool_worker(stack) else _left_in(stack, codes)
        if where:
            return f"{where} in {_thread_name(ident)}"
    return ""


def frames_of_others() -> dict[int, FrameType]:
    """The innermost frames of all threads but this one. A frame that held its own would keep all that it has seen."""
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    return frames


def _thread_name(ident: int) -> str:
    if ident == threading.main_thread().ident:
        return "the main thread"
    names = [thread.name for thread in threading.enumerate() if thread.ident == ident]
    return f"thread {names[0]}" if names else "a thread"


def _in_tasks(codes: Codes) -> str:
    """The first task of this thread's loop that is left behind, of those that the program has made itself.

    The tasks that a server makes for its requests end as they began.
    """
    with suppress(RuntimeError):  # there is no loop here
        for task in asyncio.all_tasks():
            stack = awaiting(task.get_coro())
            if _is_own(stack) and (where := _left_in(stack, codes, outermost=False)):
                return f"{where} in task {task.get_name()}"
    return ""


def _is_own(stack: list[FrameType]) -> bool:
    for frame in reversed(stack):
        if frame.f_code.co_filename in recorder.roots:
            return True
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _TASK_LIBRARIES:
            return False
    return False


def _left_in(stack: list[FrameType], codes: Codes, *, outermost: bool = True) -> str:
    own = [frame for frame in stack if frame.f_code.co_filename in recorder.roots]
    for frame in own:
        code = frame.f_code
        if identity(code) in codes and (_is_in_loop(code, frame.f_lasti) or (outermost and frame is own[-1])):
            module = frame.f_globals.get("__name__", "?")
            return f"{module}.{code.co_qualname} is running ({os.path.basename(code.co_filename)}:{frame.f_lineno})"
    return ""


def _is_in_loop(code: CodeType, at: int) -> bool:
    """Whether an instruction is inside a loop; what waits for an `await` jumps back without being one."""
    return any(
        "BACKWARD" in instruction.opname
        and "NO_INTERRUPT" not in instruction.opname
        and instruction.argval <= at <= instruction.offset
        for instruction in dis.get_instructions(code)
    )
