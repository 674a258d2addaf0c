"""A proxy in front of PostgreSQL that can cut all connections, fall silent, or lose the answer to a COMMIT: the server has
it, the client never hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.contracts.settings import Endpoint, PlatformSettings


@dataclass
class Proxy:
    """``armed``: the next COMMIT of a transaction that wrote to the outbox loses its answer. ``on_commit``: is called, once,
    with the client's port when such a COMMIT is on its way to the server."""

    target: Endpoint
    endpoint: Endpoint = field(init=False)
    armed: bool = False
    on_commit: Callable[[int], None] | None = None
    cuts: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    """Towards the clients."""

    def __post_init__(self) -> None:
        self._flows = asyncio.Event()
        self._flows.set()

    async def silence(self, seconds: float) -> None:
        """Nothing comes through in either direction, and nobody is told; then everything that was held back does."""
        self._flows.clear()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._flows.set()

    def cut_all(self) -> int:
        """Resets every connection, in the middle of whatever it does; returns how many there were."""
        cut = list(self.open)
        for writer in cut:
            writer.transport.abort()
        return len(cut)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.open.add(writer)
        try:
            await self._relay(reader, writer)
        finally:
            self.open.discard(writer)
            writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(self.target.host, self.target.port)
        except OSError:
            return
        wrote, cut = False, False

        async def forward() -> None:
            nonlocal wrote, cut
            try:
                await requests()
            finally:
                upstream_writer.close()

        async def requests() -> None:
            nonlocal wrote, cut
            while data := await reader.read(65536):
                wrote = wrote or b"INSERT INTO counters.outbox" in data
                await self._flows.wait()
                committing = b"COMMIT" in data and wrote
                if b"COMMIT" in data:
                    cut = self.armed and wrote
                    wrote = False
                upstream_writer.write(data)
                if committing and self.on_commit is not None:
                    told, self.on_commit = self.on_commit, None
                    told(writer.get_extra_info("peername")[1])
                await upstream_writer.drain()

        async def back() -> None:
            while data := await upstream_reader.read(65536):
                await self._flows.wait()
                if cut:
                    self.armed = False
                    self.cuts += 1
                    break
                writer.write(data)
                await writer.drain()
            writer.close()
            upstream_writer.close()

        await asyncio.gather(forward(), back(), return_exceptions=True)


@asynccontextmanager
async def cutting_proxy(target: Endpoint) -> AsyncIterator[Proxy]:
    """A proxy on a port of its own."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.endpoint = Endpoint(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    try:
        yield proxy
    finally:
        server.close()


def with_writers(settings: PlatformSettings, writer: Endpoint) -> PlatformSettings:
    """``settings`` by which the databases of all cells are reached at ``writer``."""
    peers = {
        name: peer.model_copy(update={"database": peer.database.model_copy(update={"writer": writer})})
        for name, peer in settings.peers.items()
    }
    return with_writer(settings, writer).model_copy(update={"peers": peers})


def with_writer(settings: PlatformSettings, writer: Endpoint) -> PlatformSettings:
    """``settings`` whose own database is reached at ``writer``."""
    database = settings.own.database.model_copy(update={"writer": writer})
    return settings.model_copy(update={"own": settings.own.model_copy(update={"database": database})})
