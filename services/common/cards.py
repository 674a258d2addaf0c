"""How a video looks in a list: the form that catalogue, search and recommendations answer with. Owns no query."""

from __future__ import annotations

from datetime import datetime

from services.common.inputs import Id, Output
from services.contracts.routes import MEDIA_PREFIX
from services.contracts.settings import HostSettings


class ChannelName(Output):
    """A channel, as far as a card shows it."""

    id: Id
    name: str


class Card(Output):
    """A video in a list."""

    id: Id
    title: str
    channel: ChannelName
    duration_ms: int | None
    poster_url: str | None
    published_at: datetime | None
    views: int


def media_url(hosts: HostSettings, key: str | None) -> str | None:
    """Where the object ``key`` of the media bucket is fetched; None for none."""
    return None if key is None else f"{hosts.media}{MEDIA_PREFIX}{key}"
