from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest

from services.common import ids
from services.common.resources import open_resources
from services.common.videos import Visibility
from services.recommendations import repository
from services.recommendations.app import SERVICE
from tests.servers import Cells
from tests.service_client import ServiceClient, running
from tests.services.catalogue_rows import Owner, new_owner, new_video


@pytest.fixture
async def owners(cells: Cells) -> dict[str, Owner]:
    async with open_resources("catalog", cells.settings("mumbai")) as catalog:
        return {home: await new_owner(catalog, home) for home in cells.names}


@pytest.fixture
async def recommender(cells: Cells) -> AsyncIterator[ServiceClient]:
    async with running(SERVICE, cells.settings("mumbai")) as client:
        yield client


def count_views(cells: Cells, home: str, video_id: int, views: int) -> None:
    """Counts views as the counters' transaction does."""
    with psycopg.connect(cells.postgres.admin_text(cells.databases[home].name), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO counters.views (subject, region, views, watched_ms) VALUES (%s, %s, %s, 0) "
            "ON CONFLICT (subject, region) DO UPDATE SET views = excluded.views, updated_at = now()",
            [video_id, home, views],
        )


async def take_in(client: ServiceClient, home: str) -> int | None:
    async with client.resources.router.home_writer(home) as connection:
        return await repository.take_in(connection)


async def titles(client: ServiceClient, path: str, **params: str | int) -> list[str]:
    answer = await client.call("GET", path, params=params)
    assert answer.status_code == 200, answer.text
    return [video["title"] for video in answer.json()["videos"]]


async def test_what_rises_comes_first_whichever_cell_it_is_in(
    recommender: ServiceClient, cells: Cells, owners: dict[str, Owner]
) -> None:
    quiet = await new_video(cells, owners["mumbai"], "quiet")
    loud = await new_video(cells, owners["singapore"], "loud")
    count_views(cells, "mumbai", quiet, 10)
    count_views(cells, "singapore", loud, 1000)
    for home in cells.names:
        await take_in(recommender, home)

    assert (await titles(recommender, "/api/recommendations"))[0] == "loud"


async def test_counts_are_taken_in_once(recommender: ServiceClient, cells: Cells, owners: dict[str, Owner]) -> None:
    video = await new_video(cells, owners["singapore"], "watched")
    count_views(cells, "singapore", video, 7)

    assert await take_in(recommender, "singapore") == 1
    assert await take_in(recommender, "singapore") == 0
    count_views(cells, "singapore", video, 8)
    assert await take_in(recommender, "singapore") == 1


async def test_two_processes_do_not_take_in_at_the_same_time(recommender: ServiceClient, cells: Cells) -> None:
    router = recommender.resources.router
    async with router.home_writer("singapore") as first, router.home_writer("singapore") as second:
        assert await repository.take_in(first) == 0
        assert await repository.take_in(second) is None


async def test_a_new_video_is_recommended_before_anybody_watched_it_and_not_to_who_has_seen_it(
    recommender: ServiceClient, cells: Cells, owners: dict[str, Owner]
) -> None:
    video = await new_video(cells, owners["singapore"], "new")
    await new_video(cells, owners["mumbai"], "hidden", visibility=Visibility.UNLISTED)

    assert await titles(recommender, "/api/recommendations") == ["new"]
    assert await titles(recommender, "/api/recommendations", seen=ids.encode(video)) == []


async def test_related_videos_share_tags_words_or_channel_the_closest_first_and_never_itself(
    recommender: ServiceClient, cells: Cells, owners: dict[str, Owner]
) -> None:
    owner = owners["mumbai"]
    async with open_resources("catalog", cells.settings("mumbai")) as catalog:
        other = await new_owner(catalog, "mumbai", "Another channel")
    video = await new_video(cells, owner, "Whales of the north", tags=("whales", "sea"))
    await new_video(cells, other, "Cooking rice", tags=("food",))
    await new_video(cells, other, "Singing whales", tags=("whales", "sea"))
    await new_video(cells, owner, "My garden")

    found = await titles(recommender, f"/api/videos/{ids.encode(video)}/related")

    assert found == ["Singing whales", "My garden"]


async def test_a_private_video_has_nothing_related_to_anybody_else(
    recommender: ServiceClient, cells: Cells, owners: dict[str, Owner]
) -> None:
    owner = owners["mumbai"]
    path = f"/api/videos/{ids.encode(await new_video(cells, owner, 'mine', visibility=Visibility.PRIVATE))}/related"

    assert (await recommender.call("GET", path)).status_code == 404
    assert (await recommender.call("GET", path, user_id=owner.id)).status_code == 200


async def test_hostile_input_is_refused_and_never_an_error(recommender: ServiceClient) -> None:
    for seen in ("x", "zzzzzzzzzzz", "0" * 11 + ",y", ",".join([ids.encode(1)] * 101), "x" * 5000):
        assert (await recommender.call("GET", "/api/recommendations", params={"seen": seen})).status_code == 422
    for text in ("x", "zzzzzzzzzzz", "%00" * 11):
        assert (await recommender.call("GET", f"/api/videos/{text}/related")).status_code in (404, 422)
    missing = await recommender.call("GET", f"/api/videos/{ids.encode(1)}/related")
    assert missing.status_code == 404
