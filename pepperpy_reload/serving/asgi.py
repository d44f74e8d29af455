"""Serving an ASGI or a WSGI app on a socket that was inherited, with uvicorn."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection
from typing import Any

from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.serving.kinds import AsgiApp, Kind
from pepperpy_reload.serving.lifespan import Lifespan
from pepperpy_reload.serving.loops import exit_status, run_to_end
from pepperpy_reload.serving.readers import Readers
from pepperpy_reload.serving.replacement import Replacement
from pepperpy_reload.serving.server import Server
from pepperpy_reload.serving.server_gate import ServerGate
from pepperpy_reload.serving.session import Activity, ServeOptions
from pepperpy_reload.serving.slot import Slot, adapt, retire
from pepperpy_reload.serving.succession import Succession
from pepperpy_reload.serving.target import Target

_LONG = 10.0  # seconds of a start-up that are worth a word


class ServerSession:
    """An app that is served in this process; the user's code runs on one asyncio loop, in the thread of `run`."""

    def __init__(
        self,
        target: Target,
        sock: socket.socket,
        options: ServeOptions,
        is_first_party: Callable[[str], bool],
        succession: Succession | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.target = target
        self.options = options
        self.slot = Slot()
        self.lifespan: Lifespan | None = None
        self.readers = Readers(is_first_party)
        self.gate = ServerGate(self.slot, self.readers, lambda: self.kind, options.grace)
        self.settle = Replacement(self)
        self._sock = sock
        self._succession = succession or Succession()
        self._tell = tell
        self._server: Server | None = None
        self._grace = options.grace
        self._stops = 0

    @property
    def kind(self) -> Kind:
        """How the app is served."""
        return self.target.kind

    def run(self, on_ready: Callable[[], None]) -> int:
        """Start the app, accept requests until `stop`, end the app."""
        adapter = adapt(self.target.app, self.target.kind)
        self._server = server = Server(
            self.slot, self.options, self._succession, on_ready=self._ready(on_ready), on_cut=self._say_what_is_cut
        )
        loop = server.new_loop()
        self.gate.loop = loop
        try:
            run_to_end(loop, self._main(adapter, server), in_a_hurry=lambda: self._stops > 0)
        except SystemExit as end:  # of a task of the user's: it ends the process, as it does everywhere
            return exit_status(end)
        finally:
            retire(self.slot.app)
        return 0

    def stop(self, grace: float) -> None:
        """Accept no more, let requests finish for `grace` seconds, end the app; a second time: at once."""
        self._stops += 1
        self._grace = grace
        if self._server is not None:
            self._server.stop(grace, force=self._stops > 1)

    def resign(self, done: Callable[[], None]) -> None:
        """Accept no more; what is idle goes to the next worker as soon as this one is told to stop."""
        if self._server is not None:
            self._server.resign(done)

    def stay(self) -> None:
        """Accept again."""
        if self._server is not None:
            self._server.stay()

    async def _main(self, adapter: AsgiApp, server: Server) -> None:
        lifespan = Lifespan(adapter)
        starting = asyncio.ensure_future(lifespan.startup())
        stopping = asyncio.ensure_future(server.stopping.wait())
        if self._stops:
            server.stopping.set()
        await asyncio.wait({starting, stopping}, return_when="FIRST_COMPLETED", timeout=_LONG)
        if not starting.done() and not stopping.done():
            self._tell(f"the app's lifespan startup has not ended after {_LONG:g} s{lifespan.where()}")
            await asyncio.wait({starting, stopping}, return_when="FIRST_COMPLETED")
        if not starting.done():
            starting.cancel()
            return
        stopping.cancel()
        starting.result()
        self.put(adapter, lifespan)
        try:
            await server.serve(sockets=[self._sock])
        finally:
            if self._stops < 2 and self.lifespan is not None:
                await self._end(self.lifespan)

    async def _end(self, lifespan: Lifespan) -> None:
        ending = asyncio.ensure_future(lifespan.shutdown(self._grace))
        while not ending.done() and self._stops < 2:
            await asyncio.wait({ending}, timeout=0.1)
        if not ending.done():
            return
        try:
            ending.result()
        except RestartNeeded as error:  # nothing needs a restart any more, but it is said
            self._tell(str(error))

    def _say_what_is_cut(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        many = f"{len(tasks)} requests have" if len(tasks) > 1 else "a request has"
        where = self.readers.in_tasks(tasks) or self.readers.blocking()
        self._tell(
            f"{many} not ended after {self._grace:g} s and {'are' if len(tasks) > 1 else 'is'} cut off ({where})"
        )

    def put(self, adapter: AsgiApp, lifespan: Lifespan) -> None:
        """Serve `adapter`, which has been started, from the next request on."""
        former = self.slot.app
        self.slot.app, self.slot.state = adapter, lifespan.state
        self.lifespan = lifespan
        if former is not adapter:
            retire(former)

    def suspended_at(self) -> str:
        """`file:line` of a request that waits for something on the loop, "" if that cannot be told."""
        loop = self.gate.loop
        assert loop is not None
        return self.gate.on_loop(lambda: self.readers.in_tasks(asyncio.all_tasks(loop)))

    def activity(self) -> Activity:
        """Requests, and tasks or threads of the app's own; its lifespan, which waits for its end, is none."""
        loop, slot, lifespan = self.gate.loop, self.slot, self.lifespan
        assert loop is not None

        def waiting() -> str:
            return self.readers.in_tasks(task for task in asyncio.all_tasks(loop) if task is not lifespan_task)

        lifespan_task = None if lifespan is None else lifespan.task
        return Activity(slot.begun, slot.in_flight, self.readers.strangers() or self.gate.on_loop(waiting))

    def _ready(self, on_ready: Callable[[], None]) -> Callable[[], None]:
        def ready() -> None:
            self.gate.open()
            on_ready()

        return ready
