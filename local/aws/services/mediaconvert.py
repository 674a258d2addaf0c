"""MediaConvert: queues."""

from __future__ import annotations

from local.aws.engine.spec import Call, Naming, ResourceType, Tagging

QUEUE = ResourceType(
    pulumi_type="aws:mediaconvert/queue:Queue",
    service="mediaconvert",
    cfn="AWS::MediaConvert::Queue",
    create=Call("CreateQueue", root="Queue"),
    read=Call("GetQueue", bind={"Name": "{name}"}, root="Queue"),
    update=Call("UpdateQueue"),
    delete=Call("DeleteQueue", bind={"Name": "{name}"}),
    identity="{name}",
    naming=Naming(limit=80),
    outputs={"arn": "Arn"},
    known={"arn": "arn:{partition}:mediaconvert:{region}:{account}:queues/{name}"},
    tagging=Tagging("TagResource", "UntagResource", "ListTagsForResource", "Arn", listing="ResourceTags.Tags"),
)

TYPES = (QUEUE,)
