"""Cost Explorer: anomaly monitors and who is told of anomalies."""

from __future__ import annotations

from local.aws.engine.spec import Call, Naming, ResourceType, Tagging

_TAGGING = Tagging(
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
    "ResourceArn",
    tags="ResourceTags",
    keys="ResourceTagKeys",
    listing="ResourceTags",
)

MONITOR = ResourceType(
    pulumi_type="aws:costexplorer/anomalyMonitor:AnomalyMonitor",
    service="ce",
    cfn="AWS::CE::AnomalyMonitor",
    create=Call("CreateAnomalyMonitor", wrap="AnomalyMonitor"),
    read=Call("GetAnomalyMonitors", bind={"MonitorArnList": ["{arn}"]}, root="AnomalyMonitors[0]"),
    update=Call("UpdateAnomalyMonitor", bind={"MonitorArn": "{arn}"}),
    delete=Call("DeleteAnomalyMonitor", bind={"MonitorArn": "{arn}"}),
    identity="{arn}",
    rename={"name": "MonitorName", "tags": "ResourceTags"},
    naming=Naming(limit=1024),
    outputs={"arn": "MonitorArn"},
    recorded={"arn": "arn:{partition}:ce::{account}:anomalymonitor/{uuid}"},
    tagging=_TAGGING,
    regional=False,
)

SUBSCRIPTION = ResourceType(
    pulumi_type="aws:costexplorer/anomalySubscription:AnomalySubscription",
    service="ce",
    cfn="AWS::CE::AnomalySubscription",
    create=Call("CreateAnomalySubscription", wrap="AnomalySubscription"),
    read=Call("GetAnomalySubscriptions", bind={"SubscriptionArnList": ["{arn}"]}, root="AnomalySubscriptions[0]"),
    update=Call("UpdateAnomalySubscription", bind={"SubscriptionArn": "{arn}"}),
    delete=Call("DeleteAnomalySubscription", bind={"SubscriptionArn": "{arn}"}),
    identity="{arn}",
    rename={"name": "SubscriptionName", "tags": "ResourceTags"},
    nested={
        "Expression.dimension": "Dimensions",
        "Expression.costCategory": "CostCategories",
        "Expression.ands": "And",
        "Expression.ors": "Or",
    },
    naming=Naming(limit=1024),
    outputs={"arn": "SubscriptionArn"},
    recorded={"arn": "arn:{partition}:ce::{account}:anomalysubscription/{uuid}"},
    tagging=_TAGGING,
    regional=False,
)

TYPES = (MONITOR, SUBSCRIPTION)
