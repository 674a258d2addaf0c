"""The wire form of Valkey's protocol (RESP2), as far as the limiter needs it: commands, integers, simple strings, errors.

Pure bytes; owns no connection (``valkey``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

Reply = list[int]
_MAX_REPLY: Final = 4 * 1024 * 1024
_COLON: Final = 58
"""The byte before an integer."""


class ValkeyError(Exception):
    """Valkey is away, slow, or answered an error."""


def bulk(part: bytes) -> bytes:
    """One argument of a command."""
    return b"$%d\r\n%b\r\n" % (len(part), part)


def command(parts: Sequence[bytes]) -> bytes:
    """A command: an array of arguments."""
    return b"*%d\r\n" % len(parts) + b"".join([bulk(part) for part in parts])


class ReplyReader:
    """Cuts a stream into replies."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Reply | ValkeyError]:
        """All replies that are complete now. Raises `ValkeyError` if the stream makes no sense."""
        if not self._buffer:
            integers = _one_array(data)
            if integers is not None:
                return [integers]
        lines = (self._buffer + data).split(b"\r\n")
        end = len(lines) - 1
        replies: list[Reply | ValkeyError] = []
        at = 0
        while at < end:
            line = lines[at]
            kind = line[:1]
            if kind == b"*":
                stop = at + 1 + _integer(line[1:])
                if stop > end:
                    break
                replies.append([_element(item) for item in lines[at + 1 : stop]])
                at = stop
                continue
            if kind == b":":
                replies.append([_integer(line[1:])])
            elif kind == b"+":
                replies.append([])
            elif kind == b"-":
                replies.append(ValkeyError(line[1:].decode(errors="replace")))
            else:
                raise ValkeyError(f"unexpected reply {line[:40]!r}")
            at += 1
        self._buffer = b"\r\n".join(lines[at:])
        if len(self._buffer) > _MAX_REPLY:
            raise ValkeyError("the reply is too large")
        return replies


def _one_array(data: bytes) -> Reply | None:
    """The integers, if ``data`` is one whole array of integers and nothing else: nearly every answer. None: look closer."""
    start = data.find(b"\r\n")
    # Bounds come first: compiled, a slice that begins behind the end of bytes is an error of the interpreter's.
    if start < 2 or len(data) < start + 6 or data[start + 2] != _COLON or data[:1] != b"*" or data[-2:] != b"\r\n":
        return None
    texts = data[start + 3 : -2].split(b"\r\n:")
    try:
        return [int(text) for text in texts] if int(data[1:start]) == len(texts) else None
    except ValueError:
        return None


def _element(line: bytes) -> int:
    if line[:1] != b":":
        raise ValkeyError(f"unexpected element {line[:40]!r}")
    return _integer(line[1:])


def _integer(text: bytes) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValkeyError(f"not an integer: {text[:40]!r}") from error
