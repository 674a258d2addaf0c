"""One S3 bucket with everything that makes it safe: versions, encryption, no public way in, clean-up.

Owns how a bucket is declared. Which buckets a region has stands in ``media``; replication in ``links``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import names
from stacks.context import CellContext

ABANDONED_UPLOAD_DAYS = 2
"""Parts of an upload that was never completed are paid for until they are removed."""


@dataclass(frozen=True, slots=True)
class Cors:
    """What a browser may do with the bucket from another origin."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    expose: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """When objects go, in days."""

    old_versions: int
    tiering: int | None = None
    """Move to Intelligent-Tiering, which then follows the access pattern by itself."""
    tagged: tuple[str, str, int] | None = None
    """Objects with this tag (key, value) go after so many days."""


@dataclass(frozen=True, kw_only=True)
class StoredBucketArgs:
    """What a bucket is made with."""

    purpose: str
    key_arn: pulumi.Output[str]
    lifecycle: Lifecycle
    cors: Cors | None = None
    delivered: bool = False
    """Whether the account's CloudFront distributions may read it."""


class StoredBucket(pulumi.ComponentResource):
    """A private, versioned, encrypted bucket."""

    bucket: aws.s3.Bucket
    versioning: aws.s3.BucketVersioning

    def __init__(self, name: str, ctx: CellContext, args: StoredBucketArgs) -> None:
        super().__init__("meridian:region:StoredBucket", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._bucket_name = names.bucket(ctx.cell, args.purpose, ctx.account)
        self.bucket = self._create_bucket()
        self.versioning = self._keep_versions()
        self._encrypt()
        self._close_to_public()
        self._create_lifecycle()
        self._create_policy()
        self._create_cors()
        self.register_outputs({"bucket": self.bucket.bucket})

    def _create_bucket(self) -> aws.s3.Bucket:
        return aws.s3.Bucket(
            self._name,
            bucket=self._bucket_name,
            force_destroy=not self._ctx.protect,
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.stateful(),
        )

    def _keep_versions(self) -> aws.s3.BucketVersioning:
        return aws.s3.BucketVersioning(
            self._name,
            bucket=self.bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )

    def _encrypt(self) -> None:
        aws.s3.BucketServerSideEncryptionConfiguration(
            self._name,
            bucket=self.bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=self._args.key_arn
                    ),
                    bucket_key_enabled=True,
                )
            ],
            region=self._ctx.region,
            opts=self._ctx.options(),
        )

    def _close_to_public(self) -> None:
        aws.s3.BucketPublicAccessBlock(
            self._name,
            bucket=self.bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        aws.s3.BucketOwnershipControls(
            self._name,
            bucket=self.bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )

    def _create_lifecycle(self) -> None:
        aws.s3.BucketLifecycleConfiguration(
            self._name,
            bucket=self.bucket.bucket,
            rules=lifecycle_rules(self._args.lifecycle),
            region=self._ctx.region,
            # Rules for old versions need versioning first.
            opts=self._ctx.options(depends_on=[self.versioning]),
        )

    def _create_policy(self) -> None:
        aws.s3.BucketPolicy(
            self._name,
            bucket=self.bucket.bucket,
            policy=bucket_policy(self._bucket_name, self._ctx.account, delivered=self._args.delivered),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )

    def _create_cors(self) -> None:
        cors = self._args.cors
        if cors is None:
            return
        aws.s3.BucketCorsConfiguration(
            self._name,
            bucket=self.bucket.bucket,
            cors_rules=[
                aws.s3.BucketCorsConfigurationCorsRuleArgs(
                    allowed_headers=["*"],
                    allowed_methods=list(cors.methods),
                    allowed_origins=list(cors.origins),
                    expose_headers=list(cors.expose),
                    max_age_seconds=3600,
                )
            ],
            region=self._ctx.region,
            opts=self._ctx.options(),
        )


def lifecycle_rules(lifecycle: Lifecycle) -> Sequence[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    """The rules of a bucket; S3 takes one configuration with all of them."""
    s3 = aws.s3
    everything = s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    rules = [
        s3.BucketLifecycleConfigurationRuleArgs(
            id="abandoned-uploads",
            status="Enabled",
            filter=everything,
            abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=ABANDONED_UPLOAD_DAYS
            ),
        ),
        s3.BucketLifecycleConfigurationRuleArgs(
            id="old-versions",
            status="Enabled",
            filter=everything,
            noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=lifecycle.old_versions
            ),
        ),
    ]
    if lifecycle.tiering is not None:
        rules.append(
            s3.BucketLifecycleConfigurationRuleArgs(
                id="tiering",
                status="Enabled",
                filter=everything,
                transitions=[
                    s3.BucketLifecycleConfigurationRuleTransitionArgs(
                        days=lifecycle.tiering, storage_class="INTELLIGENT_TIERING"
                    )
                ],
            )
        )
    if lifecycle.tagged is not None:
        key, value, days = lifecycle.tagged
        rules.append(
            s3.BucketLifecycleConfigurationRuleArgs(
                id="done",
                status="Enabled",
                filter=s3.BucketLifecycleConfigurationRuleFilterArgs(
                    tag=s3.BucketLifecycleConfigurationRuleFilterTagArgs(key=key, value=value)
                ),
                expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
            )
        )
    return rules


def bucket_policy(bucket: str, account: str, *, delivered: bool) -> str:
    """TLS only; and, if ``delivered``, reading by the account's distributions through origin access control.

    The distributions are in another stack and name the bucket, so they are admitted by the pattern of their ARNs.
    """
    arn = f"arn:aws:s3:::{bucket}"
    statements: list[dict[str, object]] = [
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    if delivered:
        statements.append(
            {
                "Sid": "ContentDelivery",
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"{arn}/*",
                "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudfront::{account}:distribution/*"}},
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
