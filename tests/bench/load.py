"""As many requests as a server answers, over a few connections that are kept."""

from __future__ import annotations

import asyncio
import time

from tests.bench.served import HOST

CONNECTIONS = 4
REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"


async def load(port: int, seconds: float) -> float:
    """Answers per second over a few connections that are kept."""
    deadline = time.perf_counter() + seconds
    counts = await asyncio.gather(*(_ask_on(port, deadline) for _ in range(CONNECTIONS)))
    return sum(counts) / seconds


async def _ask_on(port: int, deadline: float) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    answers = 0
    while time.perf_counter() < deadline:
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        answers += 1
    writer.close()
    return answers
