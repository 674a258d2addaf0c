"""KMS: keys, multi-Region replicas, aliases."""

from __future__ import annotations

from local.aws.engine.derive import part
from local.aws.engine.spec import Call, Facet, Naming, ResourceType, Tagging

_TAGGING = Tagging("TagResource", "UntagResource", "ListResourceTags", "KeyId", of="{keyId}")
_DESCRIBE = Call("DescribeKey", bind={"KeyId": "{keyId}"}, root="KeyMetadata")
_DELETE = Call("ScheduleKeyDeletion", bind={"KeyId": "{keyId}", "PendingWindowInDays": "{deletionWindowInDays}"})
_GONE = ("KeyState", ("PendingDeletion", "PendingReplicaDeletion"))
_POLICY = Facet(
    ("policy", "bypassPolicyLockoutSafetyCheck"),
    put=Call("PutKeyPolicy", bind={"KeyId": "{keyId}", "PolicyName": "default"}),
    get=Call("GetKeyPolicy", bind={"KeyId": "{keyId}", "PolicyName": "default"}),
)
_DESCRIPTION = Call("UpdateKeyDescription", bind={"KeyId": "{keyId}"})

KEY = ResourceType(
    pulumi_type="aws:kms/key:Key",
    service="kms",
    cfn="AWS::KMS::Key",
    create=Call("CreateKey", root="KeyMetadata"),
    read=_DESCRIBE,
    update=_DESCRIPTION,
    delete=_DELETE,
    identity="{keyId}",
    outputs={"arn": "Arn", "keyId": "KeyId"},
    rename={"customerMasterKeySpec": "KeySpec"},
    facets=(
        _POLICY,
        Facet(
            ("enableKeyRotation", "rotationPeriodInDays"),
            put=Call("EnableKeyRotation", bind={"KeyId": "{keyId}"}),
            get=Call("GetKeyRotationStatus", bind={"KeyId": "{keyId}"}),
            clear=Call("DisableKeyRotation", bind={"KeyId": "{keyId}"}),
            rename={"enableKeyRotation": "KeyRotationEnabled"},
            switch="enableKeyRotation",
        ),
        Facet(
            ("isEnabled",),
            put=Call("EnableKey", bind={"KeyId": "{keyId}"}),
            get=Call("DescribeKey", bind={"KeyId": "{keyId}"}, root="KeyMetadata"),
            clear=Call("DisableKey", bind={"KeyId": "{keyId}"}),
            rename={"isEnabled": "Enabled"},
            switch="isEnabled",
        ),
    ),
    in_place=frozenset({"deletionWindowInDays"}),
    tagging=_TAGGING,
    gone=_GONE,
)

REPLICA = ResourceType(
    pulumi_type="aws:kms/replicaKey:ReplicaKey",
    service="kms",
    cfn="AWS::KMS::ReplicaKey",
    create=Call(
        "ReplicateKey",
        bind={"KeyId": "{primaryKeyId}", "ReplicaRegion": "{region}"},
        root="ReplicaKeyMetadata",
        region="{primaryRegion}",
    ),
    read=_DESCRIBE,
    delete=_DELETE,
    identity="{keyId}",
    outputs={"arn": "Arn", "keyId": "KeyId", "keySpec": "KeySpec", "keyUsage": "KeyUsage"},
    derived={"primaryRegion": part("primaryKeyArn", ":", 3), "primaryKeyId": part("primaryKeyArn", "/", 1)},
    known={"keyId": "{primaryKeyId}", "arn": "arn:{partition}:kms:{region}:{account}:key/{primaryKeyId}"},
    # Description and tags are set afterwards: moto gives a replica those of its primary.
    rename={"primaryKeyArn": "KeyId", "tags": ""},
    facets=(
        _POLICY,
        Facet(("description",), put=_DESCRIPTION),
        Facet(
            ("enabled",),
            put=Call("EnableKey", bind={"KeyId": "{keyId}"}),
            get=Call("DescribeKey", bind={"KeyId": "{keyId}"}, root="KeyMetadata"),
            clear=Call("DisableKey", bind={"KeyId": "{keyId}"}),
            rename={"enabled": "Enabled"},
            switch="enabled",
        ),
    ),
    in_place=frozenset({"deletionWindowInDays"}),
    replace=frozenset({"primaryKeyArn"}),
    reads={"primaryKeyArn": "MultiRegionConfiguration/PrimaryKey/Arn"},
    tagging=_TAGGING,
    gone=_GONE,
)

ALIAS = ResourceType(
    pulumi_type="aws:kms/alias:Alias",
    service="kms",
    cfn="AWS::KMS::Alias",
    create=Call("CreateAlias"),
    read=Call("ListAliases", root="Aliases[?AliasName=='{name}'] | [0]"),
    update=Call("UpdateAlias"),
    delete=Call("DeleteAlias", bind={"AliasName": "{name}"}),
    identity="{name}",
    rename={"name": "AliasName", "targetKeyId": "TargetKeyId"},
    replace=frozenset({"name"}),
    naming=Naming(limit=256, lead="alias/"),
    outputs={"arn": "AliasArn"},
    known={"arn": "arn:{partition}:kms:{region}:{account}:{name}"},
)

TYPES = (KEY, REPLICA, ALIAS)
