"""A cell's buckets and queue in the emulated AWS, a channel in its catalogue, and a signed-in caller, for media tests."""

from __future__ import annotations

import secrets as entropy
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import psycopg
import pytest

from services.common import ids
from services.common.app import Service, create
from services.common.aws import AwsClients
from services.common.context import Context, ContextKeys, sign
from services.common.secrets import SecretReader
from services.contracts.routes import CONTEXT_HEADER
from services.contracts.settings import PlatformSettings
from tests.servers import Aws, Cells, Postgres, Valkey, create_cells, drop_cells


@dataclass(frozen=True)
class Media:
    """The media side of one cell."""

    cells: Cells
    settings: PlatformSettings
    s3: Any  # boto3 publishes no types
    sqs: Any
    channel_id: int
    owner_id: int

    def query(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Rows of a statement that a superuser runs in the cell's database."""
        name = self.settings.own.database.name
        with psycopg.connect(self.cells.postgres.admin_text(name), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []

    def messages(self) -> list[str]:
        """Bodies of all messages that are visible in the transcode queue; they are taken out."""
        found: list[str] = []
        url = self.settings.own.queues.transcode
        while answer := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in answer:
                found.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture(scope="module")
def media_cells(postgres: Postgres, valkey: Valkey, aws: Aws, owner_password: str) -> Iterator[Cells]:
    """One cell for all tests of a module: each makes buckets, queues and a channel of its own in it."""
    made = create_cells(postgres, valkey, aws, owner_password, ("mumbai",))
    yield made
    drop_cells(made)


@pytest.fixture
def media(media_cells: Cells) -> Media:
    """Buckets, queues and a channel of this test's own."""
    return prepare(media_cells)


def prepare(cells: Cells, receives: int = 3) -> Media:
    """Fresh buckets and queues for Mumbai, and a channel there."""
    settings = cells.settings("mumbai")
    own = settings.own
    s3, sqs = boto3.client("s3", region_name=own.region), boto3.client("sqs", region_name=own.region)
    suffix = entropy.token_hex(6)
    place = {"CreateBucketConfiguration": {"LocationConstraint": own.region}}
    buckets = own.buckets.model_copy(update={"uploads": f"uploads-{suffix}", "media": f"media-{suffix}"})
    s3.create_bucket(Bucket=buckets.uploads, **place)
    s3.create_bucket(Bucket=buckets.media, **place)
    dead = sqs.create_queue(QueueName=f"dead-{suffix}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": "{receives}"}}'
    queue = sqs.create_queue(QueueName=f"transcode-{suffix}", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    queues = own.queues.model_copy(update={"transcode": queue, "transcode_dead": dead})
    hosts = own.hosts.model_copy(update={"s3": cells.aws.endpoint})
    settings = settings.model_copy(
        update={"own": own.model_copy(update={"buckets": buckets, "queues": queues, "hosts": hosts})}
    )
    minter = ids.Minter()
    key = ids.ShardKey(settings.shards.map().buckets_of("mumbai")[0])
    media = Media(cells, settings, s3, sqs, minter.mint(key), minter.mint(key))
    media.query(
        "INSERT INTO catalog.channels (id, owner_id, name) VALUES (%s, %s, 'Channel')", media.channel_id, media.owner_id
    )
    return media


@asynccontextmanager
async def calling(service: Service, settings: PlatformSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service, running in this process with everything that it opens."""
    app = create(service, settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            yield client


async def signed(media: Media, user_id: int | None) -> dict[str, str]:
    """Headers of a request that the gateway let through."""
    keys: ContextKeys = await SecretReader(AwsClients(media.settings.own.region)).context_keys(
        media.settings.own.secrets["context"]
    )
    now = int(time.time())
    return {CONTEXT_HEADER: sign(Context("gateway", now, now + 20, user_id, "Tester" if user_id else None), keys)}
