"""Ports that nothing but a test itself will use."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path

LOWEST = 10_000
"""Below are the well-known ones."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody has, and that the system gives to no connection on its own.

    A port that was had by binding 0 is one of those that connections get: anybody's may have it a moment later, and
    for a minute after its end nobody can listen there.
    """
    for port in random.SystemRandom().sample(range(LOWEST, _first_of_the_system()), 100):
        with suppress(OSError), socket.create_server((host, port)):
            return port
    raise OSError(f"no port of {host} is free")


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody could listen there."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def _first_of_the_system() -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return 32_768
