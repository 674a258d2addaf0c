"""What is counted for each topic, and in which tables. Owns the names of counts and states; does not own statements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from psycopg import sql

from services.contracts import topics


@dataclass(frozen=True, slots=True)
class Kind:
    """One topic's tables."""

    counts: str
    columns: tuple[str, ...]
    states: str | None = None
    """Table of the states; state n counts in column n, state 0 in none."""


BY_TOPIC = MappingProxyType(
    {
        topics.VIEWS.name: Kind("views", ("views", "watched_ms")),
        topics.LIKES.name: Kind("reactions", ("likes", "dislikes"), "reaction_states"),
        topics.COMMENTS.name: Kind("comments", ("comments",), "comment_states"),
        topics.SUBSCRIPTIONS.name: Kind("subscriptions", ("subscribers",), "subscription_states"),
    }
)


def joined(template: str, columns: Iterable[str]) -> sql.Composed:
    """``template`` with each column as ``{c}``, separated by commas."""
    return sql.SQL(", ").join(sql.SQL(template).format(c=sql.Identifier(column)) for column in columns)
