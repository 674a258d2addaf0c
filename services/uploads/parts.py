"""How a file is cut into parts, and whether the parts that arrived are the whole file. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.contracts.ladder import MAX_SOURCE_BYTES

PART_SIZE = 8 * 1024**2
"""Bytes. S3 wants at least 5 MiB in all parts but the last, and at most 10,000 parts."""
MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that S3 holds."""

    number: int
    size: int
    etag: str
    sha256: str | None
    """Base64, as S3 states it; None from an emulator that keeps no checksums."""


def count(size: int, part_size: int = PART_SIZE) -> int:
    """Parts of a file of ``size`` bytes. Raises ValueError for an empty file."""
    if size <= 0:
        raise ValueError("an empty file has no parts")
    return -(-size // part_size)


def size_of(number: int, size: int, part_size: int = PART_SIZE) -> int:
    """Bytes of part ``number`` (from 1). Raises ValueError if the file has no such part."""
    last = count(size, part_size)
    if not 1 <= number <= last:
        raise ValueError(f"the file has parts 1 to {last}")
    return part_size if number < last else size - (last - 1) * part_size


def missing(stored: Iterable[StoredPart], size: int, part_size: int = PART_SIZE) -> tuple[int, ...]:
    """Numbers of the parts that are not there in exactly their size, ascending. Their checksums S3 has verified."""
    last = count(size, part_size)
    whole = {
        part.number for part in stored if part.number <= last and part.size == size_of(part.number, size, part_size)
    }
    return tuple(number for number in range(1, last + 1) if number not in whole)


if count(MAX_SOURCE_BYTES) > MAX_PARTS:
    raise AssertionError("the largest source needs more parts than S3 admits; enlarge PART_SIZE")
