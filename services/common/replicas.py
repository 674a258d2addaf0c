"""How far a replica is behind, from samples of log positions. Pure; does not own how they are polled (``shards``).

A replica's lag is the age of the newest position of the writer that the replica has replayed. It needs no clock of
the database, is zero on an idle writer, and grows when the stream is cut, which the replica itself cannot see.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

MAX_LAG_SECONDS = 5.0
"""A replica further behind is cut out until it has caught up."""
MAX_AGE_SECONDS = 2.0
"""A measurement older than this says nothing: nobody has read for a while."""


def parse_lsn(text: str) -> int:
    """The log position ``X/Y`` (hexadecimal) as a number of bytes. Raises ValueError."""
    high, separator, low = text.partition("/")
    if not separator or not 0 < len(high) <= 8 or not 0 < len(low) <= 8:
        raise ValueError("a log position has the form X/Y")
    return (int(high, 16) << 32) | int(low, 16)


def format_lsn(position: int) -> str:
    """The form ``X/Y`` that PostgreSQL reads."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


class LagMeter:
    """Samples of the writer's position over time, and what each replica has reached."""

    def __init__(self, replicas: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._writer: deque[tuple[float, int]] = deque(maxlen=600)
        self._reached: list[int | None] = [None] * replicas
        self._measured_at = [float("-inf")] * replicas

    def writer_at(self, position: int) -> None:
        """The writer's position now."""
        if not self._writer or position >= self._writer[-1][1]:
            self._writer.append((self._clock(), position))
        else:
            # A promotion or restore: positions of another history compare with nothing.
            self._writer.clear()
            self._writer.append((self._clock(), position))
            self._reached = [None] * len(self._reached)

    def replica_at(self, replica: int, position: int | None) -> None:
        """What ``replica`` has replayed; None if it does not answer."""
        self._reached[replica] = position
        self._measured_at[replica] = self._clock()

    def reached(self, replica: int) -> int | None:
        """Last known position of ``replica``."""
        return self._reached[replica]

    def lag(self, replica: int) -> float | None:
        """Seconds that ``replica`` is behind; None if it does not answer or nothing is known."""
        position = self._reached[replica]
        if position is None or not self._writer:
            return None
        newest = self._writer[-1]
        if position >= newest[1]:
            return 0.0
        behind_since = next(at for at, sample in self._writer if sample > position)
        return max(self._clock() - behind_since, 0.0)

    def usable(self, replica: int) -> bool:
        """Whether reads may go to ``replica``."""
        if self._clock() - self._measured_at[replica] > MAX_AGE_SECONDS:
            return False
        lag = self.lag(replica)
        return lag is not None and lag <= MAX_LAG_SECONDS
