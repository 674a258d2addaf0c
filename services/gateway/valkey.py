"""A connection to Valkey for the limiter: one script, many calls in flight, one write per call.

Owns the wire (RESP2, only the replies that the script gives) and reconnection. Does not own the script
(``limit_script``) nor what happens without Valkey (``limiter``). redis-py's cost per call is several times that of a
whole request here; everything else in the project uses redis-py.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

Reply = list[int]
Address = tuple[str, int]


class ValkeyError(Exception):
    """Valkey is away, slow, or answered an error."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """ACL user and password."""

    username: str
    password: str


def command(parts: Sequence[bytes]) -> bytes:
    """A command in RESP: an array of bulk strings."""
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class ReplyReader:
    """Reads the replies that this client expects: integers, arrays of integers, simple strings, errors."""

    __slots__ = ("_buffer",)

    _MAX = 4 * 1024 * 1024

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Reply | ValkeyError]:
        """All replies that are complete now. Raises `ValkeyError` if the stream makes no sense."""
        self._buffer += data
        replies: list[Reply | ValkeyError] = []
        at = 0
        while True:
            parsed = self._one(at)
            if parsed is None:
                break
            reply, at = parsed
            replies.append(reply)
        self._buffer = self._buffer[at:]
        if len(self._buffer) > self._MAX:
            raise ValkeyError("the reply is too large")
        return replies

    def _line(self, at: int) -> tuple[bytes, int] | None:
        end = self._buffer.find(b"\r\n", at)
        return None if end < 0 else (self._buffer[at:end], end + 2)

    def _one(self, at: int) -> tuple[Reply | ValkeyError, int] | None:
        first = self._line(at)
        if first is None:
            return None
        line, at = first
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            return ValkeyError(rest.decode(errors="replace")), at
        if kind == b"+":
            return [], at
        if kind == b":":
            return [_integer(rest)], at
        if kind != b"*":
            raise ValkeyError(f"unexpected reply {line[:40]!r}")
        values: Reply = []
        for _ in range(_integer(rest)):
            item = self._line(at)
            if item is None:
                return None
            line, at = item
            if line[:1] != b":":
                raise ValkeyError(f"unexpected element {line[:40]!r}")
            values.append(_integer(line[1:]))
        return values, at


def _integer(text: bytes) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValkeyError(f"not an integer: {text[:40]!r}") from error


class _Wire(asyncio.Protocol):
    """One connection: replies come in the order of the calls. A broken callback must not break the others."""

    def __init__(self) -> None:
        self.waiting: deque[asyncio.Future[Reply]] = deque()
        self._reader = ReplyReader()
        self.transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # A stream protocol gets a Transport; uvloop's does not inherit from asyncio's.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        try:
            replies = self._reader.feed(data)
        except ValkeyError as error:
            self.fail(error)
            return
        for reply in replies:
            if not self.waiting:
                self.fail(ValkeyError("a reply that nobody asked for"))
                return
            future = self.waiting.popleft()
            if future.done():
                continue
            if isinstance(reply, ValkeyError):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.fail(ValkeyError(f"connection lost: {exc}"))
        self.lost.set()

    def call(self, data: bytes) -> asyncio.Future[Reply]:
        """Sends one command."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if self.transport is None or self.transport.is_closing():
            future.set_exception(ValkeyError("not connected"))
        else:
            self.waiting.append(future)
            self.transport.write(data)
        return future

    def fail(self, error: ValkeyError) -> None:
        """Ends the connection; everything that waits on it fails with ``error``."""
        if self.transport is not None:
            self.transport.abort()
        waiting, self.waiting = self.waiting, deque()
        for future in waiting:
            if not future.done():
                future.set_exception(error)


_RECONNECT_FIRST: Final = 0.05
_RECONNECT_LIMIT: Final = 2.0


class ScriptClient:
    """Calls one script. ``locate`` names the primary each time a connection is made (it moves on failover)."""

    def __init__(
        self,
        script: str,
        locate: Callable[[], Awaitable[Address]],
        credentials: Credentials | None,
        timeout: float,
        tls: bool = False,
    ) -> None:
        self._script = script.encode()
        self._sha = hashlib.sha1(self._script, usedforsecurity=False).hexdigest().encode()
        self._locate = locate
        self._credentials = credentials
        self._timeout = timeout
        self._tls = ssl.create_default_context() if tls else None
        self._wire: _Wire | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether a call has a chance at this moment."""
        return self._wire is not None

    def start(self) -> None:
        """Connects in the background and stays connected until `close`."""
        self._task = asyncio.create_task(self._stay_connected())

    async def close(self) -> None:
        """Ends the connection."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.close()

    async def call(self, keys: Sequence[bytes], arguments: Sequence[bytes]) -> Reply:
        """Runs the script. Raises `ValkeyError` when Valkey is away, refuses, or takes longer than the time-out."""
        wire = self._wire
        if wire is None:
            raise ValkeyError("not connected")
        parts = (b"EVALSHA", self._sha, b"%d" % len(keys), *keys, *arguments)
        try:
            return await asyncio.wait_for(wire.call(command(parts)), self._timeout)
        except TimeoutError as error:
            # Replies are matched by order: after a time-out only a new connection is safe.
            wire.fail(ValkeyError("timed out"))
            raise ValkeyError(f"no answer within {self._timeout} s") from error

    async def _stay_connected(self) -> None:
        pause = _RECONNECT_FIRST
        while True:
            try:
                wire = await asyncio.wait_for(self._connect(), 2.0)
            except (OSError, ValkeyError, TimeoutError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, _RECONNECT_LIMIT)
                continue
            pause = _RECONNECT_FIRST
            self._wire = wire
            await wire.lost.wait()
            self._wire = None

    async def _connect(self) -> _Wire:
        host, port = await self._locate()
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(_Wire, host, port, ssl=self._tls)
        try:
            if self._credentials is not None:
                name, password = self._credentials.username.encode(), self._credentials.password.encode()
                await wire.call(command((b"AUTH", name, password)))
            # Without keys the script does nothing, but the server knows it from then on.
            await wire.call(command((b"EVAL", self._script, b"0")))
        except BaseException:
            wire.fail(ValkeyError("the connection could not be prepared"))
            raise
        return wire
