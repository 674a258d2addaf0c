"""Who is behind a request: verified tokens remembered until they expire, and the signed context for the services.

Owns the memory (by hash, never the token itself) and the re-signing of contexts. Does not own how a token is
verified (``services.common.tokens``) nor the form of a context (``services.common.context``).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Final, Protocol

from services.common import ids
from services.common.context import GATEWAY, Context, ContextKeys, sign
from services.gateway.limiter import Subject

CONTEXT_SECONDS: Final = 30
_RENEW_SECONDS: Final = 15
"""A context is signed anew when it has this long left, so that a service never sees one that is about to expire."""
_MAX_REMEMBERED: Final = 200_000
_MAX_TOKEN: Final = 4096
_TIDY: Final = 1024


class IdentityError(Exception):
    """The token is refused. The message is safe to show."""


class Identity:
    """A caller. ``user``: the public form of the id, None for anybody. Carries the last context and its names in limits."""

    __slots__ = (
        "context",
        "context_until",
        "expires_at",
        "logged",
        "name",
        "session_id",
        "subjects",
        "user",
        "user_id",
    )

    def __init__(
        self, user: str | None, user_id: int | None, name: str | None, session_id: int | None, expires_at: float
    ) -> None:
        self.user = user
        self.user_id = user_id
        self.name = name
        self.session_id = session_id
        self.expires_at = expires_at
        self.logged = b"null" if user is None else b'"%b"' % user.encode()
        self.context = b""
        self.context_until = 0.0
        self.subjects: dict[str, Subject] = {}


class Verifier(Protocol):
    """Verifies access tokens."""

    async def verify(self, token: str) -> Identity:
        """The identity behind ``token``. Raises `IdentityError`."""


class Identities:
    """See the module. ``clock`` gives Unix seconds."""

    def __init__(self, verifier: Verifier, keys: ContextKeys, clock: Callable[[], float] = time.time) -> None:
        self._verifier = verifier
        self._keys = keys
        self._clock = clock
        self._known: dict[bytes, Identity] = {}
        self.anonymous = Identity(None, None, None, None, 0.0)
        self._revoked: dict[int, float] = {}
        self._tidy_at = _TIDY

    def recall(self, credential: bytes) -> Identity | None:
        """The identity behind a token that was verified before, by the hash of its header, or None: verify it.

        Raises `IdentityError` if it is no longer good.
        """
        identity = self._known.get(credential)
        if identity is None:
            return None
        if identity.expires_at <= self._clock():
            del self._known[credential]
            raise IdentityError("the token has expired; refresh it")
        if self._revoked:
            self._check_revoked(identity)
        return identity

    async def verify(self, authorization: bytes) -> Identity:
        """Verifies the value of an Authorization header, and remembers. Raises `IdentityError`."""
        token = _bearer(authorization)
        identity = await self._verifier.verify(token.decode("ascii"))
        self._check_revoked(identity)
        if len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
        self._known[hashlib.sha256(authorization).digest()] = identity
        return identity

    def revoke(self, session_id: int, until: float) -> None:
        """Refuses tokens of a session until they would have expired anyway (Unix seconds)."""
        if session_id not in self._revoked and len(self._revoked) >= self._tidy_at:
            now = self._clock()
            self._revoked = {session: end for session, end in self._revoked.items() if end > now}
            self._tidy_at = 2 * len(self._revoked) + _TIDY
        self._revoked[session_id] = until

    def context(self, identity: Identity) -> bytes:
        """The signed context header of ``identity``; the same bytes for some seconds."""
        now = self._clock()
        if identity.context_until > now:
            return identity.context
        issued = int(now)
        header = sign(
            Context(
                caller=GATEWAY,
                issued_at=issued,
                expires_at=issued + CONTEXT_SECONDS,
                user_id=identity.user_id,
                name=identity.name,
                session_id=identity.session_id,
            ),
            self._keys,
        ).encode()
        identity.context = header
        identity.context_until = float(issued + CONTEXT_SECONDS - _RENEW_SECONDS)
        return header

    def _check_revoked(self, identity: Identity) -> None:
        if identity.session_id is not None and identity.session_id in self._revoked:
            raise IdentityError("the session has ended; sign in again")


def of_user(user_id: int, name: str | None, session_id: int | None, expires_at: float) -> Identity:
    """The identity of a signed-in user."""
    return Identity(ids.encode(user_id), user_id, name, session_id, expires_at)


def _bearer(authorization: bytes) -> bytes:
    scheme, _, token = authorization.partition(b" ")
    if (scheme != b"Bearer" and scheme.lower() != b"bearer") or not 0 < len(token) <= _MAX_TOKEN or not token.isascii():
        raise IdentityError("the Authorization header must be 'Bearer' and a token")
    return token
