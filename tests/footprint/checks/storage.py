"""Checks of S3, SQS, ECR and of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.footprint.asking import Ask, Check

_BUCKET: Final = {"Bucket": "<bucket>"}


def _s3(operation: str, **finds: str) -> Check:
    """A part of a bucket: that the bucket has it at all is `bucket` itself."""
    present = next(iter(finds.values()), "@")
    return Check((Ask("s3", operation, _BUCKET, {"bucket": f"({present}) && '<bucket>'", **finds}),))


_RULES: Final = """Rules[].{id: ID, status: Status, filter: Filter.{prefix: Prefix, tag: Tag.{key: Key, value: Value}},
    abortIncompleteMultipartUpload: AbortIncompleteMultipartUpload.{daysAfterInitiation: DaysAfterInitiation},
    expiration: Expiration.{days: Days, expiredObjectDeleteMarker: ExpiredObjectDeleteMarker},
    noncurrentVersionExpiration: NoncurrentVersionExpiration.{noncurrentDays: NoncurrentDays},
    transitions: Transitions[].{days: Days, storageClass: StorageClass}}"""
_CORS: Final = """CORSRules[].{allowedHeaders: AllowedHeaders, allowedMethods: AllowedMethods,
    allowedOrigins: AllowedOrigins, exposeHeaders: ExposeHeaders, maxAgeSeconds: MaxAgeSeconds}"""
_ENCRYPTION: Final = """ServerSideEncryptionConfiguration.Rules[].{bucketKeyEnabled: BucketKeyEnabled,
    applyServerSideEncryptionByDefault: ApplyServerSideEncryptionByDefault.{kmsMasterKeyId: KMSMasterKeyID,
    sseAlgorithm: SSEAlgorithm}}"""
_REPLICATION: Final = """ReplicationConfiguration.Rules[].{id: ID, priority: Priority, status: Status,
    filter: Filter.{prefix: Prefix}, deleteMarkerReplication: DeleteMarkerReplication.{status: Status},
    sourceSelectionCriteria: SourceSelectionCriteria.{sseKmsEncryptedObjects: SseKmsEncryptedObjects.{status: Status},
        replicaModifications: ReplicaModifications.{status: Status}},
    destination: Destination.{bucket: Bucket, storageClass: StorageClass, account: Account,
        encryptionConfiguration: EncryptionConfiguration.{replicaKmsKeyId: ReplicaKmsKeyID},
        metrics: Metrics.{status: Status, eventThreshold: EventThreshold.{minutes: Minutes}},
        replicationTime: ReplicationTime.{status: Status, time: Time.{minutes: Minutes}}}}"""

_QUEUE: Final = {"QueueUrl": "<id>", "AttributeNames": ["All"]}

CHECKS: Final[Mapping[str, Check]] = {
    "aws:s3/bucket:Bucket": Check(
        (
            Ask("s3", "list_buckets", {}, {"bucket": "Buckets[?Name=='<bucket>'] | [0].Name"}),
            Ask("s3", "get_bucket_tagging", _BUCKET, {"tags": "TagSet"}),
        ),
        unread={"forceDestroy": "is what the provider does when it deletes; the deletion is checked"},
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _s3(
        "get_bucket_versioning", versioningConfiguration="{status: Status, mfaDelete: MFADelete}"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _s3(
        "get_bucket_ownership_controls", rule="OwnershipControls.Rules[0].{objectOwnership: ObjectOwnership}"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _s3("get_bucket_policy", policy="Policy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _s3(
        "get_public_access_block",
        blockPublicAcls="PublicAccessBlockConfiguration.BlockPublicAcls",
        blockPublicPolicy="PublicAccessBlockConfiguration.BlockPublicPolicy",
        ignorePublicAcls="PublicAccessBlockConfiguration.IgnorePublicAcls",
        restrictPublicBuckets="PublicAccessBlockConfiguration.RestrictPublicBuckets",
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _s3(
        "get_bucket_encryption", rules=_ENCRYPTION
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _s3(
        "get_bucket_lifecycle_configuration", rules=_RULES
    ),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _s3("get_bucket_cors", corsRules=_CORS),
    "aws:s3/bucketNotification:BucketNotification": _s3(
        "get_bucket_notification_configuration",
        queues="QueueConfigurations[].{id: Id, queueArn: QueueArn, events: Events}",
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _s3(
        "get_bucket_replication", role="ReplicationConfiguration.Role", rules=_REPLICATION
    ),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": Check(
        (
            Ask(
                "s3control",
                "get_public_access_block",
                {"AccountId": "<account>"},
                {
                    "blockPublicAcls": "PublicAccessBlockConfiguration.BlockPublicAcls",
                    "blockPublicPolicy": "PublicAccessBlockConfiguration.BlockPublicPolicy",
                    "ignorePublicAcls": "PublicAccessBlockConfiguration.IgnorePublicAcls",
                    "restrictPublicBuckets": "PublicAccessBlockConfiguration.RestrictPublicBuckets",
                },
            ),
        )
    ),
    "aws:sqs/queue:Queue": Check(
        (
            Ask(
                "sqs",
                "get_queue_attributes",
                _QUEUE,
                {
                    "name": "Attributes.QueueArn",
                    "kmsMasterKeyId": "Attributes.KmsMasterKeyId",
                    "messageRetentionSeconds": "Attributes.MessageRetentionPeriod",
                    "receiveWaitTimeSeconds": "Attributes.ReceiveMessageWaitTimeSeconds",
                    "redrivePolicy": "Attributes.RedrivePolicy",
                    "visibilityTimeoutSeconds": "Attributes.VisibilityTimeout",
                },
            ),
            Ask("sqs", "list_queue_tags", {"QueueUrl": "<id>"}, {"tags": "Tags"}),
        )
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Check(
        (
            Ask(
                "sqs",
                "get_queue_attributes",
                {"QueueUrl": "<queueUrl>", "AttributeNames": ["All"]},
                {"policy": "Attributes.Policy", "queueUrl": "Attributes.Policy && '<queueUrl>'"},
            ),
        )
    ),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": Check(
        (
            Ask(
                "sqs",
                "get_queue_attributes",
                {"QueueUrl": "<queueUrl>", "AttributeNames": ["All"]},
                {
                    "redriveAllowPolicy": "Attributes.RedriveAllowPolicy",
                    "queueUrl": "Attributes.RedriveAllowPolicy && '<queueUrl>'",
                },
            ),
        )
    ),
    "aws:ecr/repository:Repository": Check(
        (
            Ask(
                "ecr",
                "describe_repositories",
                {},
                {
                    name: f"repositories[?repositoryName=='<name>'] | [0] | {how}"
                    for name, how in {
                        "name": "repositoryName",
                        "encryptionConfigurations": "[encryptionConfiguration.{encryptionType: encryptionType}]",
                        "imageScanningConfiguration": "imageScanningConfiguration.{scanOnPush: scanOnPush}",
                        "imageTagMutability": "imageTagMutability",
                    }.items()
                },
            ),
            Ask("ecr", "list_tags_for_resource", {"resourceArn": "<arn>"}, {"tags": "tags"}),
        ),
        unread={"forceDelete": "is what the provider does when it deletes; the deletion is checked"},
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Check(
        (
            Ask(
                "ecr",
                "get_lifecycle_policy",
                {"repositoryName": "<repository>"},
                {"policy": "lifecyclePolicyText", "repository": "repositoryName"},
            ),
        )
    ),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": Check(
        (
            Ask(
                "ecr",
                "describe_registry",
                {},
                {
                    "replicationConfiguration": "replicationConfiguration.{rules: rules[].{destinations: destinations[]"
                    ".{region: region, registryId: registryId}, repositoryFilters: repositoryFilters[]"
                    ".{filter: filter, filterType: filterType}}}"
                },
            ),
        )
    ),
    "aws:secretsmanager/secret:Secret": Check(
        (
            Ask(
                "secretsmanager",
                "describe_secret",
                {"SecretId": "<name>"},
                {"name": "Name", "description": "Description", "kmsKeyId": "KmsKeyId", "tags": "Tags"},
            ),
        ),
        unread={"recoveryWindowInDays": "is what the provider says when it deletes; the deletion is checked"},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Check(
        (
            Ask(
                "secretsmanager",
                "get_secret_value",
                {"SecretId": "<secretId>"},
                # The engine shows no secret: that there is a document with something in it is what can be seen.
                {"secretId": "ARN", "secretStringWo": "length(SecretString) > `20` && '[secret]'"},
            ),
        ),
        unread={"secretStringWoVersion": "is a counter of the program's, not a property of the secret"},
    ),
}
