"""Crashes, and when they are tried again, on the real clock: the pauses between them are what this is about."""

from __future__ import annotations

import http.client
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pepperpy_reload.core.lifecycle import DELAYS, HEALTHY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Start, Tool

SERVE = ("serve", "--port", "0", "--json", "--no-access-log", "--grace", "0.5", "main:app")
CRASHES_WHEN_IMPORTED = """
import os, pathlib, time
with (pathlib.Path(__file__).parent.parent / "starts").open("a") as file:
    file.write(f"{time.monotonic()}\\n")
os.abort()
"""
CRASHES_WHEN_ASKED = "import os\n\ndef answer():\n    return os.abort() if PATH == '/crash' else 'well'\n"
SLACK = 4.0  # seconds that a start may take


def crash(tool: Tool, times: int) -> float | None:
    """Have the worker crash while it serves; the seconds until the next try."""
    tool.serves("well")
    with suppress(OSError, http.client.HTTPException):
        tool.get("/crash")
    retry: float | None = tool.event("died", times)["retry"]
    return retry


@pytest.mark.timeout(90)
def test_the_pauses_grow_and_end_and_are_short_again_after_a_while_of_health(
    start: Start, project: Path, tmp_path: Path, until: Callable[..., Any]
) -> None:
    """Two servers side by side, for both sides of it take ten seconds."""
    other = tmp_path / "other"
    other.mkdir()
    source = (project / "main.py").read_text()
    (project / "main.py").write_text(CRASHES_WHEN_IMPORTED + source)
    asked = source.replace("import helper\n\ndef answer():\n    return helper.WORD\n", CRASHES_WHEN_ASKED)
    (other / "main.py").write_text(
        asked.replace("    await send", "    global PATH\n    PATH = scope['path']\n    await send", 1)
    )
    crashing, serving = start(*SERVE), start(*SERVE, folder=other)
    assert [crash(serving, times) for times in (1, 2)] == list(DELAYS[:2])
    serving.serves("well")
    ready = time.monotonic()

    retries = [crashing.event("died", times)["retry"] for times in range(1, len(DELAYS) + 2)]
    assert retries == [*DELAYS, None], "the last one is not tried again"
    began = [float(line) for line in (tmp_path / "starts").read_text().split()]
    pauses = [after - before for before, after in pairwise(began)]
    assert all(delay <= pause < delay + SLACK for delay, pause in zip(DELAYS, pauses, strict=True)), pauses

    until(lambda: time.monotonic() > ready + HEALTHY + 1, "it to be healthy for long")
    assert crash(serving, 3) == DELAYS[0]
    serving.serves("well")
    assert len((tmp_path / "starts").read_text().split()) == len(DELAYS) + 1, "only a save helps"
    (project / "main.py").write_text(source)
    crashing.serves("v0")
