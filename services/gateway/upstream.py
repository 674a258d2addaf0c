"""Keep-alive connections to the services, driven by callbacks.

Owns sockets towards services, the parsing of their answers and their reuse. Does not own what an answer means for
the breaker, nor who may call (``exchange``).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, cast

from services.contracts.settings import Endpoint
from services.gateway.bodies import BodyError, Chunked, Fixed, Framing, UntilClose
from services.gateway.heads import HeadError, ResponseHead, ResponseMemo

CONNECT_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 60.0
"""Shorter than the services keep a connection open (75 s), so that a reused one is rarely just closed."""
MAX_IDLE: Final = 256
_MAX_RESPONSE_HEAD: Final = 32 * 1024
_NO_BODY: Final = frozenset({204, 304})


class Fault(Enum):
    """How a call failed on the wire."""

    CONNECT = "connect"
    STALE = "stale"
    """A reused connection was closed before it answered anything: the request may be sent again."""
    BROKEN = "broken"
    """Closed or garbage in the middle of an answer."""


class Receiver(ABC):
    """What an upstream connection reports to. Each call comes from the event loop, never from inside `send`.

    A class, not a protocol: the compiled build calls a class's methods directly.
    """

    __slots__ = ()

    @abstractmethod
    def on_response(self, head: ResponseHead, bodiless: bool, body: bytes, ends: bool, now: float) -> None:
        """The head of the final answer, and what of its body (framing included) came with it. ``ends``: that is all.

        ``now``: the pool's clock, read once for all that this answer touches.
        """

    @abstractmethod
    def on_body(self, data: bytes) -> None:
        """Raw bytes of the body, framing included."""

    @abstractmethod
    def on_end(self) -> None:
        """The answer is complete."""

    @abstractmethod
    def on_fault(self, fault: Fault) -> None:
        """The call failed; nothing else follows."""

    @abstractmethod
    def on_writable(self, writable: bool) -> None:
        """The service takes more of the request's body, or not for now."""


class UpstreamConnection(asyncio.Protocol):
    """One connection, which carries one call at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._buffer = b""
        self._framing: Framing | None = None
        self._answered = False
        self._reusable = True
        self.calls = 0
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # A stream protocol gets a Transport; uvloop's does not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    @property
    def usable(self) -> bool:
        """Whether a call can be sent."""
        return self._transport is not None and not self._transport.is_closing() and self._receiver is None

    def send(self, receiver: Receiver, data: bytes) -> None:
        """Sends a request's head (and what there is of its body)."""
        assert self._transport is not None  # noqa: S101 - a pool hands out connected connections only
        self._receiver = receiver
        self._answered = False
        self._framing = None
        self.calls += 1
        self._transport.write(data)

    def write(self, data: bytes) -> None:
        """Sends more of the request's body."""
        if self._transport is not None:
            self._transport.write(data)

    def pause(self) -> None:
        """Stops reading the answer."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def release(self) -> None:
        """Gives the connection back unused."""
        self._pool.put_back(self, self._pool.clock())

    def abandon(self) -> None:
        """Gives the call up: nobody hears of it any more, and the connection is closed."""
        self._receiver = None
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Closes an idle connection."""
        if self._transport is not None:
            self._transport.close()

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        if self._receiver is not None:
            self._receiver.on_writable(False)

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        if self._receiver is not None:
            self._receiver.on_writable(True)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._receiver is None:
            # An answer that nobody asked for: the connection cannot be trusted.
            self.abandon()
            return
        try:
            if self._answered:
                self._read_body(data)
            else:
                self._read_head(self._buffer + data if self._buffer else data)
        except (HeadError, BodyError):
            self._fault(Fault.BROKEN)

    def _read_head(self, data: bytes) -> None:
        """Takes the final answer's head from ``data``, and what follows it as the body."""
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                if len(data) > _MAX_RESPONSE_HEAD:
                    raise HeadError(502, "the service's head is too large")
                self._buffer = data
                return
            head = self._pool.memo.parse(data[:end])
            data = data[end + 4 :]
            if head.status >= 200:
                break
        self._buffer = b""
        self._answered = True
        self._reusable = head.keep_alive
        bodiless = head.status in _NO_BODY
        receiver = self._receiver
        now = self._pool.clock()
        used = len(data)
        if bodiless or head.content_length != used:
            self._framing = framing = self._framing_of(head, bodiless)
            used = framing.feed(data) if data and not framing.done else 0
            if not framing.done:
                if receiver is not None:
                    receiver.on_response(head, bodiless, data, False, now)
                return
        body = data if used == len(data) else data[:used]
        # Back in the pool before the caller hears of it: its next request may be waiting already.
        self._receiver = None
        if used == len(data) and self._reusable:
            self._pool.put_back(self, now)
        elif self._transport is not None:
            self._transport.close()
        if receiver is not None:
            receiver.on_response(head, bodiless, body, True, now)

    def _framing_of(self, head: ResponseHead, bodiless: bool) -> Framing:
        if bodiless:
            return Fixed(0)
        if head.chunked:
            return Chunked()
        if head.content_length is not None:
            return Fixed(head.content_length)
        self._reusable = False
        return UntilClose()

    def _read_body(self, data: bytes) -> None:
        framing, receiver = self._framing, self._receiver
        if framing is None or receiver is None:
            return
        used = framing.feed(data)
        if used:
            receiver.on_body(data if used == len(data) else data[:used])
        if framing.done:
            self._finish(clean=used == len(data))

    def _finish(self, clean: bool) -> None:
        receiver, self._receiver = self._receiver, None
        if clean and self._reusable:
            self._pool.put_back(self, self._pool.clock())
        elif self._transport is not None:
            self._transport.close()
        if receiver is not None:
            receiver.on_end()

    def _fault(self, fault: Fault) -> None:
        receiver, self._receiver = self._receiver, None
        if self._transport is not None:
            self._transport.abort()
        if receiver is not None:
            receiver.on_fault(fault)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._pool.forget(self)
        if self._receiver is None:
            return
        if isinstance(self._framing, UntilClose) and exc is None:
            self._finish(clean=False)
        else:
            stale = self.calls > 1 and not self._answered and not self._buffer
            self._fault(Fault.STALE if stale else Fault.BROKEN)


class Pool:
    """Connections to the processes of one service."""

    def __init__(self, endpoints: Sequence[Endpoint], clock: Callable[[], float]) -> None:
        self._endpoints = tuple(endpoints)
        self._next = 0
        self._idle: list[UpstreamConnection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.clock = clock
        self.memo = ResponseMemo()

    def take(self, now: float) -> UpstreamConnection | None:
        """An idle connection that can be used; None if there is none: `connect` then."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.idle_since > now - IDLE_SECONDS:
                return connection
            connection.close()
        return None

    def connect(self, ready: Callable[[UpstreamConnection | None], None]) -> None:
        """Hands a new connection to ``ready`` later; None on failure."""
        task = asyncio.create_task(self._connect(ready))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, ready: Callable[[UpstreamConnection | None], None]) -> None:
        connection: UpstreamConnection | None = None
        loop = asyncio.get_running_loop()
        # Another process of the service is tried once before the call counts as failed.
        for _ in range(min(2, len(self._endpoints))):
            endpoint = self._endpoints[self._next % len(self._endpoints)]
            self._next += 1
            try:
                _, connection = await asyncio.wait_for(
                    loop.create_connection(lambda: UpstreamConnection(self), endpoint.host, endpoint.port),
                    CONNECT_SECONDS,
                )
                break
            except (OSError, TimeoutError):
                continue
        ready(connection)

    def put_back(self, connection: UpstreamConnection, now: float) -> None:
        """A connection whose call ended cleanly."""
        connection.idle_since = now
        self._idle.append(connection)
        if len(self._idle) > MAX_IDLE:
            self._idle.pop(0).close()

    def forget(self, connection: UpstreamConnection) -> None:
        """A connection that is gone."""
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """Closes all idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()
