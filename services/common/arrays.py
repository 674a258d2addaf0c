"""Long arrays as parameters of statements, in PostgreSQL's binary form. Owns that form; knows no table.

A list of 200,000 numbers costs the client about 1 µs each as text, which PostgreSQL then parses; in binary form both
take next to nothing. Use `Bigints` and `Texts` where a statement takes thousands; a list will do for a few.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types import TypeInfo

_HEAD = struct.Struct(">iiiii")
_LENGTH = struct.Struct(">i")


def _oids(name: str) -> tuple[int, int]:
    info = psycopg.adapters.types[name]
    if not isinstance(info, TypeInfo):
        raise LookupError(f"psycopg knows no type {name}")
    return info.oid, info.array_oid


_BIGINT, _BIGINTS = _oids("int8")
_TEXT, _TEXTS = _oids("text")


class Bigints:
    """``bigint[]``. Raises `psycopg.DataError` for a number beyond 64 bits, as PostgreSQL would."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: Iterable[int]) -> None:
        try:
            self.numbers = array("q", numbers)
        except OverflowError as error:
            raise psycopg.DataError("a number is beyond 64 bits") from error


class Texts:
    """``text[]`` of values of which few are different."""

    __slots__ = ("texts",)

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts


def _array(kind: int, count: int, items: bytes | bytearray) -> bytes:
    # One dimension from index 1, no nulls. An empty array has no dimension.
    return _HEAD.pack(1, 0, kind, count, 1) + items if count else struct.pack(">iii", 0, 0, kind)


class _BigintsDumper(Dumper):
    format = Format.BINARY
    oid = _BIGINTS

    def dump(self, obj: Bigints) -> bytes:
        numbers = obj.numbers[:]
        if sys.byteorder == "little":
            numbers.byteswap()
        raw, count = numbers.tobytes(), len(numbers)
        # Each number after its length, laid out by column of bytes: twelve copies, however many numbers.
        items = bytearray(12 * count)
        items[3::12] = b"\x08" * count
        for place in range(8):
            items[4 + place :: 12] = raw[place::8]
        return _array(_BIGINT, count, items)


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = _TEXTS

    def dump(self, obj: Texts) -> bytes:
        encoded = {text: text.encode() for text in set(obj.texts)}
        items = {text: _LENGTH.pack(len(value)) + value for text, value in encoded.items()}
        return _array(_TEXT, len(obj.texts), b"".join([items[text] for text in obj.texts]))


psycopg.adapters.register_dumper(Bigints, _BigintsDumper)
psycopg.adapters.register_dumper(Texts, _TextsDumper)
