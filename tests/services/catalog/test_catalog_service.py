from __future__ import annotations

import json
from collections.abc import AsyncIterator
from secrets import token_hex

import boto3
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from services.catalog.app import SERVICE
from services.common import ids, videos
from services.common.resources import open_resources
from services.common.videos import NewComment, Visibility
from services.contracts.media import media_prefix
from services.contracts.playback import fingerprint
from services.contracts.settings import PlaybackSettings, SecretRef
from tests.servers import Cells
from tests.service_client import ServiceClient, running
from tests.services.catalogue_rows import READY, Owner, new_owner, new_video

HOSTILE = ("x", "0" * 10, "0" * 12, "zzzzzzzzzzz", "0000000000/", "..%2f..%2fetc", "%00" * 11, "é" * 11, "1" * 5000)


@pytest.fixture
async def catalog(cells: Cells) -> AsyncIterator[ServiceClient]:
    async with running(SERVICE, cells.settings("mumbai")) as client:
        yield client


@pytest.fixture
async def owner(catalog: ServiceClient) -> Owner:
    return await new_owner(catalog.resources, "mumbai")


async def test_a_channel_is_created_in_its_owners_bucket_and_listed_as_theirs(catalog: ServiceClient) -> None:
    user = catalog.resources.minter.mint_in(catalog.resources.router.home_buckets)

    created = await catalog.call("POST", "/api/channels", user_id=user, json={"name": "Engines"})
    mine = await catalog.call("GET", "/api/channels/mine", user_id=user)
    public = await catalog.call("GET", f"/api/channels/{created.json()['id']}")

    assert created.status_code == 201
    assert ids.bucket_of(ids.parse(created.json()["id"])) == ids.bucket_of(user)
    assert mine.json() == {"channels": [created.json()]}
    assert public.json() == created.json() | {"mine": False}


async def test_one_owner_cannot_use_a_name_twice_nor_own_more_than_ten_channels(catalog: ServiceClient) -> None:
    user = catalog.resources.minter.mint_in(catalog.resources.router.home_buckets)
    for number in range(10):
        created = await catalog.call("POST", "/api/channels", user_id=user, json={"name": f"Channel {number}"})
        assert created.status_code == 201
        again = await catalog.call("POST", "/api/channels", user_id=user, json={"name": f"CHANNEL {number}"})
        assert again.status_code == 409

    eleventh = await catalog.call("POST", "/api/channels", user_id=user, json={"name": "One more"})

    assert eleventh.json()["error"]["code"] == "too_many_channels"


async def test_a_ready_video_shows_where_it_is_played_from(catalog: ServiceClient, cells: Cells, owner: Owner) -> None:
    video_id = await new_video(cells, owner, "The first programme", tags=("maths",))

    body = (await catalog.call("GET", f"/api/videos/{ids.encode(video_id)}")).json()

    assert body["hls_url"] == "https://media.meridian.example/media/ab/x/main.m3u8"
    assert body["dash_url"] == "https://media.meridian.example/media/ab/x/main.mpd"
    assert (body["state"], body["progress"], body["rungs"]) == ("ready", 100, list(READY.rungs))
    assert body["counts"] == {"views": 0, "likes": 0, "dislikes": 0, "comments": 0}
    assert body["channel"] == {"id": ids.encode(owner.channel_id), "name": "Analytical engines"}
    assert body["mine"] is False


async def test_progress_and_rungs_of_a_video_only_grow(catalog: ServiceClient, cells: Cells, owner: Owner) -> None:
    video_id = await new_video(cells, owner, "Being transcoded", ready=None)
    async with (
        open_resources("transcoder", cells.settings("mumbai")) as worker,
        worker.router.writer(ids.shard_key(video_id)) as connection,
    ):
        assert await videos.set_progress(connection, video_id, 40, ("144p", "240p"), READY.media)
        assert await videos.set_progress(connection, video_id, 20, ("144p",))

    body = (await catalog.call("GET", f"/api/videos/{ids.encode(video_id)}")).json()

    assert (body["state"], body["progress"], body["rungs"]) == ("processing", 40, ["144p", "240p"])
    assert body["hls_url"] is not None


async def test_the_reason_of_a_failure_is_shown_to_the_owner_and_the_video_to_nobody_else(
    catalog: ServiceClient, cells: Cells, owner: Owner
) -> None:
    video_id = await new_video(cells, owner, "Not a video", ready=None)
    async with (
        open_resources("transcoder", cells.settings("mumbai")) as worker,
        worker.router.writer(ids.shard_key(video_id)) as connection,
    ):
        assert await videos.mark_failed(connection, video_id, "no_video", "The file holds no picture.")
    path = f"/api/videos/{ids.encode(video_id)}"

    mine = await catalog.call("GET", path, user_id=owner.id)
    others = await catalog.call("GET", path, user_id=owner.id + 1)

    assert mine.json()["failure"] == {"code": "no_video", "message": "The file holds no picture."}
    assert others.status_code == 404


async def test_a_private_video_is_seen_by_its_owner_only_and_an_unlisted_one_by_its_link_only(
    catalog: ServiceClient, cells: Cells, owner: Owner
) -> None:
    private = ids.encode(await new_video(cells, owner, "Private", visibility=Visibility.PRIVATE))
    unlisted = ids.encode(await new_video(cells, owner, "Unlisted", visibility=Visibility.UNLISTED))
    public = ids.encode(await new_video(cells, owner, "Public"))
    channel = f"/api/channels/{ids.encode(owner.channel_id)}/videos"

    statuses = [
        (await catalog.call("GET", f"/api/videos/{video}")).status_code for video in (private, unlisted, public)
    ]
    listed = (await catalog.call("GET", channel)).json()["videos"]
    own = (await catalog.call("GET", channel, user_id=owner.id)).json()["videos"]

    assert statuses == [404, 200, 200]
    assert [video["id"] for video in listed] == [public]
    assert [video["id"] for video in own] == [public, unlisted, private]


async def test_pages_of_a_channel_hold_every_video_once(catalog: ServiceClient, cells: Cells, owner: Owner) -> None:
    made = [ids.encode(await new_video(cells, owner, f"Part {number}")) for number in range(5)]
    found: list[str] = []
    before: dict[str, str] = {}
    while True:
        page = (
            await catalog.call(
                "GET", f"/api/channels/{ids.encode(owner.channel_id)}/videos", params={"limit": 2, **before}
            )
        ).json()
        found += [video["id"] for video in page["videos"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}

    assert found == made[::-1]


async def test_only_the_owner_changes_and_deletes_a_video(catalog: ServiceClient, cells: Cells, owner: Owner) -> None:
    path = f"/api/videos/{ids.encode(await new_video(cells, owner, 'Before'))}"

    foreign = await catalog.call("PATCH", path, user_id=owner.id + 1, json={"title": "Mine"})
    changed = await catalog.call("PATCH", path, user_id=owner.id, json={"title": "After", "tags": ["new"]})
    foreign_delete = await catalog.call("DELETE", path, user_id=owner.id + 1)
    deleted = await catalog.call("DELETE", path, user_id=owner.id)
    gone = await catalog.call("GET", path, user_id=owner.id)

    assert (foreign.status_code, foreign_delete.status_code) == (403, 403)
    assert (changed.json()["title"], changed.json()["tags"]) == ("After", ["new"])
    assert deleted.status_code == 204
    assert gone.status_code == 404


async def test_comments_are_listed_newest_first(catalog: ServiceClient, cells: Cells, owner: Owner) -> None:
    video_id = await new_video(cells, owner, "Discussed")
    key = ids.shard_key(video_id)
    async with open_resources("engagement", cells.settings("mumbai")) as engagement:
        for body in ("first", "second"):
            async with engagement.router.writer(key) as connection:
                comment = NewComment(catalog.resources.minter.mint(key), video_id, owner.id, "Ada", body)
                assert await videos.add_comment(connection, comment)

    answer = await catalog.call("GET", f"/api/videos/{ids.encode(video_id)}/comments", user_id=owner.id)

    assert [comment["body"] for comment in answer.json()["comments"]] == ["second", "first"]
    assert answer.json()["comments"][0]["author"] == {"id": ids.encode(owner.id), "name": "Ada"}
    assert answer.json()["comments"][0]["mine"] is True


async def test_a_service_touches_the_catalogue_only_through_what_was_granted(cells: Cells, owner: Owner) -> None:
    settings = cells.settings("mumbai")
    key = ids.shard_key(owner.channel_id)
    attempts = {
        "uploads": b"UPDATE catalog.videos SET title = 'x'",
        "search": b"SELECT * FROM catalog.videos",
        "engagement": b"SELECT catalog.mark_failed(1, 'x', 'x')",
        "recommendations": b"SELECT * FROM accounts.users",
    }
    for workload, statement in attempts.items():
        async with open_resources(workload, settings) as resources:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with resources.router.writer(key) as connection:
                    await connection.execute(statement)


async def test_hostile_ids_are_refused_and_never_an_error(catalog: ServiceClient) -> None:
    for text in HOSTILE:
        for path in (f"/api/videos/{text}", f"/api/channels/{text}", f"/api/videos/{text}/comments"):
            assert (await catalog.call("GET", path)).status_code in (404, 422), path
    for text in HOSTILE:
        answer = await catalog.call("GET", f"/api/channels/{ids.encode(1)}/videos", params={"before": text})
        assert answer.status_code in (404, 422)


async def test_changes_out_of_bounds_are_refused(catalog: ServiceClient, cells: Cells, owner: Owner) -> None:
    path = f"/api/videos/{ids.encode(await new_video(cells, owner, 'Bounds'))}"
    bodies: tuple[object, ...] = (
        {},
        {"title": ""},
        {"title": "x" * 121},
        {"title": "nul\x00"},
        {"description": "x" * 5001},
        {"tags": ["x"] * 21},
        {"tags": ["x" * 41]},
        {"visibility": "everyone"},
        {"state": "ready"},
        [],
    )
    for body in bodies:
        assert (await catalog.call("PATCH", path, user_id=owner.id, json=body)).status_code == 422, body


async def test_whoever_may_watch_a_video_is_given_cookies_for_it_where_playback_is_signed(cells: Cells) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    plain = cells.settings("mumbai")
    client = boto3.client("secretsmanager", region_name=plain.own.region, endpoint_url=cells.aws.endpoint)
    arn = client.create_secret(Name=f"playback/{token_hex(8)}", SecretString=json.dumps({"current": private}))["ARN"]
    signed = PlaybackSettings(
        secret=SecretRef(arn=arn, region=plain.own.region), keys={fingerprint(public): "K2JCJMDEHXQW5F"}
    )
    settings = plain.model_copy(update={"own": plain.own.model_copy(update={"playback": signed})})
    async with running(SERVICE, settings) as catalog:
        owner = await new_owner(catalog.resources, "mumbai")
        mine = ids.encode(await new_video(cells, owner, "Mine alone", visibility=Visibility.PRIVATE))
        given = await catalog.call("GET", f"/api/videos/{mine}", user_id=owner.id)
        refused = await catalog.call("GET", f"/api/videos/{mine}")

    cookies = given.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == [
        "CloudFront-Policy",
        "CloudFront-Signature",
        "CloudFront-Key-Pair-Id",
    ]
    for cookie in cookies:
        assert f"Path=/media/{media_prefix(mine)};" in f"{cookie};"
        assert {"HttpOnly", "Secure", f"Domain={settings.own.domain}"} <= set(cookie.split("; "))
    assert (refused.status_code, refused.headers.get_list("set-cookie")) == (404, [])


async def test_no_cookie_is_given_where_playback_is_not_signed(
    catalog: ServiceClient, cells: Cells, owner: Owner
) -> None:
    video = ids.encode(await new_video(cells, owner, "For all"))
    answer = await catalog.call("GET", f"/api/videos/{video}")
    assert (answer.status_code, answer.headers.get_list("set-cookie")) == (200, [])
