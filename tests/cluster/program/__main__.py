"""The workloads of Mumbai as its stack declares them, with the outputs of the rest of the stack as plain values.

`cell:release` and `cell:images` (a JSON object) are configured as the stack's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pulumi
import pulumi_kubernetes as kubernetes

from regions import names
from regions.catalogue import CATALOGUE
from services.contracts.workloads import WORKLOADS
from stacks.config import RegionConfig
from stacks.context import CellContext
from stacks.sizes import sizes_of
from stacks.workloads import Workloads, WorkloadsArgs

if TYPE_CHECKING:
    import pulumi_aws as aws

ACCOUNT = "123456789012"
CELL = CATALOGUE.get("mumbai")
QUEUES = f"https://sqs.{CELL.code}.amazonaws.com/{ACCOUNT}"
BALANCING = f"arn:aws:elasticloadbalancing:{CELL.code}:{ACCOUNT}"
DATABASE = {"host": "db.meridian.example", "port": 5432}


def secret(purpose: str) -> dict[str, str]:
    arn = f"arn:aws:secretsmanager:{CELL.code}:{ACCOUNT}:secret:{names.secret(CELL, purpose)}"
    return {"arn": arn, "region": CELL.code}


def settings() -> dict[str, object]:
    """What the cell's stack exports under this name."""
    return {
        "cell": CELL.name,
        "region": CELL.code,
        "account": ACCOUNT,
        "domain": "meridian.example",
        "transcoder": "ffmpeg",
        "rendition_minutes": sizes_of(CELL).rendition_minutes,
        "database": {
            "name": "meridian",
            "writer": DATABASE,
            "readers": [DATABASE, DATABASE],
            "tls": "verify-ca",
            "owner": secret("database-owner"),
        },
        "cache": {"mode": "cluster", "endpoints": [DATABASE], "master_name": names.cache(CELL), "tls": True},
        "kafka": {"brokers": [DATABASE], "auth": "iam", "tls": True, "replication_factor": 3},
        "buckets": {"uploads": "uploads", "media": "media", "page": "page"},
        "queues": {"transcode": f"{QUEUES}/transcode", "transcode_dead": f"{QUEUES}/transcode-dead"},
        "tokens": {"key_arn": "arn:aws:kms:key", "issuer": "https://api.meridian.example", "audience": "page"},
        "hosts": {"api": "https://api.meridian.example", "media": "https://m.example", "page": "https://w.example"},
        "secrets": {name: secret(name) for name in ("context", *(workload.name for workload in WORKLOADS))},
    }


config = pulumi.Config()
release, images = config.get("release"), config.get_object("images")
configured = RegionConfig.model_validate(
    {
        "domain": "meridian.example",
        "contact": "operations@meridian.example",
        "budget": 1,
        **({"release": release} if release else {}),
        **({"images": images} if images else {}),
    }
)
api = kubernetes.Provider("cluster", kubeconfig="{}", enable_server_side_apply=True)
context = CellContext(
    stack=CELL.name,
    region=CELL.code,
    config=configured,
    account=ACCOUNT,
    provider=cast("aws.Provider", api),  # a component hands its provider to its children; none of these is of AWS
    references={},
    cell=CELL,
)
Workloads(
    "workloads",
    context,
    WorkloadsArgs(
        api=api,
        settings=pulumi.Output.from_input(settings()),
        target_groups={name: f"{BALANCING}:targetgroup/{name}/0123456789abcdef" for name in ("gateway", "realtime")},
        balancer_group_id="sg-0123456789abcdef0",
        release=configured.release,
        images=configured.images,
        replicas=sizes_of(CELL).replicas,
        passwords=configured.passwords,
        database=names.database(CELL),
    ),
)
