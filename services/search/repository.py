"""The search query on one cell's database. Owns its SQL and the score.

A video is found by its words (title, tags, description; with and without English word forms) or, for slips of the
pen, by the trigrams of its title. Score: rank of the words + similarity of the title, raised a little by views. Scores
depend on the video alone, never on the cell's other videos, so that those of several cells can be merged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from services.common.database import Connection

CANDIDATES = 500
"""Videos of one cell that are scored with their views, best words first."""

_QUERY = """
WITH words AS (
    SELECT websearch_to_tsquery('simple', %(text)s) || websearch_to_tsquery('english', %(text)s) AS query
), found AS (
    SELECT p.id, p.channel_id, p.channel_name, p.title, p.duration_ms, p.poster_key, p.published_at,
           ts_rank_cd('{0.05, 0.2, 0.5, 1.0}', p.search, words.query, 1)
               + 0.5 * word_similarity(lower(%(text)s), lower(p.title)) AS closeness
    FROM catalog.published p, words
    WHERE p.search @@ words.query OR lower(%(text)s) <%% lower(p.title)
    ORDER BY closeness DESC, p.id DESC
    LIMIT %(candidates)s
)
SELECT f.id, f.channel_id, f.channel_name, f.title, f.duration_ms, f.poster_key, f.published_at,
       coalesce(t.views, 0) AS views,
       (f.closeness * (1 + 0.05 * ln(1 + coalesce(t.views, 0))))::float8 AS score
FROM found f
LEFT JOIN LATERAL (SELECT views FROM counters.video_totals x WHERE x.video_id = f.id) t ON true
ORDER BY score DESC, f.id DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A video that was found."""

    id: int
    channel_id: int
    channel_name: str
    title: str
    duration_ms: int | None
    poster_key: str | None
    published_at: datetime | None
    views: int
    score: float


async def search(connection: Connection, text: str, limit: int) -> list[Hit]:
    """The best ``limit`` videos of this database for ``text``, best first."""
    async with connection.cursor(row_factory=class_row(Hit)) as cursor:
        await cursor.execute(_QUERY, {"text": text, "limit": limit, "candidates": CANDIDATES})
        return await cursor.fetchall()
