"""Functions that are called when the process ends are registered once, in the order of a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

PART = """
import atexit as _exits
class Pool:
    def __init__(self, size): self.size = size
    def close(self): print("closed", self.size)
SIZE = 1
pool = Pool(SIZE)
_exits.register(pool.close)
"""
REGISTERED = """
import atexit, part
from pepperpy_reload.reloading.exits import registered
before = registered()
"""


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_registered_last_is_registered_again(reloads: Reloads, number: int) -> None:
    reloads(
        f"""{REGISTERED}
for size in range(2, {number} + 2):
    report = change("part.py", f"SIZE = {{size - 1}}", f"SIZE = {{size}}")
    assert report.status == "reloaded", report
    assert registered()[:-1] == before[:-1] and registered()[-1] == part.pool.close
""",
        {"part.py": PART},
    )


def test_it_stays_registered_if_the_reload_fails(reloads: Reloads) -> None:
    reloads(
        f"""{REGISTERED}
report = change("part.py", "SIZE = 1", "SIZE = 2\\nBAD = len(str(SIZE))")
assert report.status == "reloaded", report
before = registered()
report = change("part.py", "close)", "close)\\nraise ValueError")
assert report.status == "failed" and registered() == before, report
report = change("part.py", "SIZE = 2", "SIZE = 3")
assert report.status == "failed" and registered() == before, report
report = change("part.py", "\\nraise ValueError", "")
assert report.status == "reloaded" and registered() == [*before[:-1], part.pool.close], report
""",
        {"part.py": PART},
    )


def test_what_others_have_registered_after_it_stays_before_it(reloads: Reloads) -> None:
    reloads(
        f"""{REGISTERED}
atexit.register(print, "other")
before = registered()
report = change("part.py", "SIZE = 1", "SIZE = 2")
assert report.status == "restart" and "atexit" in report.reason.replace("_exits", "atexit"), report
assert registered() == before
""",
        {"part.py": PART},
    )


def test_what_is_called_with_arguments_cannot_be_put_back(reloads: Reloads) -> None:
    reloads(
        f"""{REGISTERED}
report = change("part.py", "SIZE = 1", "SIZE = 2")
assert report.status == "restart" and registered() == before, report
""",
        {"part.py": PART.replace("register(pool.close)", "register(Pool.close, pool)")},
    )


def test_a_decorated_function_is_registered_again_when_it_is_made_again(reloads: Reloads) -> None:
    reloads(
        f"""{REGISTERED}
report = change("part.py", "SIZE = 1", "SIZE = 2")
assert report.status == "reloaded" and part.close.__defaults__ == (2,), report
assert registered() == [*before[:-1], part.close]
""",
        {"part.py": "import atexit\nSIZE = 1\n@atexit.register\ndef close(size=SIZE): print(size)\n"},
    )


WAYS = {
    "a statement that has changed": ("if SIZE:\n    _exits.register(pool.close)\n", "if SIZE:", "if SIZE > 0:"),
    "a module that is run again": ("_exits.register(pool.close)\nhere = globals()\n", "SIZE = 1", "SIZE = 2"),
    "a function": ("def note(): _exits.register(pool.close)\nnote()\n", "SIZE = 1", "SIZE = 2"),
    "one that moves behind another": ("_exits.register(print)\n", "_exits.register(pool.close)\n", "\n"),
    "two of them": ("_exits.register(print)\n", "SIZE = 1", "SIZE = 2"),
    "a loop": ("for one in (Pool(7), pool): _exits.register(one.close)\n", "SIZE = 1", "SIZE = 2"),
    "a function called by one that has changed": (
        "def note(): _exits.register(print)\nif SIZE:\n    note()\n",
        "if SIZE:",
        "if SIZE > 0:",
    ),
    "one that is made again": ("other = Pool(SIZE + 1)\n", "SIZE = 1", "SIZE = 2"),
    "one that has changed": ("other = Pool(5)\n", "register(pool", "register(other"),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_registered_is_what_a_fresh_start_registers(reloads: Reloads, way: str) -> None:
    text, old, new = WAYS[way]
    begin, end = ("", text) if "exits" not in text or "print" in text else (text, "")
    part = PART.replace("_exits.register(pool.close)\n", begin or "_exits.register(pool.close)\n") + end
    reloads(
        f"""{REGISTERED}
import subprocess, sys
SEEN = "[str(getattr(getattr(one, '__self__', 0), 'size', one)) for one in registered()]"
report = change("part.py", {old!r}, {new!r})
if report.status == "restart":
    assert registered() == before, report
else:
    seen = eval(SEEN)
    ask = f"import part; from pepperpy_reload.reloading.exits import registered; print(','.join({{SEEN}}))"
    asked = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    fresh = asked.stdout.splitlines()[0].split(",")
    own = [one for one in seen if one.isdigit() or "print" in one]
    assert own == [one for one in fresh if one.isdigit() or "print" in one], (seen, fresh, report)
""",
        {"part.py": part},
    )
