"""The Socket.IO side: who connects, which rooms they watch, what they are sent.

Wire form. Connect with ``auth = {"token": access token}``, or without for somebody not signed in; a token that does not
verify is refused. Events of the client, all answered: ``watch {"video": id}`` →
``{"ok": true, "counts": {...} | null, "viewers": n}``, ``leave {"video": id}`` → ``{"ok": true}``; an error is
``{"ok": false, "error": {"code", "message"}}``. Events of the server: ``counts`` ``{"video", "views", "likes",
"dislikes", "comments", "as_of"}``, ``presence`` ``{"video", "viewers"}`` and, to a user's own sockets, ``notice``
``{"user", "as_of"}``: there is something new among the notifications. WebSocket only.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from types import MappingProxyType

import msgspec
import socketio
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError

from services.common import ids
from services.common.keys import Verifier
from services.common.tokens import TokenError
from services.contracts import live
from services.contracts.settings import HostSettings
from services.realtime.bus import Bus
from services.realtime.presence import REPEAT_SECONDS, PresenceBook
from services.realtime.rooms import Coalescer, FullError, Rooms

MAX_MESSAGE = 16 * 1024
_LOOP_SECONDS = 0.02
_PRESENCE_SECONDS = 0.25
"""A room whose number changed states it this often at most."""

_log = logging.getLogger(__name__)

Answer = dict[str, object]


class Hub:
    """One per process."""

    def __init__(self, hosts: HostSettings) -> None:
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            transports=["websocket"],
            cors_allowed_origins=sorted({hosts.page, hosts.api}),
            max_http_buffer_size=MAX_MESSAGE,
            ping_interval=25,
            ping_timeout=20,
        )
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)
        self.server.on("watch", self._watch)
        self.server.on("leave", self._leave)
        self._rooms = Rooms()
        self._coalescer = Coalescer()
        self._changed: set[str] = set()
        """Rooms whose number of viewers is to be stated."""
        self._viewers: dict[str, int] = {}
        self._verifier: Verifier | None = None
        self._cache: Redis | RedisCluster | None = None
        self._presence: PresenceBook | None = None
        self.bus: Bus | None = None
        self.connections = 0
        """Sockets that are connected now."""

    def open(self, cache: Redis | RedisCluster, verifier: Verifier) -> list[Coroutine[None, None, None]]:
        """Takes what it works with; returns what must run side by side."""
        self._verifier = verifier
        self._cache = cache
        self._presence = PresenceBook(cache)
        self.bus = Bus(cache, self._received)
        return [self.bus.run(), self._send_due(), self._state_presence(), self._repeat_presence()]

    async def _connect(self, socket: str, _environ: object, auth: object = None) -> None:
        token = auth.get("token") if isinstance(auth, dict) else None
        user: int | None = None
        if token is not None:
            if self._verifier is None or not isinstance(token, str):
                raise socketio.exceptions.ConnectionRefusedError("the token is refused: it is no text")
            try:
                user = (await self._verifier.verify(token)).user_id
            except TokenError as error:
                raise socketio.exceptions.ConnectionRefusedError(f"the token is refused: {error}") from error
        await self.server.save_session(socket, {"user": user})
        if user is not None:
            room = live.user_room(ids.encode(user))
            if self._rooms.join(socket, room) and self.bus is not None:
                self.bus.listen(room)
            await self.server.enter_room(socket, room)
        self.connections += 1

    async def _disconnect(self, socket: str, _reason: object = None) -> None:
        self.connections -= 1
        for room in self._rooms.gone(socket):
            self._left(room)

    async def _watch(self, socket: str, data: object = None) -> Answer:
        video = _video(data)
        if video is None:
            return _error("invalid_request", "Name the video by its id.")
        try:
            if self._rooms.join(socket, video) and self.bus is not None:
                self.bus.listen(video)
        except FullError as error:
            return _error("too_many", f"{str(error).capitalize()}.")
        await self.server.enter_room(socket, video)
        self._changed.add(video)
        return {
            "ok": True,
            "counts": await self._newest(video),
            "viewers": max(self._viewers.get(video, 0), self._rooms.viewers(video)),
        }

    async def _leave(self, socket: str, data: object = None) -> Answer:
        video = _video(data)
        if video is None:
            return _error("invalid_request", "Name the video by its id.")
        await self.server.leave_room(socket, video)
        self._rooms.leave(socket, video)
        self._left(video)
        return {"ok": True}

    def _left(self, room: str) -> None:
        if not live.is_user_room(room):
            self._changed.add(room)
        if self._rooms.viewers(room) == 0:
            self._coalescer.forget(room)
            self._viewers.pop(room, None)
            if self.bus is not None:
                self.bus.ignore(room)

    async def _newest(self, video: str) -> Answer | None:
        if self._cache is None:
            return None
        try:
            kept = await self._cache.get(live.counts_key(video))
            return _body(live.decode(kept)) if isinstance(kept, bytes) else None
        except (RedisError, live.MalformedMessageError) as error:
            _log.warning("no counts for a new viewer: %s", type(error).__name__)
            return None

    def _received(self, data: bytes) -> None:
        try:
            message = live.decode(data)
        except live.MalformedMessageError as error:
            _log.warning("a message of the bus is left out: %s", error)
            return
        if isinstance(message, live.Presence):
            self._viewers[message.video] = message.viewers
        room = live.user_room(message.user) if isinstance(message, live.Notice) else message.video
        if self._rooms.viewers(room):
            self._coalescer.offer(room, _kind(message), data, time.monotonic())

    async def _send_due(self) -> None:
        while True:
            for room, kind, data in self._coalescer.due(time.monotonic(), self._rooms):
                await self.server.emit(kind, _body(live.decode(data)), room=room)
            await asyncio.sleep(_LOOP_SECONDS)

    async def _state_presence(self) -> None:
        while True:
            changed, self._changed = self._changed, set()
            for room in changed:
                await self._state_one(room)
            await asyncio.sleep(_PRESENCE_SECONDS)

    async def _repeat_presence(self) -> None:
        while True:
            await asyncio.sleep(REPEAT_SECONDS)
            self._changed.update(room for room in self._rooms.open if not live.is_user_room(room))

    async def _state_one(self, room: str) -> None:
        if self._presence is None or self._cache is None:
            return
        try:
            viewers = await self._presence.state(room, self._rooms.viewers(room))
            message = live.encode(live.Presence(room, viewers))
            await self._cache.execute_command("SPUBLISH", live.channel(room), message)
        except RedisError as error:
            _log.warning("presence is not stated: %s", type(error).__name__)


_KINDS = MappingProxyType({live.Counts: "counts", live.Presence: "presence", live.Notice: "notice"})


def _kind(message: live.Message) -> str:
    return _KINDS[type(message)]


def _body(message: live.Message) -> Answer:
    body: Answer = msgspec.to_builtins(message)
    body.pop("type")
    return body


def _video(data: object) -> str | None:
    """The id in a client's message, if there is one."""
    video = data.get("video") if isinstance(data, dict) else None
    if not isinstance(video, str):
        return None
    try:
        return ids.encode(ids.parse(video))
    except ids.IdError:
        return None


def _error(code: str, message: str) -> Answer:
    return {"ok": False, "error": {"code": code, "message": message}}
