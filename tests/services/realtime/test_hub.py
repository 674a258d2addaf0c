"""Two instances of realtime as processes, and clients of both."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import boto3
import httpx
import pytest

from services.common import ids, tokens
from services.common.aws import AwsClients
from services.common.tokens import Claims, Policy
from services.contracts import live
from services.contracts.settings import PlatformSettings
from tests.servers import Aws, Postgres, Valkey, create_cells, drop_cells
from tests.services.counters.platform import Running, eventually, service
from tests.services.realtime.client import RefusedError, connected


@dataclass(frozen=True)
class Pair:
    settings: PlatformSettings
    one: Running
    two: Running
    valkey: Valkey

    def publish(self, counts: live.Counts) -> None:
        """What the relay of counters does."""
        with self.valkey.client() as client:
            client.set(live.counts_key(counts.video), live.encode(counts))
            client.execute_command("SPUBLISH", live.channel(counts.video), live.encode(counts))


@pytest.fixture(scope="module")
def pair(
    postgres: Postgres, valkey: Valkey, aws: Aws, owner_password: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    cells = create_cells(postgres, valkey, aws, owner_password, ("mumbai",))
    settings, directory = cells.settings("mumbai"), tmp_path_factory.mktemp("pair")
    with service("realtime", settings, directory) as one, service("realtime", settings, directory) as two:
        yield Pair(settings, one, two, valkey)
    drop_cells(cells)


@pytest.fixture
def video() -> str:
    return ids.encode(ids.Minter().mint(ids.ShardKey(3)))


def _counts(video: str, views: int) -> live.Counts:
    return live.Counts(video, views, 2, 1, 0, 1_780_000_000_000)


async def test_counts_and_presence_reach_the_viewers_of_both_instances_and_nobody_else(pair: Pair, video: str) -> None:
    async with connected(pair.one.url) as a, connected(pair.two.url) as b, connected(pair.two.url) as elsewhere:
        await a.call("watch", {"video": video})
        await b.call("watch", {"video": video})
        await eventually("viewers at one", partial(a.last, "presence", "viewers"), 2)
        await eventually("viewers at two", partial(b.last, "presence", "viewers"), 2)
        pair.publish(_counts(video, 5))
        await eventually("views at one", partial(a.last, "counts", "views"), 5)
        await eventually("views at two", partial(b.last, "counts", "views"), 5)
        assert a.heard[-1][1] == {
            "video": video,
            "views": 5,
            "likes": 2,
            "dislikes": 1,
            "comments": 0,
            "as_of": 1_780_000_000_000,
        }
        answer = await elsewhere.call("watch", {"video": video})
        assert isinstance(answer, dict)
        assert answer["counts"]["views"] == 5
        await elsewhere.call("leave", {"video": video})
        seen = len(elsewhere.heard)
        pair.publish(_counts(video, 6))
        await eventually("views at two", partial(b.last, "counts", "views"), 6)
        assert all(data.get("views") != 6 for _, data in elsewhere.heard[seen:])
    async with connected(pair.one.url) as late:
        await late.call("watch", {"video": video})
        await eventually("viewers", partial(late.last, "presence", "viewers"), 1)


async def test_what_is_published_while_a_subscription_is_cut_is_shown_once_it_is_made_anew(
    pair: Pair, video: str
) -> None:
    async with connected(pair.one.url) as viewer:
        await viewer.call("watch", {"video": video})
        pair.publish(_counts(video, 1))
        await eventually("views", partial(viewer.last, "counts", "views"), 1)
        with pair.valkey.client() as client, client.pipeline(transaction=True) as together:
            together.execute_command("CLIENT", "KILL", "TYPE", "PUBSUB")
            together.set(live.counts_key(video), live.encode(_counts(video, 2)))
            together.execute_command("SPUBLISH", live.channel(video), live.encode(_counts(video, 2)))
            assert together.execute()[-1] == 0, "somebody listened before the subscription was made anew"
        await eventually("views after the cut", partial(viewer.last, "counts", "views"), 2)


async def test_a_valid_token_is_accepted_and_every_other_refused(pair: Pair, video: str) -> None:
    own = pair.settings.own
    policy = Policy(own.tokens.issuer, own.tokens.audience)
    aws = AwsClients(own.region)
    key = await tokens.kms_public_key(aws, own.tokens.key_arn)
    aws.close()

    def token(expires_at: int) -> str:
        claims = Claims(ids.parse(video), ids.parse(video), "Ada", 1_600_000_000, expires_at)
        signed = tokens.signing_input(claims, policy, key.key_id)
        answer = boto3.client("kms", region_name=own.region).sign(
            KeyId=own.tokens.key_arn,
            Message=signed.encode(),
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return f"{signed}.{_encoded(tokens.raw_signature(answer['Signature']))}"

    async with connected(pair.one.url, {"token": token(4_000_000_000)}) as viewer:
        assert await viewer.call("leave", {"video": video}) == {"ok": True}
    good = token(4_000_000_000)
    for bad in (token(1_700_000_000), good[:-4] + "AAAA", "a.b.c", ""):
        with pytest.raises(RefusedError, match="the token is refused"):
            async with connected(pair.one.url, {"token": bad}):
                pytest.fail("connected")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("data", [None, {}, {"video": 5}, {"video": "no id"}, ["a list"], {"video": "x" * 5_000}])
async def test_nonsense_is_answered_with_an_error(pair: Pair, data: object) -> None:
    async with connected(pair.one.url) as viewer:
        answer = await viewer.call("watch", data)
        assert isinstance(answer, dict)
        assert answer["error"]["code"] == "invalid_request"


async def test_polling_is_off(pair: Pair) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{pair.one.url}/socket.io/?EIO=4&transport=polling")
    assert answer.status_code == 400
