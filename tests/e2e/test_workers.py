"""Several workers on one socket: what is saved goes round among them, and nobody notices but by the answers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.clients import are_answered_in_time, asking
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
Alive = Callable[[int], bool]
Workers = Callable[[int], list[int]]
SERVE = ("serve", "main:app", "--json", "--no-access-log", "--grace", "0.5", "--restart-on", "version")
THREE = ("--port", "0", "--workers", "3")

APP = """
import asyncio, os, pathlib, word
HERE = pathlib.Path(__file__).parent
VERSION = (HERE / "version").read_text()
if VERSION == "broken":
    raise RuntimeError("no such version")
if VERSION == "gone":
    os._exit(9)

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/crash":
        os.abort()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while scope["path"] == "/stream":
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(0.02)
    body = str(max(int(VERSION), word.number()))
    if scope["path"] == "/pid":
        body += f" {os.getpid()}"
    await send({"type": "http.response.body", "body": body.encode()})
"""
WORD = "def number():\n    return {}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.py").write_text(APP)
    (folder / "word.py").write_text(WORD.format(0))
    (folder / "version").write_text("0")
    return folder


@pytest.fixture
def tool(start: Start) -> Tool:
    tool = start(*SERVE, *THREE)
    assert tool.event("rolled")["workers"] == 3
    return tool


def hot(project: Path, number: int | str) -> None:
    (project / "word.py").write_text(WORD.format(number))


def cold(project: Path, version: int | str) -> None:
    (project / "version").write_text(str(version))


def answers(tool: Tool) -> dict[int, str]:
    """What the workers answer, by process; asked until each of three has answered, or often."""
    found: dict[int, str] = {}
    for _ in range(200):
        number, _, pid = tool.get("/pid").partition(" ")
        assert found.setdefault(int(pid), number) == number
        if len(found) == 3:
            break
    return found


def by_worker(tool: Tool, name: str) -> list[int]:
    """Which workers have said so, in order."""
    return [event["worker"] for event in tool.events(name)]


def test_a_patch_goes_round_and_all_processes_stay(tool: Tool, project: Path, workers: Workers) -> None:
    assert by_worker(tool, "ready") == [1, 2, 3]
    before = workers(tool.process.pid)
    assert set(answers(tool)) <= set(before)
    for number in (1, 2):
        hot(project, number)
        rolled = tool.event("rolled", 1 + number)
        assert (rolled["workers"], rolled["behind"]) == (3, [])
        assert set(answers(tool).values()) == {str(number)}
    assert workers(tool.process.pid) == before
    assert by_worker(tool, "reloaded") == [1, 2, 3] * 2


def test_what_does_not_load_is_tried_by_one_and_mended_in_all(tool: Tool, project: Path) -> None:
    hot(project, "= 1")
    assert tool.event("failed")["worker"] == 1
    assert set(answers(tool).values()) == {"0"}
    hot(project, 2)
    tool.event("rolled", 2)
    assert set(answers(tool).values()) == {"2"}
    assert by_worker(tool, "failed") == [1]
    assert by_worker(tool, "reloaded") == [1, 2, 3]


def test_each_is_replaced_in_its_turn(tool: Tool, project: Path, workers: Workers, until: Until) -> None:
    before = workers(tool.process.pid)
    heirs = new = 0

    def few() -> bool:
        nonlocal heirs, new
        heirs = max(heirs, new - len(tool.events("restarted")))  # who was new a moment ago has been told of by now
        found = workers(tool.process.pid)
        new = len(set(found) - set(before))
        return len(found) == 3 and not set(found) & set(before)

    cold(project, 1)
    until(few, "three other workers")
    tool.event("rolled", 2)
    assert set(answers(tool).values()) == {"1"}
    assert by_worker(tool, "restarted") == [1, 2, 3]
    assert heirs <= 1, "one after another"


def test_a_worker_that_crashes_is_started_again_and_the_others_serve(
    tool: Tool, project: Path, until: Until, workers: Workers
) -> None:
    before = workers(tool.process.pid)
    os.kill(before[1], signal.SIGKILL)
    died = tool.event("died")
    assert (died["serving"], died["retry"]) == (True, 0.2)
    with asking(tool.port, client={"keeps": False}) as clients:
        until(lambda: len(workers(tool.process.pid)) == 3, "the third worker")
        assert tool.event("restarted")["worker"] == died["worker"]
        hot(project, 1)
        tool.event("rolled", 2)
    assert clients["client"].failures == []
    assert set(answers(tool).values()) == {"1"}
    assert set(before) - {before[1]} < set(workers(tool.process.pid))


def test_code_that_does_not_start_keeps_one_worker_back_and_all_serve(
    tool: Tool, project: Path, workers: Workers
) -> None:
    before = set(workers(tool.process.pid))
    cold(project, "broken")
    failed = tool.event("unstarted")
    assert (failed["worker"], failed["serving"]) == (1, True)
    assert set(answers(tool).values()) == {"0"}
    cold(project, "gone")
    assert tool.event("died")["worker"] == 1
    assert before <= set(workers(tool.process.pid))
    cold(project, 1)
    tool.event("rolled", 2)
    assert set(answers(tool).values()) == {"1"}


def test_the_first_one_that_does_not_start_keeps_the_others_from_it(start: Start, project: Path, until: Until) -> None:
    cold(project, "broken")
    tool = start(*SERVE, *THREE)
    tool.event("unstarted")
    until(lambda: "no such version" in _answer(tool), "503 with the error")
    hot(project, "= 1")
    tool.event("unstarted", 2)
    hot(project, 1)
    tool.event("unstarted", 3)
    cold(project, 1)
    assert tool.event("rolled")["workers"] == 3
    assert by_worker(tool, "unstarted") == [1] * 3
    assert set(answers(tool).values()) == {"1"}


RESTARTING = "__reload__ = 'restart'\nNUMBER = {}\n\ndef number():\n    return NUMBER\n"


def test_what_is_broken_while_the_others_are_replaced_keeps_nobody_at_what_was_before(
    start: Start, project: Path, workers: Workers, until: Until
) -> None:
    (project / "main.py").write_text("import time\ntime.sleep(0.3)\n" + (project / "main.py").read_text())
    (project / "word.py").write_text(RESTARTING.format(0))
    tool = start(*SERVE, *THREE)
    tool.event("rolled")
    (project / "word.py").write_text(RESTARTING.format(1))
    tool.event("restarted")
    (project / "word.py").write_text(RESTARTING.format("= 2"))
    rolled = tool.event("rolled", 2)
    assert (rolled["workers"], rolled["behind"]) == (3, [])
    assert set(answers(tool).values()) == {"1"}
    os.kill(tool.events("restarted")[0]["pid"], signal.SIGKILL)
    tool.event("died")
    assert tool.event("restarted", 4)["worker"] == 1, "one that was lost serves what the others do"
    assert set(answers(tool).values()) == {"1"}
    (project / "word.py").write_text(RESTARTING.format(3))
    rolled = tool.event("rolled", 3)
    assert (rolled["workers"], rolled["behind"]) == (3, [])
    assert set(answers(tool).values()) == {"3"}
    until(lambda: len(workers(tool.process.pid)) == 3, "the others to go")


def _answer(tool: Tool) -> str:
    with suppress(OSError):
        return tool.get()
    return ""


BROKEN = {3: ("cold", "broken"), 6: ("hot", "= 1"), 9: ("cold", "gone")}


def test_nobody_fails_and_nobody_is_answered_by_what_is_past(start: Start, project: Path, until: Until) -> None:
    grace = 0.5
    tool = start(*SERVE, *THREE)
    tool.event("rolled")
    with asking(
        tool.port, fresh={"keeps": False}, kept={"keeps": True}, idle={"keeps": True, "pause": 0.05}
    ) as clients:
        switched = [time.monotonic()]
        for number in range(1, 10):
            if number in BROKEN:
                kind, text = BROKEN[number]
                {"hot": hot, "cold": cold}[kind](project, text)
                until(lambda n=number: len(_failed(tool)) == n // 3, "the failure")
            (cold if number % 2 else hot)(project, number)
            rolled = tool.event("rolled", 1 + number)
            switched.append(time.monotonic())
            assert (rolled["workers"], rolled["behind"]) == (3, [])
    are_answered_in_time(clients, switched, grace)
    assert len(clients["fresh"].answers) > 20


def _failed(tool: Tool) -> list[dict[str, Any]]:
    return tool.events("failed") + tool.events("unstarted") + tool.events("died")


def test_no_worker_is_left(tool: Tool, until: Until, alive: Alive, workers: Workers) -> None:
    all_of_them = workers(tool.process.pid)
    with asking(tool.port, stream={"keeps": True, "path": "/stream"}):
        tool.send(signal.SIGTERM)
        assert tool.ends(5.0) == 143
    assert not any(map(alive, all_of_them))


def test_none_outlives_a_supervisor_that_is_killed(start: Start, until: Until, alive: Alive, workers: Workers) -> None:
    tool = start(*SERVE, "--workers", "3", "--port", str(free_port()))
    tool.event("rolled")
    all_of_them = workers(tool.process.pid)
    assert len(all_of_them) == 3
    tool.send(signal.SIGKILL)
    until(lambda: not any(map(alive, all_of_them)), "all to be gone", 3.0)


def test_sighup_replaces_all_of_them(tool: Tool, workers: Workers, until: Until) -> None:
    before = set(workers(tool.process.pid))
    tool.send(signal.SIGHUP)
    tool.event("rolled", 2)
    assert [event["reason"] for event in tool.events("restarted")] == ["SIGHUP"] * 3
    until(lambda: not before & set(workers(tool.process.pid)), "the old ones to go")


def test_what_only_one_can_have_leaves_the_first_one_to_serve(start: Start, project: Path) -> None:
    lock = "import fcntl\nheld = open(HERE / 'lock', 'w')\nfcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    (project / "main.py").write_text((project / "main.py").read_text() + lock)
    tool = start(*SERVE, *THREE)
    rolled = tool.event("rolled")
    assert (rolled["workers"], rolled["behind"]) == (1, [2, 3])
    assert [(event["worker"], event["serving"]) for event in tool.events("unstarted")] == [(2, True), (3, True)]
    assert tool.get() == "0"


def test_one_after_the_other_ends_first_if_that_is_wanted(start: Start, project: Path, workers: Workers) -> None:
    tool = start(*SERVE, *THREE, "--restart", "sequential")
    tool.event("rolled")
    with asking(tool.port, client={"keeps": False}) as clients:
        cold(project, 1)
        tool.event("rolled", 2)
    assert clients["client"].failures == []
    assert set(answers(tool).values()) == {"1"}
    assert len(workers(tool.process.pid)) == 3


def test_the_others_are_forked_when_they_are_replaced(start: Start, project: Path, environment: dict[str, str]) -> None:
    (project / "main.py").write_text("import xml.dom.minidom\n" + (project / "main.py").read_text())
    del environment["PEPPERPY_RELOAD_ZYGOTE"]
    tool = start(*SERVE, *THREE)
    tool.event("rolled")
    tool.event("warm")
    cold(project, 1)
    tool.event("rolled", 2)
    assert [event["warm"] for event in tool.events("restarted")] == [True] * 3


def test_each_of_them_is_audited(start: Start, project: Path) -> None:
    tool = start(*SERVE, "--port", "0", "--workers", "2", "--audit", "--timings")
    tool.event("rolled")
    hot(project, 1)
    audited = [tool.event("audit", times) for times in (1, 2)]
    assert {(event["worker"], event["verdict"]) for event in audited} == {(1, "equal"), (2, "equal")}
    assert len(tool.events("timings")) == 1, "of the save, and not of each worker"


def test_a_program_is_run_once(start: Start, project: Path, workers: Workers) -> None:
    (project / "loop.py").write_text("import time\n\ndef main():\n    while True:\n        time.sleep(0.05)\n")
    tool = start("serve", "loop:main", "--json", "--workers", "3")
    tool.event("ready")
    assert "runs once and not as 3 workers" in tool.event("note")["text"]
    assert len(workers(tool.process.pid)) == 1


def test_a_script_is_run_once(start: Start, project: Path, environment: dict[str, str]) -> None:
    (project / "script.py").write_text("print('done')\n")
    tool = start("run", "--json", "script.py", environment=environment | {"PEPPERPY_RELOAD_WORKERS": "2"})
    assert tool.event("note")["text"] == "a script is run once, not by 2 workers"
    tool.event("finished")


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_none_is_no_number_of_workers(start: Start, environment: dict[str, str], value: str) -> None:
    flag = start("serve", "main:app", f"--workers={value}")
    variable = start("serve", "main:app", environment=environment | {"PEPPERPY_RELOAD_WORKERS": value})
    assert (flag.ends(), variable.ends()) == (2, 2)
    assert "--workers" in flag.text()
    said = "pepperpy-reload: PEPPERPY_RELOAD_WORKERS must be a whole number from 1 on, not "
    assert variable.text() == f"{said}{value!r}\n"
