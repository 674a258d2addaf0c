"""Rows of the catalogue for tests, written as the services write them. Owns no fixture."""

from __future__ import annotations

from dataclasses import dataclass

from services.catalog import repository
from services.common import ids, videos
from services.common.ids import Minter, ShardKey
from services.common.resources import Resources, open_resources
from services.common.videos import Media, NewVideo, Ready, Visibility
from tests.servers import Cells


@dataclass(frozen=True)
class Owner:
    """Somebody with a channel."""

    id: int
    channel_id: int


READY = Ready(
    duration_ms=62_500,
    width=1280,
    height=720,
    rungs=("144p", "240p", "360p", "480p", "720p"),
    media=Media("ab/x/main.m3u8", "ab/x/main.mpd", "ab/x/poster.jpg"),
)

_minter = Minter()


async def new_owner(catalog: Resources, home: str, channel: str = "Analytical engines") -> Owner:
    """Somebody in a bucket of ``home`` with a channel."""
    bucket = catalog.router.shards.buckets_of(home)[7]
    owner = _minter.mint(ShardKey(bucket))
    channel_id = _minter.mint(ids.shard_key(owner))
    async with catalog.router.writer(ids.shard_key(owner)) as connection:
        assert await repository.add_channel(connection, channel_id, owner, channel, "")
    return Owner(owner, channel_id)


async def new_video(
    cells: Cells,
    owner: Owner,
    title: str,
    *,
    description: str = "",
    tags: tuple[str, ...] = (),
    visibility: Visibility = Visibility.PUBLIC,
    ready: Ready | None = READY,
) -> int:
    """A video as uploads registers it and, with ``ready``, as the transcoder finishes it."""
    video_id = _minter.mint(ids.shard_key(owner.channel_id))
    key = ids.shard_key(video_id)
    settings = cells.settings(cells.names[0])
    async with open_resources("uploads", settings) as uploads, uploads.router.writer(key) as connection:
        video = NewVideo(video_id, owner.channel_id, owner.id, title, description, tags, visibility)
        assert await videos.create(connection, video)
        assert await videos.mark_processing(connection, video_id)
    if ready is not None:
        async with open_resources("transcoder", settings) as worker, worker.router.writer(key) as connection:
            assert await videos.mark_ready(connection, video_id, ready)
    return video_id
