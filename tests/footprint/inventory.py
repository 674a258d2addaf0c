"""Everything that an emulator holds, by listing each service in each region. Knows no declared type.

What is on its way out counts as gone, as AWS lists it for a while. Network interfaces are not listed: nobody declares one,
and moto leaves those of a deleted NAT gateway behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import jmespath

from local.aws import gaps
from regions.catalogue import CATALOGUE
from tests.footprint.asking import Boto

REGIONS: Final = ("us-east-1", *(region.code for region in CATALOGUE.regions))


@dataclass(frozen=True, slots=True)
class Listing:
    """An operation that lists; `items` finds what names each thing (JMESPath), `everywhere` asks in all regions."""

    service: str
    operation: str
    items: str
    params: Mapping[str, object] | None = None
    everywhere: bool = True


LISTINGS: Final = (
    Listing("acm", "list_certificates", "CertificateSummaryList[].CertificateArn"),
    Listing("backup", "list_backup_plans", "BackupPlansList[].BackupPlanId"),
    Listing("backup", "list_backup_vaults", "BackupVaultList[].BackupVaultName"),
    Listing("budgets", "describe_budgets", "Budgets[].BudgetName", {"AccountId": "000000000000"}, everywhere=False),
    Listing("cloudfront", "list_distributions", "DistributionList.Items[].Id", everywhere=False),
    Listing("cloudfront", "list_origin_access_controls", "OriginAccessControlList.Items[].Id", everywhere=False),
    Listing("cloudwatch", "describe_alarms", "[MetricAlarms, CompositeAlarms][][].AlarmName"),
    Listing("ec2", "describe_addresses", "Addresses[].AllocationId"),
    Listing("ec2", "describe_flow_logs", "FlowLogs[].FlowLogId"),
    Listing("ec2", "describe_internet_gateways", "InternetGateways[].InternetGatewayId"),
    # AWS still lists what was deleted for an hour or so; what counts is what lives.
    Listing("ec2", "describe_nat_gateways", "NatGateways[?State!='deleted'].NatGatewayId"),
    Listing("ec2", "describe_route_tables", "RouteTables[].RouteTableId"),
    Listing("ec2", "describe_security_groups", "SecurityGroups[].GroupId"),
    Listing("ec2", "describe_security_group_rules", "SecurityGroupRules[].SecurityGroupRuleId"),
    Listing("ec2", "describe_subnets", "Subnets[].SubnetId"),
    Listing("ec2", "describe_vpc_endpoints", "VpcEndpoints[?State!='deleted'].VpcEndpointId"),
    Listing(
        "ec2",
        "describe_vpc_peering_connections",
        "VpcPeeringConnections[?Status.Code!='deleted'].VpcPeeringConnectionId",
    ),
    Listing("ec2", "describe_vpcs", "Vpcs[].VpcId"),
    Listing("ecr", "describe_repositories", "repositories[].repositoryName"),
    Listing("ecr", "describe_registry", "replicationConfiguration.rules[].destinations[].region"),
    Listing("eks", "list_clusters", "clusters[]"),
    Listing("elasticache", "describe_replication_groups", "ReplicationGroups[?Status!='deleting'].ReplicationGroupId"),
    Listing("elasticache", "describe_users", "Users[?Status!='deleting' && UserName!='default'].UserId"),
    Listing("elbv2", "describe_load_balancers", "LoadBalancers[].LoadBalancerArn"),
    Listing("elbv2", "describe_target_groups", "TargetGroups[].TargetGroupArn"),
    Listing("events", "list_rules", "Rules[].Name"),
    Listing("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList[].Arn", everywhere=False),
    Listing("iam", "list_policies", "Policies[].Arn", {"Scope": "Local"}, everywhere=False),
    Listing("iam", "list_roles", "Roles[].RoleName", everywhere=False),
    Listing("kafka", "list_clusters", "ClusterInfoList[].ClusterArn"),
    Listing("kms", "list_aliases", "Aliases[].AliasName"),
    Listing("logs", "describe_deliveries", "deliveries[].id"),
    Listing("logs", "describe_delivery_destinations", "deliveryDestinations[].name"),
    Listing("logs", "describe_delivery_sources", "deliverySources[].name"),
    Listing("logs", "describe_log_groups", "logGroups[].logGroupName"),
    Listing("logs", "describe_resource_policies", "resourcePolicies[].policyName"),
    Listing("rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"),
    Listing("rds", "describe_db_parameter_groups", "DBParameterGroups[].DBParameterGroupName"),
    Listing("rds", "describe_db_snapshots", "DBSnapshots[].DBSnapshotIdentifier"),
    Listing("rds", "describe_db_subnet_groups", "DBSubnetGroups[].DBSubnetGroupName"),
    Listing("route53", "list_health_checks", "HealthChecks[].Id", everywhere=False),
    Listing("route53", "list_hosted_zones", "HostedZones[].Id", everywhere=False),
    Listing("s3", "list_buckets", "Buckets[].Name", everywhere=False),
    Listing("scheduler", "list_schedules", "Schedules[].Name"),
    Listing("secretsmanager", "list_secrets", "SecretList[].Name"),
    Listing("sns", "list_subscriptions", "Subscriptions[].SubscriptionArn"),
    Listing("sns", "list_topics", "Topics[].TopicArn"),
    Listing("sqs", "list_queues", "QueueUrls[]"),
    Listing("ssm", "describe_parameters", "Parameters[].Name"),
    Listing("wafv2", "list_web_acls", "WebACLs[].Name", {"Scope": "REGIONAL"}),
    Listing("wafv2", "list_web_acls", "WebACLs[].Name", {"Scope": "CLOUDFRONT"}, everywhere=False),
    Listing(
        "application-autoscaling",
        "describe_scalable_targets",
        "ScalableTargets[].ResourceId",
        {"ServiceNamespace": "kafka"},
    ),
)

MAIN_TYPES: Final[Mapping[str, str]] = {
    "application-autoscaling": "aws:appautoscaling/target:Target",
    "backup": "aws:backup/vault:Vault",
    "budgets": "aws:budgets/budget:Budget",
    "cloudfront": "aws:cloudfront/distribution:Distribution",
    "ecr": "aws:ecr/repository:Repository",
    "eks": "aws:eks/cluster:Cluster",
    "elasticache": "aws:elasticache/replicationGroup:ReplicationGroup",
    "elbv2": "aws:lb/loadBalancer:LoadBalancer",
    "kafka": "aws:msk/cluster:Cluster",
    "rds": "aws:rds/instance:Instance",
    "wafv2": "aws:wafv2/webAcl:WebAcl",
}
"""Service -> the type without which an emulator does not have the service at all, and nothing to list."""


def inventory(cloud: Boto, emulator: str, listings: Iterable[Listing] = LISTINGS) -> dict[str, tuple[str, ...]]:
    """What there is: `service.operation region` -> names, sorted; listings that are empty are left out."""
    found: dict[str, tuple[str, ...]] = {}
    for listing in listings:
        if MAIN_TYPES.get(listing.service) in gaps.lacking(emulator):
            continue
        for region in REGIONS if listing.everywhere else REGIONS[:1]:
            answer = cloud.ask(listing.service, region, listing.operation, listing.params or {})
            items = jmespath.search(listing.items, answer) or []
            if items:
                found[f"{listing.service}.{listing.operation} {region}"] = tuple(
                    sorted(json.dumps(item) for item in items)
                )
    for region in REGIONS:
        living = _living_keys(cloud, region)
        if living:
            found[f"kms.list_keys {region}"] = living
    return found


def _living_keys(cloud: Boto, region: str) -> tuple[str, ...]:
    """Keys that are not on their way out: AWS deletes none at once."""
    listed = jmespath.search("Keys[].KeyId", cloud.ask("kms", region, "list_keys", {})) or []
    states = {key: cloud.ask("kms", region, "describe_key", {"KeyId": key}) for key in listed}
    return tuple(
        sorted(
            key
            for key, state in states.items()
            if jmespath.search("KeyMetadata.KeyManager", state) == "CUSTOMER"
            and not str(jmespath.search("KeyMetadata.KeyState", state)).startswith("Pending")
        )
    )
