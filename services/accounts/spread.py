"""Takes sessions that ended in any cell into this cell's Valkey, from which its gateway reads them.

Owns the polling. A token that is revoked in one cell is refused in every other within ten seconds: two until the next
look, at most five that a replica may lag before it is cut off, one until the gateway's next look. While a home cell's
databases do not answer, tokens of its users pass in the others until they expire.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from redis.exceptions import RedisError

from services.accounts import repository
from services.common.errors import ServiceError
from services.common.fanout import everywhere
from services.common.revocations import Revocations
from services.common.shards import ShardRouter

POLL_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


class Spread:
    """Reads what ended lately and remembers what it has passed on. ``life``: seconds that an access token lives."""

    def __init__(self, router: ShardRouter, revocations: Revocations, life: float) -> None:
        self._router = router
        self._revocations = revocations
        self._life = life
        self._told: set[int] = set()

    async def poll(self) -> None:
        """One look at all cells. Raises redis-py's errors, and `ServiceError` if no cell answers."""
        answers = await everywhere(self._router, lambda connection: repository.ended_sessions(connection, self._life))
        ended = {session for sessions in answers.by_home.values() for session in sessions}
        for session in ended - self._told:
            await self._revocations.add(session)
            self._told.add(session)
        if not answers.missing:
            self._told &= ended

    async def follow(self) -> None:
        """Until cancelled."""
        away = False
        while True:
            try:
                await self.poll()
                away = False
            except (RedisError, OSError, ServiceError) as error:
                if not away:
                    _log.warning("sessions that ended are not passed on: %s", type(error).__name__)
                away = True
            await asyncio.sleep(POLL_SECONDS)
