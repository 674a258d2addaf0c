"""What a workload may do, statement by statement: IAM as data, derived from `services.contracts.workloads.Access`.

Pure: names in, statements out. Owns no role and no trust policy (``identity``). Every resource is named by what the
catalogue knows, so a preview shows the complete document; keys are named by their alias for the same reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from regions import names
from regions.catalogue import Region
from services.contracts.workloads import WORKLOADS, Access, Workload
from stacks.trust import WORKLOAD_PATH

OWNER_SECRET = "database-owner"
"""The role that owns the schemas of the cell's database: migrations read it."""
CONTEXT_SECRET = "context"
"""The key that signs user contexts: every workload checks them."""
PLAYBACK_SECRET = "playback"
"""The private keys that sign playback."""
CONVERT = "convert"
"""Purpose of the MediaConvert queue."""

Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of an identity policy."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=lambda: MappingProxyType({}))
    effect: Literal["Allow", "Deny"] = "Allow"

    def as_json(self) -> dict[str, object]:
        """The statement in the form that IAM reads."""
        result: dict[str, object] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        if self.conditions:
            result["Condition"] = {
                operator: {key: list(values) for key, values in keys.items()}
                for operator, keys in self.conditions.items()
            }
        return result


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a workload runs: everything that its permissions name."""

    account: str
    """Twelve digits."""
    region: Region
    cells: tuple[Region, ...]
    """All cells, the own one among them: the database of a bucket's writer may be in any of them."""
    converts: bool = False
    """Whether the cell buys its renditions from MediaConvert."""


def document(statements: tuple[Statement, ...]) -> str:
    """The policy document as JSON. Keys are in a fixed order, so equal statements give equal text."""
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [statement.as_json() for statement in statements]},
        separators=(",", ":"),
    )


def workload_statements(workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    """Everything that ``workload`` may do in the cell of ``scope``: one list, in the order of its accesses."""
    result = [*_own_secrets(workload, scope)]
    for access in workload.access:
        rule = _RULES.get(access)
        if rule is not None:
            result.extend(rule(workload, scope))
    return tuple(result)


def migration_statements(scope: Scope) -> tuple[Statement, ...]:
    """Read the owner of the cell's own database, and the passwords that its roles get: of no other cell, and no more."""
    roles = tuple(workload.name for workload in WORKLOADS if Access.DATABASE in workload.access)
    read = Statement(
        sid="ReadSecrets",
        actions=("secretsmanager:GetSecretValue",),
        resources=tuple(secret_arn(scope, scope.region, purpose) for purpose in (OWNER_SECRET, *roles)),
    )
    return (read, _opens_secrets(scope, scope.region))


def secret_arn(scope: Scope, region: Region, purpose: str) -> str:
    """ARN of a secret of any cell. Secrets Manager appends six characters that nobody can know beforehand."""
    return f"arn:aws:secretsmanager:{region.code}:{scope.account}:secret:{names.secret(region, purpose)}-??????"


def uses_key(scope: Scope, region: Region, alias: str, service: str, sid: str, *, writes: bool) -> Statement:
    """The statement that lets ``service`` open (and seal) data under the key called ``alias`` for the caller.

    The key is named by its alias instead of its id
    (https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html).
    """
    actions = ("kms:Decrypt", "kms:GenerateDataKey") if writes else ("kms:Decrypt",)
    return Statement(
        sid=sid,
        actions=actions,
        resources=(f"arn:aws:kms:{region.code}:{scope.account}:key/*",),
        conditions=MappingProxyType(
            {
                "ForAnyValue:StringEquals": MappingProxyType({"kms:ResourceAliases": (alias,)}),
                "StringEquals": MappingProxyType({"kms:ViaService": (f"{service}.{region.code}.amazonaws.com",)}),
            }
        ),
    )


def _own_secrets(workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    """The workload's secret and the context key of its cell; with a database, the workload's secret of every cell."""
    regions = scope.cells if Access.DATABASE in workload.access else (scope.region,)
    own = tuple(secret_arn(scope, region, workload.name) for region in regions)
    read = Statement(
        sid="ReadSecrets",
        actions=("secretsmanager:GetSecretValue",),
        resources=(*own, secret_arn(scope, scope.region, CONTEXT_SECRET)),
    )
    return (read, *(_opens_secrets(scope, region) for region in regions))


def _opens_secrets(scope: Scope, region: Region) -> Statement:
    sid = f"OpenSecretsOf{region.title.replace(' ', '')}"
    return uses_key(scope, region, names.key_alias(region, "secrets"), "secretsmanager", sid, writes=False)


def _kafka(scope: Scope, kind: str, tail: str) -> str:
    """ARN of a part of the cell's cluster; the wildcard stands for the id that MSK appends to the name."""
    return f"arn:aws:kafka:{scope.region.code}:{scope.account}:{kind}/{names.kafka(scope.region)}/*{tail}"


def _kafka_write(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    return (
        Statement(
            "ProduceConnect",
            ("kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:WriteDataIdempotently"),
            (_kafka(scope, "cluster", ""),),
        ),
        Statement(
            "Produce", ("kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"), (_kafka(scope, "topic", "/*"),)
        ),
    )


def _kafka_read(workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    return (
        Statement(
            "ConsumeConnect",
            ("kafka-cluster:Connect", "kafka-cluster:DescribeCluster"),
            (_kafka(scope, "cluster", ""),),
        ),
        Statement(
            "Consume", ("kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"), (_kafka(scope, "topic", "/*"),)
        ),
        Statement(
            "ConsumeGroups",
            ("kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"),
            (_kafka(scope, "group", f"/{workload.name}*"),),
        ),
    )


def _bucket(scope: Scope, purpose: str) -> str:
    return f"arn:aws:s3:::{names.bucket(scope.region, purpose, scope.account)}"


def _objects(scope: Scope, purpose: str, sid: str, actions: tuple[str, ...], *, writes: bool) -> tuple[Statement, ...]:
    return (
        Statement(sid, actions, (f"{_bucket(scope, purpose)}/*",)),
        uses_key(scope, scope.region, names.key_alias(scope.region, "media"), "s3", f"{sid}Key", writes=writes),
    )


def _uploads_write(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    """Sign multipart uploads: whoever signs a presigned request must hold the permission itself."""
    actions = ("s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
    listing = Statement("ListUploads", ("s3:ListBucketMultipartUploads",), (_bucket(scope, "uploads"),))
    return (*_objects(scope, "uploads", "WriteUploads", actions, writes=True), listing)


def _uploads_read(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    """Whoever reads an upload also marks it when all is made of it, so that the bucket's lifecycle removes it."""
    return _objects(scope, "uploads", "ReadUploads", ("s3:GetObject", "s3:PutObjectTagging"), writes=False)


def _media_write(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    actions = ("s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
    listing = Statement("ListMedia", ("s3:ListBucket",), (_bucket(scope, "media"),))
    return (*_objects(scope, "media", "WriteMedia", actions, writes=True), listing)


def _media_read(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    return _objects(scope, "media", "ReadMedia", ("s3:GetObject",), writes=False)


def _queue(scope: Scope, purpose: str) -> str:
    return f"arn:aws:sqs:{scope.region.code}:{scope.account}:{names.queue(scope.region, purpose)}"


def _queue_key(scope: Scope, sid: str) -> Statement:
    return uses_key(scope, scope.region, names.key_alias(scope.region, "queues"), "sqs", sid, writes=True)


def _queue_send(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    return (
        Statement("Enqueue", ("sqs:SendMessage", "sqs:GetQueueAttributes"), (_queue(scope, "transcode"),)),
        _queue_key(scope, "EnqueueKey"),
    )


def _queue_receive(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    return (
        Statement(
            "Dequeue",
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"),
            (_queue(scope, "transcode"),),
        ),
        _queue_key(scope, "DequeueKey"),
    )


def _token_key(scope: Scope, sid: str, actions: tuple[str, ...]) -> Statement:
    """The cell's replica of the multi-Region key: ids of such keys begin with ``mrk-``."""
    return Statement(
        sid,
        actions,
        (f"arn:aws:kms:{scope.region.code}:{scope.account}:key/mrk-*",),
        MappingProxyType(
            {"ForAnyValue:StringEquals": MappingProxyType({"kms:ResourceAliases": (names.TOKEN_KEY_ALIAS,)})}
        ),
    )


def _token_sign(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    return (_token_key(scope, "SignTokens", ("kms:Sign", "kms:GetPublicKey")),)


def _token_verify(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    return (_token_key(scope, "VerifyTokens", ("kms:GetPublicKey",)),)


def converter_queue_arn(scope: Scope) -> str:
    """ARN of the cell's MediaConvert queue."""
    return f"arn:aws:mediaconvert:{scope.region.code}:{scope.account}:queues/{names.queue(scope.region, CONVERT)}"


def converter_role_name(region: Region) -> str:
    """Name of the role that MediaConvert takes on: who sends a job must be allowed to pass it on."""
    return f"{names.PROJECT}-{region.name}-converter"


def _convert(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    """Send jobs, follow them, call them off; only where the cell buys its renditions."""
    if not scope.converts:
        return ()
    role = f"arn:aws:iam::{scope.account}:role{WORKLOAD_PATH}{converter_role_name(scope.region)}"
    jobs = f"arn:aws:mediaconvert:{scope.region.code}:{scope.account}:jobs/*"
    return (
        Statement("SendJobs", ("mediaconvert:CreateJob",), (converter_queue_arn(scope),)),
        Statement("FollowJobs", ("mediaconvert:GetJob", "mediaconvert:CancelJob"), (jobs,)),
        Statement(
            "PassConverter",
            ("iam:PassRole",),
            (role,),
            MappingProxyType(
                {"StringEquals": MappingProxyType({"iam:PassedToService": ("mediaconvert.amazonaws.com",)})}
            ),
        ),
    )


def converter_statements(scope: Scope) -> tuple[Statement, ...]:
    """What MediaConvert may do for the cell: read uploads, write media."""
    return (
        *_objects(scope, "uploads", "ReadSources", ("s3:GetObject",), writes=False),
        *_objects(scope, "media", "WriteRenditions", ("s3:PutObject", "s3:GetObject"), writes=True),
    )


def _playback_sign(_workload: Workload, scope: Scope) -> tuple[Statement, ...]:
    """The key of the cell's secrets is open to the workload already (`_own_secrets`)."""
    secret = secret_arn(scope, scope.region, PLAYBACK_SECRET)
    return (Statement("ReadPlaybackKeys", ("secretsmanager:GetSecretValue",), (secret,)),)


_RULES: Mapping[Access, Callable[[Workload, Scope], tuple[Statement, ...]]] = MappingProxyType(
    {
        Access.KAFKA_WRITE: _kafka_write,
        Access.KAFKA_READ: _kafka_read,
        Access.UPLOADS_WRITE: _uploads_write,
        Access.UPLOADS_READ: _uploads_read,
        Access.MEDIA_WRITE: _media_write,
        Access.MEDIA_READ: _media_read,
        Access.QUEUE_SEND: _queue_send,
        Access.QUEUE_RECEIVE: _queue_receive,
        Access.TOKEN_SIGN: _token_sign,
        Access.TOKEN_VERIFY: _token_verify,
        Access.PLAYBACK_SIGN: _playback_sign,
        Access.CONVERT: _convert,
    }
)
"""DATABASE and CACHE are absent: PostgreSQL and Valkey ask for a password, which is in the workload's secret."""
