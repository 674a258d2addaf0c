"""The access log: one JSON line a request, without secrets, addresses or queries. Written a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import BinaryIO, Final

_MAX_WAITING: Final = 20_000


class AccessLog:
    """Gathers lines; `flush` writes them. When the writer is too slow, lines are dropped and counted."""

    __slots__ = ("_clock", "_epoch", "_lines", "_out", "dropped")

    def __init__(self, out: BinaryIO | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._epoch = time.time() - clock()
        self._lines: list[bytes] = []
        self.dropped = 0

    def note(self, method: bytes, template: bytes, status: int, seconds: float, user: bytes, now: float) -> None:
        """One request that ended at ``now`` (of ``clock``).

        ``template`` is the route's, so that ids and queries stay out of the log; ``user`` is JSON.
        """
        if self._out is None:
            return
        if len(self._lines) >= _MAX_WAITING:
            self.dropped += 1
            return
        # Whole numbers: a float's digits cost more than all the rest of the line.
        self._lines.append(
            b'{"at_ms":%d,"method":"%b","route":"%b","status":%d,"us":%d,"user":%b}\n'
            % (
                int((self._epoch + now) * 1000),
                method,
                template,
                status,
                int(seconds * 1_000_000),
                user,
            )
        )

    def flush(self) -> None:
        """Writes what has gathered; follows the time of day where that was set anew."""
        self._epoch = time.time() - self._clock()
        if self._out is not None and self._lines:
            lines, self._lines = self._lines, []
            self._out.write(b"".join(lines))
            self._out.flush()
