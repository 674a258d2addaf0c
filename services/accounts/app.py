"""The routes of the accounts service. Owns wire forms and their bounds; the steps are in ``accounts``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, Field, SecretStr

from services.accounts import emails, passwords
from services.accounts.accounts import Accounts, Session
from services.accounts.passwords import Passwords
from services.accounts.repository import User as UserRow
from services.accounts.spread import Spread
from services.common.access import Caller, Seen, User
from services.common.app import Service, state
from services.common.errors import refusals, unauthenticated
from services.common.inputs import Id, Input, Line, Output
from services.common.resources import Resources
from services.common.revocations import Revocations
from services.common.tasks import end
from services.common.tokens import KeySet, KmsSigner, Policy

Email = Annotated[str, Field(max_length=emails.MAX_LENGTH), AfterValidator(emails.normalise)]
NewPassword = Annotated[SecretStr, Field(min_length=passwords.MIN_LENGTH, max_length=passwords.MAX_LENGTH)]
DisplayName = Annotated[Line, Field(min_length=1, max_length=80)]


class SignUp(Input):
    """Body of sign-up."""

    email: Email
    password: NewPassword
    display_name: DisplayName


class SignIn(Input):
    """Body of sign-in."""

    email: Email
    password: Annotated[SecretStr, Field(min_length=1, max_length=passwords.MAX_LENGTH)]


class Refresh(Input):
    """Body of refresh."""

    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=128)]


class UserOut(Output):
    """A user, to themselves."""

    id: Id
    email: str
    display_name: str
    created_at: datetime

    @classmethod
    def of(cls, user: UserRow) -> UserOut:
        """The wire form of ``user``."""
        return cls(id=user.id, email=user.email, display_name=user.display_name, created_at=user.created_at)


class SessionOut(Output):
    """Tokens: ``access_token`` goes into ``Authorization: Bearer``, ``refresh_token`` back to refresh, once."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int
    """Seconds."""
    refresh_token: str
    user: UserOut

    @classmethod
    def of(cls, session: Session) -> SessionOut:
        """The wire form of ``session``."""
        return cls(
            access_token=session.access_token,
            expires_in=session.access_seconds,
            refresh_token=session.refresh_token,
            user=UserOut.of(session.user),
        )


def _accounts(request: Request) -> Accounts:
    return state(request, Accounts)


Service_ = Annotated[Accounts, Depends(_accounts)]
router = APIRouter(prefix="/api/accounts")


def _private(response: Response) -> None:
    response.headers["cache-control"] = "no-store"


@router.post("/signup", status_code=201, dependencies=[Depends(_private)], responses=refusals(409))
async def sign_up(body: SignUp, _: Caller, accounts: Service_, seen: Seen) -> SessionOut:
    """Registers a person. 409: the address is taken."""
    return SessionOut.of(await accounts.sign_up(body.email, body.password.get_secret_value(), body.display_name, seen))


@router.post("/login", dependencies=[Depends(_private)])
async def sign_in(body: SignIn, _: Caller, accounts: Service_, seen: Seen) -> SessionOut:
    """Opens a session. 401: address or password is wrong."""
    return SessionOut.of(await accounts.sign_in(body.email, body.password.get_secret_value(), seen))


@router.post("/refresh", dependencies=[Depends(_private)], responses=refusals(409))
async def refresh(body: Refresh, _: Caller, accounts: Service_, seen: Seen) -> SessionOut:
    """Replaces both tokens. 401: the session has ended; 409: another window was faster."""
    return SessionOut.of(await accounts.refresh(body.refresh_token.get_secret_value(), seen))


@router.post("/logout", status_code=204)
async def sign_out(user: User, accounts: Service_, seen: Seen) -> Response:
    """Ends the session of the caller's token."""
    await accounts.sign_out(user.user_id, user.session_id, seen)
    return Response(status_code=204)


@router.get("/me", dependencies=[Depends(_private)])
async def me(user: User, accounts: Service_, seen: Seen) -> UserOut:
    """The caller."""
    found = await accounts.user(user.user_id, seen)
    if found is None:
        raise unauthenticated("This account no longer exists.")
    return UserOut.of(found)


@router.get("/.well-known/jwks.json")
async def jwks(_: Caller, accounts: Service_, response: Response) -> dict[str, list[dict[str, str]]]:
    """The public keys that access tokens are verified with (RFC 7517)."""
    response.headers["cache-control"] = "public, max-age=300"
    return KeySet([await accounts.signer.public()]).jwks


@asynccontextmanager
async def start(resources: Resources) -> AsyncIterator[Accounts]:
    """The service for the life of the process."""
    settings = resources.settings.own.tokens
    hasher = Passwords()
    signer = KmsSigner(resources.aws, settings.key_arn, Policy(settings.issuer, settings.audience))
    try:
        revocations = Revocations(resources.cache, settings.access_seconds)
        spread = Spread(resources.router, revocations, settings.access_seconds)
        spreading = asyncio.create_task(spread.follow())
        try:
            yield Accounts(resources.router, resources.minter, hasher, signer, settings, revocations)
        finally:
            await end(spreading)
    finally:
        hasher.close()


SERVICE = Service("accounts", (router,), start)
