"""Secrets Manager: secrets, their versions and rotation."""

from __future__ import annotations

from collections.abc import Mapping

from local.aws.engine.spec import Call, Facet, Naming, ResourceType, Tagging


def _window(state: Mapping[str, object]) -> object:
    return state.get("recoveryWindowInDays") or None


def _at_once(state: Mapping[str, object]) -> object:
    return True if state.get("recoveryWindowInDays") == 0 else None


SECRET = ResourceType(
    pulumi_type="aws:secretsmanager/secret:Secret",
    service="secretsmanager",
    cfn="AWS::SecretsManager::Secret",
    create=Call("CreateSecret", bind={"ClientRequestToken": "{uuid}"}),
    read=Call("DescribeSecret", bind={"SecretId": "{arn}"}),
    update=Call("UpdateSecret", bind={"SecretId": "{arn}"}),
    delete=Call(
        "DeleteSecret",
        bind={"SecretId": "{arn}", "RecoveryWindowInDays": "{window}", "ForceDeleteWithoutRecovery": "{atOnce}"},
    ),
    identity="{arn}",
    rename={"replicas": "AddReplicaRegions"},
    local=frozenset({"recoveryWindowInDays", "namePrefix"}),
    naming=Naming(limit=512),
    derived={"window": _window, "atOnce": _at_once},
    outputs={"arn": "ARN"},
    facets=(
        Facet(
            ("policy",),
            put=Call("PutResourcePolicy", bind={"SecretId": "{arn}"}),
            get=Call("GetResourcePolicy", bind={"SecretId": "{arn}"}),
            clear=Call("DeleteResourcePolicy", bind={"SecretId": "{arn}"}),
            rename={"policy": "ResourcePolicy"},
        ),
        Facet(
            ("replicas", "forceOverwriteReplicaSecret"),
            put=Call("ReplicateSecretToRegions", bind={"SecretId": "{arn}"}),
            rename={"replicas": "AddReplicaRegions"},
            late=True,
        ),
    ),
    reads={"replicas": "ReplicationStatus", "forceOverwriteReplicaSecret": ""},
    tagging=Tagging("TagResource", "UntagResource", "", "SecretId"),
    gone=("DeletedDate != `null`", (True,)),
)

VERSION = ResourceType(
    pulumi_type="aws:secretsmanager/secretVersion:SecretVersion",
    service="secretsmanager",
    create=Call("PutSecretValue", bind={"ClientRequestToken": "{uuid}"}),
    read=Call("GetSecretValue", bind={"SecretId": "{secretId}", "VersionId": "{versionId}"}),
    identity="{secretId}|{versionId}",
    rename={"secretStringWo": "SecretString"},
    local=frozenset({"secretStringWoVersion"}),
    outputs={"arn": "ARN", "secretArn": "ARN", "versionId": "VersionId"},
    reads={"secretId": ""},
    replace=frozenset({"secretStringWoVersion"}),
    secret=frozenset({"secretString", "secretBinary"}),
)

ROTATION = ResourceType(
    pulumi_type="aws:secretsmanager/secretRotation:SecretRotation",
    service="secretsmanager",
    cfn="AWS::SecretsManager::RotationSchedule",
    create=(
        _ROTATE := Call(
            "RotateSecret", bind={"ClientRequestToken": "{uuid}"}, rename={"rotationLambdaArn": "RotationLambdaARN"}
        )
    ),
    read=Call("DescribeSecret", bind={"SecretId": "{secretId}"}, root="RotationEnabled && @"),
    update=_ROTATE,
    delete=Call("CancelRotateSecret", bind={"SecretId": "{secretId}"}),
    identity="{secretId}",
    replace=frozenset({"secretId"}),
    reads={"secretId": "", "rotateImmediately": ""},
)

TYPES = (SECRET, VERSION, ROTATION)
