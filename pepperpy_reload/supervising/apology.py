"""What clients are told while no worker serves, and when that begins and ends."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from pepperpy_reload.drawing.news import Trouble
from pepperpy_reload.drawing.page import unavailable
from pepperpy_reload.supervising.listener import Listener
from pepperpy_reload.supervising.orders import Orders

if TYPE_CHECKING:
    import ssl

    from pepperpy_reload.supervising.standin import StandIn

PATIENCE = 1.0
"""Seconds that requests wait for a worker before they are answered without one."""
_AT_FIRST = 30.0  # the same while the very first worker starts: a slow start is no error


class Apology:
    """The stand-in of a supervisor. `trouble` is the error that keeps workers from serving, if there is one."""

    def __init__(self, orders: Orders, listener: Listener | None) -> None:
        self.trouble: Trouble | None = None
        self._served = False
        self._orders = orders
        self._listener = listener
        self._standin: StandIn | None = None
        self._second: socket.socket | None = None

    def due(self, down_since: float | None) -> float | None:
        """When to call `begin`; None if there is nothing to begin."""
        if down_since is None or self._standin is not None or not self._possible:
            return None
        return down_since + (PATIENCE if self._served or self.trouble is not None else _AT_FIRST)

    def begin(self) -> None:
        """Answer from now on.

        Before the first worker has said that it serves, the address may be wanted by a program: it is lent only.
        """
        assert self._listener is not None
        sock = self._listener.sock
        if not self._listener.listening:
            self._second = self._listener.second()
            if self._second is None:
                self.trouble = None  # nobody can ask
                return
            sock = self._second
        from pepperpy_reload.supervising.standin import StandIn  # with asyncio, which a supervisor mostly does without

        tls = self._tls if self._orders.options.get("ssl_certfile") else None
        orders = self._orders
        self._standin = StandIn(sock, lambda: unavailable(orders.target, self.trouble, orders.roots), tls)

    def served(self) -> None:
        """A worker is ready."""
        self._served, self.trouble = True, None

    def make_way(self) -> None:
        """A worker is being started that may want the address for itself: give it back if it was lent."""
        if self._listener is not None and not self._listener.listening:
            self.end()
            self.trouble = None

    def end(self) -> None:
        """Answer no more."""
        standin, self._standin = self._standin, None
        if standin is not None:
            standin.stop()
        if self._second is not None:
            if standin is not None:
                standin.join()
            self._second.close()
            self._second = None

    @property
    def _possible(self) -> bool:
        """Whether anybody can ask: a program that has not failed yet may serve by itself."""
        return self._listener is not None and (self._listener.listening or self.trouble is not None)

    def _tls(self) -> ssl.SSLContext:
        import ssl

        options = self._orders.options
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["ssl_certfile"], options["ssl_keyfile"], options["ssl_keyfile_password"])
        return context
