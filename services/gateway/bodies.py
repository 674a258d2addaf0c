"""Body framing: where a message ends in a stream of bytes. Pure; passes bytes through, never decodes content.

Chunked framing is read strictly (RFC 9112 7.1): hexadecimal sizes of at most 8 digits, CRLF line ends, no
extensions (nothing here needs them and parsers disagree about them), trailers refused.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")
_MAX_SIZE_LINE: Final = 10

_SIZE_LINE: Final = 0
_DATA: Final = 1
_DATA_END: Final = 2
_LAST_END: Final = 3


class BodyError(Exception):
    """The framing is broken; the connection cannot be used further."""


class Framing(Protocol):
    """Follows one body. ``feed`` takes bytes and returns how many of them belong to the body."""

    done: bool

    def feed(self, data: bytes) -> int:
        """Number of leading bytes of ``data`` that belong to this body. Raises `BodyError`."""


class Fixed:
    """A body of a known number of bytes."""

    __slots__ = ("done", "remaining")

    def __init__(self, length: int) -> None:
        self.remaining = length
        self.done = length == 0

    def feed(self, data: bytes) -> int:
        """See `Framing.feed`."""
        used = min(len(data), self.remaining)
        self.remaining -= used
        self.done = self.remaining == 0
        return used


class UntilClose:
    """A response body that ends when the connection does."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def feed(self, data: bytes) -> int:
        """See `Framing.feed`."""
        return len(data)


class Chunked:
    """A chunked body. ``payload`` counts the bytes of content seen so far."""

    __slots__ = ("_line", "_remaining", "_state", "done", "payload")

    def __init__(self) -> None:
        self.done = False
        self.payload = 0
        self._state = _SIZE_LINE
        self._line = b""
        self._remaining = 0

    def feed(self, data: bytes) -> int:
        """See `Framing.feed`."""
        at = 0
        end = len(data)
        while at < end and not self.done:
            if self._state == _DATA:
                used = min(end - at, self._remaining)
                self._remaining -= used
                self.payload += used
                at += used
                if self._remaining == 0:
                    self._state = _DATA_END
            else:
                at = self._feed_line(data, at)
        return at

    def _feed_line(self, data: bytes, at: int) -> int:
        stop = data.find(b"\n", at)
        taken = data[at:] if stop < 0 else data[at : stop + 1]
        self._line += taken
        if len(self._line) > _MAX_SIZE_LINE + 2:
            raise BodyError("chunk line too long")
        if stop < 0:
            return at + len(taken)
        line, self._line = self._line, b""
        if not line.endswith(b"\r\n"):
            raise BodyError("bare LF in chunked framing")
        self._end_line(line[:-2])
        return at + len(taken)

    def _end_line(self, line: bytes) -> None:
        if self._state == _SIZE_LINE:
            if not _SIZE.fullmatch(line):
                raise BodyError("malformed chunk size")
            self._remaining = int(line, 16)
            self._state = _DATA if self._remaining else _LAST_END
        elif line:
            raise BodyError("bytes after a chunk's data" if self._state == _DATA_END else "trailers are refused")
        elif self._state == _DATA_END:
            self._state = _SIZE_LINE
        else:
            self.done = True
