"""Application Auto Scaling: scalable targets and their policies."""

from __future__ import annotations

from local.aws.engine.spec import Call, Naming, ResourceType

_OF = {
    "ServiceNamespace": "{serviceNamespace}",
    "ResourceId": "{resourceId}",
    "ScalableDimension": "{scalableDimension}",
}

TARGET = ResourceType(
    pulumi_type="aws:appautoscaling/target:Target",
    service="application-autoscaling",
    cfn="AWS::ApplicationAutoScaling::ScalableTarget",
    create=(_REGISTER := Call("RegisterScalableTarget")),
    read=Call(
        "DescribeScalableTargets",
        bind={
            "ServiceNamespace": "{serviceNamespace}",
            "ResourceIds": ["{resourceId}"],
            "ScalableDimension": "{scalableDimension}",
        },
        root="ScalableTargets[0]",
    ),
    update=_REGISTER,
    delete=Call("DeregisterScalableTarget", bind=_OF),
    identity="{resourceId}",
    imported="{serviceNamespace}/{resourceId}/{scalableDimension}",
    outputs={"arn": "ScalableTargetARN"},
)

POLICY = ResourceType(
    pulumi_type="aws:appautoscaling/policy:Policy",
    service="application-autoscaling",
    cfn="AWS::ApplicationAutoScaling::ScalingPolicy",
    create=(_PUT := Call("PutScalingPolicy")),
    read=Call(
        "DescribeScalingPolicies",
        bind={"ServiceNamespace": "{serviceNamespace}", "ResourceId": "{resourceId}", "PolicyNames": ["{name}"]},
        root="ScalingPolicies[0]",
    ),
    update=_PUT,
    delete=Call("DeleteScalingPolicy", bind={**_OF, "PolicyName": "{name}"}),
    identity="{name}",
    imported="{serviceNamespace}/{resourceId}/{scalableDimension}/{name}",
    rename={"name": "PolicyName"},
    naming=Naming(limit=256),
    outputs={"arn": "PolicyARN", "alarmArns": "Alarms[].AlarmARN"},
)

TYPES = (TARGET, POLICY)
