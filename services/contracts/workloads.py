"""The workloads of a cell: what runs, how it is started, what it needs. Owns no settings and no manifest.

Read by ``stacks/workloads`` (Kubernetes manifests, roles) and by ``local`` (processes), so that both run the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from services.contracts.ladder import MAX_SOURCE_BYTES, SCRATCH_BYTES


class Access(StrEnum):
    """What a workload may touch; roles, secrets and network policies follow from it."""

    DATABASE = "database"
    CACHE = "cache"
    KAFKA_WRITE = "kafka-write"
    KAFKA_READ = "kafka-read"
    UPLOADS_WRITE = "uploads-write"
    UPLOADS_READ = "uploads-read"
    MEDIA_WRITE = "media-write"
    MEDIA_READ = "media-read"
    QUEUE_SEND = "queue-send"
    QUEUE_RECEIVE = "queue-receive"
    TOKEN_SIGN = "token-sign"
    TOKEN_VERIFY = "token-verify"
    PLAYBACK_SIGN = "playback-sign"
    CONVERT = "convert"


@dataclass(frozen=True, slots=True)
class Workload:
    """One program of a cell."""

    name: str
    module: str
    """Started as ``python -m <module>``; reads `services.contracts.settings`, listens on ``port``."""
    port: int
    """Port inside its own pod: HTTP with /health/live, /health/ready, /metrics. The same for all workloads."""
    access: tuple[Access, ...]
    public: bool = False
    """Reached from the load balancer; everything else only from inside the cell."""
    local_instances: int = 1
    """Processes per cell in the embedded default."""
    min_replicas: int = 3
    cpu: str = "500m"
    memory: str = "512Mi"
    disk: int = 0
    """GiB of a disk of its own for temporary files; 0: a little of its machine's is enough."""


INSTANCES_ENV = "MERIDIAN_INSTANCES"
"""Processes per cell of each workload that answers requests, in the embedded default: 1 if not set. A drill sets 2, so
that one can be lost as in a cluster, which runs at least ``min_replicas``."""
_ANSWERING = int(os.environ.get(INSTANCES_ENV) or 1)

PORT = 8000
_DB, _CACHE = Access.DATABASE, Access.CACHE

WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "gateway", "services.gateway", PORT, (_CACHE, Access.TOKEN_VERIFY), public=True, local_instances=_ANSWERING
    ),
    Workload("accounts", "services.accounts", PORT, (_DB, _CACHE, Access.TOKEN_SIGN), local_instances=_ANSWERING),
    Workload(
        "catalog",
        "services.catalog",
        PORT,
        (_DB, _CACHE, Access.MEDIA_READ, Access.PLAYBACK_SIGN),
        local_instances=_ANSWERING,
    ),
    Workload(
        "uploads",
        "services.uploads",
        PORT,
        (_DB, Access.UPLOADS_WRITE, Access.QUEUE_SEND, Access.QUEUE_RECEIVE),
        local_instances=_ANSWERING,
    ),
    Workload("engagement", "services.engagement", PORT, (_DB, _CACHE, Access.KAFKA_WRITE), local_instances=_ANSWERING),
    Workload(
        "realtime",
        "services.realtime",
        PORT,
        (_CACHE, Access.KAFKA_READ, Access.TOKEN_VERIFY),
        public=True,
        local_instances=2,
    ),
    Workload("recommendations", "services.recommendations", PORT, (_DB, _CACHE), local_instances=_ANSWERING),
    Workload("search", "services.search", PORT, (_DB, _CACHE), local_instances=_ANSWERING),
    Workload("counters", "services.counters", PORT, (_DB, _CACHE, Access.KAFKA_READ)),
    Workload(
        "transcoder",
        "services.transcoder",
        PORT,
        (_DB, _CACHE, Access.UPLOADS_READ, Access.MEDIA_WRITE, Access.QUEUE_RECEIVE, Access.CONVERT),
        cpu="4",
        memory="4Gi",
        disk=-(-SCRATCH_BYTES // 1024**3),
    ),
)

BY_NAME = MappingProxyType({workload.name: workload for workload in WORKLOADS})


@dataclass(frozen=True, slots=True)
class Task:
    """A program of a cell that comes to its end, before the workloads of the same release begin."""

    name: str
    module: str
    image: str
    """The workload whose image holds it."""


MIGRATION = Task("migration", "services.common.migrate", image="accounts")
"""Brings the cell's database to the present: roles with their passwords, schemas, tables."""

Transcoder = Literal["ffmpeg", "mediaconvert"]
"""Who makes renditions: the workers of a cell, or AWS for them."""
_FOLLOWER = replace(BY_NAME["transcoder"], cpu="500m", memory="1Gi", disk=MAX_SOURCE_BYTES // 1024**3 + 1)
"""A worker that looks at the source, sends a job to MediaConvert and follows it."""


def workloads(transcoder: Transcoder) -> tuple[Workload, ...]:
    """The programs of a cell whose renditions are made by ``transcoder``."""
    if transcoder == "ffmpeg":
        return WORKLOADS
    return tuple(_FOLLOWER if workload.name == _FOLLOWER.name else workload for workload in WORKLOADS)
