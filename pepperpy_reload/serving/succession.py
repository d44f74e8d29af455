"""A worker's place in the line of workers: the one before it, and the one after it."""

from __future__ import annotations

import asyncio
import socket
import threading


class Succession:
    """When this process may begin to serve, and where connections come from and go to.

    `beside` says that another worker still serves: this one has to be let in by `enter`. `legacy` gives the idle
    connections of the one before, `estate` takes those of this one; either may be None.
    """

    def __init__(
        self, *, beside: bool = False, legacy: socket.socket | None = None, estate: socket.socket | None = None
    ) -> None:
        self.beside = beside
        self.legacy = legacy
        self.estate = estate
        self._entered = threading.Event()
        self._wake: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        if not beside:
            self._entered.set()

    def enter(self) -> None:
        """It is this process's turn. From any thread, or a signal handler, and as often as one likes."""
        self._entered.set()
        if self._wake is not None:
            loop, event = self._wake
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def wait(self) -> None:
        """Wait for the turn; for a program without a loop."""
        self._entered.wait()

    async def turn(self) -> None:
        """Wait for the turn."""
        event = asyncio.Event()
        self._wake = asyncio.get_running_loop(), event
        if not self._entered.is_set():  # looked at after `enter` could find the event
            await event.wait()
