"""Bounded load on a cell through its front door: requests at a steady pace, and a few sockets that stay.

Owns what is sent and what is written down of each answer. Does not own who is killed when.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from services.engagement import event_ids

TIMEOUT_SECONDS: Final = 10.0
RECONNECT_SECONDS: Final = 0.2
SERVER_ERROR: Final = 500


@dataclass
class Request:
    """One request. Seconds are of the monotonic clock."""

    what: str
    started: float
    ended: float = 0.0
    status: int = 0
    """0: no answer."""

    @property
    def failed(self) -> bool:
        """Whether the caller did not get what a healthy cell gives."""
        return self.status == 0 or self.status >= SERVER_ERROR or self.status in (401, 404)


@dataclass(frozen=True)
class Place:
    """Where the load goes, and what is there."""

    url: str
    trust: ssl.SSLContext
    video: str
    tokens: Sequence[str]
    """One per person: each may ask 100 times at once."""


@dataclass
class Load:
    """The load and all that came of it."""

    place: Place
    pace: float
    """Requests per second."""
    sockets: int
    requests: list[Request] = field(default_factory=list)
    dropped: list[float] = field(default_factory=list)
    """When a socket ended that should have stayed."""
    away: list[tuple[float, float]] = field(default_factory=list)
    """From when to when a socket was without connection."""

    async def run(self, until: asyncio.Event) -> None:
        """Until told to stop; requests in flight then are awaited."""
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        async with (
            httpx.AsyncClient(
                base_url=self.place.url, verify=self.place.trust, timeout=TIMEOUT_SECONDS, limits=limits
            ) as client,
            asyncio.TaskGroup() as group,
        ):
            holders = [group.create_task(self._hold(number)) for number in range(self.sockets)]
            asking = itertools.cycle(self._kinds())
            people = itertools.cycle(self.place.tokens)
            due = time.monotonic()
            while not until.is_set():
                due += 1 / self.pace
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                group.create_task(self._ask(client, *next(asking), next(people)))
            for holder in holders:
                holder.cancel()

    def in_flight(self) -> int:
        """Requests without an answer at this moment."""
        return sum(1 for request in self.requests if not request.ended)

    def _kinds(self) -> Sequence[tuple[str, str, str]]:
        video = self.place.video
        return (
            ("catalog", "GET", f"/api/videos/{video}"),
            ("engagement", "GET", f"/api/videos/{video}/counts"),
            ("search", "GET", "/api/search?q=film"),
            ("recommendations", "GET", "/api/recommendations?limit=5"),
            ("engagement write", "PUT", f"/api/videos/{video}/reaction"),
            ("accounts", "GET", "/api/accounts/.well-known/jwks.json"),
            ("uploads", "POST", "/api/uploads/{}/parts"),
            ("events write", "POST", "/api/events"),
        )

    def _body(self, what: str) -> object:
        if what == "engagement write":
            return {"state": random.choice(("like", "none"))}
        if what == "uploads":
            return {"parts": [{"number": 1, "sha256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="}]}
        if what == "events write":
            event = event_ids.make().hex()
            named = f"{event[:8]}-{event[8:12]}-{event[12:16]}-{event[16:20]}-{event[20:]}"
            watched = {"kind": "watch", "id": named, "video": self.place.video, "watched_ms": 1000}
            return {"viewer": "somebody-somewhere", "events": [watched]}
        return None

    async def _ask(self, client: httpx.AsyncClient, what: str, method: str, path: str, token: str) -> None:
        request = Request(what, time.monotonic())
        self.requests.append(request)
        try:
            # The upload is the caller's or, as here, nobody's: uploads looks for it in the database either way.
            answer = await client.request(
                method,
                path.format(self.place.video),
                json=self._body(what),
                headers={"Authorization": f"Bearer {token}"},
            )
            request.status = answer.status_code
            if what == "uploads" and answer.status_code == 404 and "upload_not_found" in answer.text:
                request.status = 200
        except httpx.HTTPError:
            request.status = 0
        finally:
            request.ended = time.monotonic()

    async def _hold(self, number: int) -> None:
        """One socket, opened again whenever it ends."""
        address = f"{self.place.url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        lost: float | None = None
        while True:
            try:
                async with connect(f"{address}&sticky=holder-{number:08d}", ssl=self.place.trust) as socket:
                    await self._join(socket)
                    if lost is not None:
                        self.away.append((lost, time.monotonic()))
                        lost = None
                    await self._stay(socket)
            except (OSError, WebSocketException, TimeoutError):
                pass
            if lost is None:
                lost = time.monotonic()
                self.dropped.append(lost)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _join(self, socket: ClientConnection) -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await socket.recv()
            await socket.send("40")
            await socket.recv()

    async def _stay(self, socket: ClientConnection) -> None:
        with contextlib.suppress(WebSocketException):
            async for message in socket:
                if message == "2":
                    await socket.send("3")
