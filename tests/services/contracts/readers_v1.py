"""The reader of schema 1 as it was first deployed: frozen, so that a later writer is held against it."""

from __future__ import annotations

import msgspec


class ViewedV1(msgspec.Struct, frozen=True, array_like=True, tag=1):
    id: bytes
    at_ms: int
    video: int
    viewer: bytes


class WatchedV1(msgspec.Struct, frozen=True, array_like=True, tag=2):
    id: bytes
    at_ms: int
    video: int
    viewer: bytes
    watched_ms: int


class ReactedV1(msgspec.Struct, frozen=True, array_like=True, tag=3):
    id: bytes
    at_ms: int
    video: int
    user: int
    state: int


class CommentedV1(msgspec.Struct, frozen=True, array_like=True, tag=4):
    id: bytes
    at_ms: int
    video: int
    user: int
    comment: int
    active: bool


class SubscribedV1(msgspec.Struct, frozen=True, array_like=True, tag=5):
    id: bytes
    at_ms: int
    channel: int
    user: int
    active: bool


class NotifiedV1(msgspec.Struct, frozen=True, array_like=True, tag=6):
    id: bytes
    at_ms: int
    user: int
    kind: str
    subject: int


AnyV1 = ViewedV1 | WatchedV1 | ReactedV1 | CommentedV1 | SubscribedV1 | NotifiedV1
READER_V1 = msgspec.msgpack.Decoder(list[AnyV1])
