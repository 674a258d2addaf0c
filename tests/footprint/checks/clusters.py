"""Checks of Kubernetes clusters and of what leads to them: load balancers, listeners, target groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.footprint.asking import Ask, Check

_CLUSTER: Final = {
    "name": "name",
    "version": "version",
    "roleArn": "roleArn",
    "tags": "tags",
    "deletionProtection": "deletionProtection",
    "accessConfig": "accessConfig",
    "computeConfig": "computeConfig",
    "encryptionConfig": "encryptionConfig[0].{resources: resources, provider: provider.{keyArn: keyArn}}",
    "kubernetesNetworkConfig": "kubernetesNetworkConfig",
    "storageConfig": "storageConfig",
    "upgradePolicy": "upgradePolicy",
    "zonalShiftConfig": "zonalShiftConfig",
    "vpcConfig": "resourcesVpcConfig",
    "enabledClusterLogTypes": "logging.clusterLogging[?enabled] | [0].types",
}
_ATTRIBUTES: Final = {
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
}
_GROUP_ATTRIBUTES: Final = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
}


def _attribute(key: str) -> str:
    return f"Attributes[?Key=='{key}'] | [0].Value"


def _tags(arn: str) -> Ask:
    return Ask("elbv2", "describe_tags", {"ResourceArns": [arn]}, {"tags": "TagDescriptions[0].Tags"})


_ACTIONS: Final = """[].{type: Type, targetGroupArn: TargetGroupArn,
    redirect: RedirectConfig.{port: Port, protocol: Protocol, statusCode: StatusCode},
    fixedResponse: FixedResponseConfig.{contentType: ContentType, messageBody: MessageBody, statusCode: StatusCode}}"""

_ACCESS: Final = "associatedAccessPolicies[?policyArn=='<policyArn>'] | [0]"
_RULE: Final = "Rules[?RuleArn=='<arn>'] | [0]"

CHECKS: Final[Mapping[str, Check]] = {
    "aws:eks/cluster:Cluster": Check(
        (
            Ask(
                "eks",
                "describe_cluster",
                {"name": "<name>"},
                {name: f"cluster.{how}" for name, how in _CLUSTER.items()},
            ),
        ),
        unread={"bootstrapSelfManagedAddons": "is an instruction for the creation"},
    ),
    "aws:lb/loadBalancer:LoadBalancer": Check(
        (
            Ask(
                "elbv2",
                "describe_load_balancers",
                {"LoadBalancerArns": ["<arn>"]},
                {
                    "name": "LoadBalancers[0].LoadBalancerName",
                    "internal": "LoadBalancers[0].Scheme == 'internal'",
                    "loadBalancerType": "LoadBalancers[0].Type",
                    "securityGroups": "LoadBalancers[0].SecurityGroups",
                    "subnets": "LoadBalancers[0].AvailabilityZones[].SubnetId",
                },
            ),
            Ask(
                "elbv2",
                "describe_load_balancer_attributes",
                {"LoadBalancerArn": "<arn>"},
                {name: _attribute(key) for name, key in _ATTRIBUTES.items()},
            ),
            _tags("<arn>"),
        )
    ),
    "aws:lb/targetGroup:TargetGroup": Check(
        (
            Ask(
                "elbv2",
                "describe_target_groups",
                {"TargetGroupArns": ["<arn>"]},
                {
                    "namePrefix": "starts_with(TargetGroups[0].TargetGroupName, '<namePrefix>') && '<namePrefix>'",
                    "port": "TargetGroups[0].Port",
                    "protocol": "TargetGroups[0].Protocol",
                    "targetType": "TargetGroups[0].TargetType",
                    "vpcId": "TargetGroups[0].VpcId",
                    "healthCheck": "TargetGroups[0].{healthyThreshold: HealthyThresholdCount,"
                    " unhealthyThreshold: UnhealthyThresholdCount, interval: HealthCheckIntervalSeconds,"
                    " timeout: HealthCheckTimeoutSeconds, path: HealthCheckPath, protocol: HealthCheckProtocol,"
                    " port: HealthCheckPort, matcher: Matcher.HttpCode}",
                },
            ),
            Ask(
                "elbv2",
                "describe_target_group_attributes",
                {"TargetGroupArn": "<arn>"},
                {
                    **{name: _attribute(key) for name, key in _GROUP_ATTRIBUTES.items()},
                    "stickiness": "{enabled: Attributes[?Key=='stickiness.enabled'] | [0].Value,"
                    " type: Attributes[?Key=='stickiness.type'] | [0].Value,"
                    " cookieDuration: Attributes[?Key=='stickiness.lb_cookie.duration_seconds'] | [0].Value}",
                },
            ),
            _tags("<arn>"),
        )
    ),
    "aws:lb/listener:Listener": Check(
        (
            Ask(
                "elbv2",
                "describe_listeners",
                {"ListenerArns": ["<arn>"]},
                {
                    "loadBalancerArn": "Listeners[0].LoadBalancerArn",
                    "port": "Listeners[0].Port",
                    "protocol": "Listeners[0].Protocol",
                    "sslPolicy": "Listeners[0].SslPolicy",
                    "certificateArn": "Listeners[0].Certificates[0].CertificateArn",
                    "defaultActions": f"Listeners[0].DefaultActions{_ACTIONS}",
                },
            ),
            _tags("<arn>"),
        )
    ),
    "aws:lb/listenerRule:ListenerRule": Check(
        (
            Ask(
                "elbv2",
                "describe_rules",
                {"ListenerArn": "<listenerArn>"},
                {
                    "listenerArn": f"{_RULE} && '<listenerArn>'",
                    "priority": f"{_RULE}.Priority",
                    "actions": f"{_RULE}.Actions{_ACTIONS}",
                    "conditions": f"{_RULE}.Conditions[].{{pathPattern: PathPatternConfig.{{values: Values}}}}",
                },
            ),
            _tags("<arn>"),
        )
    ),
    "aws:eks/accessEntry:AccessEntry": Check(
        (
            Ask(
                "eks",
                "describe_access_entry",
                {"clusterName": "<clusterName>", "principalArn": "<principalArn>"},
                {name: f"accessEntry.{name}" for name in ("clusterName", "principalArn", "type", "tags")},
            ),
        )
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": Check(
        (
            Ask(
                "eks",
                "list_associated_access_policies",
                {"clusterName": "<clusterName>", "principalArn": "<principalArn>"},
                {
                    "clusterName": f"{_ACCESS} && '<clusterName>'",
                    "principalArn": f"{_ACCESS} && '<principalArn>'",
                    "policyArn": f"{_ACCESS}.policyArn",
                    "accessScope": f"{_ACCESS}.accessScope",
                },
            ),
        )
    ),
    "aws:eks/addon:Addon": Check(
        (
            Ask(
                "eks",
                "describe_addon",
                {"clusterName": "<clusterName>", "addonName": "<addonName>"},
                {name: f"addon.{name}" for name in ("clusterName", "addonName", "tags")},
            ),
        ),
        unread={
            "resolveConflictsOnCreate": "is an instruction for the creation",
            "resolveConflictsOnUpdate": "is an instruction for changes",
        },
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Check(
        (
            Ask(
                "eks",
                "describe_pod_identity_association",
                {"clusterName": "<clusterName>", "associationId": "<associationId>"},
                {
                    name: f"association.{name}"
                    for name in ("clusterName", "namespace", "roleArn", "serviceAccount", "tags")
                },
            ),
        )
    ),
}
