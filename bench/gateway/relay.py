"""The least that a proxy on this stack can do: callbacks on uvloop that hand bytes on, between the same sockets.

It routes by the request line alone and follows an answer's length, so that connections can be used again; it reads no
header, asks nobody and adds nothing. What it costs is the floor under everything that is written for this stack.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import uvloop

from services.gateway.__main__ import GC_ALLOCATIONS

_LENGTH = re.compile(rb"\r\nContent-Length: ([0-9]+)\r\n")


class Service(asyncio.Protocol):
    """A connection to an upstream. ``idle``: where it waits between answers."""

    def __init__(self, idle: list[Service]) -> None:
        self._idle = idle
        self._left = 0
        self._caller: asyncio.Transport | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if self in self._idle:
            self._idle.remove(self)

    def send(self, caller: asyncio.Transport, data: bytes) -> None:
        """Hands a request on; what comes back goes to ``caller``."""
        self._caller = caller
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        caller = self._caller
        if self._left == 0:
            length = _LENGTH.search(data)
            self._left = data.find(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
        self._left -= len(data)
        if self._left <= 0:
            self._left = 0
            self._idle.append(self)
        # The load ends with requests on the way: their answers have nowhere to go.
        if caller is not None and not caller.is_closing():
            caller.write(data)


class Caller(asyncio.Protocol):
    """A connection from the load. ``routes``: patterns of paths and ports, the first that matches counts."""

    def __init__(self, routes: Sequence[tuple[re.Pattern[bytes], int]], known: dict[bytes, int]) -> None:
        self._routes = routes
        self._known = known
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        line = data[: data.find(b"\r\n")]
        port = self._known.get(line)
        if port is None:
            port = next(port for pattern, port in self._routes if pattern.match(line.split(b" ")[1]))
            self._known[line] = port
        idle = _IDLE.setdefault(port, [])
        if self._transport is None:
            return
        if idle:
            idle.pop().send(self._transport, data)
        else:
            task = asyncio.create_task(_connect(idle, port, self._transport, data))
            _TASKS.add(task)
            task.add_done_callback(_TASKS.discard)


_IDLE: dict[int, list[Service]] = {}
_TASKS: set[asyncio.Task[None]] = set()


async def _connect(idle: list[Service], port: int, caller: asyncio.Transport, data: bytes) -> None:
    _, service = await asyncio.get_running_loop().create_connection(lambda: Service(idle), "127.0.0.1", port)
    service.send(caller, data)


async def serve(port: int, routes: Sequence[tuple[re.Pattern[bytes], int]]) -> None:
    """Runs until it is killed."""
    known: dict[bytes, int] = {}
    server = await asyncio.get_running_loop().create_server(
        lambda: Caller(routes, known), "127.0.0.1", port, backlog=4096
    )
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    await server.serve_forever()


if __name__ == "__main__":
    chosen = json.loads(Path(sys.argv[1]).read_text())
    table = [(re.compile(pattern.encode()), chosen["upstreams"][name]) for name, pattern in chosen["routes"]]
    uvloop.run(serve(chosen["port"], table))
