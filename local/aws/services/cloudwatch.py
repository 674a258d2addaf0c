"""What Pulumi files under `cloudwatch`: alarms, dashboards, and of other services log groups and event rules."""

from __future__ import annotations

from local.aws.engine.spec import Call, Facet, Naming, ResourceType, Tagging
from local.aws.engine.wire import Properties, is_list, is_mapping
from local.aws.services import log_delivery

LOG_GROUP = ResourceType(
    pulumi_type="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    cfn="AWS::Logs::LogGroup",
    create=Call("CreateLogGroup"),
    read=Call(
        "DescribeLogGroups", bind={"logGroupNamePrefix": "{name}"}, root="logGroups[?logGroupName=='{name}'] | [0]"
    ),
    delete=Call("DeleteLogGroup", bind={"logGroupName": "{name}"}),
    identity="{name}",
    rename={"name": "logGroupName"},
    local=frozenset({"skipDestroy", "namePrefix"}),
    naming=Naming(limit=512),
    known={"arn": "arn:{partition}:logs:{region}:{account}:log-group:{name}"},
    facets=(
        Facet(
            ("retentionInDays",),
            put=Call("PutRetentionPolicy", bind={"logGroupName": "{name}"}),
            clear=Call("DeleteRetentionPolicy", bind={"logGroupName": "{name}"}),
        ),
        Facet(
            ("kmsKeyId",),
            put=Call("AssociateKmsKey", bind={"logGroupName": "{name}"}),
            clear=Call("DisassociateKmsKey", bind={"logGroupName": "{name}"}),
            late=True,
        ),
        Facet(
            ("deletionProtectionEnabled",),
            put=Call("PutLogGroupDeletionProtection", bind={"logGroupIdentifier": "{name}"}),
            late=True,
        ),
    ),
    tagging=Tagging(
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
        "resourceArn",
        tags="tags",
        keys="tagKeys",
        listing="tags",
    ),
)

LOG_POLICY = ResourceType(
    pulumi_type="aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
    service="logs",
    cfn="AWS::Logs::ResourcePolicy",
    create=(_PUT_POLICY := Call("PutResourcePolicy")),
    read=Call("DescribeResourcePolicies", root="resourcePolicies[?policyName=='{policyName}'] | [0]"),
    update=_PUT_POLICY,
    delete=Call("DeleteResourcePolicy", bind={"policyName": "{policyName}"}),
    identity="{policyName}",
)


def _with_statistics(inputs: Properties) -> Properties:
    """A metric of a query is one block to the provider, and a metric within a statistic to the API."""
    queries = inputs.get("metricQueries")
    if not is_list(queries):
        return inputs
    return {**inputs, "metricQueries": [_statistic(query) for query in queries]}


def _statistic(query: object) -> object:
    metric = query.get("metric") if is_mapping(query) else None
    if not is_mapping(query) or not is_mapping(metric):
        return query
    outer = {name: metric[name] for name in ("period", "stat", "unit") if name in metric}
    inner = {name: value for name, value in metric.items() if name not in outer}
    kept = {name: value for name, value in query.items() if name != "metric"}
    return {**kept, "metricStat": {**outer, "metric": inner}}


_ALARM_TAGS = Tagging("TagResource", "UntagResource", "ListTagsForResource", "ResourceARN")

METRIC_ALARM = ResourceType(
    pulumi_type="aws:cloudwatch/metricAlarm:MetricAlarm",
    service="cloudwatch",
    cfn="AWS::CloudWatch::Alarm",
    create=(_PUT_ALARM := Call("PutMetricAlarm")),
    read=Call("DescribeAlarms", bind={"AlarmNames": ["{name}"]}, root="MetricAlarms[0]"),
    update=_PUT_ALARM,
    delete=Call("DeleteAlarms", bind={"AlarmNames": ["{name}"]}),
    identity="{name}",
    rename={
        "name": "AlarmName",
        "metricQueries": "Metrics",
        "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    },
    shape=_with_statistics,
    naming=Naming(limit=255),
    outputs={"arn": "AlarmArn"},
    known={"arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"},
    tagging=_ALARM_TAGS,
)


def _flat_suppressor(inputs: Properties) -> Properties:
    suppressor = inputs.get("actionsSuppressor")
    if not is_mapping(suppressor):
        return inputs
    names = {"alarm": "actionsSuppressor", "extensionPeriod": "actionsSuppressorExtensionPeriod"}
    names["waitPeriod"] = "actionsSuppressorWaitPeriod"
    kept = {name: value for name, value in inputs.items() if name != "actionsSuppressor"}
    return {**kept, **{names.get(key, key): value for key, value in suppressor.items()}}


COMPOSITE_ALARM = ResourceType(
    pulumi_type="aws:cloudwatch/compositeAlarm:CompositeAlarm",
    service="cloudwatch",
    cfn="AWS::CloudWatch::CompositeAlarm",
    create=(_PUT_COMPOSITE := Call("PutCompositeAlarm")),
    read=Call(
        "DescribeAlarms",
        bind={"AlarmNames": ["{alarmName}"], "AlarmTypes": ["CompositeAlarm"]},
        root="CompositeAlarms[0]",
    ),
    update=_PUT_COMPOSITE,
    delete=Call("DeleteAlarms", bind={"AlarmNames": ["{alarmName}"]}),
    identity="{alarmName}",
    shape=_flat_suppressor,
    reads={
        "actionsSuppressor": "=ActionsSuppressor && {alarm: ActionsSuppressor,"
        " extensionPeriod: ActionsSuppressorExtensionPeriod, waitPeriod: ActionsSuppressorWaitPeriod}"
    },
    in_place=frozenset({"actionsSuppressor"}),
    outputs={"arn": "AlarmArn"},
    known={"arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{alarmName}"},
    tagging=_ALARM_TAGS,
)

DASHBOARD = ResourceType(
    pulumi_type="aws:cloudwatch/dashboard:Dashboard",
    service="cloudwatch",
    cfn="AWS::CloudWatch::Dashboard",
    create=(_PUT_DASHBOARD := Call("PutDashboard")),
    read=Call("GetDashboard", bind={"DashboardName": "{dashboardName}"}),
    update=_PUT_DASHBOARD,
    delete=Call("DeleteDashboards", bind={"DashboardNames": ["{dashboardName}"]}),
    identity="{dashboardName}",
    known={"dashboardArn": "arn:{partition}:cloudwatch::{account}:dashboard/{dashboardName}"},
    replace=frozenset({"dashboardName"}),
)

EVENT_RULE = ResourceType(
    pulumi_type="aws:cloudwatch/eventRule:EventRule",
    service="events",
    cfn="AWS::Events::Rule",
    create=(_PUT_RULE := Call("PutRule")),
    read=Call("DescribeRule", bind={"Name": "{name}", "EventBusName": "{eventBusName}"}),
    update=_PUT_RULE,
    delete=Call("DeleteRule", bind={"Name": "{name}", "EventBusName": "{eventBusName}", "Force": "{forceDestroy}"}),
    identity="{name}",
    naming=Naming(limit=64),
    local=frozenset({"namePrefix"}),
    outputs={"arn": "Arn || RuleArn"},
    known={"arn": "arn:{partition}:events:{region}:{account}:rule/{name}"},
    tagging=Tagging("TagResource", "UntagResource", "ListTagsForResource", "ResourceARN"),
)

EVENT_TARGET = ResourceType(
    pulumi_type="aws:cloudwatch/eventTarget:EventTarget",
    service="events",
    create=(
        _PUT_TARGET := Call(
            "PutTargets",
            bind={"Rule": "{rule}", "EventBusName": "{eventBusName}", "Targets/0/Id": "{targetId}"},
            wrap="Targets/0",
        )
    ),
    read=Call(
        "ListTargetsByRule",
        bind={"Rule": "{rule}", "EventBusName": "{eventBusName}"},
        root="Targets[?Id=='{targetId}'] | [0]",
    ),
    update=_PUT_TARGET,
    delete=Call("RemoveTargets", bind={"Rule": "{rule}", "Ids": ["{targetId}"]}),
    identity="{rule}-{targetId}",
    rename={"sqsTarget": "SqsParameters", "httpTarget": "HttpParameters", "kinesisTarget": "KinesisParameters"},
    naming=Naming("targetId", "targetIdPrefix", limit=64),
    nested={"InputTransformer.inputPaths": "InputPathsMap"},
    local=frozenset({"forceDestroy"}),
    replace=frozenset({"rule", "targetId"}),
    reads={"rule": ""},
)

TYPES = (
    LOG_GROUP,
    LOG_POLICY,
    METRIC_ALARM,
    COMPOSITE_ALARM,
    DASHBOARD,
    EVENT_RULE,
    EVENT_TARGET,
    *log_delivery.TYPES,
)
