"""The memory of this process, and what is in it, found out without leaving a trace in it."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

SIZES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
"""What `mallinfo2` of glibc tells."""


class MallocInfo(ctypes.Structure):
    """What the C library has given out (`uordblks`, `hblkhd`), and what it keeps for later (`fordblks`)."""

    _fields_ = [(name, ctypes.c_size_t) for name in SIZES.split()]


def observed(count: Callable[[], dict[str, int]]) -> dict[str, dict[str, int]]:
    """What `count` finds, and the memory in bytes: `resident` in this process, and what of it is `in use`.

    What is not in use is free within Python's and the C library's allocators: between what lives, and given back to the
    system only by chance. To count takes memory itself, and what it takes would be seen the next time: that is done in
    a fork. On other machines than those with glibc only what is resident is known.
    """
    for _ in range(3):
        gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            memory = {"resident": resident, **_in_use()}
            with os.fdopen(writing, "w") as told:
                json.dump({"memory": memory, "counts": count()}, told)
        except BaseException:  # noqa: BLE001 - of a fork nobody else would hear
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        text = told.read()
    os.waitpid(child, 0)
    return json.loads(text)  # type: ignore[no-any-return]


def _in_use() -> dict[str, int]:
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return {}
    library.mallinfo2.restype = MallocInfo
    info = library.mallinfo2()
    with tempfile.TemporaryFile() as file:
        errors = os.dup(2)
        os.dup2(file.fileno(), 2)
        sys._debugmallocstats()
        os.dup2(errors, 2)
        file.seek(0)
        text = file.read().decode()
    found = re.search(r"# bytes in allocated blocks\s*=\s*([\d,]+)", text)
    if found is None:  # an allocator that is traced, or that of the C library
        return {}
    return {"in use": int(found[1].replace(",", "")) + info.uordblks + info.hblkhd}
