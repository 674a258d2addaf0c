"""Overload: an upstream of 20 places of 10 ms (2,000 requests/s), and ten times that offered.

Open loop: requests are sent when they are due, whether or not earlier ones are answered. Owns the upstream and the
senders; the gateway under test is a process like any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

PLACES: Final = 20
SECONDS_EACH: Final = 0.01
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class _Slots:
    """The upstream: so many at a time, each for 10 ms, the rest in a queue."""

    def __init__(self) -> None:
        self.served = 0
        self._places = asyncio.Semaphore(PLACES)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                async with self._places:
                    await asyncio.sleep(SECONDS_EACH)
                self.served += 1
                writer.write(_ANSWER)
        writer.close()


async def upstream(port: int) -> None:
    """Serves until cancelled."""
    server = await asyncio.start_server(_Slots().serve, "127.0.0.1", port)
    await server.serve_forever()


@dataclass(frozen=True)
class Seen:
    """What the senders saw. Rates in requests/s, times in milliseconds of admitted requests."""

    offered: float
    admitted: float
    shed: float
    other: int
    p50_ms: float
    p99_ms: float


class _Sender(asyncio.Protocol):
    """One connection, pipelined: answers come in order."""

    def __init__(self, request: bytes, done: _Tally) -> None:
        self._request = request
        self._tally = done
        self._sent: deque[float] = deque()
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @property
    def open(self) -> int:
        return len(self._sent)

    def send(self) -> None:
        assert self._transport is not None
        self._sent.append(time.perf_counter())
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._tally.note(int(head[9:12]), time.perf_counter() - self._sent.popleft())


class _Tally:
    def __init__(self) -> None:
        self.admitted: list[float] = []
        self.shed = 0
        self.other = 0

    def note(self, status: int, seconds: float) -> None:
        if status == 200:
            self.admitted.append(seconds)
        elif status == 503:
            self.shed += 1
        else:
            self.other += 1


async def offer(port: int, request: bytes, rate: float, seconds: float, connections: int = 400) -> Seen:
    """Sends ``rate`` requests/s for ``seconds``. One request a connection at a time, so that none waits for another."""
    loop = asyncio.get_running_loop()
    tally = _Tally()
    senders = [
        (await loop.create_connection(lambda: _Sender(request, tally), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    started = time.perf_counter()
    sent = 0
    at = 0
    while (now := time.perf_counter() - started) < seconds:
        due = int(now * rate)
        skipped = 0
        while sent < due and skipped < connections:
            sender = senders[at % connections]
            at += 1
            if sender.open:
                skipped += 1
                continue
            skipped = 0
            sender.send()
            sent += 1
        sent = max(sent, due - connections)
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.5)
    took = seconds
    answered = len(tally.admitted) + tally.shed + tally.other
    cuts = statistics.quantiles(tally.admitted, n=100) if len(tally.admitted) > 1 else [0.0] * 99
    return Seen(
        answered / took, len(tally.admitted) / took, tally.shed / took, tally.other, cuts[49] * 1e3, cuts[98] * 1e3
    )
