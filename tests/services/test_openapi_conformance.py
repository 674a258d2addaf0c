"""Schemathesis over the OpenAPI document, against the real services behind the real gateway.

Each operation is called with data that fit its form and data that do not, from a fixed seed. A server error, an
undocumented status, an answer of another form, data that should have been refused and a route that does without the
token that it asks for are failures. ``OPENAPI_EXAMPLES`` sets how many cases an operation gets; `make full` sets more.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from services.accounts.app import SERVICE as ACCOUNTS
from services.catalog.app import SERVICE as CATALOG
from services.common import ids
from services.common.app import Service as Application
from services.common.app import create
from services.common.aws import AwsClients
from services.common.secrets import SecretReader
from services.common.tokens import KeySet, Policy, kms_public_key
from services.contracts.documents import OPENAPI_FILE
from services.contracts.limits import LIMITS
from services.contracts.settings import Endpoint, PlatformSettings
from services.engagement.service import SERVICE as ENGAGEMENT
from services.gateway.access import AccessLog
from services.gateway.cell_health import CellHealth, over_http
from services.gateway.connection import ClientConnection
from services.gateway.core import Core
from services.gateway.identity import Identities
from services.gateway.limiter import Limiter
from services.gateway.verifier import KeySetVerifier
from services.recommendations.app import SERVICE as RECOMMENDATIONS
from services.search.app import SERVICE as SEARCH
from services.uploads.__main__ import SERVICE as UPLOADS
from tests.kafka_server import Kafka
from tests.servers import Aws, Postgres, Valkey, create_cells, drop_cells
from tests.services.catalogue_rows import Owner, new_video
from tests.services.gateway.harness import NoValkey
from tests.services.media import prepare

SERVICES = (ACCOUNTS, CATALOG, UPLOADS, ENGAGEMENT, RECOMMENDATIONS, SEARCH)
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "6"))
GENEROUS = {kind: replace(limit, count=limit.count * 1_000_000) for kind, limit in LIMITS.items()}
"""The limits have tests of their own; here they would hide everything else."""
PASSWORD = "correct horse battery staple"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
    ignored_auth,
]
LENIENT = {
    # An event of another form is refused alone, in an answer of 202, so that it does not cost the others.
    "POST /api/events": [negative_data_rejection],
}

SCHEMA = schemathesis.openapi.from_path(str(OPENAPI_FILE))
SCHEMA.config.generation.update(deterministic=True, database="none")
# The one of RFC 9110's methods that no path answers. Of a method that the gateway has never heard of (schemathesis would
# send QUERY) it says 501, as the RFC has it.
SCHEMA.config.phases.coverage.unexpected_methods = {"TRACE"}


@dataclass(frozen=True)
class Api:
    """The gateway with everything behind it, and somebody who owns something in every service."""

    url: str
    token: str
    owned: Mapping[str, str]
    """Ids of theirs, by the name of the path's parameter."""


@asynccontextmanager
async def _serving(application: Application, configured: PlatformSettings) -> AsyncIterator[Endpoint]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(create(application, configured), log_config=None, access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            if serving.done():
                raise RuntimeError(f"{application.workload} did not start") from serving.exception()
            await asyncio.sleep(0.02)
        try:
            yield Endpoint(host="127.0.0.1", port=listening.getsockname()[1])
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def _gateway(configured: PlatformSettings) -> AsyncIterator[int]:
    own = configured.own
    async with AsyncExitStack() as stack:
        endpoints = {each.workload: (await stack.enter_async_context(_serving(each, configured)),) for each in SERVICES}
        aws = AwsClients(own.region)

        async def keys() -> KeySet:
            return KeySet([await kms_public_key(aws, own.tokens.key_arn)])

        verifier = KeySetVerifier(keys, Policy(own.tokens.issuer, own.tokens.audience), time.monotonic)
        context_keys = await SecretReader(aws).context_keys(own.secrets["context"])
        limiter = Limiter(NoValkey(), GENEROUS)
        asking = httpx.AsyncClient(trust_env=False)
        core = Core(
            endpoints,
            Identities(verifier, context_keys),
            limiter,
            [own.hosts.page],
            AccessLog(None),
            time.monotonic,
            CellHealth(endpoints, over_http(asking)),
        )
        server = await asyncio.get_running_loop().create_server(lambda: ClientConnection(core), "127.0.0.1", 0)
        sweeper = asyncio.create_task(core.sweep())
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            sweeper.cancel()
            server.close()
            await core.drain()
            await asking.aclose()
            aws.close()


@contextmanager
def _in_a_thread(configured: PlatformSettings) -> Iterator[int]:
    """Schemathesis waits for its answers, so what answers runs beside it."""
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    up, over = threading.Event(), asyncio.Event()

    async def run() -> None:
        try:
            async with _gateway(configured) as port:
                ports.append(port)
                up.set()
                await over.wait()
        finally:
            up.set()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert up.wait(60)
        (port,) = ports
        yield port
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(60)


def _somebody(client: httpx.Client, name: str) -> tuple[str, str, str]:
    """(token, user id, channel id) of a new person."""
    wish = {"email": f"{name}@example.org", "password": PASSWORD, "display_name": name}
    session = client.post("/api/accounts/signup", json=wish)
    assert session.status_code == 201, session.text
    token = session.json()["access_token"]
    channel = client.post("/api/channels", json={"name": name}, headers={"Authorization": f"Bearer {token}"})
    assert channel.status_code == 201, channel.text
    return token, session.json()["user"]["id"], channel.json()["id"]


@pytest.fixture(scope="module")
def api(postgres: Postgres, valkey: Valkey, aws: Aws, owner_password: str, kafka_server: Kafka) -> Iterator[Api]:
    cells = create_cells(postgres, valkey, aws, owner_password, ("mumbai",))
    configured = kafka_server.put_into(prepare(cells).settings)
    with _in_a_thread(configured) as port:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=30) as client:
            token, user, channel = _somebody(client, "Ada")
            owner = Owner(ids.parse(user), ids.parse(channel))
            video = asyncio.run(new_video(cells, owner, "Analytical engines"))
            wish = {"channel_id": channel, "title": "A film", "file_name": "film.mp4", "size": 1000}
            upload = client.post("/api/uploads", json=wish, headers={"Authorization": f"Bearer {token}"})
            assert upload.status_code == 201, upload.text
        owned = {"channel_id": channel, "video_id": ids.encode(video), "upload_id": upload.json()["upload_id"]}
        yield Api(url, token, owned)
    drop_cells(cells)


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_the_document(case: Any, api: Api) -> None:
    _aim(case, api)
    case.call_and_validate(
        base_url=api.url,
        headers={"Authorization": f"Bearer {api.token}"},
        checks=[check for check in CHECKS if check not in LENIENT.get(case.operation.label, [])],
        timeout=20,
    )


def _aim(case: Any, api: Api) -> None:
    """Two of three well-formed ids become ids of things that exist, unless the operation would remove them."""
    chosen = random.Random(repr(sorted(case.path_parameters.items())))
    for name, value in case.path_parameters.items():
        formed = isinstance(value, str) and len(value) == ids.TEXT_LENGTH and value.isascii() and value.isalnum()
        if formed and case.method != "DELETE" and chosen.random() < 0.67:
            case.path_parameters[name] = api.owned[name]
