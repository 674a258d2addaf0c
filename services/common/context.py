"""The signed user context: who is behind a request, as the gateway tells it to a service.

Form: ``v1.<payload>.<mac>``, payload and MAC in unpadded base64url, payload canonical JSON, MAC HMAC-SHA256 over
``v1.<payload>`` with the cell's ``context`` secret. It lives at most 30 seconds. Pure; does not own where the key
comes from (``secrets``) nor which requests need a user (``app``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.common import ids

MAX_SECONDS = 30
CLOCK_SKEW_SECONDS = 5
MAX_LENGTH = 2048
MIN_KEY_BYTES = 32
GATEWAY = "gateway"

_VERSION = "v1"
_PART = re.compile(r"^[A-Za-z0-9_-]+$")


class ContextError(ValueError):
    """The context is missing, forged, expired or malformed. The message never repeats the input."""


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, and until when this may be believed (Unix seconds)."""

    caller: str
    """Workload that signed: ``gateway``, or ``realtime`` for what arrives by socket."""
    issued_at: int
    expires_at: int
    user_id: int | None = None
    """None: not signed in."""
    name: str | None = None
    """Display name of the user, from the access token."""
    session_id: int | None = None
    request_id: str = ""
    country: str | None = None


@dataclass(frozen=True, slots=True)
class ContextKeys:
    """The key that signs, and the one that is still accepted while a new one is rolled out."""

    current: bytes
    previous: bytes | None = None

    def __post_init__(self) -> None:
        for key in (self.current, self.previous):
            if key is not None and len(key) < MIN_KEY_BYTES:
                raise ContextError(
                    f"the context key is shorter than {MIN_KEY_BYTES} bytes; put a longer one in the secret"
                )

    @property
    def accepted(self) -> tuple[bytes, ...]:
        """Keys that verify."""
        return (self.current,) if self.previous is None else (self.current, self.previous)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    if not _PART.fullmatch(text):
        raise ContextError("the context is malformed")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ContextError("the context is malformed") from error
    if _encode(raw) != text:
        raise ContextError("the context is not in canonical form")
    return raw


def _mac(key: bytes, signed: str) -> bytes:
    return hmac.digest(key, signed.encode("ascii"), hashlib.sha256)


def _id_text(value: int | None) -> str | None:
    return None if value is None else ids.encode(value)


def sign(context: Context, keys: ContextKeys) -> str:
    """The header value for ``context``. Raises `ContextError` if it would live longer than 30 seconds."""
    if not 0 < context.expires_at - context.issued_at <= MAX_SECONDS:
        raise ContextError(f"a context lives 1 to {MAX_SECONDS} seconds")
    payload = {
        "caller": context.caller,
        "country": context.country,
        "exp": context.expires_at,
        "iat": context.issued_at,
        "name": context.name,
        "rid": context.request_id,
        "sid": _id_text(context.session_id),
        "uid": _id_text(context.user_id),
    }
    compact = {key: value for key, value in payload.items() if value is not None}
    signed = f"{_VERSION}.{_encode(json.dumps(compact, separators=(',', ':'), sort_keys=True).encode('utf-8'))}"
    header = f"{signed}.{_encode(_mac(keys.current, signed))}"
    if len(header) > MAX_LENGTH:
        raise ContextError(f"a context has at most {MAX_LENGTH} characters; shorten the name")
    return header


def verify(header: str | None, keys: ContextKeys, clock: Callable[[], float] = time.time) -> Context:
    """The context in ``header``. Raises `ContextError` unless it is complete, genuine and still alive."""
    if not header:
        raise ContextError("the request carries no context; it did not come through the gateway")
    if len(header) > MAX_LENGTH or not header.isascii():
        raise ContextError("the context is malformed")
    signed, _, mac = header.rpartition(".")
    version, _, payload = signed.partition(".")
    if version != _VERSION:
        raise ContextError("the context has an unknown version")
    given = _decode(mac)
    if not any(hmac.compare_digest(given, _mac(key, signed)) for key in keys.accepted):
        raise ContextError("the context is forged or signed with a key that is no longer accepted")
    context = _parse(_decode(payload))
    now = clock()
    if context.expires_at - context.issued_at > MAX_SECONDS:
        raise ContextError("the context lives too long")
    if now >= context.expires_at:
        raise ContextError("the context has expired")
    if now < context.issued_at - CLOCK_SKEW_SECONDS:
        raise ContextError("the context is from the future; check the clocks")
    return context


def _parse(raw: bytes) -> Context:
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ContextError("the context is malformed") from error
    if not isinstance(payload, dict):
        raise ContextError("the context is malformed")

    def text(key: str) -> str | None:
        value = payload.get(key)
        if value is not None and not isinstance(value, str):
            raise ContextError("the context is malformed")
        return value

    def seconds(key: str) -> int:
        value = payload.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ContextError("the context is malformed")
        return value

    def identity(key: str) -> int | None:
        value = text(key)
        try:
            return None if value is None else ids.parse(value)
        except ids.IdError as error:
            raise ContextError("the context is malformed") from error

    caller = text("caller")
    if not caller:
        raise ContextError("the context names no caller")
    return Context(
        caller=caller,
        issued_at=seconds("iat"),
        expires_at=seconds("exp"),
        user_id=identity("uid"),
        name=text("name"),
        session_id=identity("sid"),
        request_id=text("rid") or "",
        country=text("country"),
    )
