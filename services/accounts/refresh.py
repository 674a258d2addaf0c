"""Refresh tokens: their form, and what one presented token means for its session. Pure.

A token is ``<session id>.<secret>``; only its hash is kept. Each use replaces it. Whoever presents the token before
the present one either lost a race between two windows (within ten seconds) or holds a stolen token: then the session
ends.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256

from services.common import ids

SECRET_BYTES = 32
RACE_SECONDS = 10.0

_FORM = re.compile(r"([0-9A-Za-z]{11})\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept of a session; ages in seconds."""

    token_hash: bytes
    previous_hash: bytes | None
    since_rotation: float
    remaining: float
    """Until it expires; not positive: it has."""


class Verdict(Enum):
    """What to do with a presented token."""

    ROTATE = auto()
    RACED = auto()
    """Another window of the same browser was faster; its token is valid."""
    STOLEN = auto()
    """End the session."""
    REFUSE = auto()


def new_token(session_id: int, entropy: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A fresh token of ``session_id``."""
    secret = base64.urlsafe_b64encode(entropy(SECRET_BYTES)).rstrip(b"=").decode("ascii")
    return f"{ids.encode(session_id)}.{secret}"


def session_of(token: str) -> int | None:
    """The session that ``token`` names; None if it is no token."""
    match = _FORM.fullmatch(token)
    if match is None:
        return None
    try:
        return ids.parse(match[1])
    except ids.IdError:
        return None


def hash_of(token: str) -> bytes:
    """What is kept of a token. It has 256 random bits, so a plain hash suffices."""
    return sha256(token.encode("ascii")).digest()


def judge(token: str, stored: Stored) -> Verdict:
    """What ``token`` means for the session ``stored`` that it names."""
    given = hash_of(token)
    if stored.remaining <= 0:
        return Verdict.REFUSE
    if hmac.compare_digest(given, stored.token_hash):
        return Verdict.ROTATE
    if stored.previous_hash is not None and hmac.compare_digest(given, stored.previous_hash):
        return Verdict.RACED if stored.since_rotation <= RACE_SECONDS else Verdict.STOLEN
    return Verdict.REFUSE
