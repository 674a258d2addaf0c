"""What holds data survives mistakes and the loss of a zone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from policies.model import Resource, Rule, Unknown, is_true

_FLAGS: Final = {
    "aws:rds/instance:Instance": "deletionProtection",
    "aws:eks/cluster:Cluster": "deletionProtection",
    "aws:lb/loadBalancer:LoadBalancer": "enableDeletionProtection",
}
_WINDOWS: Final = {
    "aws:kms/key:Key": "deletionWindowInDays",
    "aws:kms/replicaKey:ReplicaKey": "deletionWindowInDays",
    "aws:secretsmanager/secret:Secret": "recoveryWindowInDays",
}
"""How long what was removed can be taken back. AWS's own default is what `_WINDOW_DAYS` says."""
_WINDOW_DAYS: Final = 30
_PROTECTED: Final = frozenset(
    {
        *_FLAGS,
        "aws:ec2/vpc:Vpc",
        "aws:route53/zone:Zone",
        "aws:kms/key:Key",
        "aws:kms/replicaKey:ReplicaKey",
        "aws:s3/bucket:Bucket",
        "aws:msk/cluster:Cluster",
        "aws:msk/replicator:Replicator",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:secretsmanager/secret:Secret",
        "aws:cloudfront/distribution:Distribution",
    }
)
_MIN_BACKUP_DAYS: Final = 7


def _protected(resource: Resource) -> Iterator[str]:
    if resource.disposable or resource.type not in _PROTECTED:
        return
    if not resource.protect:
        yield "can be removed by a slip: declare it with context.stateful()"
    flag = _FLAGS.get(resource.type)
    if flag is not None and not is_true(resource.get(flag)):
        yield f"can be removed in the console: set {flag}"
    if is_true(resource.get("forceDestroy")) and not isinstance(resource.get("forceDestroy"), Unknown):
        yield "would be emptied on removal: set force_destroy=False"
    window = _WINDOWS.get(resource.type)
    days = None if window is None else resource.get(window)
    if isinstance(days, int | float) and days < _WINDOW_DAYS:
        yield f"is gone {days:g} days after a slip: set {window} to {_WINDOW_DAYS}"


def _zones(resource: Resource) -> Iterator[str]:
    one_zone = resource.get("replicateSourceDb") is None and not is_true(resource.get("multiAz"))
    if resource.type == "aws:rds/instance:Instance" and one_zone:
        yield "stands in one zone: set multi_az=True"
    both = is_true(resource.get("automaticFailoverEnabled")) and is_true(resource.get("multiAzEnabled"))
    if resource.type == "aws:elasticache/replicationGroup:ReplicationGroup" and not both:
        yield "does not fail over between zones: set automatic_failover_enabled and multi_az_enabled"


def _backups(resource: Resource) -> Iterator[str]:
    """A replica need not be backed up; if it is, because it may be promoted, its backups outlive it like others."""
    if resource.type != "aws:rds/instance:Instance":
        return
    days = resource.get("backupRetentionPeriod")
    deleted = resource.get("deleteAutomatedBackups")
    if days not in (None, 0) and deleted is not False and not isinstance(deleted, Unknown) and not resource.disposable:
        yield "would take its backups with it: set delete_automated_backups=False"
    if resource.get("replicateSourceDb") is not None:
        return
    if not isinstance(days, Unknown) and (not isinstance(days, (int, float)) or days < _MIN_BACKUP_DAYS):
        yield f"keeps backups for {days} days: set backup_retention_period to at least {_MIN_BACKUP_DAYS}"
    if is_true(resource.get("skipFinalSnapshot")) and not resource.disposable:
        yield "leaves no final snapshot: set skip_final_snapshot=False"


def _replicable(resource: Resource) -> Iterator[str]:
    """RDS makes no read replica of an instance whose password it manages
    (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html)."""
    if resource.type != "aws:rds/instance:Instance":
        return
    if resource.get("manageMasterUserPassword") is True:
        yield "has a managed password, so it can have no replica: use password_wo"
    if resource.get("replicateSourceDb") is not None:
        for name in ("username", "dbName", "password", "passwordWo", "finalSnapshotIdentifier"):
            if resource.get(name) is not None:
                yield f"is a replica and must not set {name}"


RULES: Final = (
    Rule("RES-1", "What holds data or an address is protected.", "A slip must not remove it.", _protected),
    Rule("RES-2", "Stores survive the loss of a zone.", "Zones fail.", _zones),
    Rule("RES-3", "Databases are backed up.", "Mistakes are found days later.", _backups),
    Rule("RES-4", "Databases can be replicated.", "The partner's copy depends on it.", _replicable),
)
