"""The key set that tokens are verified with, kept fresh. Owns when it is read; does not own the check (``tokens``).

A token that names an unknown key causes a new reading, but only one in ten seconds, so that made-up key ids cost
nothing. When reading fails the old set stays in use.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from services.common import tokens
from services.common.aws import AwsClients
from services.common.tokens import Claims, KeySet, Policy, TokenError

REFRESH_SECONDS = 300.0
RETRY_SECONDS = 10.0

_log = logging.getLogger(__name__)

Load = Callable[[], Awaitable[KeySet]]


def from_kms(aws: AwsClients, key_arn: str) -> Load:
    """Reads the one key of the cell from KMS."""

    async def load() -> KeySet:
        return KeySet([await tokens.kms_public_key(aws, key_arn)])

    return load


class Verifier:
    """Verifies access tokens with a key set that is read when it is needed."""

    def __init__(
        self,
        load: Load,
        policy: Policy,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._load = load
        self._policy = policy
        self._clock = clock
        self._wall_clock = wall_clock
        self._keys: KeySet | None = None
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def verify(self, token: str) -> Claims:
        """The claims of ``token``. Raises `TokenError`."""
        key_id = tokens.key_id_of(token)
        keys = await self._fresh(key_id)
        if keys is None:
            raise TokenError("the keys cannot be read at the moment")
        return tokens.verify(token, keys, self._policy, self._wall_clock)

    async def _fresh(self, key_id: str) -> KeySet | None:
        if not self._wanted(key_id):
            return self._keys
        async with self._lock:
            if self._wanted(key_id):
                self._tried_at = self._clock()
                try:
                    self._keys = await self._load()
                except Exception as error:  # any failure leaves the old keys in use
                    _log.warning("token keys not read: %s", type(error).__name__)
        return self._keys

    def _wanted(self, key_id: str) -> bool:
        age = self._clock() - self._tried_at
        known = self._keys is not None and self._keys.get(key_id) is not None
        return age > REFRESH_SECONDS or (not known and age > RETRY_SECONDS)
