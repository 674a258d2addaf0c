"""S3: buckets and the resources that configure them; the account's public access block."""

from __future__ import annotations

from collections.abc import Mapping

from local.aws.engine.derive import by_region
from local.aws.engine.spec import Api, Call, Facet, Naming, ResourceType
from local.aws.engine.wire import Properties, is_list, is_mapping

_BUCKET = {"Bucket": "{bucket}", "ExpectedBucketOwner": "{expectedBucketOwner}"}
_OWNER = frozenset({"expectedBucketOwner"})
# Hosted zones of S3 endpoints: the AWS General Reference, "Amazon S3 endpoints and quotas".
_ZONES = {
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-west-2": "Z3BJ6K6RIION7M",
    "ap-south-1": "Z11RGJOFQNVJUP",
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "ap-southeast-1": "Z3O0J2DXBE1FTB",
}


def _constraint(state: Mapping[str, object]) -> object:
    """us-east-1 is the one region that must not be given as a location constraint."""
    return None if state.get("region") == "us-east-1" else state.get("region")


def _empty(api: Api, state: Properties) -> None:
    """`forceDestroy` removes every version of every object before the bucket."""
    if state.get("forceDestroy") is not True:
        return
    bucket = state["bucket"]
    while True:
        page = api.call("ListObjectVersions", {"Bucket": bucket, "MaxKeys": 1000})
        found = [
            entry for key in ("Versions", "DeleteMarkers") if is_list(entries := page.get(key)) for entry in entries
        ]
        objects = [{"Key": e["Key"], "VersionId": e["VersionId"]} for e in found if is_mapping(e)]
        if not objects:
            return
        api.call("DeleteObjects", {"Bucket": bucket, "Delete": {"Objects": objects, "Quiet": True}})


BUCKET = ResourceType(
    pulumi_type="aws:s3/bucket:Bucket",
    service="s3",
    cfn="AWS::S3::Bucket",
    create=Call("CreateBucket", bind={"CreateBucketConfiguration/LocationConstraint": "{locationConstraint}"}),
    read=Call("HeadBucket", bind={"Bucket": "{bucket}"}),
    delete=Call("DeleteBucket", bind={"Bucket": "{bucket}"}),
    identity="{bucket}",
    rename={"bucket": "Bucket", "objectLockEnabled": "ObjectLockEnabledForBucket"},
    reads={"acl": "", "objectLockEnabled": ""},
    local=frozenset({"forceDestroy", "bucketPrefix"}),
    naming=Naming("bucket", "bucketPrefix", limit=63, lower=True),
    derived={"locationConstraint": _constraint, "zone": by_region(_ZONES)},
    known={
        "arn": "arn:{partition}:s3:::{bucket}",
        "bucketDomainName": "{bucket}.s3.amazonaws.com",
        "bucketRegionalDomainName": "{bucket}.s3.{region}.amazonaws.com",
        "bucketRegion": "{region}",
        "hostedZoneId": "{zone}",
    },
    facets=(
        Facet(
            ("tags",),
            put=Call("PutBucketTagging", bind={"Bucket": "{bucket}"}, wrap="Tagging"),
            get=Call("GetBucketTagging", bind={"Bucket": "{bucket}"}),
            clear=Call("DeleteBucketTagging", bind={"Bucket": "{bucket}"}),
            rename={"tags": "TagSet"},
        ),
    ),
    before_delete=_empty,
)

VERSIONING = ResourceType(
    pulumi_type="aws:s3/bucketVersioning:BucketVersioning",
    service="s3",
    create=(_PUT_VERSIONING := Call("PutBucketVersioning")),
    read=Call("GetBucketVersioning", bind=_BUCKET, root="Status && @", properties="{VersioningConfiguration: @}"),
    update=_PUT_VERSIONING,
    delete=Call("PutBucketVersioning", bind={**_BUCKET, "VersioningConfiguration/Status": "Suspended"}),
    identity="{bucket}",
    rename={"mfa": "MFA"},
    replace=frozenset({"bucket"}),
)


def _configuration(
    word: str, put: str, get: str, delete: str, wrap: str, *, nested: Mapping[str, str] | None = None, root: str = ""
) -> ResourceType:
    """A bucket configuration: one put, one get, one delete, all of the bucket."""
    call = Call(put, wrap=wrap)
    return ResourceType(
        pulumi_type=f"aws:s3/{word[0].lower()}{word[1:]}:{word}",
        service="s3",
        create=call,
        read=Call(get, bind={"Bucket": "{bucket}"}, root=root or "@"),
        update=call,
        delete=Call(delete, bind={"Bucket": "{bucket}"}),
        identity="{bucket}",
        local=frozenset({"skipDestroy"}),
        nested=nested or {},
        replace=frozenset({"bucket"}),
    )


ENCRYPTION = _configuration(
    "BucketServerSideEncryptionConfiguration",
    "PutBucketEncryption",
    "GetBucketEncryption",
    "DeleteBucketEncryption",
    "ServerSideEncryptionConfiguration",
    nested={"ServerSideEncryptionRule.blockedEncryptionTypes": "BlockedEncryptionTypes/EncryptionType"},
    root="ServerSideEncryptionConfiguration",
)
PUBLIC_ACCESS = _configuration(
    "BucketPublicAccessBlock",
    "PutPublicAccessBlock",
    "GetPublicAccessBlock",
    "DeletePublicAccessBlock",
    "PublicAccessBlockConfiguration",
    root="PublicAccessBlockConfiguration",
)
OWNERSHIP = _configuration(
    "BucketOwnershipControls",
    "PutBucketOwnershipControls",
    "GetBucketOwnershipControls",
    "DeleteBucketOwnershipControls",
    "OwnershipControls",
    root="OwnershipControls",
)
LIFECYCLE = _configuration(
    "BucketLifecycleConfiguration",
    "PutBucketLifecycleConfiguration",
    "GetBucketLifecycleConfiguration",
    "DeleteBucketLifecycle",
    "LifecycleConfiguration",
)
CORS = _configuration(
    "BucketCorsConfiguration", "PutBucketCors", "GetBucketCors", "DeleteBucketCors", "CORSConfiguration"
)
POLICY = _configuration("BucketPolicy", "PutBucketPolicy", "GetBucketPolicy", "DeleteBucketPolicy", "")
REPLICATION = _configuration(
    "BucketReplicationConfig",
    "PutBucketReplication",
    "GetBucketReplication",
    "DeleteBucketReplication",
    "ReplicationConfiguration",
    root="ReplicationConfiguration",
)


def _switched(inputs: Properties) -> Properties:
    """EventBridge is switched on by an empty block, and off by none."""
    return {
        name: {} if name == "eventbridge" else value
        for name, value in inputs.items()
        if name != "eventbridge" or value is True
    }


_TARGETS = ("Queue", "Topic", "LambdaFunction")
NOTIFICATION = ResourceType(
    pulumi_type="aws:s3/bucketNotification:BucketNotification",
    service="s3",
    create=(_PUT_NOTIFICATION := Call("PutBucketNotificationConfiguration", wrap="NotificationConfiguration")),
    read=Call("GetBucketNotificationConfiguration", bind={"Bucket": "{bucket}"}),
    update=_PUT_NOTIFICATION,
    delete=Call("PutBucketNotificationConfiguration", bind={"Bucket": "{bucket}", "NotificationConfiguration": {}}),
    identity="{bucket}",
    rename={
        "queues": "QueueConfigurations",
        "topics": "TopicConfigurations",
        "lambdaFunctions": "LambdaFunctionConfigurations",
        "eventbridge": "EventBridgeConfiguration",
    },
    nested={
        f"{target}Configuration.filter{end.title()}": f"Filter/Key/FilterRules/{end}"
        for target in _TARGETS
        for end in ("prefix", "suffix")
    },
    shape=_switched,
    replace=frozenset({"bucket"}),
)

ACCOUNT_PUBLIC_ACCESS = ResourceType(
    pulumi_type="aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
    service="s3control",
    create=(
        _PUT_ACCOUNT := Call(
            "PutPublicAccessBlock", bind={"AccountId": "{owner}"}, wrap="PublicAccessBlockConfiguration"
        )
    ),
    read=Call("GetPublicAccessBlock", bind={"AccountId": "{owner}"}, root="PublicAccessBlockConfiguration"),
    update=_PUT_ACCOUNT,
    delete=Call("DeletePublicAccessBlock", bind={"AccountId": "{owner}"}),
    identity="{owner}",
    derived={"owner": lambda state: state.get("accountId") or state.get("account")},
    regional=False,
)

TYPES = (
    BUCKET,
    VERSIONING,
    ENCRYPTION,
    PUBLIC_ACCESS,
    OWNERSHIP,
    LIFECYCLE,
    CORS,
    POLICY,
    REPLICATION,
    NOTIFICATION,
    ACCOUNT_PUBLIC_ACCESS,
)
