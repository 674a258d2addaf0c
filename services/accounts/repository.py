"""Rows of schema ``accounts``. Owns its SQL; does not own when it is called (``accounts``).

Every function takes a connection that was obtained for the shard key of what it touches: the user's bucket, or the
directory's bucket for the hash of the address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from services.accounts.refresh import Stored
from services.common.database import Connection


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account."""

    id: int
    email: str
    display_name: str
    password_hash: str
    created_at: datetime

    def __repr__(self) -> str:
        return f"User(id={self.id})"


@dataclass(frozen=True, slots=True)
class Claimed:
    """An entry of the directory."""

    user_id: int
    age_seconds: float


async def claim_address(connection: Connection, email_hash: bytes, user_id: int) -> bool:
    """Enters the address for ``user_id``. False: it is entered already."""
    cursor = await connection.execute(
        "INSERT INTO accounts.directory (email_hash, user_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [email_hash, user_id],
    )
    return cursor.rowcount == 1


async def take_over_address(connection: Connection, email_hash: bytes, old_user_id: int, user_id: int) -> bool:
    """Gives an entry whose sign-up never ended to ``user_id``. False: somebody else was faster."""
    cursor = await connection.execute(
        "UPDATE accounts.directory SET user_id = %s, claimed_at = now() WHERE email_hash = %s AND user_id = %s",
        [user_id, email_hash, old_user_id],
    )
    return cursor.rowcount == 1


async def find_address(connection: Connection, email_hash: bytes) -> Claimed | None:
    """The entry of an address."""
    async with connection.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(
            "SELECT user_id, extract(epoch FROM now() - claimed_at)::float8 AS age_seconds "
            "FROM accounts.directory WHERE email_hash = %s",
            [email_hash],
        )
        return await cursor.fetchone()


async def add_user(connection: Connection, user_id: int, email: str, display_name: str, password_hash: str) -> None:
    """Writes a user. Raises psycopg.errors.UniqueViolation if the id is taken."""
    await connection.execute(
        "INSERT INTO accounts.users (id, email, display_name, password_hash) VALUES (%s, %s, %s, %s)",
        [user_id, email, display_name, password_hash],
    )


async def get_user(connection: Connection, user_id: int) -> User | None:
    """The user called ``user_id``."""
    async with connection.cursor(row_factory=class_row(User)) as cursor:
        await cursor.execute(
            "SELECT id, email, display_name, password_hash, created_at FROM accounts.users WHERE id = %s", [user_id]
        )
        return await cursor.fetchone()


async def set_password_hash(connection: Connection, user_id: int, old: str, new: str) -> None:
    """Replaces the hash, unless it has changed meanwhile."""
    await connection.execute(
        "UPDATE accounts.users SET password_hash = %s WHERE id = %s AND password_hash = %s", [new, user_id, old]
    )


async def add_session(connection: Connection, session_id: int, user_id: int, token_hash: bytes, seconds: int) -> None:
    """Writes a session that lives ``seconds``, and forgets the user's that have expired."""
    await connection.execute("DELETE FROM accounts.sessions WHERE user_id = %s AND expires_at < now()", [user_id])
    await connection.execute(
        "INSERT INTO accounts.sessions (id, user_id, token_hash, expires_at) "
        "VALUES (%s, %s, %s, now() + make_interval(secs => %s))",
        [session_id, user_id, token_hash, seconds],
    )


async def lock_session(connection: Connection, session_id: int) -> tuple[int, Stored] | None:
    """User and state of a session, held until the transaction ends."""
    cursor = await connection.execute(
        "SELECT user_id, token_hash, previous_hash, extract(epoch FROM now() - rotated_at)::float8, "
        "extract(epoch FROM expires_at - now())::float8 FROM accounts.sessions WHERE id = %s FOR UPDATE",
        [session_id],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return int(row[0]), Stored(bytes(row[1]), None if row[2] is None else bytes(row[2]), float(row[3]), float(row[4]))


async def rotate_session(connection: Connection, session_id: int, token_hash: bytes) -> None:
    """Replaces the token of a session."""
    await connection.execute(
        "UPDATE accounts.sessions SET previous_hash = token_hash, token_hash = %s, rotated_at = now() WHERE id = %s",
        [token_hash, session_id],
    )


async def end_session(connection: Connection, session_id: int, user_id: int) -> bool:
    """Removes a session and leaves word that it ended. False: it was not there."""
    await connection.execute("DELETE FROM accounts.ended_sessions WHERE ended_at < now() - interval '1 day'")
    cursor = await connection.execute(
        "WITH ended AS (DELETE FROM accounts.sessions WHERE id = %s AND user_id = %s RETURNING id) "
        "INSERT INTO accounts.ended_sessions (id) SELECT id FROM ended ON CONFLICT DO NOTHING",
        [session_id, user_id],
    )
    return cursor.rowcount == 1


async def ended_sessions(connection: Connection, seconds: float) -> list[int]:
    """Sessions that ended in the last ``seconds``, those of all buckets of this database."""
    cursor = await connection.execute(
        "SELECT id FROM accounts.ended_sessions WHERE ended_at > now() - make_interval(secs => %s)", [seconds]
    )
    return [int(row[0]) for row in await cursor.fetchall()]
