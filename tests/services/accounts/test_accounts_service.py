from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest

from services.accounts import emails
from services.accounts.app import SERVICE
from services.common import ids, tokens
from services.common.tokens import KeySet, Policy
from tests.servers import Cells
from tests.service_client import ServiceClient, running

PERSON = {"email": "Ada@Example.org", "password": "correct horse battery", "display_name": "Ada Lovelace"}


@pytest.fixture
async def accounts(cells: Cells) -> AsyncIterator[ServiceClient]:
    async with running(SERVICE, cells.settings("mumbai")) as client:
        yield client


async def sign_up(client: ServiceClient, **changes: str) -> dict[str, object]:
    answer = await client.call("POST", "/api/accounts/signup", json=PERSON | changes)
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


async def test_signing_up_gives_a_token_that_the_published_keys_verify(accounts: ServiceClient) -> None:
    session = await sign_up(accounts)
    jwks = (await accounts.call("GET", "/api/accounts/.well-known/jwks.json")).json()
    settings = accounts.resources.settings.own.tokens

    claims = tokens.verify(
        str(session["access_token"]), KeySet.of_jwks(jwks), Policy(settings.issuer, settings.audience)
    )

    user = session["user"]
    assert isinstance(user, dict)
    assert ids.encode(claims.user_id) == user["id"]
    assert claims.name == "Ada Lovelace"
    assert user["email"] == "ada@example.org"
    assert claims.expires_at - claims.issued_at == session["expires_in"]


async def test_a_user_is_minted_in_a_bucket_of_the_cell_where_they_signed_up(cells: Cells) -> None:
    for cell in ("mumbai", "singapore"):
        async with running(SERVICE, cells.settings(cell)) as client:
            session = await sign_up(client, email=f"{cell}@example.org")
            user = session["user"]
            assert isinstance(user, dict)
            shards = client.resources.router.shards
            assert shards.home_of(ids.bucket_of(ids.parse(user["id"]))) == cell


async def test_an_address_is_taken_in_all_cells_and_in_any_spelling(cells: Cells) -> None:
    async with running(SERVICE, cells.settings("mumbai")) as mumbai:
        await sign_up(mumbai)
    async with running(SERVICE, cells.settings("singapore")) as singapore:
        again = await singapore.call(
            "POST", "/api/accounts/signup", json=PERSON | {"email": "  ADA@example.ORG", "display_name": "Eve"}
        )
        login = await singapore.call(
            "POST", "/api/accounts/login", json={"email": "ada@EXAMPLE.org", "password": PERSON["password"]}
        )

    assert again.status_code == 409
    assert again.json()["error"]["code"] == "address_taken"
    assert login.status_code == 200


async def test_a_sign_up_that_died_half_way_gives_the_address_free_after_a_minute(
    accounts: ServiceClient, cells: Cells
) -> None:
    email_hash = emails.directory_hash(emails.normalise(PERSON["email"]))
    key = ids.hashed_key(email_hash)
    orphan = accounts.resources.minter.mint_in(accounts.resources.router.home_buckets)
    async with accounts.resources.router.writer(key) as connection:
        await connection.execute(
            "INSERT INTO accounts.directory (email_hash, user_id) VALUES (%s, %s)", [email_hash, orphan]
        )
    early = await accounts.call("POST", "/api/accounts/signup", json=PERSON)
    async with accounts.resources.router.writer(key) as connection:
        await connection.execute("UPDATE accounts.directory SET claimed_at = now() - interval '61 seconds'")
    late = await accounts.call("POST", "/api/accounts/signup", json=PERSON)

    assert early.status_code == 409
    assert late.status_code == 201


@pytest.mark.parametrize(
    ("email", "password"), [("ada@example.org", "wrong password"), ("nobody@example.org", "correct horse battery")]
)
async def test_wrong_address_and_wrong_password_get_the_same_answer(
    accounts: ServiceClient, email: str, password: str
) -> None:
    await sign_up(accounts)

    answer = await accounts.call("POST", "/api/accounts/login", json={"email": email, "password": password})

    assert answer.status_code == 401
    assert answer.json() == {"error": {"code": "invalid_credentials", "message": "Address or password is wrong."}}


async def test_a_refresh_token_works_once_and_its_second_use_is_recognised_as_theft(
    accounts: ServiceClient, cells: Cells
) -> None:
    first = str((await sign_up(accounts))["refresh_token"])
    second = (await accounts.call("POST", "/api/accounts/refresh", json={"refresh_token": first})).json()[
        "refresh_token"
    ]
    raced = await accounts.call("POST", "/api/accounts/refresh", json={"refresh_token": first})
    session_id = ids.parse(first.partition(".")[0])
    async with accounts.resources.router.writer(ids.shard_key(session_id)) as connection:
        await connection.execute("UPDATE accounts.sessions SET rotated_at = now() - interval '11 seconds'")

    stolen = await accounts.call("POST", "/api/accounts/refresh", json={"refresh_token": first})
    victim = await accounts.call("POST", "/api/accounts/refresh", json={"refresh_token": second})

    assert raced.status_code == 409
    assert (stolen.status_code, victim.status_code) == (401, 401)


async def test_signing_out_ends_the_session(accounts: ServiceClient) -> None:
    session = await sign_up(accounts)
    token = str(session["refresh_token"])
    user = session["user"]
    assert isinstance(user, dict)
    user_id, session_id = ids.parse(user["id"]), ids.parse(token.partition(".")[0])

    ended = await accounts.call("POST", "/api/accounts/logout", user_id=user_id, session_id=session_id)
    refresh = await accounts.call("POST", "/api/accounts/refresh", json={"refresh_token": token})

    assert ended.status_code == 204
    assert refresh.status_code == 401


async def test_nobody_can_end_the_session_of_somebody_else(accounts: ServiceClient) -> None:
    ada = await sign_up(accounts)
    eve = (await sign_up(accounts, email="eve@example.org"))["user"]
    assert isinstance(eve, dict)
    token = str(ada["refresh_token"])

    await accounts.call(
        "POST",
        "/api/accounts/logout",
        user_id=ids.parse(eve["id"]),
        session_id=ids.parse(token.partition(".")[0]),
    )
    refresh = await accounts.call("POST", "/api/accounts/refresh", json={"refresh_token": token})

    assert refresh.status_code == 200


async def test_me_answers_the_caller_and_nobody_else(accounts: ServiceClient) -> None:
    user = (await sign_up(accounts))["user"]
    assert isinstance(user, dict)

    mine = await accounts.call("GET", "/api/accounts/me", user_id=ids.parse(user["id"]))
    nobody = await accounts.call("GET", "/api/accounts/me")
    ghost = await accounts.call("GET", "/api/accounts/me", user_id=ids.parse(user["id"]) + 1)

    assert mine.json() == user
    assert nobody.status_code == 401
    assert ghost.status_code == 401


async def test_no_password_and_no_refresh_token_is_stored_in_clear(accounts: ServiceClient, cells: Cells) -> None:
    session = await sign_up(accounts)
    dump = ""
    for database in cells.databases.values():
        with psycopg.connect(cells.postgres.admin_text(database.name)) as connection:
            for table in ("users", "sessions", "directory"):
                dump += str(connection.execute(f"SELECT t::text FROM accounts.{table} t").fetchall())

    assert "Ada Lovelace" in dump
    assert PERSON["password"] not in dump
    assert str(session["refresh_token"]).partition(".")[2] not in dump


OUT_OF_BOUNDS: tuple[dict[str, str], ...] = (
    {"email": "no address"},
    {"email": "a@b"},
    {"email": "nul\x00@example.org"},
    {"email": "a" * 250 + "@example.org"},
    {"password": "short"},
    {"password": "x" * 129},
    {"display_name": ""},
    {"display_name": "two\nlines"},
    {"display_name": "nul\x00"},
    {"display_name": "x" * 81},
    {"role": "admin"},
)


async def test_what_is_out_of_bounds_is_refused_with_422(accounts: ServiceClient) -> None:
    for changes in OUT_OF_BOUNDS:
        answer = await accounts.call("POST", "/api/accounts/signup", json=PERSON | changes)

        assert answer.status_code == 422, changes
        assert answer.json()["error"]["code"] == "invalid_request"


NO_OBJECTS = (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"email": 1e999}', b'{"\\ud800": "\\ud800"}', b"[" * 5000)


async def test_a_body_that_is_no_json_object_is_refused_and_never_an_error(accounts: ServiceClient) -> None:
    for body in NO_OBJECTS:
        answer = await accounts.call(
            "POST", "/api/accounts/login", content=body, headers={"content-type": "application/json"}
        )

        assert answer.status_code in (400, 422), body
        assert set(answer.json()) == {"error"}
