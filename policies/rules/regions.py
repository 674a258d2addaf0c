"""Where things are: every resource says its region, the region is ours, and nothing points abroad by mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from policies.model import Resource, Rule, Unknown, Value, text
from regions.catalogue import CATALOGUE, EDGE_CODE
from regions.stacks import GLOBAL, STEERING, links

_GLOBAL_MODULES: Final = frozenset(
    {"iam", "cloudfront", "budgets", "costexplorer", "globalaccelerator", "networkmanager", "organizations", "account"}
    | {"shield", "route53recoverycontrol", "route53recoveryreadiness"}
)
_GLOBAL_TYPES: Final = frozenset(
    {
        "aws:route53/record:Record",
        "aws:route53/recordsExclusive:RecordsExclusive",
        "aws:route53/zone:Zone",
        "aws:route53/zoneAssociation:ZoneAssociation",
        "aws:route53/healthCheck:HealthCheck",
        "aws:route53/queryLog:QueryLog",
        "aws:route53/keySigningKey:KeySigningKey",
        "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec",
        "aws:route53/delegationSet:DelegationSet",
        "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
        "aws:backup/globalSettings:GlobalSettings",
    }
)
"""Types without a region argument (a scan of pulumi-aws 7.51.1's signatures; a test holds the declared ones to it)."""

_EDGE_STACKS: Final = frozenset({GLOBAL, STEERING})
"""Stacks that name no region or all of them: what CloudFront and Route 53 want in us-east-1 is theirs."""

_EDGE_TYPES: Final = frozenset(
    {
        "aws:acm/certificate:Certificate",
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:cloudwatch/logDelivery:LogDelivery",
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:kms/alias:Alias",
        "aws:kms/key:Key",
        "aws:sns/topic:Topic",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
    }
)
"""What CloudFront and Route 53 want there: certificate, firewall (``wafv2``), alarms with what they publish to, keys of
both, logs with their bucket (``s3``)."""
_EDGE_MODULES: Final = frozenset({"s3", "wafv2"})
_EDGE_ONLY: Final = {"scope": frozenset({"CLOUDFRONT"}), "namespace": frozenset({"AWS/CloudFront", "AWS/Route53"})}
"""Of a firewall and of an alarm there: whose it must be."""

_ARN: Final = re.compile(r"arn:aws:[a-z0-9-]+:([a-z0-9-]+):")
_MAY_POINT_ABROAD: Final = frozenset(
    {
        # (type, property): a copy names what it is a copy of.
        ("aws:rds/instance:Instance", "replicateSourceDb"),
        ("aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication", "sourceDbInstanceArn"),
        ("aws:kms/replicaKey:ReplicaKey", "primaryKeyArn"),
        ("aws:msk/replicator:Replicator", "kafkaClusters"),
        ("aws:msk/replicator:Replicator", "replicationInfoList"),
        ("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "rules"),
        ("aws:secretsmanager/secret:Secret", "replicas"),
        # Policies and environment name resources anywhere; ENC-3 and IAM rules judge them.
        ("aws:s3/bucketPolicy:BucketPolicy", "policy"),
        ("aws:kms/key:Key", "policy"),
        ("aws:kms/replicaKey:ReplicaKey", "policy"),
        ("aws:backup/plan:Plan", "rules"),
    }
)
_MAY_NOT: Final = {"aws:msk/replicator:Replicator": ("replicationInfoList.targetKafkaClusterArn",)}
"""By type, the parts of the above that stay at home all the same: a replicator is where its target is."""


def has_region(resource_type: str) -> bool:
    """Whether resources of this type take ``region``."""
    if not resource_type.startswith("aws:"):
        return False
    return resource_type.split(":")[1].split("/")[0] not in _GLOBAL_MODULES and resource_type not in _GLOBAL_TYPES


def _explicit(resource: Resource) -> Iterator[str]:
    if has_region(resource.type) and resource.get("region") is None:
        yield "declares no region, so it would land in the provider's: pass region=context.region"


def _ours(resource: Resource) -> Iterator[str]:
    region = text(resource.get("region"))
    if region is None or not has_region(resource.type):
        return
    ours = {entry.code for entry in CATALOGUE.regions}
    if region in ours:
        return
    if region != EDGE_CODE or resource.stack not in _EDGE_STACKS:
        yield f"is in {region}, which is not in the catalogue: use one of {', '.join(sorted(ours))}"
    elif not _of_the_edge(resource):
        yield f"is in {region}, where only what CloudFront and Route 53 need may be: use one of {', '.join(sorted(ours))}"


def _of_the_edge(resource: Resource) -> bool:
    if resource.type not in _EDGE_TYPES and resource.type.split(":")[1].split("/")[0] not in _EDGE_MODULES:
        return False
    return all(
        isinstance(given := resource.get(name), Unknown | None) or given in allowed
        for name, allowed in _EDGE_ONLY.items()
    )


def _in_place(resource: Resource) -> Iterator[str]:
    """``global`` and ``steering`` belong to no region: what they have in one is REG-2's."""
    region = text(resource.get("region"))
    places: dict[str, tuple[str, ...]] = {entry.name: (entry.code,) for entry in CATALOGUE.regions}
    places |= {link.stack: (link.a.code, link.b.code) for link in links()}
    own = places.get(resource.stack)
    if region is not None and own is not None and has_region(resource.type) and region not in own:
        yield f"is in {region}, but its stack is {resource.stack}: let stacks/ declare it in {' or '.join(own)}"


def _at_home(resource: Resource) -> Iterator[str]:
    region = text(resource.get("region"))
    if region is None:
        return
    for name, value in resource.props.items():
        if (resource.type, name) in _MAY_POINT_ABROAD:
            continue
        for foreign in _regions_of_arns(value):
            if foreign != region:
                yield f"{name} points to {foreign}, but the resource is in {region}: name the {region} one in stacks/"
    for path in _MAY_NOT.get(resource.type, ()):
        for foreign in _regions_of_arns(resource.get(path)):
            if foreign != region:
                yield f"{path} points to {foreign}, but the resource is in {region}: name the {region} one in stacks/"


def _regions_of_arns(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        match = _ARN.match(value)
        if match:
            yield match[1]
    elif isinstance(value, tuple):
        for item in value:
            yield from _regions_of_arns(item)
    elif isinstance(value, Mapping) and not isinstance(value, Unknown):
        for item in value.values():
            yield from _regions_of_arns(item)


def _replica_key(resource: Resource) -> Iterable[str]:
    """A key does not leave its region, so whatever has a copy elsewhere names a key there."""
    if resource.type == "aws:rds/instance:Instance":
        yield from _database_key(resource)
    elif resource.type == "aws:s3/bucketReplicationConfig:BucketReplicationConfig":
        for number, _ in enumerate(resource.items("rules")):
            destination = f"rules.{number}.destination"
            bucket = text(resource.get(f"{destination}.bucket")) or ""
            place = next((entry.code for entry in CATALOGUE.regions if f"-{entry.code}-" in bucket), None)
            key = f"{destination}.encryptionConfiguration.replicaKmsKeyId"
            if place is not None:
                yield from _key_there(key, resource.get(key), place)
    elif resource.type == "aws:secretsmanager/secret:Secret":
        for number, _ in enumerate(resource.items("replicas")):
            place, key = text(resource.get(f"replicas.{number}.region")), f"replicas.{number}.kmsKeyId"
            if place is not None:
                yield from _elsewhere(place)
                yield from _key_there(key, resource.get(key), place)


def _elsewhere(region: str) -> Iterator[str]:
    ours = {entry.code for entry in CATALOGUE.regions}
    if region not in ours:
        yield f"has a copy in {region}, which is not in the catalogue: use one of {', '.join(sorted(ours))}"


def _key_there(path: str, key: Value, place: str) -> Iterator[str]:
    if key is None:
        yield f"has a copy in {place} under AWS's key: name one of {place} as {path}"
    elif isinstance(key, str) and list(_regions_of_arns(key)) != [place]:
        yield f"{path} is {key}, but the copy is in {place}: name a key of {place} by its ARN"


def _database_key(resource: Resource) -> Iterator[str]:
    """A cross-region replica of a database needs a key of its own region (hashicorp/terraform-provider-aws#518)."""
    source = text(resource.get("replicateSourceDb"))
    if source is None or not source.startswith("arn:"):
        return
    region = text(resource.get("region"))
    key = resource.get("kmsKeyId")
    if key is None:
        yield "is a cross-region replica without kmsKeyId: name a key of its own region"
    elif isinstance(key, str) and list(_regions_of_arns(key)) != [region]:
        yield f"is encrypted with {key}, which is no key ARN of its own region {region}"


RULES: Final = (
    Rule(
        "REG-1",
        "Every regional resource says its region.",
        "Children inherit none; AWS would use the provider's.",
        _explicit,
    ),
    Rule(
        "REG-2",
        "Every region is in the catalogue.",
        "What is elsewhere is neither operated nor paid for knowingly.",
        _ours,
    ),
    Rule("REG-3", "What a resource points to is in its own region.", "AWS refuses most of it, and late.", _at_home),
    Rule("REG-4", "A replica's key belongs to the replica's region.", "A key does not leave its region.", _replica_key),
    Rule(
        "REG-5",
        "What a stack declares is in its own region.",
        "Who removes or reviews a region looks at its stack.",
        _in_place,
    ),
)
