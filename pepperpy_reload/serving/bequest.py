"""An open connection passed from one process to another.

Only an idle connection can change its process, and only one whose state is all in the kernel: no TLS, no WebSocket.
"""

from __future__ import annotations

import array
import socket
from contextlib import suppress
from typing import Any, NamedTuple

_MOST = 1 << 17  # bytes of a request that has begun to arrive; uvicorn takes no head above half of that
_DESCRIPTOR = array.array("i", [0])
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_FRESH, _USED = b"f", b"u"


class Bequest(NamedTuple):
    """A connection, the bytes that had been read of a request that is not complete, and whether it was ever used."""

    sock: socket.socket
    rest: bytes
    used: bool


def line() -> tuple[socket.socket, socket.socket] | None:
    """The two ends of what connections are passed along, or None where the system has no such thing."""
    with suppress(AttributeError, OSError):
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in ends:
            end.setblocking(False)
        return ends
    return None


def give(protocol: Any, estate: socket.socket) -> bool:
    """Pass on the connection of a uvicorn protocol, if it is idle; it is none of ours after that. On the loop's thread.

    Raises OSError if there is nobody to pass it to, BlockingIOError if that one is slow to take them.
    """
    rest = _rest_of(protocol)
    if rest is None or len(rest) >= _MOST:
        return False
    used = protocol.cycle is not None or protocol.timeout_keep_alive_task is not None
    descriptor = array.array("i", [protocol.transport.get_extra_info("socket").fileno()])
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)
    estate.setblocking(False)
    estate.sendmsg([_USED if used else _FRESH, rest], [rights])
    protocol.transport.close()  # of our descriptor; that of the next worker keeps the connection open
    return True


def take(legacy: socket.socket) -> Bequest | None:
    """The next connection; None if nobody will give any more. BlockingIOError if there is none at the moment."""
    legacy.setblocking(False)
    room = socket.CMSG_LEN(_DESCRIPTOR.itemsize)
    data, rights, _, _ = legacy.recvmsg(_MOST + 1, room, _CLOSE_ON_EXEC)
    if not rights:
        return None
    descriptor = array.array("i", rights[0][2][: _DESCRIPTOR.itemsize])[0]
    sock = socket.socket(fileno=descriptor)
    sock.set_inheritable(False)
    return Bequest(sock, data[1:], data[:1] == _USED)


def is_free(protocol: Any) -> bool:
    """Whether the connection of a uvicorn protocol could be passed on as it is now."""
    return _rest_of(protocol) is not None


def _rest_of(protocol: Any) -> bytes | None:
    """What has been read of the next request if the connection is idle and can be passed on, None if not."""
    transport, cycle = protocol.transport, protocol.cycle
    busy = cycle is not None and not cycle.response_complete
    if busy or transport.is_closing() or transport.get_write_buffer_size():
        return None
    if transport.get_extra_info("sslcontext") is not None:
        return None
    if hasattr(protocol, "conn"):
        return _rest_of_h11(protocol.conn)
    if not hasattr(protocol, "pipeline") or protocol.pipeline:
        return None
    # httptools keeps what it has read to itself; a new scope is the sign of a request that has begun.
    begun = protocol.scope is not (None if cycle is None else cycle.scope)
    return None if begun else b""


def _rest_of_h11(connection: Any) -> bytes | None:
    import h11

    rest, ended = connection.trailing_data
    fresh = connection.our_state is h11.IDLE and connection.their_state is h11.IDLE
    return bytes(rest) if fresh and not ended else None
