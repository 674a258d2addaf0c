"""AWS's default quotas and hard limits that the headline loads come near to. Owns numbers, scope and what can be done.

What the plan needs of each is ``ceilings``. Defaults are those of an account that never asked; a real account's are
read with ``aws service-quotas``. A quota without a quoted source is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from regions.figures import Figure, assumed, published

_CLOUDFRONT = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html read 2026-11-22"
)
_MSK = "https://docs.aws.amazon.com/msk/latest/developerguide/limits.html read 2026-11-22"
_MSK_VOLUME = "https://docs.aws.amazon.com/msk/latest/developerguide/msk-provision-throughput.html read 2026-11-23"
_MSK_PARTITIONS = "https://docs.aws.amazon.com/msk/latest/developerguide/bestpractices.html read 2026-11-23"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html read 2026-11-22"
_KUBERNETES = "https://kubernetes.io/docs/setup/best-practices/cluster-large/ read 2026-11-22"
_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html read 2026-11-22"
_ELASTICACHE = "https://github.com/aws/agent-toolkit read 2026-11-22"
_REMEMBERED = "AWS default as remembered, November 2026"


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit."""

    limit: Figure
    of: str
    """What one limit is for: a distribution, a broker, an account in a region."""
    raised_by: str
    """``request``: Service Quotas raises it. ``support``: only by agreement with AWS. ``design``: never."""
    service: str
    """Code of the service in Service Quotas; empty where it is not listed there."""
    remedy: str
    """What to do if the plan needs more."""


QUOTAS: Mapping[str, Quota] = MappingProxyType(
    {
        "cloudfront bandwidth": Quota(
            published(150, "Gb/s", _CLOUDFRONT), "distribution", "support", "cloudfront",
            "agree on the peak with AWS, spread media over several distributions, or add a second CDN",
        ),
        "cloudfront requests": Quota(
            published(250_000, "requests/s", _CLOUDFRONT), "distribution", "support", "cloudfront",
            "agree on the peak with AWS; longer segments ask less often",
        ),
        "msk volume throughput": Quota(
            published(250, "MiB/s", f"{_MSK_VOLUME}: the default of a volume"), "broker", "design", "kafka",
            "provision throughput (from kafka.m7g.2xlarge) or take a larger class",
        ),
        "msk connections": Quota(
            published(3_000, "IAM connections", _MSK), "broker", "request", "kafka",
            "fewer producers: more beacons a pod, or one producer for several processes",
        ),
        "msk new connections": Quota(
            published(100, "IAM connections/s", _MSK), "broker", "request", "kafka",
            "clients must come back with jitter over the time given here",
        ),
        "msk partitions": Quota(
            published(1_000, "replicas of partitions", f"{_MSK_PARTITIONS}: large and xlarge; larger classes more"),
            "broker", "design", "kafka", "a larger class: it is chosen by this too",
        ),
        "msk storage": Quota(
            published(16_384, "GiB", _MSK), "broker", "design", "kafka", "shorten retention, or more brokers",
        ),
        "msk replicators": Quota(
            assumed(15, "replicators", _REMEMBERED), "account", "request", "kafka", "ask for more",
        ),
        "msk brokers": Quota(published(90, "brokers", _MSK), "account", "request", "kafka", "ask for more"),
        "s3 reads": Quota(
            published(5_500, "reads/s", _S3), "prefix", "design", "s3",
            "keys must begin with enough different prefixes: S3 splits by them, gradually",
        ),
        "s3 writes": Quota(
            published(3_500, "writes/s", _S3), "prefix", "design", "s3",
            "keys must begin with enough different prefixes: S3 splits by them, gradually",
        ),
        "eks nodes": Quota(
            published(5_000, "nodes", _KUBERNETES), "cluster", "design", "eks", "a second cluster in the region",
        ),
        "eks pods of a node": Quota(
            published(110, "pods", _KUBERNETES), "node", "design", "eks", "smaller machines, or larger pods",
        ),
        "eks pods": Quota(
            published(150_000, "pods", _KUBERNETES), "cluster", "design", "eks", "a second cluster in the region",
        ),
        "ec2 vcpu": Quota(
            assumed(64, "vCPU", f"{_REMEMBERED}: on-demand standard instances; new accounts have 5 to 64"),
            "region", "request", "ec2", "ask early: a raise of this size is looked at by people",
        ),
        "pod addresses": Quota(
            published(3 * 8_187, "addresses", "regions/addresses.py: three /19, of each AWS keeps five"),
            "region", "design", "", "larger private subnets cannot be had afterwards: a second block for the VPC",
        ),
        "alb targets": Quota(
            assumed(1_000, "targets", _REMEMBERED), "balancer", "request", "elasticloadbalancing",
            "a balancer for sockets of its own",
        ),
        "ebs gp3 storage": Quota(
            assumed(50, "TiB", _REMEMBERED), "region", "request", "ebs", "ask for more, or take shorter uploads",
        ),
        "rds connections": Quota(
            published(5_000, "connections", f"{_RDS}: the default of max_connections, at most"), "instance",
            "design", "rds", "smaller pools, or RDS Proxy before the writer",
        ),
        "rds instances": Quota(
            assumed(40, "instances", _REMEMBERED), "region", "request", "rds", "ask for more",
        ),
        "elasticache nodes": Quota(
            published(300, "nodes", _ELASTICACHE), "region", "request", "elasticache", "ask for more",
        ),
        "kms signatures": Quota(
            assumed(300, "ECC signatures/s", _REMEMBERED), "region", "request", "kms",
            "tokens that live longer, or a raise",
        ),
        "nat bandwidth": Quota(
            published(
                100, "Gb/s", "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html read 2026-11-23"
            ),
            "gateway", "design", "ec2", "endpoints for what is called most",
        ),
        "elastic addresses": Quota(
            assumed(5, "addresses", _REMEMBERED), "region", "request", "ec2", "ask for more",
        ),
        "mediaconvert jobs": Quota(
            assumed(20, "jobs at a time", f"{_REMEMBERED}: 20 to 200 by region"), "queue", "request", "mediaconvert",
            "ask for more, or leave the transcoder at ffmpeg",
        ),
    }
)  # fmt: skip
"""By name."""
