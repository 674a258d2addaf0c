"""Media of a region: the buckets for uploads, renditions and the page, and the queue of transcoding jobs.

Owns buckets, queues and, if configured, the MediaConvert queue. Does not own copies to the partner (``links``), delivery
(``cdn``) or the jobs themselves: their settings follow from ``services.contracts.ladder`` and travel with each job.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import names
from stacks import trust
from stacks.buckets import Cors, Lifecycle, StoredBucket, StoredBucketArgs
from stacks.context import CellContext
from stacks.permissions import CONVERT, Scope, converter_role_name, converter_statements, document

TRANSCODE = "transcode"
TRANSCODE_DEAD = "transcode-dead"
VISIBILITY_SECONDS = 300
"""A worker renews its claim while it works; a claim of a worker that died lapses after this."""
TRIES = 5
"""Deliveries before a job is put aside for a person to look at."""
RETENTION_SECONDS = 14 * 86_400
"""SQS's maximum."""

TRANSCODED_TAG = ("transcoded", "true")
"""Set on an upload when all its renditions exist."""


@dataclass(frozen=True, kw_only=True)
class MediaArgs:
    """What media is made with."""

    media_key_arn: pulumi.Output[str]
    queue_key_arn: pulumi.Output[str]
    boundary_arn: pulumi.Input[str]
    page_origin: str
    """The page's origin, from which browsers upload and play."""


@dataclass(frozen=True, slots=True)
class Converter:
    """MediaConvert's queue, and the role that it takes on."""

    queue_arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]


class Media(pulumi.ComponentResource):
    """One region's media."""

    uploads: StoredBucket
    media: StoredBucket
    page: StoredBucket
    queue: aws.sqs.Queue
    dead: aws.sqs.Queue
    converter: Converter | None
    """Where renditions are bought; None: FFmpeg workers make them."""

    def __init__(self, name: str, ctx: CellContext, args: MediaArgs) -> None:
        super().__init__("meridian:region:Media", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self.uploads = self._create_uploads()
        self.media = self._create_media()
        self.page = self._create_page()
        self.dead = self._create_dead_queue()
        self.queue = self._create_queue()
        self._announce_uploads()
        self.converter = self._create_converter() if ctx.config.transcoder == "mediaconvert" else None
        self.register_outputs({"uploads": self.uploads.bucket.bucket, "media": self.media.bucket.bucket})

    def _create_uploads(self) -> StoredBucket:
        return StoredBucket(
            f"{self._name}-uploads",
            self._ctx,
            StoredBucketArgs(
                purpose="uploads",
                key_arn=self._args.media_key_arn,
                lifecycle=Lifecycle(old_versions=1, tagged=(*TRANSCODED_TAG, 7)),
                # Parts are put by presigned URLs; the page needs each part's ETag and checksum to complete the upload.
                cors=Cors(
                    origins=(self._args.page_origin,),
                    methods=("PUT", "POST"),
                    expose=("ETag", "x-amz-checksum-crc32", "x-amz-checksum-crc32c", "x-amz-checksum-sha256"),
                ),
            ),
        )

    def _create_media(self) -> StoredBucket:
        return StoredBucket(
            f"{self._name}-media",
            self._ctx,
            StoredBucketArgs(
                purpose="media",
                key_arn=self._args.media_key_arn,
                lifecycle=Lifecycle(old_versions=30, tiering=30),
                cors=Cors(origins=(self._args.page_origin,), methods=("GET", "HEAD"), expose=("Content-Range",)),
                delivered=True,
            ),
        )

    def _create_page(self) -> StoredBucket:
        return StoredBucket(
            f"{self._name}-page",
            self._ctx,
            StoredBucketArgs(
                purpose="page",
                key_arn=self._args.media_key_arn,
                lifecycle=Lifecycle(old_versions=30),
                delivered=True,
            ),
        )

    def _create_dead_queue(self) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            f"{self._name}-{TRANSCODE_DEAD}",
            name=names.queue(self._ctx.cell, TRANSCODE_DEAD),
            message_retention_seconds=RETENTION_SECONDS,
            kms_master_key_id=self._args.queue_key_arn,
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.stateful(),
        )

    def _create_queue(self) -> aws.sqs.Queue:
        queue_name = names.queue(self._ctx.cell, TRANSCODE)
        queue_arn = f"arn:aws:sqs:{self._ctx.region}:{self._ctx.account}:{queue_name}"
        uploads = names.bucket(self._ctx.cell, "uploads", self._ctx.account)
        queue = aws.sqs.Queue(
            f"{self._name}-{TRANSCODE}",
            name=queue_name,
            visibility_timeout_seconds=VISIBILITY_SECONDS,
            message_retention_seconds=RETENTION_SECONDS,
            receive_wait_time_seconds=20,
            kms_master_key_id=self._args.queue_key_arn,
            redrive_policy=self.dead.arn.apply(
                lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": TRIES})
            ),
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.stateful(),
        )
        aws.sqs.RedriveAllowPolicy(
            f"{self._name}-{TRANSCODE_DEAD}",
            queue_url=self.dead.url,
            redrive_allow_policy=json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn]}),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        self._queue_policy = aws.sqs.QueuePolicy(
            f"{self._name}-{TRANSCODE}",
            queue_url=queue.url,
            policy=announcement_policy(queue_arn, uploads, self._ctx.account),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        return queue

    def _announce_uploads(self) -> None:
        """A second trigger beside the service's own message; both name the object, and a job runs once."""
        aws.s3.BucketNotification(
            f"{self._name}-uploads",
            bucket=self.uploads.bucket.bucket,
            queues=[
                aws.s3.BucketNotificationQueueArgs(
                    id="transcode",
                    queue_arn=self.queue.arn,
                    events=["s3:ObjectCreated:CompleteMultipartUpload"],
                )
            ],
            region=self._ctx.region,
            # S3 tries the queue when the notification is made.
            opts=self._ctx.options(depends_on=[self._queue_policy]),
        )

    def _create_converter(self) -> Converter:
        scope = Scope(account=self._ctx.account, region=self._ctx.cell, cells=(self._ctx.cell,), converts=True)
        role = aws.iam.Role(
            f"{self._name}-converter",
            name=converter_role_name(self._ctx.cell),
            path=trust.WORKLOAD_PATH,
            description=f"MediaConvert in {self._ctx.cell.title}",
            assume_role_policy=trust.service("mediaconvert.amazonaws.com", self._ctx.account),
            permissions_boundary=self._args.boundary_arn,
            tags=self._ctx.named("converter"),
            opts=self._ctx.options(),
        )
        aws.iam.RolePolicy(
            f"{self._name}-converter",
            role=role.name,
            policy=document(converter_statements(scope)),
            opts=self._ctx.options(),
        )
        queue = aws.mediaconvert.Queue(
            f"{self._name}-converter",
            name=names.queue(self._ctx.cell, CONVERT),
            description="Renditions of uploads; settings travel with each job",
            pricing_plan="ON_DEMAND",
            status="ACTIVE",
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        return Converter(queue_arn=queue.arn, role_arn=role.arn)


def announcement_policy(queue_arn: str, bucket: str, account: str) -> str:
    """Lets ``bucket`` of ``account``, and nothing else from outside the account's policies, write to the queue."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "UploadEvents",
                    "Effect": "Allow",
                    "Principal": {"Service": "s3.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": queue_arn,
                    "Condition": {
                        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
                        "StringEquals": {"aws:SourceAccount": account},
                    },
                }
            ],
        }
    )
