"""Threads that read while a reload is under way find every name, and whole values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

BASE = "VALUE = {value}\ndef scale(x):\n    return x * {factor}\n{broken}\n"
TARGET = """{future}
import base
from base import VALUE, scale

SIZE = 100 + 0 * VALUE
TABLE = {{number: VALUE for number in range(SIZE)}}
ITEMS = [VALUE] * SIZE
UNIQUE = {{number + VALUE for number in range(SIZE)}}

class Thing:
    LIMIT = {limit}
    def first(self):
        return {limit}
    def second(self):
        return 1

def double(x{parameter}):
    return 2 * x + 0 * {limit}

def outer(factor):
    def inner(x):
        return x * factor
    return inner

made = outer(VALUE)
{broken}
"""
READING = """
import random, threading
BASE, TARGET = pathlib.Path("base.txt").read_text(), pathlib.Path("target.txt").read_text()
state = dict(value=1, factor=1, limit=1, parameter="", future="")

def written(**changes):
    "Save both modules with these changes."
    save("base.py", BASE.format(**{**state, "broken": "", **changes.get("base", {})}))
    save("target.py", TARGET.format(**{**state, "broken": "", **changes.get("target", {})}))

written()
import base, target
NAMES = [name for name in vars(target) if not name.startswith("__")]
sys.setswitchinterval(1e-4)
faults, over = [], threading.Event()
rounds = 0

def read():
    "All names again and again, by attribute and by import, and what they hold."
    global rounds
    while not over.is_set() and not faults:
        try:
            for name in NAMES:
                getattr(target, name)
            import target as again
            from target import TABLE, ITEMS, UNIQUE, Thing, made
            assert again is target
            for whole in (TABLE, ITEMS, UNIQUE):
                assert len(whole) == 100, (type(whole), len(whole))
            assert Thing().first() and Thing().second() and Thing.LIMIT
            assert target.double(2) == 4 and made(1) and base.scale(1) and target.base.VALUE is not None
        except BaseException as error:
            import traceback
            faults.append(traceback.format_exc())
        rounds += 1
        over.wait(2e-4)  # else most of the time goes by in here

BROKEN = ("raise RuntimeError", "TABLE = dict.fromkeys(range(100)); raise OSError", "import nowhere", "def (:")
chance = random.Random(1)
thread = threading.Thread(target=read)
thread.start()
counts = {"reloaded": 0, "failed": 0, "unchanged": 0}
try:
    for number in range(2, 202):
        changed = chance.choice(list(state))
        state[changed] = {"parameter": f", extra={number}", "future": f"# {number}"}.get(changed, number)
        if changed == "future" and number % 2:
            state["future"] = "from __future__ import annotations"
        if number % 3 == 0:
            written(**{chance.choice(["base", "target"]): {"broken": chance.choice(BROKEN)}})
            report = reloader.apply(["base.py", "target.py"])
            assert report.status == "failed", (number, report)
            counts["failed"] += 1
        written()
        report = reloader.apply(["base.py", "target.py"])
        counts[report.status] += 1
        assert not faults, (number, changed, faults, report)
        assert (base.VALUE, target.Thing.LIMIT, target.made(1)) == (state["value"], state["limit"], state["value"])
finally:
    over.set()
    thread.join()
assert not faults, faults
assert counts["failed"] == 67 and counts["reloaded"] > 150 and rounds > 200, (counts, rounds)
"""


def test_no_thread_misses_a_name_or_finds_half_a_value(reloads: Reloads) -> None:
    reloads(READING, {"base.txt": BASE, "target.txt": TARGET})
