"""Which resource types are charged for being there, and by what. Owns no price and no sum.

A type that is in neither table is an error: nobody has said whether it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from regions.errors import refusal
from regions.prices import HOURS, LAW, PriceError

FILE = "regions/charges.py"
Properties = Mapping[str, object]
"""Inputs of a resource as the engine has them: names in camelCase, values plain JSON."""

_PROPORTIONS = {
    "micro": 0.125, "small": 0.25, "medium": 0.5, "large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8, "8xlarge": 16,
    "12xlarge": 24, "16xlarge": 32, "24xlarge": 48, "48xlarge": 96,
}  # fmt: skip
"""A size in units of large: within a family AWS charges by size."""


@dataclass(frozen=True, slots=True)
class Charge:
    """So much of something that has a price."""

    key: str
    """In ``prices.PRICES``."""
    quantity: float
    """A month, in the price's unit."""
    says: str
    """For people: what is counted."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of one resource, read with the error that names what is wrong."""

    type: str
    values: Properties

    def number(self, name: str, default: float | None = None) -> float:
        """The number called ``name``. Raises `PriceError` if it is none and there is no default."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            told = f"{self.type}: {name} is {value!r}, a number is needed to price it; declare one"
            raise PriceError(refusal(FILE, LAW, told))
        return float(value)

    def text(self, name: str) -> str:
        """The text called ``name``. Raises `PriceError`."""
        value = self.values.get(name)
        if not isinstance(value, str):
            told = f"{self.type}: {name} is {value!r}, a text is needed to price it; declare one"
            raise PriceError(refusal(FILE, LAW, told))
        return value

    def flag(self, name: str) -> bool:
        """Whether ``name`` is true."""
        return self.values.get(name) is True

    def count(self, name: str) -> int:
        """How many elements the list ``name`` has; of no list: 0."""
        value = self.values.get(name)
        return len(value) if isinstance(value, Sequence) and not isinstance(value, str) else 0

    def within(self, *path: str) -> Inputs:
        """The inputs nested under ``path``; empty if there are none."""
        found: object = self.values
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return Inputs(f"{self.type} {'.'.join(path)}", found if isinstance(found, Mapping) else {})


def _machines(service: str, instance_class: str, count: float) -> Charge:
    """``count`` machines of a class such as ``db.r8g.xlarge`` for a month."""
    parts = instance_class.split(".")
    if len(parts) != 3 or parts[2] not in _PROPORTIONS:
        told = (
            f"{instance_class!r} is no class of a known size; take service.family.size with a size of "
            f"{', '.join(_PROPORTIONS)}"
        )
        raise PriceError(refusal(FILE, LAW, told))
    key = f"{service}.{parts[1]}.large"
    return Charge(key, count * _PROPORTIONS[parts[2]] * HOURS, f"{count:g} x {instance_class}")


def _database(inputs: Inputs) -> list[Charge]:
    copies = 2 if inputs.flag("multiAz") else 1
    charges = [_machines("rds", inputs.text("instanceClass"), copies)]
    if "allocatedStorage" in inputs.values:
        size = inputs.number("allocatedStorage")
        charges.append(Charge("rds.gp3", copies * size, f"{copies} x {size:g} GiB"))
    return charges


def _cache(inputs: Inputs) -> list[Charge]:
    nodes = inputs.number("numNodeGroups", 1) * (inputs.number("replicasPerNodeGroup", 0) + 1)
    return [_machines("elasticache", inputs.text("nodeType"), nodes)]


def _kafka(inputs: Inputs) -> list[Charge]:
    group, brokers = inputs.within("brokerNodeGroupInfo"), inputs.number("numberOfBrokerNodes")
    size = group.within("storageInfo", "ebsStorageInfo").number("volumeSize")
    charges = [
        _machines("msk", group.text("instanceType"), brokers),
        Charge("msk.storage", brokers * size, f"{brokers:g} x {size:g} GiB"),
    ]
    if group.within("connectivityInfo", "vpcConnectivity").values:
        charges.append(Charge("msk.connectivity", HOURS, "private connectivity"))
    return charges


def _endpoint(inputs: Inputs) -> list[Charge]:
    if inputs.values.get("vpcEndpointType", "Gateway") != "Interface":
        return []
    zones = inputs.count("subnetIds")
    return [Charge("endpoint.zone", zones * HOURS, f"{zones} zones")]


def _balancer(inputs: Inputs) -> list[Charge]:
    charges = [Charge("alb.balancer", HOURS, "balancer")]
    if not inputs.flag("internal"):
        zones = inputs.count("subnets")
        charges.append(Charge("ipv4.address", zones * HOURS, f"{zones} public addresses"))
    return charges


def _firewall(inputs: Inputs) -> list[Charge]:
    rules = inputs.count("rules")
    return [Charge("waf.acl", 1, "list"), Charge("waf.rule", rules, f"{rules} rules")]


def _health_check(inputs: Inputs) -> list[Charge]:
    kind = inputs.text("type")
    options = kind.startswith("HTTPS") + kind.endswith("STR_MATCH") + (inputs.values.get("requestInterval") == 10)
    return [Charge("route53.check", 1, kind), Charge("route53.check.option", options, f"{options} options")]


def _secret(inputs: Inputs) -> list[Charge]:
    copies = 1 + inputs.count("replicas")
    return [Charge("secret", copies, f"{copies} copies")]


def _hourly(key: str, says: str) -> Callable[[Inputs], list[Charge]]:
    return lambda _: [Charge(key, HOURS, says)]


def _monthly(key: str, says: str) -> Callable[[Inputs], list[Charge]]:
    return lambda _: [Charge(key, 1, says)]


CHARGED: Mapping[str, tuple[str, Callable[[Inputs], list[Charge]]]] = MappingProxyType(
    {
        "rds/Instance": ("database", _database),
        "elasticache/ReplicationGroup": ("cache", _cache),
        "msk/Cluster": ("streaming", _kafka),
        "msk/Replicator": ("streaming", _hourly("msk.replicator", "replicator")),
        "eks/Cluster": ("cluster", _hourly("eks.cluster", "control plane")),
        "ec2/NatGateway": ("network", _hourly("nat.gateway", "gateway")),
        "ec2/Eip": ("network", _hourly("ipv4.address", "public address")),
        "ec2/VpcEndpoint": ("network", _endpoint),
        "lb/LoadBalancer": ("network", _balancer),
        "kms/Key": ("keys", _monthly("kms.key", "key")),
        "kms/ReplicaKey": ("keys", _monthly("kms.key", "replica of a key")),
        "secretsmanager/Secret": ("keys", _secret),
        "cloudwatch/MetricAlarm": ("observability", _monthly("alarm", "alarm")),
        "amp/Scraper": ("observability", _hourly("aps.collector", "collector of metrics")),
        "wafv2/WebAcl": ("firewall", _firewall),
        "route53/Zone": ("steering", _monthly("route53.zone", "zone")),
        "route53/HealthCheck": ("steering", _health_check),
    }
)
"""By kind: the part of the bill, and what is charged."""

_RULE = "settings of another resource"
_TRAFFIC = "costs by use: see usage"
_FREE_REASONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        _RULE: (
            "acm/CertificateValidation", "amp/AlertManagerDefinition", "amp/RuleGroupNamespace", "appautoscaling/Policy", "appautoscaling/Target", "cloudfront/CachePolicy",
            "cloudfront/KeyGroup", "cloudfront/OriginAccessControl", "cloudfront/OriginRequestPolicy",
            "cloudfront/PublicKey", "cloudfront/ResponseHeadersPolicy", "cloudwatch/LogResourcePolicy",
            "ec2/DefaultSecurityGroup", "ec2/InternetGateway", "ec2/Route", "ec2/RouteTable",
            "ec2/RouteTableAssociation", "ec2/SecurityGroup", "ec2/Subnet", "ec2/Vpc",
            "ec2/VpcPeeringConnectionAccepter", "ecr/LifecyclePolicy", "ecr/ReplicationConfiguration",
            "ecr/RepositoryCreationTemplate", "eks/AccessEntry", "eks/AccessPolicyAssociation", "eks/Addon",
            "eks/PodIdentityAssociation", "elasticache/ParameterGroup", "elasticache/SubnetGroup", "elasticache/User",
            "elasticache/UserGroup", "iam/OpenIdConnectProvider", "iam/Policy", "iam/Role", "iam/RolePolicy",
            "iam/RolePolicyAttachment", "kms/Alias", "lb/Listener", "lb/ListenerRule", "lb/TargetGroup",
            "msk/ClusterPolicy", "msk/Configuration", "msk/Topic", "rds/ParameterGroup", "rds/SubnetGroup",
            "route53/Record", "s3/AccountPublicAccessBlock", "s3/BucketCorsConfiguration",
            "s3/BucketLifecycleConfiguration", "s3/BucketNotification", "s3/BucketOwnershipControls",
            "s3/BucketPolicy", "s3/BucketPublicAccessBlock", "s3/BucketServerSideEncryptionConfiguration",
            "s3/BucketVersioning", "secretsmanager/SecretVersion", "sns/TopicPolicy", "sns/TopicSubscription",
            "sqs/QueuePolicy", "sqs/RedriveAllowPolicy", "vpc/SecurityGroupEgressRule",
            "vpc/SecurityGroupIngressRule", "wafv2/WebAclAssociation", "wafv2/WebAclLoggingConfiguration",
        ),
        _TRAFFIC: (
            "amp/Workspace", "cloudfront/Distribution", "cloudfront/Function", "cloudwatch/LogDelivery",
            "cloudwatch/LogDeliveryDestination", "cloudwatch/LogDeliverySource", "cloudwatch/LogGroup", "ec2/FlowLog",
            "ec2/VpcPeeringConnection", "ecr/Repository", "mediaconvert/Queue",
            "rds/InstanceAutomatedBackupsReplication", "s3/Bucket", "s3/BucketReplicationConfig", "sns/Topic",
            "sqs/Queue",
        ),
        "a public certificate is free": ("acm/Certificate",),
        "budgets that only write are free": ("budgets/Budget",),
        "cost anomalies are watched for free": ("costexplorer/AnomalyMonitor", "costexplorer/AnomalySubscription"),
    }
)  # fmt: skip

FREE: Mapping[str, str] = MappingProxyType({kind: reason for reason, kinds in _FREE_REASONS.items() for kind in kinds})
"""By kind: why its being there costs nothing."""


def kind_of(type_token: str) -> str:
    """``aws:rds/instance:Instance`` as ``rds/Instance``."""
    parts = type_token.split(":")
    return f"{parts[1].split('/')[0]}/{parts[2]}" if len(parts) == 3 else type_token
