"""What comes from Valkey: one sharded subscription per room that has viewers, watched by a canary.

A subscription can die without an error (python-socketio#1581), so the bus sends itself a message every few seconds; if it does
not come back, everything is subscribed anew. redis-py also reconnects by itself and says nothing: the only sign of either is
Valkey's confirmation of a subscription, so each confirmation of a room is followed by a look at the counts that were published
before it. Owns the connection; does not own what is done with a message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterPubSub
from redis.exceptions import RedisError

from services.contracts import live

CANARY_SECONDS = 3.0
DEAF_SECONDS = 10.0
RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Heard:
    confirmed: bool
    """Whether Valkey confirms a subscription; else somebody published."""
    channel: str
    data: bytes


class Bus:
    """Hands ``deliver`` each message of the rooms that are listened to."""

    def __init__(self, cache: Redis | RedisCluster, deliver: Callable[[bytes], None]) -> None:
        self._cache = cache
        self._deliver = deliver
        self._rooms: set[str] = set()
        self._canary = f"{live.PREFIX}canary:{uuid4()}"
        self._heard = time.monotonic()
        self._changes: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
        self.renewals = 0
        """How often everything was subscribed anew."""

    def listen(self, room: str) -> None:
        """From now on, messages of ``room`` are delivered."""
        self._rooms.add(room)
        self._changes.put_nowait((True, room))

    def ignore(self, room: str) -> None:
        """No longer."""
        self._rooms.discard(room)
        self._changes.put_nowait((False, room))

    @property
    def well(self) -> bool:
        """Whether the canary came back lately."""
        return time.monotonic() - self._heard < DEAF_SECONDS

    async def run(self) -> None:
        """Listens until cancelled."""
        while True:
            pubsub = self._cache.pubsub()
            try:
                await self._listen(pubsub)
                _log.warning("the subscription to Valkey is deaf; subscribing anew")
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("the subscription to Valkey broke: %s; subscribing anew", type(error).__name__)
            finally:
                await _close(pubsub)
            self.renewals += 1
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, pubsub: PubSub) -> None:
        """Returns when the canary stays away."""
        self._heard = time.monotonic()
        next_canary = 0.0
        # What queued up meanwhile is in the set.
        while not self._changes.empty():
            self._changes.get_nowait()
        await pubsub.ssubscribe(self._canary)
        for room in tuple(self._rooms):
            await pubsub.ssubscribe(live.channel(room))
        while self.well:
            now = time.monotonic()
            if now >= next_canary:
                next_canary = now + CANARY_SECONDS
                await self._cache.execute_command("SPUBLISH", self._canary, b"")
            await self._apply_changes(pubsub)
            heard = await _next(pubsub)
            if heard is None:
                continue
            if heard.confirmed:
                await self._catch_up(heard.channel)
            elif heard.channel == self._canary:
                self._heard = time.monotonic()
            else:
                self._deliver(heard.data)

    async def _apply_changes(self, pubsub: PubSub) -> None:
        while not self._changes.empty():
            wanted, room = self._changes.get_nowait()
            # A later change of the same room may already be in the set; it decides.
            if wanted and room in self._rooms:
                await pubsub.ssubscribe(live.channel(room))
            elif not wanted and room not in self._rooms:
                await pubsub.sunsubscribe(live.channel(room))

    async def _catch_up(self, channel: str) -> None:
        """Delivers the counts of a room that were published while nobody listened to ``channel``."""
        room = live.room(channel)
        if room is None or live.is_user_room(room) or room not in self._rooms:
            return
        kept = await self._cache.get(live.counts_key(room))
        if isinstance(kept, bytes):
            self._deliver(kept)


async def _next(pubsub: PubSub) -> _Heard | None:
    """What comes next; None after a tenth of a second."""
    if isinstance(pubsub, ClusterPubSub):
        message = await pubsub.get_sharded_message(timeout=0.1)
    else:
        message = await pubsub.get_message(timeout=0.1)
    if not isinstance(message, dict):
        return None
    kind, channel, data = message.get("type"), message.get("channel"), message.get("data")
    if kind not in {"smessage", "ssubscribe"} or not isinstance(channel, bytes):
        return None
    return _Heard(kind == "ssubscribe", channel.decode(), data if isinstance(data, bytes) else b"")


async def _close(pubsub: PubSub) -> None:
    try:
        await pubsub.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it untyped
    except (RedisError, OSError) as error:
        _log.debug("closing a subscription: %s", type(error).__name__)
