"""A caller's connection: bytes in, requests one after another, bytes out.

Owns the buffer between requests, flow control towards the caller and the time a head may take. Does not own what
happens to a request (``exchange``).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from services.gateway import responses
from services.gateway.exchange import Exchange
from services.gateway.heads import MAX_HEAD, HeadError, parse_request, recall_request

if TYPE_CHECKING:
    from services.gateway.core import Core

HEAD_SECONDS: Final = 10.0
"""From the first byte of a head to its last."""
IDLE_SECONDS: Final = 75.0
BODY_SECONDS: Final = 30.0
MAX_PIPELINED: Final = 64 * 1024


class ClientConnection(asyncio.Protocol):
    """See the module."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._exchange: Exchange | None = None
        self._clock = core.clock
        self._closing = False
        self._paused = False
        self._advancing = False
        self.peer = ""
        self.deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # A stream protocol gets a Transport; uvloop's does not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        peer = self._transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self.deadline = self._clock() + HEAD_SECONDS
        self._core.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._closing = True
        self._core.connections.discard(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.cancel()

    def eof_received(self) -> bool:
        """A caller that has sent its last request may still read the answer."""
        return self._exchange is not None

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        if self._exchange is not None:
            self._exchange.writable(False)

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        if self._exchange is not None:
            self._exchange.writable(True)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._closing:
            return
        now = self._clock()
        if self._exchange is not None:
            data = self._exchange.request_data(data)
            if not data:
                return
            self._buffer += data
            if self._exchange is not None:
                if len(self._buffer) > MAX_PIPELINED:
                    self.pause()
                return
        elif not self._buffer:
            self._buffer = data
            self.deadline = now + HEAD_SECONDS
        else:
            self._buffer += data
        self._advance(now)

    def write(self, data: bytes) -> None:
        """Sends bytes of an answer."""
        if self._transport is not None:
            self._transport.write(data)

    def pause(self) -> None:
        """Stops reading from the caller."""
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads on."""
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """The answer cannot be completed: the caller must see that it broke off."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    def exchange_over(self, close: bool, now: float) -> None:
        """The present request is answered."""
        self._exchange = None
        if close or self._core.draining:
            self.finish()
            return
        self.deadline = now + (HEAD_SECONDS if self._buffer else IDLE_SECONDS)
        if self._paused:
            self.resume()
        if self._buffer:
            self._advance(now)

    def finish(self) -> None:
        """Sends what is left and closes."""
        self._closing = True
        self._buffer = b""
        if self._transport is not None:
            self._transport.close()

    def sweep(self, now: float) -> None:
        """Called a few times a second: ends what takes too long."""
        exchange = self._exchange
        if exchange is not None:
            if now >= exchange.deadline:
                exchange.expire()
        elif now >= self.deadline:
            if self._buffer:
                self._refuse(HeadError(408, "the request head took too long"))
            else:
                self.finish()

    def drain(self) -> None:
        """Closes now if idle, else after the present answer."""
        if self._exchange is None and not self._buffer:
            self.finish()

    def _advance(self, now: float) -> None:
        # Answers may complete inside `start`, which calls back here: a loop instead of recursion.
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._exchange is None and self._buffer and not self._closing:
                if not self._next_request(now):
                    return
        finally:
            self._advancing = False

    def _next_request(self, now: float) -> bool:
        rest = b""
        try:
            head = recall_request(self._buffer, self._core.memo)
            if head is None:
                end = self._buffer.find(b"\r\n\r\n")
                if end < 0:
                    if len(self._buffer) > MAX_HEAD:
                        raise HeadError(431, "request head too large")
                    return False
                head = parse_request(self._buffer[:end], self._core.memo)
                rest = self._buffer[end + 4 :]
        except HeadError as error:
            self._refuse(error)
            return False
        self._buffer = b""
        exchange = Exchange(self._core, self, head, now)
        self._exchange = exchange
        exchange.start()
        if rest:
            self._buffer = exchange.request_data(rest) + self._buffer
        return True

    def _refuse(self, error: HeadError) -> None:
        self._core.metrics.refused_heads += 1
        self.write(responses.error(error.status, "bad_request", error.reason, keep_alive=False))
        self.finish()
