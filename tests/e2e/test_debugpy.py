"""An editor's debugger in the worker: breakpoints by file and line, also after a patch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.editor import Editor
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

APP = """
import debugpy, os, helper
port = int(os.environ["DEBUG_PORT"])
if not os.path.exists("listening"):  # the worker after this one would try for long to have the same port
    open("listening", "w").close()
    debugpy.listen(("127.0.0.1", port), in_process_debug_adapter=True)

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    word = helper.word()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": word.encode()})
"""
HELPER = "WORD = 'v0'\n\ndef word():\n    first = WORD\n    return first\n"


def ask(tool: Tool) -> tuple[threading.Thread, list[str]]:
    """A request under way, and where its answer goes."""
    answers: list[str] = []

    def run() -> None:
        with suppress(OSError):
            answers.append(tool.get())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, answers


def test_a_breakpoint_is_hit_after_a_patch_and_saves_wait_for_who_stands_there(
    start: Start, project: Path, environment: dict[str, str], until: Callable[..., Any]
) -> None:
    port = free_port()
    (project / "main.py").write_text(APP)
    (project / "helper.py").write_text(HELPER)
    more = {"DEBUG_PORT": str(port), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    tool = start("serve", "--port", "0", "--json", "--grace", "0.5", "main:app", environment=environment | more)
    tool.event("ready")
    (project / "helper.py").write_text(HELPER.replace("return first", "return str(first)"))
    tool.event("reloaded")  # what reloads has begun: that takes a moment after the first answer
    with closing(Editor(port)) as editor:
        editor.attach(project / "helper.py", 5)
        for number, (there, saved) in enumerate((("v0", "one"), ("v0 one", "two"), ("v0 two", ""))):
            request, answers = ask(tool)
            thread = editor.stopped()
            if saved:
                text = HELPER.replace("first = WORD", f"first = WORD + ' {saved}'")
                (project / "helper.py").write_text(text)
                waits = "helper.py saved: that waits until nobody is at the prompt"
                until(lambda w=waits: w in [one["text"] for one in tool.events("note")], waits)
            else:  # a restart waits, too
                tool.send(signal.SIGHUP)
                places = ("at a debugger's prompt", "at the old one's prompt")  # as the new worker finds it
                until(lambda w=places: any(text in one["text"] for text in w for one in tool.events("note")), "a note")
            editor.send("continue", threadId=thread)
            request.join(15)
            assert answers == [there]
            if saved:
                assert tool.event("reloaded", times=number + 2)["patched"] == ["helper.word"]
    assert tool.event("restarted")["reason"] == "SIGHUP"
