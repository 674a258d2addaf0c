from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.common import ids
from services.common.resources import open_resources
from services.common.videos import Visibility
from services.search.app import SERVICE
from tests.servers import Cells
from tests.service_client import ServiceClient, running
from tests.services.catalogue_rows import Owner, new_owner, new_video


@pytest.fixture
async def owners(cells: Cells) -> dict[str, Owner]:
    async with open_resources("catalog", cells.settings("mumbai")) as catalog:
        return {home: await new_owner(catalog, home) for home in cells.names}


@pytest.fixture
async def search(cells: Cells) -> AsyncIterator[ServiceClient]:
    async with running(SERVICE, cells.settings("mumbai")) as client:
        yield client


async def found(search: ServiceClient, text: str, **params: int) -> list[str]:
    answer = await search.call("GET", "/api/search", params={"q": text, **params})
    assert answer.status_code == 200, answer.text
    assert answer.json()["partial"] is False
    return [video["title"] for video in answer.json()["videos"]]


async def test_words_are_found_in_title_tags_and_description_in_that_order_and_in_all_cells(
    search: ServiceClient, cells: Cells, owners: dict[str, Owner]
) -> None:
    await new_video(cells, owners["mumbai"], "About gardens", description="with a word on volcanoes")
    await new_video(cells, owners["singapore"], "Volcanoes of Java")
    await new_video(cells, owners["mumbai"], "Fire and ash", tags=("volcano",))
    await new_video(cells, owners["singapore"], "Something else")

    titles = await found(search, "volcano")

    assert titles[0] == "Volcanoes of Java"
    assert set(titles) == {"Volcanoes of Java", "Fire and ash", "About gardens"}
    assert titles[-1] == "About gardens"


async def test_a_slip_of_the_pen_still_finds_the_title(
    search: ServiceClient, cells: Cells, owners: dict[str, Owner]
) -> None:
    await new_video(cells, owners["singapore"], "Mathematics for everybody")

    assert await found(search, "mathemtics") == ["Mathematics for everybody"]


async def test_private_unlisted_unfinished_and_deleted_videos_are_not_found(
    search: ServiceClient, cells: Cells, owners: dict[str, Owner]
) -> None:
    owner = owners["mumbai"]
    await new_video(cells, owner, "secret private", visibility=Visibility.PRIVATE)
    await new_video(cells, owner, "secret unlisted", visibility=Visibility.UNLISTED)
    await new_video(cells, owner, "secret unfinished", ready=None)
    deleted = await new_video(cells, owner, "secret deleted")
    async with (
        open_resources("catalog", cells.settings("mumbai")) as catalog,
        catalog.router.writer(ids.shard_key(deleted)) as connection,
    ):
        await connection.execute("UPDATE catalog.videos SET deleted_at = now() WHERE id = %s", [deleted])
    await new_video(cells, owner, "secret public")

    assert await found(search, "secret") == ["secret public"]


async def test_pages_over_two_cells_hold_every_hit_once(
    search: ServiceClient, cells: Cells, owners: dict[str, Owner]
) -> None:
    made = {f"wave {number}" for number in range(5)}
    for number, title in enumerate(sorted(made)):
        await new_video(cells, owners[cells.names[number % 2]], title)

    pages = [await found(search, "wave", limit=2, offset=offset) for offset in (0, 2, 4)]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert {title for page in pages for title in page} == made


async def test_a_cell_that_does_not_answer_is_left_out_and_said_so(
    search: ServiceClient, cells: Cells, owners: dict[str, Owner]
) -> None:
    await new_video(cells, owners["mumbai"], "Here and there")
    settings = cells.settings("mumbai")
    peer = settings.peers["singapore"]
    gone = peer.database.model_copy(update={"name": "no_such_database"})
    broken = settings.model_copy(update={"peers": {"singapore": peer.model_copy(update={"database": gone})}})

    async with running(SERVICE, broken) as client:
        answer = await client.call("GET", "/api/search", params={"q": "here"})

    assert answer.json()["partial"] is True
    assert [video["title"] for video in answer.json()["videos"]] == ["Here and there"]


async def test_hostile_questions_are_answered_or_refused_and_never_an_error(search: ServiceClient) -> None:
    for text in ("", "   ", "'", '"', "a & | ! ( ) : *", "%", "\\", "<->", "-", "OR", "'; DROP TABLE x; --", "x" * 200):
        answer = await search.call("GET", "/api/search", params={"q": text})
        assert answer.status_code == (422 if not text.strip() else 200), text
    for text in ("nul\x00", "x" * 201, "two\nlines"):
        assert (await search.call("GET", "/api/search", params={"q": text})).status_code == 422
    for params in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"offset": 201}, {"limit": "many"}):
        assert (await search.call("GET", "/api/search", params={"q": "x", **params})).status_code == 422
    assert (await search.call("GET", "/api/search")).status_code == 422
