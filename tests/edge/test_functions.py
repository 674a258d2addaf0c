"""The functions at the edge, run as they are by Node, with CloudFront's module in place of ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import functions
from regions.buckets import BUCKETS, SHARD_MAP, BucketRange, ShardMap
from regions.catalogue import CATALOGUE
from regions.errors import CatalogueError
from regions.names import Hosts
from services.common import ids
from services.contracts.media import media_prefix
from services.contracts.routes import MEDIA_PREFIX

IMPORT = "import cf from 'cloudfront';"
FRAME = """
const chosen = [];
const cf = { createRequestOriginGroup: (group) => { chosen.push(group); } };
%s
const requests = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const answers = requests.map((uri) => {
  chosen.length = 0;
  const answer = handler({ request: { method: 'GET', uri, headers: {}, querystring: {} } });
  return { answer, chosen: chosen.slice() };
});
process.stdout.write(JSON.stringify(answers));
"""


def run(code: str, uris: list[str]) -> list[dict[str, Any]]:
    finished = subprocess.run(
        ["node", "-e", FRAME % code.replace(IMPORT, "")],
        input=json.dumps(uris),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers: list[dict[str, Any]] = json.loads(finished.stdout)
    return answers


def media(uris: list[str]) -> list[dict[str, Any]]:
    return run(functions.media(SHARD_MAP, CATALOGUE), uris)


def video(bucket: int, milliseconds: int = 7, sequence: int = 9) -> str:
    return ids.encode((milliseconds << (ids.BUCKET_BITS + ids.SEQUENCE_BITS)) | bucket << ids.SEQUENCE_BITS | sequence)


def test_every_bucket_is_served_by_its_home_with_the_partner_behind() -> None:
    answers = media([f"{MEDIA_PREFIX}{media_prefix(video(bucket))}master.m3u8" for bucket in range(BUCKETS)])
    for bucket, answer in enumerate(answers):
        home = CATALOGUE.get(SHARD_MAP.home_of(bucket))
        (group,) = answer["chosen"]
        assert [member["originId"] for member in group["originIds"]] == [home.name, home.partner]
        assert group["failoverCriteria"]["statusCodes"] == list(functions.FAILOVER_STATUS)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, BUCKETS - 1), st.integers(0, 2**41 - 1), st.integers(0, 4095)), min_size=1))
def test_the_bucket_is_read_from_any_id(parts: list[tuple[int, int, int]]) -> None:
    answers = media([f"{MEDIA_PREFIX}{media_prefix(video(*part))}v/1.m4s" for part in parts])
    homes = [answer["chosen"][0]["originIds"][0]["originId"] for answer in answers]
    assert homes == [SHARD_MAP.home_of(bucket) for bucket, _, _ in parts]


def test_the_object_is_asked_for_by_its_key() -> None:
    key = f"{media_prefix(video(3))}audio/seg-00001.m4s"
    (answer,) = media([f"{MEDIA_PREFIX}{key}"])
    assert answer["answer"]["uri"] == f"/{key}"


NOT_MEDIA = [
    "/",
    "/media/",
    "/media/../secret",
    f"/media/{media_prefix('0' * 11)}../../other/x",
    f"/media/{media_prefix('0' * 11)}a//b",
    f"/media/{media_prefix('0' * 11)}.hidden",
    f"/media/zz/{'0' * 11}/x",
    f"/media/00/{'0' * 10}/x",
    f"/media/00/{'0' * 10}é/x",
    f"/other/00/{'0' * 11}/x",
    f"/media/00/{'0' * 11}/x%2e%2e",
    f"/media/00/{'0' * 11}/",
]


def test_whatever_is_no_media_path_is_refused_and_no_origin_is_asked() -> None:
    for uri, answer in zip(NOT_MEDIA, media(NOT_MEDIA), strict=True):
        assert answer["answer"]["statusCode"] == 404, uri
        assert answer["chosen"] == []


def test_an_id_of_a_bucket_that_does_not_exist_is_refused() -> None:
    number = (BUCKETS << ids.SEQUENCE_BITS) | 1
    text = ""
    for _ in range(ids.TEXT_LENGTH):
        number, digit = divmod(number, 62)
        text = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[digit] + text
    (answer,) = media([f"/media/00/{text}/x"])
    assert answer["answer"]["statusCode"] == 404


def test_views_of_the_page_are_one_document_and_files_are_themselves() -> None:
    uris = ["/", "/watch/abc", "/channel/x/videos", "/index.html", "/assets/app-1a2b.js", "/favicon.ico"]
    seen = [answer["answer"]["uri"] for answer in run(functions.page(), uris)]
    assert seen == ["/index.html"] * 4 + ["/assets/app-1a2b.js", "/favicon.ico"]


def test_functions_fit_into_cloudfronts_limit_and_say_so_when_they_do_not() -> None:
    assert len(functions.media(SHARD_MAP, CATALOGUE).encode()) <= functions.CODE_LIMIT
    scattered = ShardMap(
        version=2,
        ranges=tuple(
            BucketRange(start, start + 1, home=CATALOGUE.names[start % 4], writer=CATALOGUE.names[start % 4])
            for start in range(BUCKETS)
        ),
    )
    with pytest.raises(CatalogueError, match="merge bucket ranges"):
        functions.media(scattered, CATALOGUE)


def test_no_function_uses_what_the_runtime_lacks() -> None:
    for file in Path(functions.__file__).parent.glob("*.js"):
        text = file.read_text(encoding="utf-8")
        for word in ("require(", "fetch(", "setTimeout(", "eval(", "class ", "BigInt"):
            assert word not in text, file.name


def test_the_paths_that_the_function_takes_are_those_of_the_routing_table() -> None:
    assert f"^\\{MEDIA_PREFIX.rstrip('/')}\\/" in functions.media(SHARD_MAP, CATALOGUE)
    assert Hosts("example.com").media == "media.example.com"
