"""A Socket.IO client of few lines over a WebSocket: Engine.IO protocol 4, Socket.IO protocol 5, default namespace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

ANSWER_SECONDS = 15.0


class RefusedError(Exception):
    """The server refused the connection; the message is the server's."""


class Client:
    """A connected client. ``heard`` collects events as (name, data)."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[object]] = {}
        self._number = 0
        self.heard: list[tuple[str, dict[str, object]]] = []

    def last(self, name: str, field: str) -> object:
        """``field`` of the newest event called ``name``; None if there was none."""
        return next((data.get(field) for event, data in reversed(self.heard) if event == name), None)

    async def call(self, name: str, data: object) -> object:
        """Sends an event and waits for its answer."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send(f"42{self._number}{json.dumps([name, data])}")
        async with asyncio.timeout(ANSWER_SECONDS):
            return await answer

    async def listen(self) -> None:
        """Reads until the connection ends."""
        async for message in self._socket:
            text = message if isinstance(message, str) else message.decode()
            if text == "2":
                await self._socket.send("3")
            elif text.startswith("42"):
                name, data = json.loads(text[2:])
                self.heard.append((name, data))
            elif text.startswith("43"):
                digits = len(text[2:]) - len(text[2:].lstrip("0123456789"))
                (value,) = json.loads(text[2 + digits :])
                self._answers.pop(int(text[2 : 2 + digits])).set_result(value)


@asynccontextmanager
async def connected(url: str, auth: dict[str, str] | None = None) -> AsyncIterator[Client]:
    """A client of the server at ``url`` (http). Raises `RefusedError`."""
    address = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
    async with connect(address, open_timeout=ANSWER_SECONDS) as socket:
        opened = await socket.recv()
        assert isinstance(opened, str)
        assert opened.startswith("0"), opened
        await socket.send(f"40{json.dumps(auth)}" if auth is not None else "40")
        answer = await socket.recv()
        assert isinstance(answer, str)
        if not answer.startswith("40"):
            raise RefusedError(answer)
        client = Client(socket)
        listener = asyncio.create_task(client.listen())
        try:
            yield client
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
