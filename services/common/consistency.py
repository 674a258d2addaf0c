"""Read-your-writes tokens: which log positions a caller has written, signed. Pure; does not own routing (``shards``).

Form: ``v1.<entries>.<expiry>.<mac>`` with entries ``cell:term:lsn`` joined by commas, LSN in hexadecimal. A position
means something only within the term of the writer that gave it, so the term is part of it (counting rule 9). A token
that does not verify counts as none: it came from another cell, or is older than ten minutes, when every usable
replica has long caught up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.common.context import ContextKeys

HEADER = "x-meridian-seen"
"""Request and response header that carries the token. A client sends back the newest that it was given."""
LIFE_SECONDS = 600
MAX_ENTRIES = 8
MAX_LENGTH = 512

_FORM = re.compile(r"^v1\.([a-z0-9:,-]{1,400})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})$")
_ENTRY = re.compile(r"^([a-z][a-z0-9-]{0,31}):([0-9]{1,9}):([0-9a-f]{1,16})$")
_PURPOSE = b"meridian-seen-writes\0"


@dataclass(frozen=True, slots=True)
class Position:
    """A position in the log of the database of home ``cell``, in the life of the writer that ``term`` numbers."""

    cell: str
    term: int
    lsn: int


class SeenWrites:
    """What one caller has written, by cell. A request reads it and adds to it; the answer carries it on."""

    def __init__(self, positions: Iterable[Position] = ()) -> None:
        self._by_cell = {position.cell: position for position in positions}
        self.changed = False

    def of(self, cell: str) -> Position | None:
        """What was written last at ``cell``."""
        return self._by_cell.get(cell)

    def add(self, position: Position) -> None:
        """Notes a write. A later term wins, within a term the later position."""
        known = self._by_cell.get(position.cell)
        if known is None or (known.term, known.lsn) < (position.term, position.lsn):
            self._by_cell.pop(position.cell, None)
            self._by_cell[position.cell] = position
            self.changed = True

    @property
    def positions(self) -> tuple[Position, ...]:
        """All positions, the newest writes last, at most eight."""
        return tuple(self._by_cell.values())[-MAX_ENTRIES:]


def _mac(key: bytes, signed: str) -> str:
    digest = hmac.digest(key, _PURPOSE + signed.encode("ascii"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def encode(seen: SeenWrites, keys: ContextKeys, clock: Callable[[], float] = time.time) -> str:
    """The token for ``seen``."""
    entries = ",".join(f"{position.cell}:{position.term}:{position.lsn:x}" for position in seen.positions)
    signed = f"v1.{entries}.{int(clock()) + LIFE_SECONDS}"
    return f"{signed}.{_mac(keys.current, signed)}"


def decode(token: str | None, keys: ContextKeys, clock: Callable[[], float] = time.time) -> SeenWrites:
    """What ``token`` states; nothing seen if it is missing, malformed, expired or not of this cell."""
    if not token or len(token) > MAX_LENGTH:
        return SeenWrites()
    match = _FORM.fullmatch(token)
    if match is None:
        return SeenWrites()
    signed, _, mac = token.rpartition(".")
    if not any(hmac.compare_digest(mac, _mac(key, signed)) for key in keys.accepted):
        return SeenWrites()
    if clock() >= int(match[2]):
        return SeenWrites()
    entries = [_ENTRY.fullmatch(entry) for entry in match[1].split(",")]
    return SeenWrites(Position(entry[1], int(entry[2]), int(entry[3], 16)) for entry in entries if entry is not None)
