"""Checks of what operators look at: logs, alarms, topics, budgets, log deliveries, scaling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.footprint.asking import Ask, Check

_LOG_GROUP: Final = "logGroups[?logGroupName=='<name>'] | [0]"
_ALARM: Final = "MetricAlarms[?AlarmName=='<name>'] | [0]"
_ALARM_PROPERTIES: Final = {
    "name": "AlarmName",
    "alarmDescription": "AlarmDescription",
    "alarmActions": "AlarmActions",
    "okActions": "OKActions",
    "comparisonOperator": "ComparisonOperator",
    "evaluationPeriods": "EvaluationPeriods",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "period": "Period",
    "statistic": "Statistic",
    "extendedStatistic": "ExtendedStatistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
    "datapointsToAlarm": "DatapointsToAlarm",
    "dimensions": "Dimensions",
}
_SCALABLE: Final = {
    "ServiceNamespace": "<serviceNamespace>",
    "ScalableDimension": "<scalableDimension>",
}
_SUBSCRIPTION: Final = "Subscriptions[?Endpoint=='<endpoint>'] | [0]"

_WORKSPACE: Final = {"workspaceId": "<workspaceId>"}
_METRICS_TAGS: Final = Ask("amp", "list_tags_for_resource", {"resourceArn": "<arn>"}, {"tags": "tags"})

CHECKS: Final[Mapping[str, Check]] = {
    "aws:amp/workspace:Workspace": Check(
        (Ask("amp", "describe_workspace", {"workspaceId": "<id>"}, {"alias": "workspace.alias"}), _METRICS_TAGS)
    ),
    "aws:amp/ruleGroupNamespace:RuleGroupNamespace": Check(
        (
            Ask(
                "amp",
                "describe_rule_groups_namespace",
                {**_WORKSPACE, "name": "<name>"},
                {"name": "ruleGroupsNamespace.name", "data": "ruleGroupsNamespace.data"},
            ),
            _METRICS_TAGS,
        ),
        unread={"workspaceId": "is what the rules are asked by"},
    ),
    "aws:amp/alertManagerDefinition:AlertManagerDefinition": Check(
        (
            Ask(
                "amp",
                "describe_alert_manager_definition",
                _WORKSPACE,
                {"definition": "alertManagerDefinition.data"},
            ),
        ),
        unread={"workspaceId": "is what the definition is asked by"},
    ),
    "aws:amp/scraper:Scraper": Check(
        (
            Ask(
                "amp",
                "describe_scraper",
                {"scraperId": "<id>"},
                {
                    "alias": "scraper.alias",
                    "scrapeConfiguration": "scraper.scrapeConfiguration.configurationBlob",
                    "source": "{eks: scraper.source.eksConfiguration}",
                    "destination": "{amp: scraper.destination.ampConfiguration}",
                },
            ),
            _METRICS_TAGS,
        )
    ),
    "aws:cloudwatch/logGroup:LogGroup": Check(
        (
            Ask(
                "logs",
                "describe_log_groups",
                {},
                {
                    "name": f"{_LOG_GROUP}.logGroupName",
                    "retentionInDays": f"{_LOG_GROUP}.retentionInDays",
                    "kmsKeyId": f"{_LOG_GROUP}.kmsKeyId",
                },
            ),
            Ask("logs", "list_tags_for_resource", {"resourceArn": "<arn>"}, {"tags": "tags"}),
        )
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": Check(
        (
            Ask(
                "logs",
                "describe_resource_policies",
                {},
                {
                    "policyName": "resourcePolicies[?policyName=='<policyName>'] | [0].policyName",
                    "policyDocument": "resourcePolicies[?policyName=='<policyName>'] | [0].policyDocument",
                },
            ),
        )
    ),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": Check(
        (
            Ask(
                "logs",
                "get_delivery_source",
                {"name": "<name>"},
                {
                    "name": "deliverySource.name",
                    "logType": "deliverySource.logType",
                    "resourceArn": "deliverySource.resourceArns[0]",
                    "tags": "deliverySource.tags",
                },
            ),
        )
    ),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": Check(
        (
            Ask(
                "logs",
                "get_delivery_destination",
                {"name": "<name>"},
                {
                    "name": "deliveryDestination.name",
                    "outputFormat": "deliveryDestination.outputFormat",
                    "deliveryDestinationConfiguration": "deliveryDestination.deliveryDestinationConfiguration",
                    "tags": "deliveryDestination.tags",
                },
            ),
        )
    ),
    "aws:cloudwatch/logDelivery:LogDelivery": Check(
        (
            Ask(
                "logs",
                "get_delivery",
                {"id": "<id>"},
                {
                    "deliveryDestinationArn": "delivery.deliveryDestinationArn",
                    "deliverySourceName": "delivery.deliverySourceName",
                    "s3DeliveryConfigurations": "[delivery.s3DeliveryConfiguration]",
                    "tags": "delivery.tags",
                },
            ),
        )
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Check(
        (
            Ask(
                "cloudwatch",
                "describe_alarms",
                {},
                {name: f"{_ALARM} | {how}" for name, how in _ALARM_PROPERTIES.items()},
            ),
            Ask("cloudwatch", "list_tags_for_resource", {"ResourceARN": "<arn>"}, {"tags": "Tags"}),
        )
    ),
    "aws:sns/topic:Topic": Check(
        (
            Ask(
                "sns",
                "get_topic_attributes",
                {"TopicArn": "<arn>"},
                {"name": "Attributes.TopicArn", "kmsMasterKeyId": "Attributes.KmsMasterKeyId"},
            ),
            Ask("sns", "list_tags_for_resource", {"ResourceArn": "<arn>"}, {"tags": "Tags"}),
        )
    ),
    "aws:sns/topicPolicy:TopicPolicy": Check(
        (
            Ask(
                "sns",
                "get_topic_attributes",
                {"TopicArn": "<arn>"},
                {"arn": "Attributes.TopicArn", "policy": "Attributes.Policy"},
            ),
        )
    ),
    "aws:sns/topicSubscription:TopicSubscription": Check(
        (
            Ask(
                "sns",
                "list_subscriptions_by_topic",
                {"TopicArn": "<topic>"},
                {
                    "endpoint": f"{_SUBSCRIPTION}.Endpoint",
                    "protocol": f"{_SUBSCRIPTION}.Protocol",
                    "topic": f"{_SUBSCRIPTION}.TopicArn",
                },
            ),
        )
    ),
    "aws:budgets/budget:Budget": Check(
        (
            Ask(
                "budgets",
                "describe_budget",
                {"AccountId": "<account>", "BudgetName": "<name>"},
                {
                    "name": "Budget.BudgetName",
                    "budgetType": "Budget.BudgetType",
                    "limitAmount": "Budget.BudgetLimit.Amount",
                    "limitUnit": "Budget.BudgetLimit.Unit",
                    "timeUnit": "Budget.TimeUnit",
                    "costFilters": "[{name: 'Region', values: Budget.CostFilters.Region}]",
                },
            ),
            Ask(
                "budgets",
                "describe_notifications_for_budget",
                {"AccountId": "<account>", "BudgetName": "<name>"},
                {
                    "notifications": "Notifications[].{comparisonOperator: ComparisonOperator,"
                    " notificationType: NotificationType, threshold: Threshold, thresholdType: ThresholdType}"
                },
            ),
            Ask(
                "budgets",
                "list_tags_for_resource",
                {"ResourceARN": "arn:aws:budgets::<account>:budget/<name>"},
                {"tags": "ResourceTags"},
            ),
        ),
        unread={"notifications.subscriberEmailAddresses": "is asked of each notification by itself"},
    ),
    "aws:appautoscaling/target:Target": Check(
        (
            Ask(
                "application-autoscaling",
                "describe_scalable_targets",
                {**_SCALABLE, "ResourceIds": ["<resourceId>"]},
                {
                    "minCapacity": "ScalableTargets[0].MinCapacity",
                    "maxCapacity": "ScalableTargets[0].MaxCapacity",
                    "resourceId": "ScalableTargets[0].ResourceId",
                    "scalableDimension": "ScalableTargets[0].ScalableDimension",
                    "serviceNamespace": "ScalableTargets[0].ServiceNamespace",
                },
            ),
            Ask("application-autoscaling", "list_tags_for_resource", {"ResourceARN": "<arn>"}, {"tags": "Tags"}),
        )
    ),
    "aws:appautoscaling/policy:Policy": Check(
        (
            Ask(
                "application-autoscaling",
                "describe_scaling_policies",
                {**_SCALABLE, "ResourceId": "<resourceId>"},
                {
                    name: f"ScalingPolicies[?PolicyName=='<name>'] | [0] | {how}"
                    for name, how in {
                        "name": "PolicyName",
                        "policyType": "PolicyType",
                        "resourceId": "ResourceId",
                        "scalableDimension": "ScalableDimension",
                        "serviceNamespace": "ServiceNamespace",
                        "targetTrackingScalingPolicyConfiguration": "TargetTrackingScalingPolicyConfiguration"
                        ".{disableScaleIn: DisableScaleIn, targetValue: TargetValue, predefinedMetricSpecification:"
                        " PredefinedMetricSpecification.{predefinedMetricType: PredefinedMetricType}}",
                    }.items()
                },
            ),
        )
    ),
}
