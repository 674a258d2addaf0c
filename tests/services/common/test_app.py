from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from fastapi import APIRouter

from services.common import consistency, ids
from services.common.access import Caller, Seen, User
from services.common.app import Service
from services.common.context import ContextKeys, sign, verify
from services.common.errors import ServiceError
from services.common.ids import ShardKey
from services.common.inputs import GivenId, Input
from services.common.logs import JsonFormatter
from services.common.resources import MissingResourceError, Resources
from services.contracts.routes import CONTEXT_HEADER
from tests.servers import Cells
from tests.service_client import ServiceClient, running

router = APIRouter()


class Body(Input):
    """One bounded number."""

    number: int


@router.get("/api/anybody")
async def anybody(caller: Caller) -> dict[str, str]:
    return {"caller": caller.caller}


@router.get("/api/user")
async def user_only(user: User) -> dict[str, str]:
    return {"name": user.name}


@router.get("/api/things/{thing_id}")
async def thing(thing_id: GivenId, _: Caller) -> dict[str, int]:
    return {"bucket": ids.bucket_of(thing_id)}


@router.post("/api/bodies")
async def bodies(body: Body, _: Caller) -> dict[str, int]:
    return {"number": body.number}


@router.get("/api/broken")
async def broken(_: Caller) -> None:
    raise RuntimeError("the secret is 12345")


@router.get("/api/refused")
async def refused(_: Caller) -> None:
    raise ServiceError(409, "taken", "It is taken.", {"retry-after": "3"})


@dataclass
class Started:
    """What the service sets up."""

    resources: Resources


@router.post("/api/writes")
async def writes(_: Caller, seen: Seen) -> dict[str, bool]:
    seen.add(consistency.Position("mumbai", 1, 77))
    return {"written": True}


@asynccontextmanager
async def start(resources: Resources) -> AsyncIterator[Started]:
    yield Started(resources)


SERVICE = Service("catalog", (router,), start)


@pytest.fixture
async def client(cells: Cells) -> AsyncIterator[ServiceClient]:
    async with running(SERVICE, cells.settings("mumbai")) as made:
        yield made


async def test_a_request_without_a_genuine_context_is_refused_on_every_route(client: ServiceClient) -> None:
    genuine = client.context()
    context = verify(genuine, client.keys)
    forged = sign(context, ContextKeys(b"another key of thirty-two bytes!!"))
    expired = sign(replace(context, issued_at=context.issued_at - 60, expires_at=context.issued_at - 31), client.keys)
    for method, path in (
        ("GET", "/api/anybody"),
        ("GET", "/api/user"),
        ("GET", f"/api/things/{ids.encode(1)}"),
        ("GET", "/api/broken"),
        ("GET", "/api/refused"),
        ("POST", "/api/writes"),
    ):
        for headers in ({}, {CONTEXT_HEADER: forged}, {CONTEXT_HEADER: expired}, {CONTEXT_HEADER: "v1.e30.x"}):
            answer = await client.http.request(method, path, headers=headers)
            assert answer.status_code == 401, (path, headers)
            assert answer.json()["error"]["code"] == "context_refused"
        twice = [(CONTEXT_HEADER, genuine), (CONTEXT_HEADER, genuine)]
        assert (await client.http.request(method, path, headers=twice)).status_code == 401


async def test_who_is_not_signed_in_is_told_so(client: ServiceClient) -> None:
    assert (await client.call("GET", "/api/anybody")).status_code == 200
    nobody = await client.call("GET", "/api/user")
    somebody = await client.call("GET", "/api/user", user_id=5 << 12, name="Zoë")

    assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, "unauthenticated")
    assert somebody.json() == {"name": "Zoë"}


async def test_every_error_has_the_same_form_and_tells_no_secret(client: ServiceClient) -> None:
    answers = {
        404: await client.call("GET", "/api/nothing"),
        405: await client.call("PUT", "/api/anybody"),
        409: await client.call("GET", "/api/refused"),
        422: await client.call("POST", "/api/bodies", json={"number": "many", "x" * 500: 1}),
        500: await client.call("GET", "/api/broken"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert {"code", "message"} <= set(answer.json()["error"]) <= {"code", "message", "fields"}
    assert "12345" not in answers[500].text
    assert "many" not in answers[422].text
    assert answers[409].headers["retry-after"] == "3"


async def test_health_tells_apart_alive_ready_and_well(client: ServiceClient) -> None:
    assert (await client.http.get("/health/live")).status_code == 200
    assert (await client.http.get("/health/ready")).status_code == 200
    deep = await client.http.get("/health/deep")
    assert deep.json() == {"status": "well", "checks": {"database": "ok", "reads": "ok", "cache": "ok"}}

    client.app.state.ready = False
    assert (await client.http.get("/health/live")).status_code == 200
    assert (await client.http.get("/health/ready")).status_code == 503


async def test_a_database_that_is_away_makes_unwell_and_leaves_ready(cells: Cells) -> None:
    settings = cells.settings("mumbai")
    database = settings.own.database.model_copy(update={"name": "no_such_database"})
    broken_settings = settings.model_copy(update={"own": settings.own.model_copy(update={"database": database})})
    async with running(SERVICE, broken_settings) as client:
        deep = await client.http.get("/health/deep")
        ready = await client.http.get("/health/ready")

    assert deep.status_code == 503
    assert deep.json()["checks"]["cache"] == "ok"
    assert deep.json()["checks"]["database"] != "ok"
    assert deep.json()["checks"]["reads"] != "ok"
    assert ready.status_code == 200


async def test_labels_of_metrics_are_bounded_whatever_is_asked(client: ServiceClient) -> None:
    for number in range(50):
        await client.call("GET", f"/api/things/{ids.encode(number << 12)}")
        await client.call("GET", f"/made/up/{number}")
        await client.http.request(f"VERB{number}", "/api/anybody")

    text = (await client.http.get("/metrics")).text
    series = [line for line in text.splitlines() if line.startswith("meridian_requests_total{")]

    assert any('route="/api/things/{thing_id}"' in line and line.endswith(" 50.0") for line in series)
    assert len(series) <= 6
    assert "made/up" not in text
    assert "VERB" not in text


async def test_what_was_written_is_told_to_the_caller_and_reading_is_not(client: ServiceClient) -> None:
    read = await client.call("GET", "/api/anybody")
    written = await client.call("POST", "/api/writes")

    assert consistency.HEADER not in read.headers
    told = consistency.decode(written.headers[consistency.HEADER], client.keys)
    assert told.of("mumbai") == consistency.Position("mumbai", 1, 77)


async def test_a_workload_reaches_only_what_its_row_gives_it(client: ServiceClient) -> None:
    assert client.resources.router.shards.home_of(0) == "mumbai"
    with pytest.raises(MissingResourceError):
        _ = client.resources.kafka


async def test_two_cells_are_two_databases(client: ServiceClient, cells: Cells) -> None:
    names = set()
    for bucket in (0, 959):
        async with client.resources.router.reader(ShardKey(bucket)) as connection:
            row = await (await connection.execute("SELECT current_database()")).fetchone()
            assert row is not None
            names.add(row[0])

    assert names == {database.name for database in cells.databases.values()}


async def test_the_access_log_names_templates_and_neither_ids_nor_queries(
    client: ServiceClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "access")
    await client.call("GET", f"/api/things/{ids.encode(7 << 12)}", params={"token": "s3cret"})
    formatter = JsonFormatter("catalog", "mumbai", 0)

    lines = [formatter.format(record) for record in caplog.records if record.name == "access"]
    (line,) = lines
    fields = json.loads(line)

    assert fields["route"] == "/api/things/{thing_id}"
    assert (fields["service"], fields["cell"], fields["status"]) == ("catalog", "mumbai", 200)
    assert "s3cret" not in line
    assert ids.encode(7 << 12) not in line
