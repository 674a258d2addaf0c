"""Where a video's objects lie in the buckets, and the messages of the transcode queue. Pure.

Uploads writes sources and sends messages; the transcoder reads both and writes media; the CDN serves media by these
keys. Ids are in their public form of 11 characters.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import unquote_plus

TRANSCODED_TAG = ("transcoded", "true")
"""Set on a source when all its renditions exist; the lifecycle rule of the bucket looks for it."""

MEDIA_PREFIXES = 256
"""Beginnings of keys over which media are spread: two hash digits."""

_SOURCE = re.compile(r"sources/([0-9A-Za-z]{11})")
_CREATED = "ObjectCreated:"


class MessageError(ValueError):
    """The message is none that the queue may hold."""


@dataclass(frozen=True, slots=True)
class TranscodeRequest:
    """One video whose source is complete."""

    video: str
    """Public id."""


def source_key(video: str) -> str:
    """Key of the uploaded file of ``video`` in the bucket of uploads."""
    return f"sources/{video}"


def media_prefix(video: str) -> str:
    """Prefix of everything of ``video`` in the media bucket, with its slash.

    It begins with two hash digits, so that S3 spreads its load over 256 prefixes (5,500 reads a second each).
    """
    return f"{sha256(video.encode('ascii')).hexdigest()[:2]}/{video}/"


def request_message(video: str) -> str:
    """The body that asks for ``video`` to be transcoded."""
    return json.dumps({"video": video})


def parse_message(body: str) -> tuple[TranscodeRequest, ...]:
    """What ``body`` asks for: a request of ours, or an S3 event (then every source that was created).

    Empty for S3's test event. Raises MessageError for anything else.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MessageError("the message is not JSON") from error
    if not isinstance(content, dict):
        raise MessageError("the message is not an object")
    if isinstance(content.get("Records"), list):
        return tuple(_of_event(record) for record in content["Records"] if _is_created(record))
    if content.get("Event") == "s3:TestEvent":
        return ()
    return (_of_key(f"sources/{content.get('video')}"),)


def _is_created(record: object) -> bool:
    name = record.get("eventName") if isinstance(record, dict) else None
    return isinstance(name, str) and name.removeprefix("s3:").startswith(_CREATED)


def _of_event(record: object) -> TranscodeRequest:
    match record:
        case {"s3": {"object": {"key": str(key)}}}:
            # S3 encodes keys in events as a form does.
            return _of_key(unquote_plus(key))
    raise MessageError("the event names no object")


def _of_key(key: str) -> TranscodeRequest:
    found = _SOURCE.fullmatch(key)
    if found is None:
        raise MessageError("the message names no video")
    return TranscodeRequest(found[1])
