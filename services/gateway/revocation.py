"""Follows the sessions that ended early, so that their tokens are refused within about a second.

Owns the polling. Does not own where they are kept (``services.common.revocations``) nor the refusal (``identity``).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from redis.exceptions import RedisError

from services.common.revocations import Revocations
from services.gateway.identity import Identities

POLL_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class Follower:
    """Reads what is new; remembers how far it has read."""

    def __init__(self, revocations: Revocations, identities: Identities) -> None:
        self._revocations = revocations
        self._identities = identities
        self._last = 0.0

    async def poll(self) -> None:
        """One reading. Raises redis-py's errors."""
        for session, ended in await self._revocations.since(self._last):
            self._identities.revoke(session, self._revocations.until(ended))
            self._last = max(self._last, ended)

    async def follow(self) -> None:
        """Until cancelled. Without Valkey nothing new is learnt, and nothing is forgotten."""
        away = False
        while True:
            try:
                await self.poll()
                away = False
            except (RedisError, OSError):
                if not away:
                    _log.warning("ended sessions cannot be read: their tokens pass until they expire")
                away = True
            await asyncio.sleep(POLL_SECONDS)
