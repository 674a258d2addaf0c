"""Candidates of one cell's database, and the upkeep of its trends. Owns the SQL of schema ``recommendations``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from services.common.database import Connection
from services.recommendations import trending
from services.recommendations.trending import Totals

_UPKEEP_LOCK = 0x7472656E64
"""Advisory lock of the upkeep: "trend"."""
BATCH = 10_000
"""Changed videos that one run takes in."""

_CARD = """
SELECT p.id, p.channel_id, p.channel_name, p.title, p.duration_ms, p.poster_key, p.published_at,
       coalesce(t.views, 0) AS views, {score} AS score
FROM {source}
LEFT JOIN LATERAL (SELECT views FROM counters.video_totals x WHERE x.video_id = p.id) t ON true
"""

_TRENDING = (
    _CARD.format(score="r.weight", source="recommendations.trends r JOIN catalog.published p ON p.id = r.video_id")
    + "ORDER BY r.weight DESC, r.video_id DESC LIMIT %s"
)

_FRESH = (
    _CARD.format(score="extract(epoch FROM p.published_at)::float8", source="catalog.published p")
    + "ORDER BY p.published_at DESC, p.id DESC LIMIT %s"
)

_NEAR = """
WITH this AS (
    SELECT id, channel_id, tags, title, description FROM catalog.published WHERE id = %(video)s
), words AS (
    SELECT string_agg(quote_literal(lexeme), ' | ')::tsquery AS query
    FROM this, unnest(to_tsvector('english', this.title || ' ' || array_to_string(this.tags, ' ')))
), near AS (
    (SELECT p.id FROM catalog.published p, this WHERE p.channel_id = this.channel_id
        ORDER BY p.id DESC LIMIT %(candidates)s)
    UNION
    (SELECT p.id FROM catalog.published p, this WHERE p.tags && this.tags
        ORDER BY p.id DESC LIMIT %(candidates)s)
    UNION
    (SELECT p.id FROM catalog.published p, words WHERE p.search @@ words.query
        ORDER BY p.id DESC LIMIT %(candidates)s)
)
"""

_RELATED = (
    _NEAR
    + _CARD.format(
        score="(CASE WHEN p.channel_id = this.channel_id THEN 0.3 ELSE 0 END "
        "+ cardinality(ARRAY(SELECT unnest(p.tags) INTERSECT SELECT unnest(this.tags)))::float8 "
        "/ greatest(cardinality(this.tags), 1) "
        "+ coalesce(ts_rank_cd(p.search, words.query, 1), 0))::float8",
        source="near JOIN catalog.published p ON p.id = near.id CROSS JOIN this CROSS JOIN words",
    )
    + "WHERE p.id <> this.id ORDER BY score DESC, p.id DESC LIMIT %(limit)s"
)

_CHANGED = """
SELECT c.video_id, c.views, c.likes, c.comments, extract(epoch FROM c.updated_at)::float8,
       r.weight, coalesce(r.views, 0), coalesce(r.likes, 0), coalesce(r.comments, 0)
FROM counters.video_totals c LEFT JOIN recommendations.trends r ON r.video_id = c.video_id
WHERE r.video_id IS NULL OR (c.views, c.likes, c.comments) <> (r.views, r.likes, r.comments)
ORDER BY c.video_id LIMIT %s
"""

_STORE = """
INSERT INTO recommendations.trends (video_id, weight, views, likes, comments, updated_at)
SELECT id, weight, views, likes, comments, to_timestamp(at)
FROM unnest(%s::bigint[], %s::float8[], %s::bigint[], %s::bigint[], %s::bigint[], %s::float8[])
    AS u (id, weight, views, likes, comments, at)
ON CONFLICT (video_id) DO UPDATE SET weight = excluded.weight, views = excluded.views, likes = excluded.likes,
    comments = excluded.comments, updated_at = excluded.updated_at
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A video that may be recommended. ``score`` compares within one kind of candidates, over all cells."""

    id: int
    channel_id: int
    channel_name: str
    title: str
    duration_ms: int | None
    poster_key: str | None
    published_at: datetime | None
    views: int
    score: float


async def _candidates(
    connection: Connection, query: str, arguments: Sequence[object] | dict[str, object]
) -> list[Candidate]:
    async with connection.cursor(row_factory=class_row(Candidate)) as cursor:
        await cursor.execute(query.encode(), arguments)
        return await cursor.fetchall()


async def trending_videos(connection: Connection, limit: int) -> list[Candidate]:
    """The videos that rise most at the moment; score is the weight of `trending`."""
    return await _candidates(connection, _TRENDING, [limit])


async def fresh_videos(connection: Connection, limit: int) -> list[Candidate]:
    """The videos that were published last; score is the time (Unix seconds)."""
    return await _candidates(connection, _FRESH, [limit])


async def related_videos(connection: Connection, video_id: int, limit: int) -> list[Candidate]:
    """Videos of this database that share channel, tags or words with ``video_id``, the closest first."""
    return await _candidates(connection, _RELATED, {"video": video_id, "limit": limit, "candidates": 4 * limit})


async def take_in(connection: Connection) -> int | None:
    """Takes counts that changed since the last run into the trends. Number of videos; None: another process is at it."""
    row = await (await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [_UPKEEP_LOCK])).fetchone()
    if row is None or not row[0]:
        return None
    rows = await (await connection.execute(_CHANGED, [BATCH])).fetchall()
    changed = []
    for video, views, likes, comments, at, weight, old_views, old_likes, old_comments in rows:
        gained = trending.gain(Totals(old_views, old_likes, old_comments), Totals(views, likes, comments))
        new_weight = trending.add(trending.NOTHING if weight is None else weight, gained, at)
        changed.append((video, new_weight, views, likes, comments, at))
    if changed:
        await connection.execute(_STORE, [list(column) for column in zip(*changed, strict=True)])
    return len(rows)
