"""E-mail addresses: their one normal form, and the hash that the directory knows them by. Pure."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

MAX_LENGTH = 254
"""RFC 5321 4.5.3.1.3: a path has at most 256 octets with its brackets."""

_FORM = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


def normalise(text: str) -> str:
    """The form under which an address is stored and found: trimmed, NFKC, case folded.

    Raises ValueError for what cannot be an address. Whether it can be reached is not known here.
    """
    email = unicodedata.normalize("NFKC", text.strip()).casefold()
    if len(email) > MAX_LENGTH or not email.isprintable() or not _FORM.fullmatch(email):
        raise ValueError("this is no e-mail address")
    return email


def directory_hash(email: str) -> bytes:
    """What the directory holds instead of the address (32 bytes). ``email`` must be in normal form."""
    return sha256(b"meridian-directory\0" + email.encode("utf-8")).digest()
