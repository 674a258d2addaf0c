"""What a contestant is told: servers, logins, the log, and the statements of the transaction. A private file of JSON.

The statements are those of ``services.counters.store`` for one topic, with the parameters numbered; ours runs the
store itself. Every contestant writes the same rows and compares the same positions and marks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from uuid import UUID, uuid4

import msgspec

from bench.events.servers import CELL, WORKLOAD, Servers
from local.paths import write_private
from local.ports import LOOPBACK
from local.processes import kafka
from services.common.kafka import ConnectionArguments
from services.contracts.settings import DatabaseSettings

FLUSH_EVENTS = 200_000
"""Events of a flush of those who read one JSON event a record; packed flushes when its policy says so."""
STATEMENTS = MappingProxyType(
    {
        "positions": (
            "UPDATE counters.positions AS p SET next_offset = w.high, "
            "last_time_ms = greatest(p.last_time_ms, w.time_ms), flush = $1::uuid "
            "FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::uuid[]) AS w (part, high, time_ms, after) "
            "WHERE p.cluster = $6::text AND p.topic = $7::text AND p.part = w.part AND p.flush = w.after"
        ),
        "new_marks": (
            "INSERT INTO counters.marks (topic, origin, part, incarnation, sequence) SELECT $1::text, w.* "
            "FROM unnest($2::text[], $3::int[], $4::uuid[], $5::bigint[]) AS w ON CONFLICT DO NOTHING"
        ),
        "marks": (
            "UPDATE counters.marks AS m SET sequence = w.high, updated_at = now() "
            "FROM unnest($1::text[], $2::int[], $3::uuid[], $4::bigint[], $5::bigint[]) "
            "AS w (origin, part, incarnation, high, low) WHERE m.topic = $6::text "
            "AND (m.origin, m.part, m.incarnation) = (w.origin, w.part, w.incarnation) AND m.sequence = w.low"
        ),
        "counts": (
            "INSERT INTO counters.views AS t (subject, region, views, watched_ms) "
            "SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS u ORDER BY 1, 2 "
            "ON CONFLICT (subject, region) DO UPDATE SET updated_at = now(), "
            "views = t.views + excluded.views, watched_ms = t.watched_ms + excluded.watched_ms"
        ),
        "outbox": "INSERT INTO counters.outbox (topic, subjects) VALUES ($1::text, $2::bigint[])",
    }
)


class Stage(msgspec.Struct, frozen=True):
    """The file."""

    cell: str
    host: str
    kafka_port: int
    kafka_user: str
    kafka_password: str
    postgres_port: int
    database: str
    user: str
    password: str
    topic: str
    ends: list[int]
    """Next offset of each partition when everything is read."""
    start: str
    """The flush that set the positions which stand in the database at the start."""
    flush_events: int
    statements: dict[str, str]
    settings: dict[str, object]
    """Of the database, for the contestant that builds its own pool."""

    def connection(self) -> ConnectionArguments:
        """To Kafka."""
        return ConnectionArguments(
            bootstrap_servers=[f"{self.host}:{self.kafka_port}"],
            client_id="bench",
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_plain_username=self.kafka_user,
            sasl_plain_password=self.kafka_password,
        )

    def database_settings(self) -> DatabaseSettings:
        """For a pool."""
        return DatabaseSettings.model_validate(self.settings)


def read(path: str) -> Stage:
    """The stage in the file at ``path``."""
    return msgspec.json.decode(Path(path).read_bytes(), type=Stage)


@dataclass(frozen=True, slots=True)
class Told:
    """A stage that was written."""

    path: Path
    start: UUID


def write(to: Path, servers: Servers, topic: str, ends: Sequence[int]) -> Told:
    """Writes the file, readable for the owner only."""
    start = uuid4()
    stage = Stage(
        cell=CELL,
        host=LOOPBACK,
        kafka_port=servers.broker.port,
        kafka_user=kafka.OPERATOR,
        kafka_password=servers.operator,
        postgres_port=servers.database.writer.port,
        database=servers.database.name,
        user=WORKLOAD,
        password=servers.passwords[WORKLOAD],
        topic=topic,
        ends=list(ends),
        start=str(start),
        flush_events=FLUSH_EVENTS,
        statements=dict(STATEMENTS),
        settings=json.loads(servers.database.model_copy(update={"readers": ()}).model_dump_json()),
    )
    write_private(to, msgspec.json.encode(stage).decode())
    return Told(to, start)
