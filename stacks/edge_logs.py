"""Access logs of the distributions: a private bucket that forgets, and what delivers logs to it.

Owns bucket and delivery. Everything is in us-east-1, where CloudFront's log delivery is configured. Logs hold addresses
of viewers, so they are kept for a month and nothing reads them by itself.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from regions.catalogue import EDGE_CODE
from regions.names import PROJECT
from stacks.context import Context

RETENTION_DAYS = 30


class EdgeLogs(pulumi.ComponentResource):
    """The bucket of access logs; `follow` sends a distribution's logs to it."""

    def __init__(self, name: str, ctx: Context) -> None:
        super().__init__("meridian:steering:EdgeLogs", name, None, ctx.component())
        self._ctx = ctx.within(self).at(EDGE_CODE)
        self._name = name
        self._bucket_name = f"{PROJECT}-edge-logs-{EDGE_CODE}-{ctx.account}"
        self._bucket = self._create_bucket()
        self._close()
        self._forget()
        self._policy = self._admit_delivery()
        self._destination = self._create_destination()
        self.register_outputs({"bucket": self._bucket.bucket})

    def follow(self, name: str, distribution: aws.cloudfront.Distribution) -> None:
        """Deliver the access logs of ``distribution``."""
        source = aws.cloudwatch.LogDeliverySource(
            f"{self._name}-{name}",
            region=self._ctx.region,
            name=f"{PROJECT}-{name}",
            log_type="ACCESS_LOGS",
            resource_arn=distribution.arn,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        aws.cloudwatch.LogDelivery(
            f"{self._name}-{name}",
            region=self._ctx.region,
            delivery_source_name=source.name,
            delivery_destination_arn=self._destination.arn,
            s3_delivery_configurations=[
                aws.cloudwatch.LogDeliveryS3DeliveryConfigurationArgs(
                    suffix_path=f"{name}/{{yyyy}}/{{MM}}/{{dd}}", enable_hive_compatible_path=False
                )
            ],
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )

    def _create_bucket(self) -> aws.s3.Bucket:
        return aws.s3.Bucket(
            self._name,
            region=self._ctx.region,
            bucket=self._bucket_name,
            force_destroy=not self._ctx.protect,
            tags=self._ctx.named("logs"),
            opts=self._ctx.stateful(),
        )

    def _close(self) -> None:
        aws.s3.BucketPublicAccessBlock(
            self._name,
            region=self._ctx.region,
            bucket=self._bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._ctx.options(),
        )
        aws.s3.BucketOwnershipControls(
            self._name,
            region=self._ctx.region,
            bucket=self._bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._ctx.options(),
        )
        # The service that delivers logs is given no key of the project.
        default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="AES256"
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            self._name,
            region=self._ctx.region,
            bucket=self._bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(apply_server_side_encryption_by_default=default)
            ],
            opts=self._ctx.options(),
        )

    def _forget(self) -> None:
        aws.s3.BucketLifecycleConfiguration(
            self._name,
            region=self._ctx.region,
            bucket=self._bucket.bucket,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="forget",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=RETENTION_DAYS),
                    abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=7
                    ),
                )
            ],
            opts=self._ctx.options(),
        )

    def _admit_delivery(self) -> aws.s3.BucketPolicy:
        return aws.s3.BucketPolicy(
            self._name,
            region=self._ctx.region,
            bucket=self._bucket.bucket,
            policy=bucket_policy(self._bucket_name, self._ctx.account),
            opts=self._ctx.options(),
        )

    def _create_destination(self) -> aws.cloudwatch.LogDeliveryDestination:
        return aws.cloudwatch.LogDeliveryDestination(
            self._name,
            region=self._ctx.region,
            name=f"{PROJECT}-edge",
            output_format="parquet",
            delivery_destination_configuration=aws.cloudwatch.LogDeliveryDestinationDeliveryDestinationConfigurationArgs(
                destination_resource_arn=self._bucket.arn
            ),
            tags=self._ctx.tags,
            opts=self._ctx.options(depends_on=[self._policy]),
        )


def bucket_policy(bucket: str, account: str) -> str:
    """Log delivery of this account may write; whatever comes without TLS is refused.

    As https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html asks.
    """
    arn = f"arn:aws:s3:::{bucket}"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "LogDelivery",
                    "Effect": "Allow",
                    "Principal": {"Service": "delivery.logs.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": f"{arn}/*",
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": account},
                        "ArnLike": {"aws:SourceArn": f"arn:aws:logs:{EDGE_CODE}:{account}:delivery-source:*"},
                    },
                },
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        }
    )
