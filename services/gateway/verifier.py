"""Verifies access tokens against the keys that KMS publishes, and follows their rotation.

A key id that is not known makes it look for new keys, at most once in `REFRESH_SECONDS`, so that a flood of invented
ids costs nothing. Old keys stay accepted while they are in the set. Does not own the checks (``services.common.tokens``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from services.common import tokens
from services.common.tokens import KeySet, Policy, TokenError
from services.gateway.identity import Identity, IdentityError, of_user

REFRESH_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


class KeySetVerifier:
    """Implements `services.gateway.identity.Verifier`. ``fetch`` reads the present key set; ``clock`` is monotonic."""

    def __init__(self, fetch: Callable[[], Awaitable[KeySet]], policy: Policy, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._policy = policy
        self._clock = clock
        self._keys = KeySet(())
        self._previous = KeySet(())
        self._not_before = float("-inf")
        self._lock = asyncio.Lock()

    async def verify(self, token: str) -> Identity:
        """See `Verifier.verify`."""
        try:
            key_id = tokens.key_id_of(token)
            if self._known(key_id) is None:
                await self._refresh()
            keys = self._known(key_id)
            if keys is None:
                raise TokenError("the token is signed with a key that is not known")
            claims = tokens.verify(token, keys, self._policy)
        except TokenError as error:
            raise IdentityError(str(error)) from error
        return of_user(claims.user_id, claims.name, claims.session_id, claims.expires_at)

    def _known(self, key_id: str) -> KeySet | None:
        return next((keys for keys in (self._keys, self._previous) if keys.get(key_id) is not None), None)

    async def _refresh(self) -> None:
        async with self._lock:
            now = self._clock()
            if now < self._not_before:
                return
            self._not_before = now + REFRESH_SECONDS
            try:
                fetched = await self._fetch()
            except Exception:
                # KMS being away must not take down callers whose keys are known already.
                _log.exception("the token keys cannot be read; known keys stay in use")
                self._not_before = now + 1.0
                return
            self._previous, self._keys = self._keys, fetched
