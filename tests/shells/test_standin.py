"""Who answers in place of a worker: everybody is answered, also at the moment when it stops."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from pepperpy_reload.supervising.listener import Listener
from pepperpy_reload.supervising.standin import StandIn

PATIENCE = 5.0
PAGES = ("<p>sorry</p>", "sorry\n")


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        yield server


def ask(sock: socket.socket, request: bytes = b"GET / HTTP/1.0\r\n\r\n") -> bytes:
    with socket.create_connection(sock.getsockname(), timeout=PATIENCE) as client:
        client.sendall(request)
        answer = b""
        while more := client.recv(4096):
            answer += more
        return answer


def test_everybody_is_answered_however_often_it_is_stopped_and_started(sock: socket.socket) -> None:
    over = threading.Event()
    answers: list[bytes] = []
    failures: list[OSError] = []

    def crowd() -> None:
        while not over.is_set():
            try:
                answers.append(ask(sock))
            except OSError as error:
                failures.append(error)

    clients = [threading.Thread(target=crowd) for _ in range(6)]
    for client in clients:
        client.start()
    for _ in range(60):
        standin = StandIn(sock, lambda: PAGES)
        over.wait(0.02)
        standin.stop()
        standin.join()
    last = StandIn(sock, lambda: PAGES)  # for those who wait in the kernel
    over.set()
    for client in clients:
        client.join(PATIENCE)
    last.stop()
    last.join()
    assert failures == []
    assert len(answers) > 60
    assert all(answer.startswith(b"HTTP/1.1 503 ") and answer.endswith(b"\r\n\r\nsorry\n") for answer in answers)


def test_who_takes_a_copy_of_the_socket_holds_up_nobody() -> None:
    """A worker does, while the stand-in still accepts: whether to wait is the same for all that have the socket."""
    listener = Listener.bind("127.0.0.1", 0)
    listener.listen()
    over = threading.Event()

    def copy() -> None:
        while not over.is_set():
            listener.sock.dup().close()

    copier = threading.Thread(target=copy)
    standin = StandIn(listener.sock, lambda: PAGES)
    copier.start()
    try:
        for _ in range(300):
            assert ask(listener.sock).endswith(b"sorry\n")
        assert not os.get_blocking(listener.sock.fileno())
    finally:
        over.set()
        copier.join(PATIENCE)
        standin.stop()
        standin.join()
        listener.close()


def test_a_head_without_end_is_not_read_for_ever(sock: socket.socket) -> None:
    standin = StandIn(sock, lambda: PAGES)
    try:
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = ask(sock, b"x" * 200_000)
        assert answer == b""
        assert ask(sock, b"GET / HTTP/1.1\r\nAccept: text/html\r\n\r\n").endswith(b"<p>sorry</p>")
    finally:
        standin.stop()
        standin.join()
