"""The cache of media: what its key holds and what it never may, and what it does when its origin fails."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from edge import render
from services.contracts.routes import CONTEXT_HEADER, COUNTRY_HEADER
from tests.edge.conftest import Edge

TEMPLATES = Path(render.__file__).parent / "templates"
NEAR_MUMBAI = "127.16.0.1"
VARIATIONS: tuple[dict[str, str], ...] = (
    {"Authorization": "Bearer of-somebody"},
    {"Cookie": "session=of-somebody; meridian_sticky=abcdefgh"},
    {"Accept-Encoding": "gzip, br"},
    {"Accept-Language": "mr"},
    {"User-Agent": "a television"},
    {"Origin": "https://evil.example"},
    {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example"},
    {CONTEXT_HEADER: "forged"},
    {"Range": "bytes=0-9"},
    {"Cache-Control": "no-cache", "Pragma": "no-cache"},
    {"X-Original-Url": "/media/other", "X-Rewrite-Url": "/media/other"},
)


def test_the_key_is_the_objects_name_and_nothing_else() -> None:
    text = "".join(file.read_text() for file in TEMPLATES.glob("*.j2"))
    assert set(re.findall(r"proxy_cache_key (.+);", text)) == {"$media_key"}
    # Only what is media goes into a cache at all.
    assert {file.name for file in TEMPLATES.glob("*.j2") if "proxy_cache " in file.read_text()} == {"_media.j2"}


@pytest.mark.parametrize("headers", VARIATIONS, ids=lambda headers: next(iter(headers)))
def test_nothing_that_a_caller_says_makes_an_entry_of_its_own_or_reaches_the_origin(
    edge: Edge, headers: dict[str, str]
) -> None:
    name = f"key-{next(iter(headers)).lower()}"
    edge.s3.objects[f"/media-mumbai/aa/{name}/1.m4s"] = b"0123456789" * 10
    with edge.client(NEAR_MUMBAI) as client:
        first = client.get(f"/media/aa/{name}/1.m4s?token=abc", headers=headers | {COUNTRY_HEADER: "IN"})
        others = [client.get(f"/media/aa/{name}/1.m4s{query}") for query in ("", "?x=1", "?token=another")]
    assert first.headers["x-cache"] == "MISS"
    assert [other.headers["x-cache"] for other in others] == ["HIT"] * 3
    assert {other.content for other in others} == {b"0123456789" * 10}
    assert "set-cookie" not in others[0].headers
    (asked,) = [line for line in edge.s3.seen if name in line]
    assert asked == f"GET /media-mumbai/aa/{name}/1.m4s"
    carried = edge.s3.headers[asked]
    assert not {"authorization", "cookie", CONTEXT_HEADER} & set(carried)
    assert "of-somebody" not in str(carried)


def test_two_objects_never_share_an_entry(edge: Edge) -> None:
    names = ("aa/one/1.m4s", "aa/one/1.m4s.", "aa/one/1_m4s", "aa/One/1.m4s")
    for name in names:
        edge.s3.objects[f"/media-mumbai/{name}"] = name.encode()
    with edge.client(NEAR_MUMBAI) as client:
        for _ in range(2):
            assert [client.get(f"/media/{name}").text for name in names] == list(names)


def test_many_who_miss_at_once_cost_the_origin_one_request(edge: Edge) -> None:
    path = "/media-mumbai/aa/popular/1.m4s"
    edge.s3.objects[path] = b"popular" * 1000
    edge.s3.seconds = 0.5
    try:
        with edge.client(NEAR_MUMBAI) as client, ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda _: client.get("/media/aa/popular/1.m4s"), range(200)))
    finally:
        edge.s3.seconds = 0.0
    assert {(answer.status_code, len(answer.content)) for answer in answers} == {(200, 7000)}
    assert edge.s3.seen.count(f"GET {path}") == 1


def test_what_is_not_there_is_asked_for_once_a_second_whoever_asks(edge: Edge) -> None:
    with edge.client(NEAR_MUMBAI) as client:
        started = time.monotonic()
        for _ in range(60):
            assert client.get("/media/aa/absent/1.m4s").status_code == 404
        seconds = time.monotonic() - started
    asked = edge.s3.seen.count("GET /media-mumbai/aa/absent/1.m4s")
    assert asked <= seconds + 2


def test_while_the_origin_fails_an_old_manifest_is_served_rather_than_none(edge: Edge) -> None:
    edge.s3.objects["/media-mumbai/aa/failing/main.m3u8"] = b"#EXTM3U"
    with edge.client(NEAR_MUMBAI) as client:
        assert client.get("/media/aa/failing/main.m3u8").headers["x-cache"] == "MISS"
        with _failing(edge, 503):
            # Past its two seconds, which nginx counts in whole ones.
            time.sleep(4)
            old = [client.get("/media/aa/failing/main.m3u8") for _ in range(3)]
        assert {(answer.status_code, answer.text) for answer in old} == {(200, "#EXTM3U")}
        assert {answer.headers["x-cache"] for answer in old} <= {"STALE", "UPDATING"}
        edge.s3.objects["/media-mumbai/aa/failing/main.m3u8"] = b"#EXTM3U again"
        _until_fresh(client)


def _until_fresh(client: httpx.Client) -> None:
    deadline = time.monotonic() + 20
    while client.get("/media/aa/failing/main.m3u8").text != "#EXTM3U again":
        assert time.monotonic() < deadline
        time.sleep(0.2)


@contextmanager
def _failing(edge: Edge, status: int) -> Iterator[None]:
    edge.s3.failing = status
    try:
        yield
    finally:
        edge.s3.failing = 0
