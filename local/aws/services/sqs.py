"""SQS: queues and their policies."""

from __future__ import annotations

from local.aws.engine.derive import part
from local.aws.engine.spec import Call, Naming, ResourceType, Tagging

_ATTRIBUTES = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
_RENAME = {name: f"Attributes/{attribute}" for name, attribute in _ATTRIBUTES.items()}

QUEUE = ResourceType(
    pulumi_type="aws:sqs/queue:Queue",
    service="sqs",
    cfn="AWS::SQS::Queue",
    create=Call("CreateQueue"),
    read=Call("GetQueueAttributes", bind={"QueueUrl": "{url}", "AttributeNames": ["All"]}),
    update=Call("SetQueueAttributes", bind={"QueueUrl": "{url}"}),
    delete=Call("DeleteQueue", bind={"QueueUrl": "{url}"}),
    identity="{url}",
    rename={**_RENAME, "name": "QueueName"},
    reset={"redrivePolicy": "", "policy": "", "kmsMasterKeyId": "", "redriveAllowPolicy": ""},
    naming=Naming(limit=80),
    derived={"name": part("url", "/", -1)},
    outputs={"url": "QueueUrl", "arn": "Attributes.QueueArn"},
    known={"arn": "arn:{partition}:sqs:{region}:{account}:{name}"},
    tagging=Tagging("TagQueue", "UntagQueue", "ListQueueTags", "QueueUrl", of="{url}"),
)


def _attribute(token: str, name: str, attribute: str) -> ResourceType:
    """A queue attribute that is a resource of its own."""
    put = Call("SetQueueAttributes", bind={"QueueUrl": "{queueUrl}"})
    return ResourceType(
        pulumi_type=token,
        service="sqs",
        create=put,
        read=Call(
            "GetQueueAttributes",
            bind={"QueueUrl": "{queueUrl}", "AttributeNames": ["All"]},
            root=f"Attributes.{attribute} && @",
        ),
        update=put,
        delete=Call("SetQueueAttributes", bind={"QueueUrl": "{queueUrl}", f"Attributes/{attribute}": ""}),
        identity="{queueUrl}",
        rename={name: f"Attributes/{attribute}"},
        replace=frozenset({"queueUrl"}),
    )


QUEUE_POLICY = _attribute("aws:sqs/queuePolicy:QueuePolicy", "policy", "Policy")
REDRIVE_POLICY = _attribute("aws:sqs/redrivePolicy:RedrivePolicy", "redrivePolicy", "RedrivePolicy")

REDRIVE_ALLOW_POLICY = _attribute(
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "redriveAllowPolicy", "RedriveAllowPolicy"
)

TYPES = (QUEUE, QUEUE_POLICY, REDRIVE_POLICY, REDRIVE_ALLOW_POLICY)
