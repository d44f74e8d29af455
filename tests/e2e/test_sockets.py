"""Where an app is served besides a port: Unix sockets, sockets that are handed over, IPv6."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
SERVE = ("serve", "--json", "--no-access-log", "--grace", "0.5")


def ask(address: Any) -> str:
    """The body of an answer."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(10)
        client.connect(address)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while data := client.recv(4096):
            answer += data
    return answer.partition(b"\r\n\r\n")[2].split(b"\r\n")[1].decode()


def check(tool: Tool, project: Path, address: Any, until: Until) -> None:
    """It is served there, before and after an edit and a restart."""
    assert ask(address) == "v0"
    (project / "helper.py").write_text("WORD = 'v1'\n")
    until(lambda: ask(address) == "v1", "the edit")
    tool.send(signal.SIGHUP)
    tool.event("restarted")
    assert ask(address) == "v1"


def test_a_unix_socket(start: Start, project: Path, until: Until) -> None:
    path = str(project.parent / "sock")
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(path)
    tool = start(*SERVE, "--uds", path, "main:app")
    assert tool.event("ready")["url"] == f"unix:{path}"
    check(tool, project, path, until)
    other = start("serve", "--uds", path, "main:app")
    assert other.ends() == 98
    assert f"{path} is already in use" in other.err[0]
    tool.send(signal.SIGINT)
    assert tool.ends() == 130
    assert not Path(path).exists()


def test_a_unix_socket_that_cannot_be(start: Start) -> None:
    tool = start("serve", "--uds", "/no/such/folder/sock", "main:app")
    assert tool.ends() == 77
    assert len(tool.err) == 1


def test_a_descriptor(start: Start, project: Path, until: Until) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        tool = start(*SERVE, "--fd", str(server.fileno()), "main:app", pass_fds=[server.fileno()])
        port = server.getsockname()[1]
        assert tool.event("ready")["url"] == f"http://[::1]:{port}"
        check(tool, project, ("::1", port), until)
        tool.send(signal.SIGINT)
        assert tool.ends() == 130


def test_a_descriptor_that_is_no_socket(start: Start) -> None:
    tool = start("serve", "--fd", "0", "main:app")
    assert tool.ends() == 2
    assert "--fd: descriptor 0 is no" in tool.err[0]


def test_sockets_of_a_service_manager(start: Start, project: Path, until: Until) -> None:
    """As systemd does it: descriptors from 3 on, and the number of the process that they are meant for."""
    (project / "main.py").write_text(
        (project / "main.py")
        .read_text()
        .replace("return helper.WORD", "return helper.WORD + os.environ.get('LISTEN_FDS', '')")
    )
    (project / "main.py").write_text("import os\n" + (project / "main.py").read_text())
    with socket.create_server(("127.0.0.1", 0)) as server:
        manager = (
            "import os, sys\nos.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
            "os.dup2(int(sys.argv[1]), 3)\n"
            "os.execv(sys.executable, [sys.executable, '-m', 'pepperpy_reload', *sys.argv[2:]])\n"
        )
        (project.parent / "manager.py").write_text(manager)
        tool = start(
            *SERVE,
            "main:app",
            command=[sys.executable, str(project.parent / "manager.py"), str(server.fileno())],
            pass_fds=[server.fileno()],
        )
        tool.event("ready")
        check(tool, project, server.getsockname(), until)
        tool.send(signal.SIGINT)
        assert tool.ends() == 130


def test_ipv6(start: Start, project: Path, until: Until) -> None:
    tool = start(*SERVE, "--host", "::1", "--port", "0", "main:app")
    url = tool.event("ready")["url"]
    assert url.startswith("http://[::1]:")
    check(tool, project, ("::1", tool.port), until)
