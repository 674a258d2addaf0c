"""The overlay: a viewer sees what they did, before it is counted and after."""

from __future__ import annotations

from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.contracts.events import Reaction
from services.engagement import claims
from services.engagement.claims import Claims, Standing
from services.engagement.own import Deed, OwnDeeds, Totals, overlay
from tests.servers import Valkey

NONE, LIKE, DISLIKE = Reaction.NONE, Reaction.LIKE, Reaction.DISLIKE


def _deed(sequence: int = 1, state: int | None = None, views: int = 0, comments: int = 0) -> Deed:
    return Deed("mumbai", "likes.v1", 0, UUID(int=1), sequence, views, comments, state)


@pytest.mark.parametrize(
    ("stored", "states", "likes", "dislikes"),
    [
        (NONE, [LIKE], 11, 5),
        (LIKE, [NONE], 9, 5),
        (LIKE, [DISLIKE], 9, 6),
        (DISLIKE, [LIKE, NONE, LIKE], 11, 4),
        (LIKE, [], 10, 5),
        (LIKE, [LIKE], 10, 5),
    ],
)
def test_an_unapplied_reaction_moves_the_counts_from_the_old_to_the_new(
    stored: Reaction, states: list[Reaction], likes: int, dislikes: int
) -> None:
    deeds = [_deed(number, int(state)) for number, state in enumerate(states, start=1)]
    shown, reaction = overlay(Totals(1, 10, 5, 2), stored, deeds)
    assert shown == Totals(1, likes, dislikes, 2)
    assert reaction is (states[-1] if states else stored)


def test_unapplied_views_and_comments_are_added() -> None:
    shown, _ = overlay(Totals(1, 0, 0, 2), NONE, [_deed(views=1), _deed(comments=1), _deed(views=1)])
    assert shown == Totals(3, 0, 0, 3)


async def test_deeds_are_kept_by_viewer_and_subject_in_order(clean_valkey: Valkey) -> None:
    async with _client(clean_valkey) as client:
        own = OwnDeeds(client)
        await own.note("video", b"a" * 16, _deed(1))
        await own.note("video", b"a" * 16, _deed(2))
        await own.note("video", b"b" * 16, _deed(3))
        assert [deed.sequence for deed in await own.of("video", b"a" * 16)] == [1, 2]
        assert await own.of("other", b"a" * 16) == []


async def test_a_claim_passes_its_own_event_again_until_it_is_in_the_log_and_no_other(clean_valkey: Valkey) -> None:
    one = claims.view("video", b"v" * 16, b"1" * 16)
    two = claims.view("video", b"v" * 16, b"2" * 16)
    async with _client(clean_valkey) as client:
        made = Claims(client)
        assert await made.make([one, two, one]) == [Standing.GRANTED, Standing.TAKEN, Standing.GRANTED]
        await made.settle([one])
        assert await made.make([one, two]) == [Standing.DONE, Standing.TAKEN]


async def test_without_a_cache_everything_is_admitted() -> None:
    async with Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as client:
        assert await Claims(client).make([claims.once(b"1" * 16)]) == [Standing.GRANTED]
        assert await OwnDeeds(client).of("video", b"v" * 16) == []


def _client(valkey: Valkey) -> Redis:
    return Redis(host=valkey.endpoint.host, port=valkey.endpoint.port, password=valkey.admin_password)
