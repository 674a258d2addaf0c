"""From what was seen around each kill to the table. Pure; owns no measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.kills.load import Request


@dataclass(frozen=True)
class Killed:
    """One process, and what its end cost."""

    name: str
    what: str
    """What it is, and what stands in for it."""
    in_flight: int
    """Requests without an answer at the kill, whichever process had them."""
    answered: int
    lost_in_flight: int
    lost_later: int
    """Failed, and sent after the kill."""
    last_failure: float | None
    """Seconds after the kill at which the last failed request was sent."""
    kinds: tuple[str, ...]
    """Which requests failed, with their statuses."""
    sockets_dropped: int
    sockets_away: float
    """Seconds until the last dropped socket was back; 0 if none was dropped."""
    healthy: float | None
    """Seconds until it answered its own probe again; None: it did not within the time."""


def seen(
    name: str,
    what: str,
    at: float,
    gone: float,
    in_flight: int,
    requests: Sequence[Request],
    dropped: Sequence[float],
    away: Sequence[tuple[float, float]],
    healthy: float | None,
) -> Killed:
    """The row for a kill at ``at`` of what had ended at ``gone``; ``requests``, ``dropped`` and ``away`` may reach back before it."""
    around = [request for request in requests if request.ended >= at]
    failed = [request for request in around if request.failed]
    later = [request for request in failed if request.started > gone]
    kinds = sorted({f"{request.what} {request.status or 'broken'}" for request in failed})
    returned = [end - at for start, end in away if start >= at]
    return Killed(
        name=name,
        what=what,
        in_flight=in_flight,
        answered=len(around) - len(failed),
        lost_in_flight=len(failed) - len(later),
        lost_later=len(later),
        last_failure=max((request.started - at for request in later), default=None),
        kinds=tuple(kinds),
        sockets_dropped=sum(1 for moment in dropped if moment >= at),
        sockets_away=max(returned, default=0.0),
        healthy=healthy,
    )


def kept(row: Killed) -> bool:
    """Whether no more was lost than the requests in flight."""
    return row.lost_in_flight + row.lost_later <= row.in_flight and row.healthy is not None


def table(rows: Sequence[Killed]) -> str:
    """The rows as Markdown."""
    lines = [
        "| killed | in flight | lost of these | lost later | last failure sent after | which | sockets dropped, back after | healthy after | no more than in flight |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        sockets = f"{row.sockets_dropped}, {row.sockets_away:.1f} s" if row.sockets_dropped else "0"
        last = "-" if row.last_failure is None else f"{row.last_failure:.1f} s"
        healthy = "not in time" if row.healthy is None else f"{row.healthy:.1f} s"
        lines.append(
            f"| {row.name}: {row.what} | {row.in_flight} | {row.lost_in_flight} | {row.lost_later} | {last} "
            f"| {', '.join(row.kinds) or '-'} | {sockets} | {healthy} | {'yes' if kept(row) else '**no**'} |"
        )
    return "\n".join(lines)
