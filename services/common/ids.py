"""Ids: 63 bits that carry time and bucket, and their public form of 11 characters.

Layout, from the top: sign 0 | 41 bits milliseconds since 2026-01-01 (until 2095) | 10 bits bucket (960 used) |
12 bits sequence. Owns layout, minting and parsing; does not own which cell writes a bucket (``shards``).

Within one process ids never repeat. Two processes can only meet in the same millisecond, bucket and sequence; the row
with the id is inserted in the one database that writes the bucket, whose primary key refuses the second, and the
caller mints again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from regions.buckets import BUCKETS

EPOCH_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z in Unix milliseconds."""
BUCKET_BITS = 10
SEQUENCE_BITS = 12
TIME_BITS = 41
MAX_ID = (1 << (TIME_BITS + BUCKET_BITS + SEQUENCE_BITS)) - 1
TEXT_LENGTH = 11
TEXT_PATTERN = r"^[0-9A-Za-z]{11}$"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_SEQUENCES = 1 << SEQUENCE_BITS


class IdError(ValueError):
    """The text or number is no id. The message never repeats the input."""


@dataclass(frozen=True, slots=True)
class ShardKey:
    """What every database access is routed by. Made from an id (`shard_key`) or from a name (`hashed_key`)."""

    bucket: int

    def __post_init__(self) -> None:
        if not 0 <= self.bucket < BUCKETS:
            raise IdError(f"a bucket is 0 to {BUCKETS - 1}")


def bucket_of(value: int) -> int:
    """Bucket of an id. Raises `IdError` for a number that is no id."""
    if not 0 <= value <= MAX_ID:
        raise IdError("an id is a number of 63 bits")
    bucket = (value >> SEQUENCE_BITS) & ((1 << BUCKET_BITS) - 1)
    if bucket >= BUCKETS:
        raise IdError("the id names a bucket that does not exist")
    return bucket


def shard_key(value: int) -> ShardKey:
    """Shard key of an id. Raises `IdError` for a number that is no id."""
    return ShardKey(bucket_of(value))


def hashed_key(name: bytes) -> ShardKey:
    """Shard key of something that has a name instead of an id: the same everywhere and for ever."""
    return ShardKey(int.from_bytes(sha256(name).digest()[:8], "big") % BUCKETS)


def time_ms_of(value: int) -> int:
    """Unix milliseconds at which the id was minted."""
    return (value >> (BUCKET_BITS + SEQUENCE_BITS)) + EPOCH_MS


def encode(value: int) -> str:
    """Public form: 11 characters 0-9A-Za-z, sorted as the numbers are. Raises `IdError` for a number that is no id."""
    bucket_of(value)
    characters = []
    for _ in range(TEXT_LENGTH):
        value, digit = divmod(value, 62)
        characters.append(_ALPHABET[digit])
    return "".join(reversed(characters))


def parse(text: str) -> int:
    """The id whose public form is ``text``. Raises `IdError` for anything else."""
    if len(text) != TEXT_LENGTH:
        raise IdError(f"an id has {TEXT_LENGTH} characters")
    value = 0
    for character in text:
        digit = _VALUE.get(character)
        if digit is None:
            raise IdError("an id consists of letters and digits")
        value = value * 62 + digit
    bucket_of(value)
    return value


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Minter:
    """Mints ids that grow within this process, also when the clock is set back."""

    def __init__(self, clock: Callable[[], int] = _now_ms, entropy: Callable[[int], int] = secrets.randbelow) -> None:
        self._clock = clock
        self._entropy = entropy
        self._last_ms = 0
        self._sequence = 0

    def mint(self, key: ShardKey) -> int:
        """A new id in the bucket of ``key``."""
        now = max(self._clock() - EPOCH_MS, 0)
        if now > self._last_ms:
            self._last_ms = now
            # A random start keeps processes that mint in the same millisecond apart.
            self._sequence = self._entropy(_SEQUENCES // 2)
        else:
            self._sequence += 1
            if self._sequence >= _SEQUENCES:
                self._last_ms += 1
                self._sequence = 0
        return (self._last_ms << (BUCKET_BITS + SEQUENCE_BITS)) | (key.bucket << SEQUENCE_BITS) | self._sequence

    def mint_in(self, buckets: Sequence[int]) -> int:
        """A new id in a random one of ``buckets``. Raises `IdError` if there are none."""
        if not buckets:
            raise IdError("this cell owns no bucket, so nobody can be registered here; move buckets to it first")
        return self.mint(ShardKey(buckets[self._entropy(len(buckets))]))
