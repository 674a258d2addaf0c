"""A gateway on loopback in front of recording services: what arrives there, byte by byte, is what a test judges."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from services.common.context import ContextKeys
from services.contracts.routes import Service
from services.contracts.settings import Endpoint
from services.gateway.access import AccessLog
from services.gateway.cell_health import CellHealth, over_http
from services.gateway.connection import ClientConnection
from services.gateway.core import Core
from services.gateway.identity import Identities, Identity, IdentityError, Verifier, of_user
from services.gateway.limiter import Limiter
from services.gateway.valkey import Answer, ScriptCaller
from tests.servers import free_port

KEYS = ContextKeys(b"k" * 32)
PAGE = "https://page.test"
GOOD_TOKEN = "good-token"
USER_ID = 1 << 22
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class NoValkey:
    """Valkey is away: the limiter must fall back."""

    groups = 1

    def tag(self, group: int) -> str:
        return ""

    def connected(self, group: int) -> bool:
        return False

    def call(self, group: int, count: int, keys: bytes, arguments: bytes, answer: Answer) -> None:
        answer(None)


class Tokens:
    """Knows one token."""

    async def verify(self, token: str) -> Identity:
        if token != GOOD_TOKEN:
            raise IdentityError("the token is not valid")
        return of_user(USER_ID, "Asha", 7, expires_at=4e9)


@dataclass
class Recorder:
    """A service that records every byte and answers each request with ``answer``."""

    answer: bytes = OK
    seen: bytearray = field(default_factory=bytearray)
    connections: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.seen += head
                self.seen += await read_body(head, reader)
                writer.write(self.answer)
                await writer.drain()
        writer.close()


async def read_body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """The body that belongs to ``head``, framing included."""
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        body = b""
        while not body.endswith(b"0\r\n\r\n"):
            body += await reader.readuntil(b"\r\n")
        return body
    for line in lowered.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.partition(b":")[2]))
    return b""


@dataclass
class Gateway:
    """A running gateway."""

    core: Core
    port: int

    async def send(self, data: bytes, *, seconds: float = 3.0) -> bytes:
        """Sends raw bytes and returns all that comes back until the connection closes or falls silent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            await writer.drain()
            return await self._until_quiet(reader, seconds)
        finally:
            writer.close()

    async def _until_quiet(self, reader: asyncio.StreamReader, seconds: float) -> bytes:
        answer = b""
        while True:
            try:
                part = await asyncio.wait_for(reader.read(65536), 0.3 if answer else seconds)
            except (TimeoutError, ConnectionError):
                return answer
            if not part:
                return answer
            answer += part


@contextlib.asynccontextmanager
async def gateway(
    handlers: dict[Service, Handler],
    valkey: ScriptCaller | None = None,
    verifier: Verifier | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Gateway]:
    """A gateway in front of ``handlers``; services that are not named refuse connections."""
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    endpoints: dict[str, tuple[Endpoint, ...]] = {}
    for service in Service:
        handler = handlers.get(service)
        if handler is None:
            endpoints[service.value] = (Endpoint(host="127.0.0.1", port=free_port()),)
            continue
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        servers.append(server)
        endpoints[service.value] = (Endpoint(host="127.0.0.1", port=server.sockets[0].getsockname()[1]),)
    limiter = Limiter(valkey or NoValkey())
    client = httpx.AsyncClient(timeout=1, trust_env=False)
    cell = CellHealth(endpoints, over_http(client))
    core = Core(endpoints, Identities(verifier or Tokens(), KEYS), limiter, [PAGE], AccessLog(None), clock, cell)
    server = await loop.create_server(lambda: ClientConnection(core), "127.0.0.1", 0)
    sweeper = asyncio.create_task(core.sweep())
    try:
        yield Gateway(core, server.sockets[0].getsockname()[1])
    finally:
        sweeper.cancel()
        server.close()
        await client.aclose()
        for connection in tuple(core.connections):
            connection.abort()
        for upstream in core.upstreams.values():
            upstream.pool.close()
        limiter.close()
        for listening in servers:
            listening.close()
