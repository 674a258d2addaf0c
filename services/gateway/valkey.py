"""A connection to Valkey for the limiter: one script, many calls in flight, one write per call, answers by callback.

Owns the connection, its time-out and its renewal. Does not own the wire form (``resp``), the script
(``limit_script``), nor what happens without Valkey (``limiter``). redis-py's cost per call is several times that of a
whole request here; everything else in the project uses redis-py.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, cast

from services.gateway.resp import Reply, ReplyReader, ValkeyError, bulk, command

Address = tuple[str, int]
Answer = Callable[[Reply | None], None]
"""Takes the script's reply, or None: Valkey could not say."""


class ScriptCaller(Protocol):
    """What the limiter needs of Valkey. Keys of one call lie in one group (a slot range of a cluster)."""

    @property
    def groups(self) -> int:
        """How many groups there are; 1 unless it is a cluster."""

    def tag(self, group: int) -> str:
        """What every key of ``group`` begins with after its name."""

    def connected(self, group: int) -> bool:
        """Whether a call has a chance at this moment."""

    def call(self, group: int, count: int, keys: bytes, arguments: bytes, answer: Answer) -> None:
        """Runs the script on ``count`` keys, both parts in wire form. ``answer`` is always called, once."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """ACL user and password."""

    username: str
    password: str


_MOVED_ON: Final = ("READONLY", "LOADING", "MASTERDOWN", "NOSCRIPT", "MOVED", "CLUSTERDOWN", "NOPERM", "NOAUTH")
"""Errors that another connection may not have: the primary moved, or this server is new."""


class _Wire(asyncio.Protocol):
    """One connection: replies come in the order of the calls. A broken callback must not break the others."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: deque[tuple[float, Answer]] = deque()
        self._reader = ReplyReader()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # A stream protocol gets a Transport; uvloop's does not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        try:
            replies = self._reader.feed(data)
        except ValkeyError:
            self.fail()
            return
        for reply in replies:
            if not self._waiting:
                # A reply that nobody asked for: the stream cannot be trusted.
                self.fail()
                return
            _, answer = self._waiting.popleft()
            if isinstance(reply, ValkeyError):
                self._tell(answer, None)
                if str(reply).startswith(_MOVED_ON):
                    self.fail()
                    return
            else:
                self._tell(answer, reply)

    def connection_lost(self, _exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.fail()
        self.lost.set()

    def call(self, data: bytes, answer: Answer) -> None:
        """Sends one command."""
        if self._transport is None or self._transport.is_closing():
            self._tell(answer, None)
            return
        self._waiting.append((time.monotonic() + self._seconds, answer))
        self._transport.write(data)
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._check)

    async def ask(self, data: bytes) -> Reply:
        """The same, awaited. Raises `ValkeyError`."""
        future: asyncio.Future[Reply | None] = self._loop.create_future()
        self.call(data, lambda reply: None if future.done() else future.set_result(reply))
        reply = await future
        if reply is None:
            raise ValkeyError("the connection could not be prepared")
        return reply

    def fail(self) -> None:
        """Ends the connection; whatever waits on it gets no answer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()
        waiting, self._waiting = self._waiting, deque()
        for _, answer in waiting:
            self._tell(answer, None)

    def close(self) -> None:
        """Ends the connection after what is being sent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.close()

    def _check(self) -> None:
        """One timer for all calls: replies are matched by order, so the oldest decides, and after it all are lost."""
        self._timer = None
        if not self._waiting:
            return
        left = self._waiting[0][0] - time.monotonic()
        if left <= 0:
            self.fail()
        else:
            self._timer = self._loop.call_later(left, self._check)

    def _tell(self, answer: Answer, reply: Reply | None) -> None:
        try:
            answer(reply)
        except Exception as error:
            self._loop.call_exception_handler({"message": "a caller of Valkey failed", "exception": error})


_RECONNECT_FIRST: Final = 0.05
_RECONNECT_LIMIT: Final = 2.0
_CONNECT_SECONDS: Final = 2.0


class ScriptClient:
    """Calls one script on one server. ``locate`` names the primary each time a connection is made (it moves on failover)."""

    def __init__(
        self,
        script: str,
        locate: Callable[[], Awaitable[Address]],
        credentials: Credentials | None,
        timeout: float,
        tls: bool = False,
    ) -> None:
        self._script = script.encode()
        sha = hashlib.sha1(self._script, usedforsecurity=False).hexdigest().encode()
        self._evalsha = bulk(b"EVALSHA") + bulk(sha)
        self._locate = locate
        self._credentials = credentials
        self._timeout = timeout
        self._tls = ssl.create_default_context() if tls else None
        self._wire: _Wire | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def groups(self) -> int:
        """See `ScriptCaller.groups`."""
        return 1

    def tag(self, _group: int) -> str:
        """See `ScriptCaller.tag`."""
        return ""

    def connected(self, _group: int) -> bool:
        """See `ScriptCaller.connected`."""
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
        if self._wire is not None:
            self._wire.close()

    def call(self, _group: int, count: int, keys: bytes, arguments: bytes, answer: Answer) -> None:
        """See `ScriptCaller.call`. None also when Valkey refuses, or takes longer than the time-out."""
        wire = self._wire
        if wire is None:
            answer(None)
            return
        number = b"%d" % count
        # The script reads four arguments for each key.
        head = b"*%d\r\n%b$%d\r\n%b\r\n" % (3 + count * 5, self._evalsha, len(number), number)
        wire.call(b"".join((head, keys, arguments)), answer)

    async def _stay_connected(self) -> None:
        pause = _RECONNECT_FIRST
        while True:
            try:
                wire = await asyncio.wait_for(self._connect(), _CONNECT_SECONDS)
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
        _, wire = await loop.create_connection(lambda: _Wire(self._timeout), host, port, ssl=self._tls)
        try:
            if self._credentials is not None:
                name, password = self._credentials.username.encode(), self._credentials.password.encode()
                await wire.ask(command((b"AUTH", name, password)))
            # Without keys the script does nothing, but the server knows it from then on.
            await wire.ask(command((b"EVAL", self._script, b"0")))
        except BaseException:
            wire.fail()
            raise
        return wire
