"""Everything at rest and on the way is encrypted, with keys of ours where we hold data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from policies.model import Resource, Rule, StackRule, is_true, of_type, text, without_companion

_MODERN_TLS: Final = ("ELBSecurityPolicy-TLS13-1-2",)


def _at_rest(resource: Resource) -> Iterator[str]:
    kind = resource.type
    if kind == "aws:rds/instance:Instance":
        # AWS takes a replica's encryption from its source and ignores the flag.
        if resource.get("replicateSourceDb") is None:
            if not is_true(resource.get("storageEncrypted")):
                yield "is not encrypted: set storage_encrypted=True"
            if resource.get("kmsKeyId") is None:
                yield "uses AWS's key: name the region's database key as kms_key_id"
    elif kind == "aws:elasticache/replicationGroup:ReplicationGroup":
        if not is_true(resource.get("atRestEncryptionEnabled")):
            yield "is not encrypted at rest: set at_rest_encryption_enabled=True"
    elif kind == "aws:msk/cluster:Cluster":
        if resource.get("encryptionInfo.encryptionAtRestKmsKeyArn") is None:
            yield "uses AWS's key: name the region's streaming key"
    elif kind == "aws:sqs/queue:Queue":
        if resource.get("kmsMasterKeyId") is None and not is_true(resource.get("sqsManagedSseEnabled")):
            yield "is not encrypted: set kms_master_key_id or sqs_managed_sse_enabled"
    elif kind == "aws:secretsmanager/secret:Secret" and resource.get("kmsKeyId") is None:
        yield "uses AWS's key: name the region's secrets key as kms_key_id"


def _on_the_way(resource: Resource) -> Iterator[str]:
    kind = resource.type
    if kind == "aws:elasticache/replicationGroup:ReplicationGroup":
        if not is_true(resource.get("transitEncryptionEnabled")):
            yield "talks in clear: set transit_encryption_enabled=True (Valkey wants it said)"
    elif kind == "aws:msk/cluster:Cluster":
        if resource.get("encryptionInfo.encryptionInTransit.clientBroker") not in ("TLS",):
            yield "lets clients talk in clear: set client_broker='TLS'"
    elif kind == "aws:lb/listener:Listener":
        policy = text(resource.get("sslPolicy"))
        if resource.get("protocol") == "HTTPS" and policy is not None and not policy.startswith(_MODERN_TLS):
            yield f"accepts old TLS by {policy}: use a {_MODERN_TLS[0]} policy"
        forwards = any(action != "redirect" for action in _actions(resource))
        if resource.get("protocol") == "HTTP" and forwards:
            yield "forwards plain HTTP: redirect to HTTPS"


def _actions(resource: Resource) -> Iterator[object]:
    for index, _ in enumerate(resource.items("defaultActions")):
        yield resource.get(f"defaultActions.{index}.type")


def _key_rotation(resource: Resource) -> Iterator[str]:
    symmetric = resource.get("customerMasterKeySpec") in (None, "SYMMETRIC_DEFAULT")
    if resource.type == "aws:kms/key:Key" and symmetric and not is_true(resource.get("enableKeyRotation")):
        yield "never rotates: set enable_key_rotation=True"


def _buckets_encrypted(resources: tuple[Resource, ...]) -> Iterator[tuple[Resource | None, str]]:
    rules = of_type(resources, "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
    for bucket in without_companion(resources, [rule.get("bucket") for rule in rules]):
        yield bucket, "has no encryption rule: declare BucketServerSideEncryptionConfiguration for it"


RULES: Final = (
    Rule("ENC-1", "Data at rest is encrypted with our keys.", "A stolen disk or snapshot must be worthless.", _at_rest),
    Rule("ENC-2", "Data on the way is encrypted.", "Networks are shared, also inside a VPC.", _on_the_way),
    Rule("ENC-3", "Symmetric keys rotate.", "It limits what one key can open.", _key_rotation),
)
STACK_RULES: Final = (
    StackRule("ENC-4", "Every bucket has an encryption rule.", "S3's default key is not ours.", _buckets_encrypted),
)
