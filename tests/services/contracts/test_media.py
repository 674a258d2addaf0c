"""Keys in the buckets, and the messages of the transcode queue."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.media import (
    MEDIA_PREFIXES,
    TRANSCODED_TAG,
    MessageError,
    TranscodeRequest,
    media_prefix,
    parse_message,
    request_message,
    source_key,
)
from stacks import media as declared

VIDEO = "0abcdefghiJ"
videos = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=11, max_size=11)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["video", "Records", "s3", "object", "key", "eventName"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def event(key: str, name: str = "ObjectCreated:CompleteMultipartUpload") -> dict[str, object]:
    return {"eventName": name, "s3": {"bucket": {"name": "b"}, "object": {"key": key, "size": 1}}}


@given(videos)
def test_keys_begin_with_one_of_as_many_prefixes_as_capacity_counts_on(video: str) -> None:
    beginning, _, rest = media_prefix(video).partition("/")
    assert 0 <= int(beginning, 16) < MEDIA_PREFIXES
    assert len(beginning) == 2
    assert rest == f"{video}/"


def test_prefixes_are_used_evenly() -> None:
    used = Counter(media_prefix(f"{number:011d}").partition("/")[0] for number in range(100 * MEDIA_PREFIXES))
    assert len(used) == MEDIA_PREFIXES
    assert max(used.values()) < 2 * 100


@given(videos)
def test_a_request_is_read_as_it_was_written(video: str) -> None:
    assert parse_message(request_message(video)) == (TranscodeRequest(video),)


@given(videos)
def test_the_bucket_s_event_says_the_same_as_the_request(video: str) -> None:
    assert parse_message(json.dumps({"Records": [event(source_key(video))]})) == parse_message(request_message(video))


def test_a_key_is_decoded_as_s3_encodes_it() -> None:
    assert parse_message(json.dumps({"Records": [event(f"sources%2F{VIDEO}", "s3:ObjectCreated:Put")]})) == (
        TranscodeRequest(VIDEO),
    )


def test_other_events_and_the_test_event_ask_for_nothing() -> None:
    assert parse_message(json.dumps({"Records": [event(source_key(VIDEO), "ObjectRemoved:Delete")]})) == ()
    assert parse_message(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})) == ()


@pytest.mark.parametrize(
    "key", ["sources/", f"other/{VIDEO}", f"sources/{VIDEO}/x", "sources/../../etc/pwd", f"sources/{VIDEO}\n"]
)
def test_an_event_for_a_key_that_is_no_source_is_refused(key: str) -> None:
    with pytest.raises(MessageError):
        parse_message(json.dumps({"Records": [event(key)]}))


@given(anything)
def test_whatever_a_message_holds_it_is_requests_or_an_error(content: object) -> None:
    try:
        found = parse_message(json.dumps(content))
    except MessageError:
        return
    assert all(len(request.video) == 11 for request in found)


@given(videos)
def test_the_prefix_of_media_spreads_and_cannot_leave_the_video(video: str) -> None:
    spread, name, end = media_prefix(video).split("/")
    assert (len(spread), name, end) == (2, video, "")


def test_the_tag_is_the_one_that_the_lifecycle_rule_looks_for() -> None:
    assert declared.TRANSCODED_TAG == TRANSCODED_TAG
