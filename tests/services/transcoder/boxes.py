"""Reads sample times straight from the boxes of a CMAF segment (ISO/IEC 14496-12).

ffprobe cannot be the judge of times here: its MOV reader moves all samples by the first fragment's smallest
composition offset, where players add offset and decode time as the standard says.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONTAINERS = (b"moof", b"traf", b"moov", b"trak", b"edts")
_NOT_SYNC = 0x10000


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample; times in ticks of the track."""

    decoded_at: int
    shown_at: int
    duration: int
    sync: bool


def samples(segment: bytes) -> list[Sample]:
    """All samples of a media segment, in decoding order."""
    found: list[Sample] = []
    header: dict[str, int] = {}
    decoded_at = 0
    for kind, body in _walk(segment):
        if kind == b"tfhd":
            header = _track_header(body)
        elif kind == b"tfdt":
            decoded_at = int.from_bytes(body[4:], "big")
        elif kind == b"trun":
            run = list(_run(body, header, decoded_at))
            found += run
            decoded_at = run[-1].decoded_at + run[-1].duration
    return found


def brands(init: bytes) -> set[str]:
    """Major and compatible brands of an init segment."""
    body = next(body for kind, body in _walk(init) if kind == b"ftyp")
    return {body[i : i + 4].decode() for i in (0, *range(8, len(body), 4))}


def skipped_ticks(init: bytes) -> int:
    """Ticks at the start of the track that its edit list hides: the encoder's priming of a sound track."""
    edits = [body for kind, body in _walk(init) if kind == b"elst"]
    return int.from_bytes(edits[0][12:16], "big") if edits else 0


def _walk(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 0
    while offset < len(data):
        size, kind = struct.unpack_from(">I4s", data, offset)
        body = data[offset + 8 : offset + size]
        if kind in _CONTAINERS:
            yield from _walk(body)
        else:
            yield kind, body
        offset += size


def _track_header(body: bytes) -> dict[str, int]:
    flags = int.from_bytes(body[1:4], "big")
    values: dict[str, int] = {}
    offset = 8
    for bit, name, length in ((1, "base", 8), (2, "index", 4), (8, "duration", 4), (16, "size", 4), (32, "flags", 4)):
        if flags & bit:
            values[name] = int.from_bytes(body[offset : offset + length], "big")
            offset += length
    return values


def _run(body: bytes, header: dict[str, int], decoded_at: int) -> Iterator[Sample]:
    flags = int.from_bytes(body[1:4], "big")
    count = int.from_bytes(body[4:8], "big")
    offset = 12 if flags & 1 else 8
    first_flags = None
    if flags & 4:
        first_flags = int.from_bytes(body[offset : offset + 4], "big")
        offset += 4
    for number in range(count):
        duration, sample_flags, composition = header.get("duration", 0), header.get("flags", 0), 0
        if flags & 0x100:
            duration = int.from_bytes(body[offset : offset + 4], "big")
            offset += 4
        if flags & 0x200:
            offset += 4
        if flags & 0x400:
            sample_flags = int.from_bytes(body[offset : offset + 4], "big")
            offset += 4
        elif number == 0 and first_flags is not None:
            sample_flags = first_flags
        if flags & 0x800:
            composition = int.from_bytes(body[offset : offset + 4], "big", signed=body[0] == 1)
            offset += 4
        yield Sample(decoded_at, decoded_at + composition, duration, not sample_flags & _NOT_SYNC)
        decoded_at += duration
