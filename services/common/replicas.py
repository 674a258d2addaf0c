"""How far a replica is behind, from samples of log positions. Pure; does not own how they are polled (``shards``).

A replica's lag is the age, when the writer last answered, of the first write that the replica lacks. It needs no clock
of the database, is zero on an idle writer, and grows when the stream is cut, which the replica itself cannot see. It
does not grow while the writer is silent: a dead writer writes nothing, and replicas that were good enough when it died
are so until it is back or `MAX_AWAY_SECONDS` have passed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from services.common.consistency import LIFE_SECONDS

MAX_LAG_SECONDS = 5.0
"""A replica further behind is cut out until it has caught up."""
MAX_AGE_SECONDS = 2.0
"""A measurement older than this says nothing: nobody has read for a while."""
MAX_AWAY_SECONDS = LIFE_SECONDS - 2 * MAX_LAG_SECONDS
"""How long replicas are believed while the writer is silent. It may live where we cannot see it, and they be cut off from
it as we are; whoever wrote there must not lose their token before the replicas are left out."""


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
        self._heard_at = float("-inf")
        self._silent_since: float | None = None

    def writer_silent(self) -> None:
        """The writer did not answer."""
        if self._silent_since is None:
            self._silent_since = self._clock()

    @property
    def silence(self) -> float:
        """Seconds since the writer was first found silent; 0 if it answered last."""
        return 0.0 if self._silent_since is None else self._clock() - self._silent_since

    def writer_at(self, position: int) -> None:
        """The writer's position now."""
        self._silent_since = None
        self._heard_at = self._clock()
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
        """Seconds that ``replica`` was behind when the writer last answered; None if nothing is known of either."""
        position = self._reached[replica]
        if position is None or not self._writer:
            return None
        newest = self._writer[-1]
        if position >= newest[1]:
            return 0.0
        behind_since = next(at for at, sample in self._writer if sample > position)
        return max(self._heard_at - behind_since, 0.0)

    def usable(self, replica: int) -> bool:
        """Whether reads may go to ``replica``."""
        if self._clock() - self._measured_at[replica] > MAX_AGE_SECONDS or self.silence > MAX_AWAY_SECONDS:
            return False
        if not self._writer and self._silent_since is not None:
            # This process began while the writer was away: nothing better is known than what the replica has.
            return self._reached[replica] is not None
        lag = self.lag(replica)
        return lag is not None and lag <= MAX_LAG_SECONDS
