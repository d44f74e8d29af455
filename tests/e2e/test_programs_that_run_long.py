"""Long-lived programs besides apps: loops, asyncio workers, consumers in threads; with checkpoints and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
HELPER = "WORD = {0!r}\nTWICE = WORD * 2\n\ndef word():\n    return {0!r}\n"
STEP = """
import asyncio, os, pathlib, queue, sys, threading, time
import helper
from pepperpy_reload import checkpoint

OUT = pathlib.Path(__file__).parent.parent / "out"
last = None

def step():
    global last
    before = helper.WORD
    time.sleep(0.01)
    now = (helper.WORD, helper.TWICE, helper.word(), os.getpid())
    if before != now[0] or now[1] != now[0] * 2:
        OUT.with_name("torn").touch()
    if now != last:
        last = now
        with OUT.open("a") as file:
            print(*now, file=file)
"""
PROGRAMS = {
    "loop": "def main():\n    while True:\n        POINT\n        step()\n",
    "asyncio": "async def main():\n    while True:\n        POINT\n        step()\n        await asyncio.sleep(0.01)\n",
    "consumer": (
        "jobs = queue.SimpleQueue()\n"
        "def consume():\n    while True:\n        POINT\n        jobs.get()()\n"
        "def main():\n    threading.Thread(target=consume, daemon=True).start()\n"
        "    while True:\n        jobs.put(step)\n        time.sleep(0.02)\n"
    ),
}


def begin(start: Start, project: Path, source: str, point: str) -> Tool:
    (project / "job.py").write_text(STEP + source.replace("POINT", point))
    (project / "helper.py").write_text(HELPER.format("a"))
    return start("serve", "--port", "0", "--json", "--grace", "0.5", "job:main")


def seen(project: Path) -> list[list[str]]:
    out = project.parent / "out"
    return [line.split() for line in out.read_text().splitlines()] if out.exists() else []


def sees(project: Path, words: str, until: Until) -> str:
    """Wait until the program has seen the words, and return the number of its process."""
    return str(until(lambda: next((one[3] for one in seen(project) if one[:3] == words.split()), None), words))


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_is_patched_or_restarted_and_at_checkpoints_reloaded(
    start: Start, project: Path, until: Until, kind: str
) -> None:
    tool = begin(start, project, PROGRAMS[kind], "pass")
    first = sees(project, "a aa a", until)
    (project / "helper.py").write_text(HELPER.format("a").replace("return 'a'", "return 'b'"))
    assert sees(project, "a aa b", until) == first
    (project / "helper.py").write_text(HELPER.format("c"))
    second = sees(project, "c cc c", until)
    assert second != first
    assert "is running and may hold objects of helper" in tool.event("restarted")["reason"]
    job = project / "job.py"  # what is on a stack for good is never called again
    job.write_text(job.read_text().replace("        pass\n", "        checkpoint()\n"))
    tool.event("restarted", times=2)
    third = until(lambda: next((one[3] for one in seen(project) if one[3] not in (first, second)), None), "a new one")
    for word in ("d", "e", "f"):
        (project / "helper.py").write_text(HELPER.format(word))
        assert sees(project, f"{word} {word}{word} {word}", until) == third
    assert len(tool.events("restarted")) == 2
    assert not (project.parent / "torn").exists()


def test_a_checkpoint_that_is_never_reached_is_named(start: Start, project: Path, until: Until) -> None:
    source = "def main():\n    checkpoint()\n    step()\n    while True:\n        time.sleep(60)\n"
    tool = begin(start, project, source, "")
    first = sees(project, "a aa a", until)
    (project / "helper.py").write_text(HELPER.format("b"))
    assert sees(project, "b bb b", until) != first
    line = 1 + (project / "job.py").read_text().splitlines().index("        time.sleep(60)")
    assert tool.event("restarted")["reason"].endswith(
        f"no checkpoint has been reached for 2 s ({project}/job.py:{line})"
    )
