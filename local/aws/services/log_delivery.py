"""CloudWatch's log delivery: source, destination, and the delivery between them."""

from __future__ import annotations

from local.aws.engine.spec import Call, ResourceType, Tagging

_TAGGING = Tagging(
    "TagResource", "UntagResource", "ListTagsForResource", "resourceArn", tags="tags", keys="tagKeys", listing="tags"
)

SOURCE = ResourceType(
    pulumi_type="aws:cloudwatch/logDeliverySource:LogDeliverySource",
    service="logs",
    cfn="AWS::Logs::DeliverySource",
    create=Call("PutDeliverySource", root="deliverySource"),
    read=Call("GetDeliverySource", bind={"name": "{name}"}, root="deliverySource"),
    delete=Call("DeleteDeliverySource", bind={"name": "{name}"}),
    identity="{name}",
    reads={"resourceArn": "=resourceArns[0]"},
    outputs={"arn": "arn", "service": "service"},
    known={"arn": "arn:{partition}:logs:{region}:{account}:delivery-source:{name}"},
    tagging=_TAGGING,
)

DESTINATION = ResourceType(
    pulumi_type="aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
    service="logs",
    cfn="AWS::Logs::DeliveryDestination",
    create=(_PUT := Call("PutDeliveryDestination", root="deliveryDestination")),
    read=Call("GetDeliveryDestination", bind={"name": "{name}"}, root="deliveryDestination"),
    update=_PUT,
    delete=Call("DeleteDeliveryDestination", bind={"name": "{name}"}),
    identity="{name}",
    outputs={"arn": "arn", "deliveryDestinationType": "deliveryDestinationType"},
    known={"arn": "arn:{partition}:logs:{region}:{account}:delivery-destination:{name}"},
    tagging=_TAGGING,
)

DELIVERY = ResourceType(
    pulumi_type="aws:cloudwatch/logDelivery:LogDelivery",
    service="logs",
    cfn="AWS::Logs::Delivery",
    create=Call("CreateDelivery", root="delivery"),
    read=Call("GetDelivery", bind={"id": "{deliveryId}"}, root="delivery"),
    update=Call("UpdateDeliveryConfiguration", bind={"id": "{deliveryId}"}),
    delete=Call("DeleteDelivery", bind={"id": "{deliveryId}"}),
    identity="{deliveryId}",
    outputs={"deliveryId": "id", "arn": "arn"},
    recorded={"deliveryId": "{nonce}", "arn": "arn:{partition}:logs:{region}:{account}:delivery:{nonce}"},
    tagging=_TAGGING,
)

TYPES = (SOURCE, DESTINATION, DELIVERY)
