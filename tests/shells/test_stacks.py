"""The stacks of a process that may end at any moment."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pepperpy_reload.supervising.stacks import Stacks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there stacks are offered")
OFFERING = """
import sys, time
from pepperpy_reload.supervising.stacks import offer
print(offer(), flush=True)
time.sleep(60)
"""


def test_a_file_that_is_closed_meanwhile() -> None:
    with subprocess.Popen([sys.executable, "-c", OFFERING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        stacks = Stacks(process.pid, int(process.stdout.readline()), [str(Path.cwd())], lambda: None)
        for _ in range(5):
            told: list[str] = []
            asking = threading.Thread(target=lambda told=told: told.append(stacks.whereabouts()))
            asking.start()
            stacks.close()
            asking.join()
            assert told == [""]
        process.kill()
