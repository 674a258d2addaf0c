"""Which process of a cell reads which slot of its cluster: an even share, held by leases in the cell's database.

A slot is a position within the partition group of each home: slot s stands for partition ``base + s`` of every topic
and home. Leases only share the work; a process that overstays is fenced by the positions. So a process whose database
is away keeps its slots.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from services.common.database import Connection
from services.contracts.topics import PARTITIONS_PER_HOME

LEASE_SECONDS = 10
RENEW_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Share:
    """What a process does with its slots."""

    release: frozenset[int]
    claim: int
    """How many free slots to take."""


def share(held: Collection[int], members: int, slots: int = PARTITIONS_PER_HOME) -> Share:
    """How one of ``members`` processes that holds ``held`` gets to its share: at most the ceiling of slots / members."""
    fair = -(-slots // max(members, 1))
    surplus = max(len(held) - fair, 0)
    return Share(frozenset(sorted(held)[len(held) - surplus :]), max(fair - len(held), 0))


async def renew(connection: Connection, member: UUID) -> frozenset[int]:
    """Says that ``member`` lives, moves towards its share, and returns the slots that are its own now."""
    await connection.execute(
        "INSERT INTO counters.members (member, seen_at) VALUES (%s, now()) "
        "ON CONFLICT (member) DO UPDATE SET seen_at = now()",
        (member,),
    )
    await connection.execute(
        "DELETE FROM counters.members WHERE seen_at < now() - make_interval(secs => %s)", (LEASE_SECONDS,)
    )
    counted = await (await connection.execute("SELECT count(*) FROM counters.members")).fetchone()
    renewed = await connection.execute(
        "UPDATE counters.leases SET until = now() + make_interval(secs => %s) WHERE member = %s RETURNING slot",
        (LEASE_SECONDS, member),
    )
    held = {int(row[0]) for row in await renewed.fetchall()}
    plan = share(held, int(counted[0]) if counted else 1)
    if plan.release:
        await connection.execute(
            "DELETE FROM counters.leases WHERE member = %s AND slot = ANY(%s)", (member, sorted(plan.release))
        )
    claimed = await connection.execute(
        "INSERT INTO counters.leases AS l (slot, member, until) "
        "SELECT s, %s, now() + make_interval(secs => %s) FROM generate_series(0, %s) AS s "
        "WHERE NOT EXISTS (SELECT FROM counters.leases AS o WHERE o.slot = s AND o.until >= now()) "
        "ORDER BY s LIMIT %s "
        "ON CONFLICT (slot) DO UPDATE SET member = excluded.member, until = excluded.until WHERE l.until < now() "
        "RETURNING slot",
        (member, LEASE_SECONDS, PARTITIONS_PER_HOME - 1, plan.claim),
    )
    return frozenset(held - plan.release) | {int(row[0]) for row in await claimed.fetchall()}


async def leave(connection: Connection, member: UUID) -> None:
    """Gives everything back at once."""
    await connection.execute("DELETE FROM counters.leases WHERE member = %s", (member,))
    await connection.execute("DELETE FROM counters.members WHERE member = %s", (member,))
