"""Messages between supervisor and worker: one JSON object a line, over an inherited socket."""

from __future__ import annotations

import json
import os
import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol, Self

Message = dict[str, Any]
_CHUNK = 1 << 16
_LONGEST = 1 << 24  # bytes of a line: what is longer is no message of ours, and would fill our memory
_PASSED = 4  # descriptors, with a message
_AT_ONCE: int = getattr(socket, "MSG_DONTWAIT", 0)  # 0: everything is left to the thread that waits


class ServiceThread(threading.Thread):
    """A thread of ours; a debugger that holds all threads of a program leaves it running, as pydevd is told to."""

    pydev_do_not_trace = True

    def __init__(self, target: Callable[[], object], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)


class Line(Protocol):
    """What a worker says something by, and hears something by."""

    def send(self, message: Message) -> bool:
        """Say something; False if nobody is there to hear it."""
        ...

    def post(self, message: Message) -> None:
        """Say something without ever waiting for who hears it."""
        ...

    def listen(self, on_message: Callable[[Message], None], on_end: Callable[[], None]) -> object:
        """Call `on_message` with everything that is said from the other side, from any thread, then `on_end`."""
        ...


class Channel:
    """One end of the line. Nobody here raises because the other end has gone: that is an end of messages.

    What is posted is written `at_once` if nothing waits to be: in a supervisor. In a worker threads of the user's post,
    also out of audit hooks, and a debugger may hold one anywhere: none of them takes a lock of ours.
    """

    def __init__(self, sock: socket.socket, *, at_once: bool = False) -> None:
        self._sock = sock
        self._at_once = _AT_ONCE if at_once else 0
        self._begun = b""  # has been read already
        self._sock.setblocking(True)
        self._sending = threading.Lock()
        self._unsaid: deque[bytes] = deque()
        """Posted lines that are not on their way; who holds the lock takes them in their order."""
        self._rest = b""
        """Of a line that is only partly sent: it comes before anything else."""
        self._wakes: SimpleQueue[bool] = SimpleQueue()
        """For the thread that waits while the other end does not read; False ends it."""
        self._poster: threading.Thread | None = None
        self._incoming = self._read()

    @classmethod
    def pair(cls) -> tuple[Self, socket.socket]:
        """Our end, and the socket that the other process inherits."""
        ours, theirs = socket.socketpair()
        return cls(ours, at_once=True), theirs

    @classmethod
    def inherited(cls, descriptor: int) -> Self:
        """The end that this process was started with. Processes that it starts do not get it."""
        sock = socket.socket(fileno=descriptor)
        sock.set_inheritable(False)
        return cls(sock)

    def send(self, message: Message) -> bool:
        """Write a message, waiting while the other end is slow to read. False if there is no other end."""
        try:
            with self._sending:
                rest, self._rest = self._rest, b""
                self._sock.sendall(rest + _encoded(message))
        except OSError:
            return False
        return True

    def send_with(self, message: Message, descriptors: Sequence[int]) -> bool:
        """The same, with descriptors: the other process gets its own of them."""
        try:
            with self._sending:
                rest, self._rest = self._rest, b""
                line = rest + _encoded(message)
                sent = socket.send_fds(self._sock, [line], list(descriptors))
                self._sock.sendall(line[sent:])
        except OSError:
            return False
        return True

    def post(self, message: Message) -> None:
        """Have a message sent, in the order of posting, and return at once, whatever the other end does."""
        self._unsaid.append(_encoded(message))
        if self._at_once and self._sending.acquire(blocking=False):
            try:
                self._say_what_fits()
            finally:
                self._sending.release()
        if self._unsaid or self._rest:
            if self._poster is None:
                self._poster = ServiceThread(target=self._deliver, name="pepperpy-reload-post")
                self._poster.start()
            self._wakes.put(True)

    def hear(self) -> tuple[Message | None, list[int]]:
        """The next message, and descriptors that have come until then, for who does not listen yet; None: the end.

        Processes that are started do not get the descriptors.
        """
        descriptors: list[int] = []
        while b"\n" not in self._begun:
            try:
                chunk, received, _, _ = socket.recv_fds(self._sock, _CHUNK, _PASSED)
            except OSError:
                chunk, received = b"", []
            for descriptor in received:
                os.set_inheritable(descriptor, False)
            descriptors += received
            if not chunk:
                return None, descriptors
            self._begun += chunk
        line, _, self._begun = self._begun.partition(b"\n")
        return _decoded(line), descriptors

    def wait(self, patience: float) -> bool:
        """Whether there is something to hear within so many seconds."""
        if self._begun:
            return True
        watched = select.poll()
        watched.register(self._sock, select.POLLIN)
        return bool(watched.poll(patience * 1000))

    def messages(self) -> Iterator[Message]:
        """The messages as they come, until the other end is gone. Lines that are no JSON object are left out.

        There is one stream of them: what one caller has taken, the next one does not see.
        """
        return self._incoming

    def _read(self) -> Iterator[Message]:
        rest: list[bytes] = []
        length = 0
        while chunk := self._begun or self._receive():
            self._begun = b""
            *lines, last = chunk.split(b"\n")
            for line in lines:
                message = _decoded(b"".join([*rest, line])) if length + len(line) <= _LONGEST else None
                rest.clear()
                length = 0
                if message is not None:
                    yield message
            length += len(last)
            if length <= _LONGEST:
                rest.append(last)
            else:
                rest.clear()

    def listen(self, on_message: Callable[[Message], None], on_end: Callable[[], None]) -> threading.Thread:
        """Call `on_message` in a thread of its own for every message, then `on_end`. Returns that thread."""

        def read() -> None:
            for message in self.messages():
                on_message(message)
            on_end()

        reader = ServiceThread(target=read, name="pepperpy-reload-channel")
        reader.start()
        return reader

    def close(self) -> None:
        """Hang up: both ends see the end of messages."""
        self._wakes.put(False)
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _say_what_fits(self) -> None:
        """No thread has to be woken for what the system takes at once."""
        with suppress(OSError):  # it waits, or has gone: the thread sees which
            while self._unsaid and not self._rest:
                sent = self._sock.send(self._unsaid[0], self._at_once)
                self._rest = self._unsaid.popleft()[sent:]

    def _deliver(self) -> None:
        while self._wakes.get():
            try:
                with self._sending:
                    while self._unsaid or self._rest:
                        line = self._rest or self._unsaid.popleft()
                        self._rest = b""
                        self._sock.sendall(line)
            except OSError:
                return

    def _receive(self) -> bytes:
        try:
            return self._sock.recv(_CHUNK)
        except OSError:
            return b""


def _encoded(message: Message) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def _decoded(line: bytes) -> Message | None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # half a line of a process that was killed while it wrote, or no line of ours
        return None
    return message if isinstance(message, dict) else None
