"""Settings of AWS services that only go together, or that AWS refuses at deployment when they are otherwise.

Owns what belongs to no other subject here: replication of buckets, engine of the cache, Auto Mode, logs of firewalls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from policies.model import Resource, Rule, Unknown, is_true, text

REPLICATION: Final = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
_ENABLED: Final = "Enabled"
_COMMITTED_MINUTES: Final = 15
"""The only value that S3 takes for the time to which it commits itself."""
_AUTO_MODE: Final = (
    "computeConfig.enabled",
    "kubernetesNetworkConfig.elasticLoadBalancing.enabled",
    "storageConfig.blockStorage.enabled",
)
_WAF_LOGS: Final = re.compile(r"(:log-group:|:deliverystream/|arn:aws:s3:::)aws-waf-logs-")


def _bucket_copies(resource: Resource) -> Iterator[str]:
    """S3 copies neither encrypted objects nor marks of deletion unless it is told to."""
    if resource.type != REPLICATION:
        return
    if resource.get("rules") in (None, ()):
        yield "has no rule, so it copies nothing: declare one"
    for number, rule in enumerate(resource.items("rules")):
        if not isinstance(rule, Unknown):
            yield from _copy_rule(resource, f"rules.{number}")


def _copy_rule(resource: Resource, rule: str) -> Iterator[str]:
    wanted = {
        "status": "is switched off",
        "deleteMarkerReplication.status": "keeps what was deleted alive in the copy",
        "sourceSelectionCriteria.sseKmsEncryptedObjects.status": "leaves out what is encrypted with our keys",
    }
    for path, consequence in wanted.items():
        if not _is(resource, f"{rule}.{path}", _ENABLED):
            yield f"{rule} {consequence}: set {path} to {_ENABLED}"
    if resource.get(f"{rule}.destination.encryptionConfiguration.replicaKmsKeyId") is None:
        yield f"{rule} names no key for the copies: set replicaKmsKeyId to the destination's"
    time, metrics = f"{rule}.destination.replicationTime", f"{rule}.destination.metrics"
    if resource.get(f"{time}.status") == _ENABLED:
        if not _is(resource, f"{metrics}.status", _ENABLED):
            yield f"{rule} commits S3 to a time without metrics, which it refuses: set metrics.status to {_ENABLED}"
        for path in (f"{time}.time.minutes", f"{metrics}.eventThreshold.minutes"):
            if not _is(resource, path, _COMMITTED_MINUTES):
                yield f"{path} must be {_COMMITTED_MINUTES}, S3 commits itself to nothing else"


def _is(resource: Resource, path: str, wanted: str | int) -> bool:
    """Equal, or not known yet."""
    value = resource.get(path)
    return isinstance(value, Unknown) or value == wanted


def _engine(resource: Resource) -> Iterator[str]:
    if resource.type == "aws:elasticache/replicationGroup:ReplicationGroup" and not _is(resource, "engine", "valkey"):
        yield f"has engine {resource.get('engine') or 'redis, the default'}: set engine='valkey'"


def _auto_mode(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:eks/cluster:Cluster":
        return
    off = [path for path in _AUTO_MODE if not is_true(resource.get(path))]
    if len(off) == len(_AUTO_MODE):
        return
    if off:
        yield f"has half of Auto Mode, which EKS refuses: enable {', '.join(off)} too"
    if not isinstance(addons := resource.get("bootstrapSelfManagedAddons"), Unknown) and addons is not False:
        yield "brings add-ons of its own beside those of Auto Mode: set bootstrap_self_managed_addons=False"


def _firewall_logs(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration":
        return
    given = resource.get("logDestinationConfigs")
    if not isinstance(given, Unknown) and len(resource.items("logDestinationConfigs")) != 1:
        yield "must name exactly one destination of its logs"
    for entry in resource.items("logDestinationConfigs"):
        destination = text(entry)
        if destination is not None and not _WAF_LOGS.search(destination):
            yield f"logs to {destination}, which WAF refuses: its name must begin with aws-waf-logs-"


RULES: Final = (
    Rule("S3-1", "Copies of a bucket are whole and on time.", "A partner serves what was copied.", _bucket_copies),
    Rule("CACHE-1", "Caches are Valkey.", "Redis is the provider's default, and costs more.", _engine),
    Rule("EKS-1", "Auto Mode is whole or absent.", "EKS refuses a part of it, and late.", _auto_mode),
    Rule("WAF-1", "Firewalls log to where WAF can.", "It refuses any other name at deployment.", _firewall_logs),
)
