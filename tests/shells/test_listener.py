"""The listening socket, and what is said when there is none to be had."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from pepperpy_reload.supervising.listener import Listener, PortInUseError, PortRefusedError

needs_proc = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells who holds a port")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this very process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@needs_proc
def test_a_port_in_use_is_told_with_its_holder(taken: int) -> None:
    with pytest.raises(PortInUseError) as caught:
        Listener.bind("127.0.0.1", taken)
    text = str(caught.value)
    assert f"port {taken} is already in use by pid {os.getpid()} (" in text
    assert f"--port {taken + 1}" in text
    assert "--auto-port" in text
    assert "\n" not in text


def test_auto_port_takes_another_one(taken: int) -> None:
    listener = Listener.bind("127.0.0.1", taken, auto_port=True)
    try:
        assert listener.port != taken
    finally:
        listener.close()


def test_a_port_that_was_lost_before_listening_is_told_too() -> None:
    first = Listener.bind("127.0.0.1", 0)
    second = Listener.bind("127.0.0.1", first.port)
    try:
        first.listen()
        with pytest.raises(PortInUseError):
            second.listen()
    finally:
        first.close()
        second.close()


def test_connections_wait_while_nobody_accepts() -> None:
    listener = Listener.bind("127.0.0.1", 0)
    try:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", listener.port), timeout=1)
        listener.listen()
        listener.listen()
        socket.create_connection(("127.0.0.1", listener.port), timeout=1).close()
    finally:
        listener.close()


@pytest.mark.parametrize("host", ["256.0.0.1", "no such host", "a" * 300])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(PortRefusedError, match="not an address of this machine"):
        Listener.bind(host, 0)


def test_an_address_of_another_machine() -> None:
    with pytest.raises(PortRefusedError, match="not an address of this machine"):
        Listener.bind("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("localhost", "http://localhost:")],
)
def test_the_address_for_a_browser(host: str, url: str) -> None:
    listener = Listener.bind(host, 0)
    try:
        assert listener.url() == f"{url}{listener.port}"
    finally:
        listener.close()
