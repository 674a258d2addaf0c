"""What accounts do: sign up, sign in, refresh, sign out. Owns the order of steps over two databases.

An address is unique over all cells by its directory entry, which lies in the bucket of the address's hash and names
the user; the user lies in a bucket of the cell in which they signed up, and never moves with the directory. Sign-up
enters the address first and writes the user second; if the second step never happens, the entry is given away after
a minute.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from redis.exceptions import RedisError

from services.accounts import emails, refresh, repository
from services.accounts.passwords import Passwords
from services.accounts.refresh import Verdict
from services.accounts.repository import User
from services.common import ids
from services.common.consistency import SeenWrites
from services.common.errors import ServiceError, conflict, unauthenticated, unavailable
from services.common.ids import Minter
from services.common.revocations import Revocations
from services.common.shards import ShardRouter
from services.common.tokens import Claims, KmsSigner
from services.contracts.settings import TokenSettings

_log = logging.getLogger(__name__)

CLAIM_SECONDS = 60
"""How long a sign-up may take between its two steps."""


@dataclass(frozen=True, slots=True)
class Session:
    """A user with fresh tokens. The tokens are kept out of the repr."""

    user: User
    access_token: str
    access_seconds: int
    refresh_token: str

    def __repr__(self) -> str:
        return f"Session(user={self.user!r})"


def wrong_credentials() -> ServiceError:
    """401 that does not tell whether the address or the password was wrong. The gateway counts it."""
    return ServiceError(401, "invalid_credentials", "Address or password is wrong.")


def _session_ended() -> ServiceError:
    return ServiceError(401, "session_ended", "The session has ended; sign in again.")


class Accounts:
    """The accounts of all cells, as seen from this one."""

    def __init__(
        self,
        router: ShardRouter,
        minter: Minter,
        passwords: Passwords,
        signer: KmsSigner,
        settings: TokenSettings,
        revocations: Revocations,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.signer = signer
        self._revocations = revocations
        self._router = router
        self._minter = minter
        self._passwords = passwords
        self._settings = settings
        self._clock = clock

    async def sign_up(self, email: str, password: str, display_name: str, seen: SeenWrites) -> Session:
        """Registers a person in this cell. Raises `ServiceError` 409 if the address (in normal form) is taken."""
        encoded = await self._passwords.hash(password)
        email_hash = emails.directory_hash(email)
        try:
            user_id = self._minter.mint_in(self._router.home_buckets)
        except ids.IdError as error:
            raise unavailable("Nobody can be registered in this region at the moment.", 60) from error
        await self._claim(email_hash, user_id, seen)
        try:
            async with self._router.writer(ids.shard_key(user_id), seen) as connection:
                await repository.add_user(connection, user_id, email, display_name, encoded)
                user = await repository.get_user(connection, user_id)
        except psycopg.errors.UniqueViolation as error:
            raise unavailable("Please try again.") from error
        if user is None:
            raise unavailable("Please try again.")
        return await self._open_session(user, seen)

    async def _claim(self, email_hash: bytes, user_id: int, seen: SeenWrites) -> None:
        key = ids.hashed_key(email_hash)
        async with self._router.writer(key, seen) as connection:
            if await repository.claim_address(connection, email_hash, user_id):
                return
            entry = await repository.find_address(connection, email_hash)
        taken = conflict("address_taken", "There is an account with this address already; sign in instead.")
        if entry is None or entry.age_seconds < CLAIM_SECONDS:
            raise taken
        async with self._router.writer(ids.shard_key(entry.user_id)) as connection:
            if await repository.get_user(connection, entry.user_id) is not None:
                raise taken
        async with self._router.writer(key, seen) as connection:
            if not await repository.take_over_address(connection, email_hash, entry.user_id, user_id):
                raise taken

    async def sign_in(self, email: str, password: str, seen: SeenWrites) -> Session:
        """A session for address (in normal form) and password. Raises `ServiceError` 401."""
        user = await self._find(emails.directory_hash(email), seen)
        if not await self._passwords.verify(password, user.password_hash if user else None) or user is None:
            raise wrong_credentials()
        if self._passwords.outdated(user.password_hash):
            encoded = await self._passwords.hash(password)
            async with self._router.writer(ids.shard_key(user.id), seen) as connection:
                await repository.set_password_hash(connection, user.id, user.password_hash, encoded)
        return await self._open_session(user, seen)

    async def _find(self, email_hash: bytes, seen: SeenWrites) -> User | None:
        key = ids.hashed_key(email_hash)
        async with self._router.reader(key, seen) as connection:
            entry = await repository.find_address(connection, email_hash)
        if entry is None:
            # Signed up a moment ago on another device: the replica may not know yet, and a wrong 401 would count.
            async with self._router.writer(key) as connection:
                entry = await repository.find_address(connection, email_hash)
        return None if entry is None else await self.user(entry.user_id, seen)

    async def user(self, user_id: int, seen: SeenWrites) -> User | None:
        """The user called ``user_id``; None if there is none."""
        key = ids.shard_key(user_id)
        async with self._router.reader(key, seen) as connection:
            user = await repository.get_user(connection, user_id)
        if user is None:
            async with self._router.writer(key) as connection:
                user = await repository.get_user(connection, user_id)
        return user

    async def _open_session(self, user: User, seen: SeenWrites) -> Session:
        key = ids.shard_key(user.id)
        session_id = self._minter.mint(key)
        token = refresh.new_token(session_id)
        access_token = await self._access_token(user, session_id)
        async with self._router.writer(key, seen) as connection:
            await repository.add_session(
                connection, session_id, user.id, refresh.hash_of(token), self._settings.refresh_seconds
            )
        return Session(user, access_token, self._settings.access_seconds, token)

    async def refresh(self, token: str, seen: SeenWrites) -> Session:
        """Fresh tokens for a refresh token, which is used up. Raises `ServiceError` 401, or 409 for a lost race."""
        session_id = refresh.session_of(token)
        if session_id is None:
            raise _session_ended()
        fresh = refresh.new_token(session_id)
        async with self._router.writer(ids.shard_key(session_id), seen) as connection:
            found = await repository.lock_session(connection, session_id)
            verdict = Verdict.REFUSE if found is None else refresh.judge(token, found[1])
            user_id = 0 if found is None else found[0]
            if verdict is Verdict.STOLEN:
                await repository.end_session(connection, session_id, user_id)
            user = await repository.get_user(connection, user_id) if verdict is Verdict.ROTATE else None
            if user is not None:
                await repository.rotate_session(connection, session_id, refresh.hash_of(fresh))
        if verdict is Verdict.RACED:
            raise conflict("refresh_raced", "Another window has refreshed this session; use its token.")
        if user is None:
            raise _session_ended()
        return Session(user, await self._access_token(user, session_id), self._settings.access_seconds, fresh)

    async def sign_out(self, user_id: int, session_id: int | None, seen: SeenWrites) -> None:
        """Ends the session, and has its access token refused. Raises 401."""
        if session_id is None:
            raise unauthenticated("This session cannot be ended; it was not opened by signing in.")
        async with self._router.writer(ids.shard_key(user_id), seen) as connection:
            await repository.end_session(connection, session_id, user_id)
        try:
            await self._revocations.add(session_id)
        except (RedisError, OSError):
            # The session is over: nothing refreshes it any more. Only its last access token lives on, for minutes.
            _log.warning("an ended session could not be revoked in the cache")

    async def _access_token(self, user: User, session_id: int) -> str:
        now = int(self._clock())
        claims = Claims(user.id, session_id, user.display_name, now, now + self._settings.access_seconds)
        try:
            return await self.signer.sign(claims)
        except (BotoCoreError, ClientError) as error:
            raise unavailable("Tokens cannot be signed at the moment.") from error
