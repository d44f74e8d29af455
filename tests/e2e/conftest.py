"""The tool as a child process, and a project to run it on."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from tests.e2e.browser import Browser

PATIENCE = 15.0
ASGI = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(answer()).encode()})
"""


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until `condition` gives something true, and return that."""
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:g} s in vain for {what}")
        pause.wait(0.01)
    return found


class Tool:
    """A running `pepperpy-reload`."""

    def __init__(
        self,
        arguments: list[str],
        folder: Path,
        environment: dict[str, str],
        command: Sequence[str] = (sys.executable, "-m", "pepperpy_reload"),
        **options: Any,
    ) -> None:
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=folder,
            env=environment,
            text=True,
            errors="replace",
            **({"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
        )
        self.known_port = 0
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=into.extend, args=(_lines(stream),), daemon=True)
            for into, stream in ((self.out, self.process.stdout), (self.err, self.process.stderr))
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    def text(self) -> str:
        """All that was written so far."""
        return "".join([*self.out, *self.err])

    def says(self, text: str, times: int = 1) -> None:
        """Wait until the tool has written this so many times."""
        try:
            until(lambda: self.text().count(text) >= times, repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error}; it wrote:\n{self.text()}") from None

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of that name so far."""
        found = [json.loads(line) for line in list(self.out) if line.startswith('{"event"')]
        return [event for event in found if event["event"] == name]

    def event(self, name: str, times: int = 1) -> dict[str, Any]:
        """Wait for the event, and return it."""
        try:
            found: list[dict[str, Any]] = until(
                lambda: e if len(e := self.events(name)) >= times else None, f"event {name!r}"
            )
        except AssertionError as error:
            raise AssertionError(f"{error}; it wrote:\n{self.text()}") from None
        return found[times - 1]

    def settles(self, name: str) -> bool:
        """Wait until the event comes or the tool ends; whether it was the event."""
        until(lambda: self.events(name) or self.process.poll() is not None, f"event {name!r} or the end")
        return self.process.poll() is None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.known_port or int(self.event("started")["url"].rpartition(":")[2])

    def get(self, path: str = "/") -> str:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def serves(self, text: str, path: str = "/") -> None:
        """Wait until a request is answered with this."""
        seen = ""

        def answered() -> bool:
            nonlocal seen
            with suppress(OSError, http.client.HTTPException):
                seen = self.get(path)
            return seen == text

        try:
            until(answered, repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error}; it last answered {seen!r} and wrote:\n{self.text()}") from None

    def ends(self, patience: float = PATIENCE) -> int:
        """Wait for the end, and return the exit status."""
        status = self.process.wait(patience)
        for reader in self._readers:
            reader.join(patience)
        return status

    def send(self, number: int) -> None:
        """Send a signal to the supervisor."""
        self.process.send_signal(number)

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


Commit = Callable[[], None]


class Start(Protocol):
    """Starts the tool in the project's directory; it is ended with the test."""

    def __call__(self, *arguments: str, **options: Any) -> Tool: ...


def _lines(stream: Any) -> Iterator[str]:
    with suppress(ValueError):  # closed by a test that gave up
        yield from stream


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tool keeps what it has found out about the installed libraries."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def environment(verdicts: Path) -> dict[str, str]:
    """Ours, without what changes how the tool behaves; no process imports libraries ahead (test_warm is about that)."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "FORCE_COLOR", "PYTHONWARNINGS")
    return {
        name: value
        for name, value in os.environ.items()
        if name not in left_out and not name.startswith(("PEPPERPY_RELOAD_", "PYTEST_"))
    } | {"XDG_CACHE_HOME": str(verdicts), "PEPPERPY_RELOAD_ZYGOTE": "0"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with an app: main.py answers with what helper.py says."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "helper.py").write_text("WORD = 'v0'\n")
    (folder / "main.py").write_text("import helper\n\ndef answer():\n    return helper.WORD\n" + ASGI)
    return folder


@pytest.fixture
def start(project: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Starts the tool, as often as wanted."""
    tools: list[Tool] = []

    def starter(*arguments: str, **options: Any) -> Tool:
        values: dict[str, Any] = {"folder": project, "environment": environment} | options
        tools.append(Tool(list(arguments), **values))
        return tools[-1]

    yield starter
    for tool in tools:
        tool.close()


@pytest.fixture
def commit(project: Path, environment: dict[str, str]) -> Commit:
    """Commits all that the project holds now; the first time it makes a repository of it."""

    def git(*arguments: str) -> None:
        who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *arguments], cwd=project, env=environment | who, check=True, capture_output=True)

    def commit_all() -> None:
        if not (project / ".git").exists():
            git("init", "--quiet")
        git("add", "--all")
        git("commit", "--quiet", "--message", "as it is")

    return commit_all


def alive(pid: int) -> bool:
    """Whether there is such a process, zombies not counted."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """The children of a process, those included that are dead and not buried."""
    with suppress(OSError):
        return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def workers(pid: int) -> list[int]:
    """The workers of a supervisor: below a guard each."""
    return [worker for guard in children(pid) for worker in children(guard)]


@pytest.fixture(name="workers")
def _workers() -> Callable[[int], list[int]]:
    """Tells which workers a supervisor has."""
    return workers


@pytest.fixture(name="until")
def _until() -> Callable[..., Any]:
    """Waits for a condition, with a deadline."""
    return until


@pytest.fixture(name="alive")
def _alive() -> Callable[[int], bool]:
    """Tells whether a process lives."""
    return alive


@pytest.fixture(scope="module")
def browser(many: Path) -> Iterator[Browser]:
    """A browser with the page that the module's own fixture `many` has made; it may not complain."""
    from tests.e2e.browser import Browser

    with Browser() as one:
        one.open(many / "app.html")
        yield one
        assert one.complaints() == []
