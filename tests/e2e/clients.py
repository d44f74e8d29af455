"""Clients that ask all the time, and note what they got."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

PATIENCE = 15.0


class Client(threading.Thread):
    """Asks all the time: on one connection as long as the server keeps it, or on a new one each time."""

    def __init__(self, port: int, path: str = "/", *, keeps: bool, pause: float = 0.0) -> None:
        super().__init__(daemon=True)
        self._port, self._path, self._keeps, self._pause = port, path, keeps, pause
        self._over = threading.Event()
        self.answers: list[tuple[float, str]] = []
        self.failures: list[BaseException] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)  # connects as needed
        while not self._over.wait(self._pause):
            asked = time.monotonic()
            try:
                connection.request("GET", self._path, headers={} if self._keeps else {"Connection": "close"})
                answer = connection.getresponse()
                self.answers.append((asked, f"{'' if answer.status == 200 else answer.status}{answer.read().decode()}"))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
                connection.close()
        connection.close()

    def end(self) -> None:
        self._over.set()
        self.join(PATIENCE)


@contextmanager
def asking(port: int, **clients: dict[str, Any]) -> Iterator[dict[str, Client]]:
    crowd = {name: Client(port, **options) for name, options in clients.items()}
    for client in crowd.values():
        client.start()
    try:
        yield crowd
    finally:
        for client in crowd.values():
            client.end()


def are_answered_in_time(clients: Mapping[str, Client], switched: Sequence[float], grace: float) -> None:
    """None was refused, and none was answered by what was older than the last version a grace period ago.

    Version n, which answers with its number, had taken over at `switched[n]`.
    """
    for name, client in clients.items():
        assert client.failures == [], name
        assert {answer for _, answer in client.answers} <= {str(number) for number in range(len(switched))}
        for asked, answer in client.answers:
            late = max(number for number, at in enumerate(switched) if at + grace <= asked or number == 0)
            assert int(answer) >= late, f"{name} was answered by {answer} after {late} had taken over"
