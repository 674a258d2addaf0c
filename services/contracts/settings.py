"""The runtime settings object: everything a service must know, as one typed value.

A region stack exports its `CellSettings` as the output ``settings``; a service loads the `PlatformSettings` of its
cell. Secrets are never in it, only where they are kept. Nothing else configures a service, except the port and the
instance number that the process runner gives it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from regions.buckets import BucketRange, ShardMap
from regions.catalogue import CATALOGUE
from services.contracts.workloads import Transcoder

SETTINGS_ENV = "MERIDIAN_SETTINGS"
"""Names the file that holds the `PlatformSettings` as JSON."""
PORT_ENV = "MERIDIAN_PORT"
"""The port to listen on; the workload's port in ``workloads`` if not set."""
HOST_ENV = "MERIDIAN_HOST"
"""The address to listen on; 127.0.0.1 if not set, and what the pod's manifest says in a cluster."""
INSTANCE_ENV = "MERIDIAN_INSTANCE"
"""Number of this process among those of its workload, from 0."""


class Model(BaseModel):
    """Frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Endpoint(Model):
    """Where something listens."""

    host: str
    port: int


class SecretRef(Model):
    """Where a secret is kept: Secrets Manager of ``region`` (AWS code)."""

    arn: str
    region: str


RDS_AUTHORITIES = "/etc/ssl/rds/global-bundle.pem"
"""Where every image has the certificates of RDS's authorities, which no system trusts by itself."""


class DatabaseSettings(Model):
    """PostgreSQL of the cell: one writer, replicas that lag."""

    name: str
    writer: Endpoint
    readers: tuple[Endpoint, ...]
    tls: Literal["disable", "require", "verify-ca"]
    authorities: str | None = None
    """File with the certificates that the server's is checked against, for ``verify-ca``."""
    owner: SecretRef
    """JSON {"username", "password"} of the role that owns the schemas; used by migrations only."""


class CacheSettings(Model):
    """Valkey. ``cluster``: endpoints are the configuration endpoint; ``sentinel``: they are the Sentinels."""

    mode: Literal["cluster", "sentinel", "single"]
    endpoints: tuple[Endpoint, ...]
    master_name: str
    tls: bool


class KafkaSettings(Model):
    """Kafka of the cell. ``iam``: OAUTHBEARER with a signed token (MSK); ``plain``: SASL/PLAIN."""

    brokers: tuple[Endpoint, ...]
    auth: Literal["iam", "plain"]
    tls: bool
    replication_factor: int


class BucketSettings(Model):
    """S3 buckets of the cell."""

    uploads: str
    """What people uploaded; private, deleted by lifecycle when transcoded."""
    media: str
    """Segments and manifests, read by the CDN."""
    page: str
    """The web page."""


class QueueSettings(Model):
    """SQS queues of the cell, by URL."""

    transcode: str
    transcode_dead: str


class ConverterSettings(Model):
    """MediaConvert of the cell. Absent where FFmpeg transcodes."""

    queue_arn: str
    role_arn: str
    """What MediaConvert reads uploads and writes media as."""


class TokenSettings(Model):
    """Access tokens: signed through KMS, so that no process holds the private key."""

    key_arn: str
    """The cell's replica of the multi-Region key (ECC_NIST_P256)."""
    issuer: str
    audience: str
    access_seconds: int = 900
    refresh_seconds: int = 30 * 86_400


class PlaybackSettings(Model):
    """Signed playback. Absent where media need no cookie."""

    secret: SecretRef
    """JSON {"current", "previous"}: private keys, PEM."""
    keys: dict[str, str]
    """Ids at CloudFront by fingerprint (``services.contracts.playback``) of the public half."""


class HostSettings(Model):
    """Public origins (scheme, host, port if any), without a trailing slash."""

    api: str
    media: str
    page: str
    s3: str | None = None
    """The S3 endpoint that a browser reaches; None: AWS's own for the region."""


class CellSettings(Model):
    """One cell: what its stack declared, as services need it."""

    cell: str
    region: str
    """AWS region code."""
    account: str
    domain: str
    transcoder: Transcoder
    rendition_minutes: int
    """Minutes of renditions that the cell begins in a day (UTC) at most, once for each rung."""
    converter: ConverterSettings | None = None
    database: DatabaseSettings
    cache: CacheSettings
    kafka: KafkaSettings
    buckets: BucketSettings
    queues: QueueSettings
    tokens: TokenSettings
    hosts: HostSettings
    playback: PlaybackSettings | None = None
    services: dict[str, tuple[Endpoint, ...]] = {}
    """Where the workloads of the cell listen, by workload name: the cluster's service names on AWS, the processes'
    ports in the embedded default. The gateway routes by it."""
    secrets: dict[str, SecretRef]
    """By workload name (JSON {"database_password", "cache_password", "kafka_password"}) and ``context``
    (the key that signs user contexts)."""


class ShardRange(Model):
    """One range of buckets; see ``regions.buckets.BucketRange``."""

    start: int
    stop: int
    home: str
    writer: str
    term: int


class Shards(Model):
    """The shard map in the form that settings carry."""

    version: int
    ranges: tuple[ShardRange, ...]

    @classmethod
    def of(cls, shard_map: ShardMap) -> Shards:
        """The settings form of ``shard_map``."""
        return cls(
            version=shard_map.version,
            ranges=tuple(
                ShardRange(start=r.start, stop=r.stop, home=r.home, writer=r.writer, term=r.term)
                for r in shard_map.ranges
            ),
        )

    def map(self) -> ShardMap:
        """The validated map. Raises `regions.errors.CatalogueError` if it has a hole or an overlap."""
        return ShardMap(
            version=self.version,
            ranges=tuple(BucketRange(r.start, r.stop, r.home, r.writer, r.term) for r in self.ranges),
        )


class Peer(Model):
    """What a service needs to know of another cell."""

    cell: str
    region: str
    database: DatabaseSettings
    secrets: dict[str, SecretRef]


class PlatformSettings(Model):
    """What one process is started with: its own cell, the others, and who owns which bucket."""

    own: CellSettings
    peers: dict[str, Peer]
    """Every other running cell by name."""
    shards: Shards
    copied: tuple[str, ...] = ()
    """Cells whose log is read from its copy, by their partner: lost ones, and those that are returning."""

    def database(self, cell: str) -> DatabaseSettings:
        """The database of ``cell``. Raises KeyError with the known cells."""
        if cell == self.own.cell:
            return self.own.database
        if cell not in self.peers:
            raise KeyError(f"cell {cell!r} is not in the settings; known: {self.own.cell}, {', '.join(self.peers)}")
        return self.peers[cell].database

    @property
    def cells(self) -> tuple[str, ...]:
        """All cells, the own one first."""
        return (self.own.cell, *sorted(self.peers))

    @property
    def copied_here(self) -> tuple[str, ...]:
        """Those of ``copied`` whose copies lie in the own cell."""
        return tuple(cell for cell in self.copied if CATALOGUE.get(cell).partner == self.own.cell)

    @property
    def tended(self) -> tuple[str, ...]:
        """Homes whose databases the own cell looks after (announcing, cleaning, trends): its own, and while another is
        lost or returning, its partner's too. Two cells may do it at once."""
        homes = {part.home for part in self.shards.ranges}
        return tuple(cell for cell in (self.own.cell, *self.copied_here) if cell in homes)


def load(path: str | None = None) -> PlatformSettings:
    """The settings that ``path`` or the environment names.

    Raises SystemExit with cause and remedy if there are none or they are malformed.
    """
    name = path or os.environ.get(SETTINGS_ENV)
    if not name:
        raise SystemExit(f"{SETTINGS_ENV} is not set: start services by `make up`, or name the settings file")
    try:
        text = Path(name).read_text(encoding="utf-8")
        return PlatformSettings.model_validate_json(text)
    except OSError as error:
        raise SystemExit(f"settings file {name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SystemExit(f"settings file {name} is malformed: {error}") from error
