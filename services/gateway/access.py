"""The access log: one JSON line a request, without secrets, addresses or queries. Written a few times a second."""

from __future__ import annotations

import time
from typing import BinaryIO, Final

_MAX_WAITING: Final = 20_000


class AccessLog:
    """Gathers lines; `flush` writes them. When the writer is too slow, lines are dropped and counted."""

    def __init__(self, out: BinaryIO | None) -> None:
        self._out = out
        self._lines: list[str] = []
        self.dropped = 0

    def note(self, method: bytes, template: str, status: int, seconds: float, user: str | None) -> None:
        """One request. ``template`` is the route's, so that ids and queries stay out of the log."""
        if self._out is None:
            return
        if len(self._lines) >= _MAX_WAITING:
            self.dropped += 1
            return
        who = f'"{user}"' if user is not None else "null"
        self._lines.append(
            f'{{"at":{time.time():.3f},"method":"{method.decode()}","route":"{template}","status":{status},'
            f'"ms":{seconds * 1000:.2f},"user":{who}}}\n'
        )

    def flush(self) -> None:
        """Writes what has gathered."""
        if self._out is not None and self._lines:
            text, self._lines = "".join(self._lines), []
            self._out.write(text.encode())
            self._out.flush()
