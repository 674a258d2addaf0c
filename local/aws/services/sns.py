"""SNS: topics, topic policies, subscriptions."""

from __future__ import annotations

from local.aws.engine.derive import part
from local.aws.engine.spec import Call, Facet, Naming, ResourceType, Tagging

_TOPIC_ATTRIBUTES = {
    "displayName": "DisplayName",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "fifoTopic": "FifoTopic",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
    "archivePolicy": "ArchivePolicy",
    "fifoThroughputScope": "FifoThroughputScope",
    "maximumMessageSize": "MaximumMessageSize",
    **{
        f"{protocol}{outcome}FeedbackRoleArn": f"{api}{outcome}FeedbackRoleArn"
        for protocol, api in (("http", "HTTP"), ("sqs", "SQS"), ("lambda", "Lambda"))
        for outcome in ("Success", "Failure")
    },
}
_SUBSCRIPTION_ATTRIBUTES = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


def _settable(operation: str, member: str, of: str, names: dict[str, str]) -> tuple[Facet, ...]:
    """One facet per attribute: the API sets one at a time."""
    return tuple(
        Facet(
            (name,),
            put=Call(operation, bind={member: of, "AttributeName": attribute}),
            rename={name: "AttributeValue"},
            late=True,
        )
        for name, attribute in names.items()
    )


TOPIC = ResourceType(
    pulumi_type="aws:sns/topic:Topic",
    service="sns",
    cfn="AWS::SNS::Topic",
    create=Call("CreateTopic"),
    read=Call("GetTopicAttributes", bind={"TopicArn": "{arn}"}),
    delete=Call("DeleteTopic", bind={"TopicArn": "{arn}"}),
    identity="{arn}",
    rename={name: f"Attributes/{attribute}" for name, attribute in _TOPIC_ATTRIBUTES.items()},
    reads={name: f"Attributes/{attribute}" for name, attribute in _TOPIC_ATTRIBUTES.items()},
    facets=_settable("SetTopicAttributes", "TopicArn", "{arn}", _TOPIC_ATTRIBUTES),
    replace=frozenset({"fifoTopic"}),
    naming=Naming(limit=256),
    local=frozenset({"namePrefix"}),
    derived={"name": part("arn", ":", 5)},
    outputs={"arn": "TopicArn", "owner": "Attributes.Owner"},
    known={"arn": "arn:{partition}:sns:{region}:{account}:{name}"},
    tagging=Tagging("TagResource", "UntagResource", "ListTagsForResource", "ResourceArn"),
)

_POLICY = Call("SetTopicAttributes", bind={"TopicArn": "{arn}", "AttributeName": "Policy"})
TOPIC_POLICY = ResourceType(
    pulumi_type="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    create=_POLICY,
    read=Call("GetTopicAttributes", bind={"TopicArn": "{arn}"}),
    update=_POLICY,
    identity="{arn}",
    rename={"policy": "AttributeValue"},
    reads={"policy": "Attributes/Policy"},
    replace=frozenset({"arn"}),
    outputs={"owner": "Attributes.Owner"},
)

SUBSCRIPTION = ResourceType(
    pulumi_type="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    cfn="AWS::SNS::Subscription",
    create=Call("Subscribe", bind={"ReturnSubscriptionArn": True}),
    read=Call("GetSubscriptionAttributes", bind={"SubscriptionArn": "{arn}"}),
    delete=Call("Unsubscribe", bind={"SubscriptionArn": "{arn}"}),
    identity="{arn}",
    rename={
        "topic": "TopicArn",
        **{name: f"Attributes/{attribute}" for name, attribute in _SUBSCRIPTION_ATTRIBUTES.items()},
    },
    reads={
        "topic": "=Attributes.TopicArn",
        "endpoint": "=Attributes.Endpoint",
        "protocol": "=Attributes.Protocol",
        **{name: f"Attributes/{attribute}" for name, attribute in _SUBSCRIPTION_ATTRIBUTES.items()},
    },
    facets=_settable("SetSubscriptionAttributes", "SubscriptionArn", "{arn}", _SUBSCRIPTION_ATTRIBUTES),
    local=frozenset({"confirmationTimeoutInMinutes", "endpointAutoConfirms"}),
    outputs={"arn": "SubscriptionArn", "ownerId": "Attributes.Owner"},
)

TYPES = (TOPIC, TOPIC_POLICY, SUBSCRIPTION)
