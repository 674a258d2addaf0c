"""Attempts to authenticate: under which keys one counts, and when it counts as failed. Pure."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

FAILED: Final = frozenset({401, 403, 409})
"""Statuses that count: wrong password, locked account, taken address (which would tell who has an account)."""


class _Account(msgspec.Struct):
    email: str = ""


_DECODER: Final = msgspec.json.Decoder(_Account)


class Attempt:
    """One attempt. ``keys`` is empty until `identify`."""

    __slots__ = ("keys", "member")

    def __init__(self, member: str) -> None:
        self.member = member
        self.keys: tuple[str, ...] = ()

    def identify(self, body: bytes, chunked: bool, address: str) -> None:
        """Sets the keys: the caller's address, and the account if the body names one (hashed; it is personal data)."""
        content = dechunk(body) if chunked else body
        try:
            account = _DECODER.decode(content).email.strip().casefold()
        except (msgspec.DecodeError, UnicodeDecodeError):
            account = ""
        keys = ["ip-" + address]
        if account:
            keys.append("account-" + hashlib.sha256(account.encode()).hexdigest()[:32])
        self.keys = tuple(keys)


def dechunk(body: bytes) -> bytes:
    """The content of a chunked body whose framing has been checked."""
    content = bytearray()
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if size == 0:
            return bytes(content)
        content += body[end + 2 : end + 2 + size]
        at = end + 2 + size + 2


def failed(status: int) -> bool:
    """Whether an answer with ``status`` is a failed attempt."""
    return status in FAILED
