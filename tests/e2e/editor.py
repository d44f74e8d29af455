"""The other side of the debug adapter protocol: an editor that debugs a program."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any


class Editor:
    """A connection to a debug adapter."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=15)
        self._messages = self._read()
        self._numbers = count(1)

    def send(self, command: str, **arguments: Any) -> None:
        """Send a request."""
        message = {"seq": next(self._numbers), "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(message).encode()
        self._sock.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))

    def until(self, **wanted: str) -> dict[str, Any]:
        """Wait for a message with these values."""
        return next(one for one in self._messages if wanted.items() <= one.items())

    def attach(self, file: Path, line: int) -> None:
        """Debug the program, with a breakpoint."""
        self.send("initialize", adapterID="test")
        self.until(command="initialize")
        self.send("attach", justMyCode=False)  # without any argument it is no request to every adapter
        self.until(event="initialized")
        self.send("setBreakpoints", source={"path": str(file)}, breakpoints=[{"line": line}])
        self.until(command="setBreakpoints")
        self.send("configurationDone")
        self.until(command="configurationDone")

    def stopped(self) -> int:
        """Wait until the program stands at a breakpoint; the number of the thread that does."""
        return int(self.until(event="stopped")["body"]["threadId"])

    def close(self) -> None:
        """Hang up."""
        self._messages.close()
        self._sock.close()

    def _read(self) -> Generator[dict[str, Any], None, None]:
        with self._sock.makefile("rb") as stream:
            while line := stream.readline():
                if line.lower().startswith(b"content-length"):
                    stream.readline()
                    yield json.loads(stream.read(int(line.partition(b":")[2])))
