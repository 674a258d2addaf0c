"""Sharing the partitions of a cluster among processes."""

from __future__ import annotations

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.common.resources import open_resources
from services.contracts.topics import PARTITIONS_PER_HOME
from services.counters import leases
from tests.servers import Cells


@given(st.sets(st.integers(0, PARTITIONS_PER_HOME - 1)), st.integers(0, 40))
def test_nobody_ends_with_more_than_the_fair_share_or_gives_up_what_is_fair(held: set[int], members: int) -> None:
    plan = leases.share(held, members)
    fair = -(-PARTITIONS_PER_HOME // max(members, 1))
    assert plan.release <= held
    assert len(held) - len(plan.release) + plan.claim == fair


async def test_all_slots_are_held_once_and_shared_when_a_second_process_comes(cells: Cells) -> None:
    one, two = uuid4(), uuid4()
    async with open_resources("counters", cells.settings("mumbai")) as resources:

        async def renew(member: object) -> frozenset[int]:
            async with resources.router.home_writer("mumbai") as connection:
                return await leases.renew(connection, one if member is one else two)

        everything = frozenset(range(PARTITIONS_PER_HOME))
        assert await renew(one) == everything
        assert await renew(two) == frozenset()
        first = await renew(one)
        second = await renew(two)
        assert len(first) == 8
        assert first | second == everything
        assert not first & second
        async with resources.router.home_writer("mumbai") as connection:
            await leases.leave(connection, one)
        assert await renew(two) == everything
