"""How long it takes to replace a process: three apps, one of them with heavy libraries, and four ways, edit by edit."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from tests.bench import peers
from tests.bench.served import Served, rows, save, spread
from tests.bench.sizes import APPS, LIBRARIES, Poll, can_be_served, write_app

LIMIT = 10.0  # seconds after which an edit counts as never served
PAUSE = 4.0  # seconds between two edits of which only the processor time is asked
SILENCE = 0.7  # seconds between two edits, and within them the tools have what they do afterwards
EDITION = "__reload__ = 'restart'\nEDITION = {}  # {}\n"
TOOLS: dict[str, Callable[[Path], Served]] = {
    "serve": lambda folder: Served.tool(folder, "main:app"),
    "serve --snapshots": lambda folder: Served.tool(folder, "main:app", "--snapshots"),
    "serve --no-zygote": lambda folder: Served.tool(folder, "main:app", "--no-zygote"),
    "uvicorn --reload": peers.TOOLS["uvicorn --reload"],
    "granian --reload": peers.TOOLS["granian --reload"],
}

ANYWHERE = "__reload__ = 'restart'\n"


def _project(folder: Path, app: str) -> Path:
    """The app, with a module near the top of the graph whose edits need a new process, as do those of all others."""
    write_app(folder, app)
    for path in folder.glob("layer*.py"):
        path.write_text(path.read_text() + ANYWHERE)
    text = (folder / "main.py").read_text().replace("import handlers\n", "import edition\nimport handlers\n")
    editions = "{one.__name__: one.EDITION for one in MODULES if hasattr(one, 'EDITION')}"
    told = f'"edition": edition.EDITION, "editions": {editions}, "pid": os'
    (folder / "main.py").write_text(text.replace('"pid": os', told))
    (folder / "edition.py").write_text(EDITION.format(0, ""))
    return folder


async def measure(rounds: int) -> dict[str, Any]:
    """Each app with each tool that is installed."""
    tools = [tool for tool in TOOLS if "granian" not in tool or find_spec("granian")]
    return {app: await _measure(app, tools, rounds) for app in filter(can_be_served, APPS)}


async def _measure(app: str, tools: list[str], rounds: int) -> dict[str, Any]:
    """The tools take turns, so that what else the machine does meets all of them alike."""
    with tempfile.TemporaryDirectory() as base:
        os.environ["XDG_CACHE_HOME"] = str(Path(base, "cache"))
        served = {tool: TOOLS[tool](_project(Path(base, f"project{n}"), app)) for n, tool in enumerate(tools)}
        try:
            for one in served.values():
                await one.up()
            if "serve" in served:
                await served["serve"].event("warm", 1)
            polls = {tool: Poll(one.port) for tool, one in served.items()}
            times: dict[str, list[float | None]] = {tool: [] for tool in tools}
            for number in range(1, rounds + 1):
                for tool, one in served.items():
                    path = one.folder / "edition.py"
                    since = save(path, EDITION.format(number, "#" * (number % 9)), atomic=True)
                    wanted = _wants(number)
                    times[tool].append(await polls[tool].until(wanted, since, LIMIT))
                    await asyncio.sleep(SILENCE)
            anywhere = await _edit_anywhere(served, polls, rounds)
            spent = await _spend(served, rounds)
            warm = [event["warm"] for event in served["serve"].events("restarted")] if "serve" in served else []
        finally:
            for one in served.values():
                one.end()
    return {
        tool: {
            **spread(one for one in times[tool] if one is not None),
            "edits": rounds,
            "anywhere": spread(one for one in anywhere[tool] if one is not None),
            "failed": polls[tool].failed,
            "cpu": round(spent[tool]),
            **({"warm": sum(warm)} if tool == "serve" else {}),
        }
        for tool in tools
    }


async def _edit_anywhere(
    served: dict[str, Served], polls: dict[str, Poll], rounds: int
) -> dict[str, list[float | None]]:
    """Edits of modules that are drawn at random, each seen by a class that it defines."""
    times: dict[str, list[float | None]] = {tool: [] for tool in served}
    draw = Random(rounds)
    for number in range(1, rounds + 1):
        names = sorted(path.name for path in next(iter(served.values())).folder.glob("layer*.py"))
        name = draw.choice(names)
        for tool, one in served.items():
            path = one.folder / name
            text = path.read_text().partition("EDITION = ")[0]
            since = save(path, f"{text}EDITION = {number}\n", atomic=True)
            times[tool].append(await polls[tool].until(_tells(name.removesuffix(".py"), number), since, LIMIT))
            await asyncio.sleep(SILENCE)
    return times


async def _spend(served: dict[str, Served], rounds: int) -> dict[str, float]:
    """Milliseconds of processor time that an edit costs while nobody asks, with all that the tool does afterwards."""
    before = {tool: one.spent() for tool, one in served.items()}
    for number in range(rounds):
        for one in served.values():
            save(one.folder / "edition.py", EDITION.format(f"'spent {number}'", "#" * (number % 9)), atomic=True)
        await asyncio.sleep(PAUSE)
    spent = {tool: (one.spent() - before[tool]) * 1000 / rounds for tool, one in served.items()}
    for tool, one in served.items():
        answer: dict[str, Any] = {}
        with suppress(OSError):
            answer = await asyncio.wait_for(one.answer(), LIMIT)
        if answer.get("edition") != f"spent {rounds - 1}":
            spent[tool] = 0.0  # it has not served the last edit: what it spent says nothing
    return spent


def _tells(module: str, number: int) -> Callable[[dict[str, Any]], bool]:
    return lambda values: bool(values["editions"].get(module) == number)


def _wants(number: int) -> Callable[[dict[str, Any]], bool]:
    return lambda values: bool(values["edition"] == number)


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    body = []
    for app, tools in figures.items():
        for tool, one in tools.items():
            times = f"{one['median']:g} / {one['p95']:g} / {one['max']:g}" if one["n"] else "never"
            usual = tools.get("uvicorn --reload", one)["cpu"]
            drawn = one["anywhere"]
            anywhere = f"{drawn['median']:g} / {drawn['p95']:g}" if drawn["n"] else "never"
            cpu = f"{one['cpu']} ({one['cpu'] / usual:.2f})" if one["cpu"] and usual else "-"
            served = f"{one['n']} of {one['edits']}"
            body.append((f"{tool}, {app}", times, anywhere, cpu, served, one["failed"], one.get("warm", "")))
    note = (
        f"Save to first new answer of an edit that needs a new process, in ms: median / 95 % / max. Modules: {APPS}; "
        f"heavy imports {', '.join(LIBRARIES)} besides. Any module: drawn at random, median / 95 %. "
        "All tools run at once and are edited in turn. "
        "Processor time: of an edit with all that follows it, while nobody asks; and its ratio to that of uvicorn.\n\n"
    )
    return (
        "## Processes replaced\n\n"
        + note
        + rows(("", "ms", "any module, ms", "processor, ms", "served", "failed", "warm"), body)
    )
