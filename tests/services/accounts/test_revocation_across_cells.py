"""A token that is revoked in one cell is refused in the others, whose Valkeys know nothing of each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from psycopg import sql

from services.accounts.app import SERVICE
from services.common import ids
from services.common.cache import connect
from services.common.context import ContextKeys
from services.common.database import Login
from services.common.revocations import Revocations
from services.common.tokens import KeySet, Policy, kms_public_key
from services.contracts.settings import PlatformSettings
from services.gateway.identity import Identities, IdentityError
from services.gateway.revocation import Follower
from services.gateway.verifier import KeySetVerifier
from tests.servers import Cells, Valkey, run_valkey
from tests.service_client import ServiceClient, running

STATED_SECONDS = 10.0
PERSON = {"email": "ada@example.org", "password": "correct horse battery", "display_name": "Ada"}


@pytest.fixture
def second_valkey(workload_passwords: dict[str, str]) -> Iterator[Valkey]:
    with run_valkey(workload_passwords) as server:
        yield server


def with_cache(settings: PlatformSettings, valkey: Valkey) -> PlatformSettings:
    cache = settings.own.cache.model_copy(update={"endpoints": (valkey.endpoint,)})
    return settings.model_copy(update={"own": settings.own.model_copy(update={"cache": cache})})


async def refused_within(seconds: float, identities: Identities, follower: Follower, bearer: bytes) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await follower.poll()
        try:
            await identities.verify(bearer)
        except IdentityError:
            return True
        await asyncio.sleep(0.2)
    return False


async def test_a_token_revoked_in_one_cell_is_refused_in_its_partner_within_the_stated_time(
    cells: Cells, clean_valkey: Valkey, second_valkey: Valkey
) -> None:
    mumbai = with_cache(cells.settings("mumbai"), clean_valkey)
    singapore = with_cache(cells.settings("singapore"), second_valkey)
    login = Login("gateway", second_valkey.passwords["gateway"])
    async with running(SERVICE, mumbai) as here, running(SERVICE, singapore) as there:
        session = (await here.call("POST", "/api/accounts/signup", json=PERSON)).json()
        cache = connect(singapore.own.cache, login)
        identities, follower = partner_gateway(here, there, Revocations(cache, 900))
        bearer = b"Bearer " + session["access_token"].encode()
        try:
            await follower.poll()
            assert (await identities.verify(bearer)).user is not None
            session_id = ids.parse(session["refresh_token"].partition(".")[0])
            user_id = ids.parse(session["user"]["id"])
            ended = await here.call("POST", "/api/accounts/logout", user_id=user_id, session_id=session_id)
            assert ended.status_code == 204
            assert await refused_within(STATED_SECONDS, identities, follower, bearer)
        finally:
            await cache.aclose()


async def test_a_stolen_refresh_token_ends_the_access_token_too(cells: Cells, clean_valkey: Valkey) -> None:
    settings = with_cache(cells.settings("mumbai"), clean_valkey)
    async with running(SERVICE, settings) as accounts:
        session = (await accounts.call("POST", "/api/accounts/signup", json=PERSON)).json()
        first = session["refresh_token"]
        renewed = await accounts.call("POST", "/api/accounts/refresh", json={"refresh_token": first})
        assert renewed.status_code == 200
        past = sql.SQL("UPDATE accounts.sessions SET rotated_at = now() - interval '1 minute'")
        cells.postgres.execute(sql.Composed([past]), database=settings.own.database.name)
        stolen = await accounts.call("POST", "/api/accounts/refresh", json={"refresh_token": first})
        assert stolen.status_code == 401
        cache = connect(settings.own.cache, Login("gateway", clean_valkey.passwords["gateway"]))
        identities, follower = partner_gateway(accounts, accounts, Revocations(cache, 900))
        bearer = b"Bearer " + renewed.json()["access_token"].encode()
        try:
            assert await refused_within(STATED_SECONDS, identities, follower, bearer)
        finally:
            await cache.aclose()


def partner_gateway(
    issuing: ServiceClient, here: ServiceClient, revocations: Revocations
) -> tuple[Identities, Follower]:
    """A gateway's memory of callers, and what makes it forget them. The key of all cells is one key on AWS."""
    token = issuing.resources.settings.own.tokens

    async def keys() -> KeySet:
        return KeySet([await kms_public_key(issuing.resources.aws, token.key_arn)])

    verifier = KeySetVerifier(keys, Policy(token.issuer, token.audience), time.monotonic)
    identities = Identities(verifier, ContextKeys(here.keys.current))
    return identities, Follower(revocations, identities)
