"""An editor's debugger in the worker: breakpoints by file and line, also after a patch."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


class Editor:
    """The other side of the debug adapter protocol."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=15)
        self._messages = self._read()
        self._numbers = count(1)

    def send(self, command: str, **arguments: Any) -> None:
        message = {"seq": next(self._numbers), "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(message).encode()
        self._sock.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))

    def until(self, **wanted: str) -> dict[str, Any]:
        """Wait for a message with these values."""
        return next(one for one in self._messages if wanted.items() <= one.items())

    def close(self) -> None:
        self._messages.close()
        self._sock.close()

    def _read(self) -> Generator[dict[str, Any], None, None]:
        with self._sock.makefile("rb") as stream:
            while line := stream.readline():
                if line.lower().startswith(b"content-length"):
                    stream.readline()
                    yield json.loads(stream.read(int(line.partition(b":")[2])))


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
    with closing(Editor(port)) as editor:
        editor.send("initialize", adapterID="test")
        editor.until(command="initialize")
        editor.send("attach")
        editor.until(event="initialized")
        editor.send("setBreakpoints", source={"path": str(project / "helper.py")}, breakpoints=[{"line": 5}])
        editor.until(command="setBreakpoints")
        editor.send("configurationDone")
        editor.until(command="configurationDone")
        for number, (there, saved) in enumerate((("v0", "one"), ("v0 one", "two"), ("v0 two", ""))):
            request, answers = ask(tool)
            thread = editor.until(event="stopped")["body"]["threadId"]
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
                assert tool.event("reloaded", times=number + 1)["patched"] == ["helper.word"]
    assert tool.event("restarted")["reason"] == "SIGHUP"
