"""Route 53: zones, records, health checks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from local.aws.engine.derive import part
from local.aws.engine.spec import Api, Call, Facet, ResourceType, Tagging
from local.aws.engine.wire import UNKNOWN, Properties, Unknown, is_list, is_mapping


def _tagging(kind: str, of: str) -> Tagging:
    return Tagging(
        "ChangeTagsForResource",
        "ChangeTagsForResource",
        "ListTagsForResource",
        "ResourceId",
        of=of,
        tags="AddTags",
        keys="RemoveTagKeys",
        listing="ResourceTagSet.Tags",
        bind={"ResourceType": kind},
    )


def _drop_records(api: Api, state: Properties) -> None:
    """`forceDestroy` removes what others put into the zone."""
    if state.get("forceDestroy") is not True:
        return
    found = api.call("ListResourceRecordSets", {"HostedZoneId": state["zoneId"]}).get("ResourceRecordSets")
    sets = [entry for entry in (found if is_list(found) else []) if is_mapping(entry)]
    changes = [{"Action": "DELETE", "ResourceRecordSet": entry} for entry in sets if entry["Type"] not in ("NS", "SOA")]
    if changes:
        api.call("ChangeResourceRecordSets", {"HostedZoneId": state["zoneId"], "ChangeBatch": {"Changes": changes}})


ZONE = ResourceType(
    pulumi_type="aws:route53/zone:Zone",
    service="route53",
    cfn="AWS::Route53::HostedZone",
    create=Call("CreateHostedZone", bind={"CallerReference": "{nonce}"}),
    read=Call("GetHostedZone", bind={"Id": "{zoneId}"}, properties="HostedZone"),
    update=Call("UpdateHostedZoneComment", bind={"Id": "{zoneId}"}, rename={"comment": "Comment"}),
    delete=Call("DeleteHostedZone", bind={"Id": "{zoneId}"}),
    identity="{zoneId}",
    rename={"comment": "HostedZoneConfig/Comment", "vpcs": "VPC"},
    reads={
        "comment": "=Config.Comment",
        "vpcs": "",
        "enableAcceleratedRecovery": "=Features.AcceleratedRecoveryStatus && Features.AcceleratedRecoveryStatus=='ENABLED'",
    },
    defaults={"comment": "Managed by Pulumi"},
    local=frozenset({"forceDestroy"}),
    replace=frozenset({"name"}),
    derived={"zoneId": part("rawId", "/", 2)},
    outputs={
        "rawId": "HostedZone.Id",
        "nameServers": "DelegationSet.NameServers",
        "primaryNameServer": "DelegationSet.NameServers[0]",
    },
    known={"zoneId": "{zoneId}", "arn": "arn:{partition}:route53:::hostedzone/{zoneId}"},
    facets=(
        Facet(
            ("enableAcceleratedRecovery",),
            put=Call("UpdateHostedZoneFeatures", bind={"HostedZoneId": "{zoneId}"}),
        ),
    ),
    before_delete=_drop_records,
    tagging=_tagging("hostedzone", "{zoneId}"),
    regional=False,
)


def _fqdn(state: Mapping[str, object]) -> object:
    name = state.get("name")
    return UNKNOWN if isinstance(name, Unknown) else str(name).rstrip(".").lower() if name is not None else None


def _listed(state: Mapping[str, object]) -> object:
    """The name as the API lists it: with the final dot, a wildcard in its octal form."""
    fqdn = _fqdn(state)
    return fqdn.replace("*", "\\052") + "." if isinstance(fqdn, str) else fqdn


def _set_suffix(state: Mapping[str, object]) -> object:
    identifier = state.get("setIdentifier")
    return UNKNOWN if isinstance(identifier, Unknown) else f"_{identifier}" if identifier else ""


_IDENTITY = re.compile(r"(?P<zoneId>[A-Z0-9]+)_(?P<name>.+?)_(?P<type>[A-Z]{1,10})(?:_(?P<setIdentifier>.+))?")


def _parts(identity: str) -> dict[str, str]:
    """The parts of a record's id; names hold underscores, types do not."""
    matched = _IDENTITY.fullmatch(identity)
    if matched is None:
        raise ValueError(f"the id {identity!r} does not have the form ZONE_name_TYPE or ZONE_name_TYPE_set")
    return {name: value for name, value in matched.groupdict().items() if value}


def _record(inputs: Properties) -> Properties:
    """Values as structures, routing policies as the members that they are to the API."""
    values = dict(inputs)
    records = values.get("records")
    if is_list(records):
        values["records"] = [{"value": record} for record in records]
    for name, member in (
        ("failoverRoutingPolicies", "type"),
        ("weightedRoutingPolicies", "weight"),
        ("latencyRoutingPolicies", "region"),
    ):
        policies = values.get(name)
        if is_list(policies) and len(policies) == 1 and is_mapping(policies[0]) and set(policies[0]) == {member}:
            values[name] = policies[0][member]
    return values


_SET = "ChangeBatch/Changes/0/ResourceRecordSet"


def _change(action: str) -> Call:
    return Call(
        "ChangeResourceRecordSets",
        bind={"HostedZoneId": "{zoneId}", "ChangeBatch/Changes/0/Action": action},
        wrap=_SET,
        declared=True,
    )


RECORD = ResourceType(
    pulumi_type="aws:route53/record:Record",
    service="route53",
    create=_change("{action}"),
    read=Call(
        "ListResourceRecordSets",
        bind={"HostedZoneId": "{zoneId}"},
        root="ResourceRecordSets[?(Name=='{listed}' || Name=='{fqdn}.') && Type=='{type}' && (SetIdentifier || '')=='{setName}'] | [0]",
    ),
    update=_change("UPSERT"),
    delete=_change("DELETE"),
    identity="{zoneId}_{fqdn}_{type}{setSuffix}",
    rename={
        "records": "ResourceRecords",
        "aliases": "AliasTarget",
        "geolocationRoutingPolicies": "GeoLocation",
        "geoproximityRoutingPolicy": "GeoProximityLocation",
        "failoverRoutingPolicies": "Failover",
        "weightedRoutingPolicies": "Weight",
        "latencyRoutingPolicies": "Region",
        "multivalueAnswerRoutingPolicy": "MultiValueAnswer",
        "zoneId": "HostedZoneId",
    },
    nested={
        "AliasTarget.name": "DNSName",
        "AliasTarget.zoneId": "HostedZoneId",
        "GeoLocation.continent": "ContinentCode",
        "GeoLocation.country": "CountryCode",
        "GeoLocation.subdivision": "SubdivisionCode",
    },
    reads={"zoneId": "", "name": ""},
    local=frozenset({"allowOverwrite"}),
    replace=frozenset({"zoneId", "name", "type", "setIdentifier"}),
    shape=_record,
    parse=_parts,
    derived={
        "action": lambda state: "UPSERT" if state.get("allowOverwrite") else "CREATE",
        "fqdn": _fqdn,
        "listed": _listed,
        "setName": lambda state: state.get("setIdentifier") or "",
        "setSuffix": _set_suffix,
    },
    known={"fqdn": "{fqdn}"},
    delete_first=True,
    regional=False,
)

HEALTH_CHECK = ResourceType(
    pulumi_type="aws:route53/healthCheck:HealthCheck",
    service="route53",
    cfn="AWS::Route53::HealthCheck",
    create=Call("CreateHealthCheck", bind={"CallerReference": "{nonce}"}, wrap="HealthCheckConfig", root="HealthCheck"),
    read=Call(
        "GetHealthCheck", bind={"HealthCheckId": "{checkId}"}, root="HealthCheck", properties="HealthCheckConfig"
    ),
    update=Call("UpdateHealthCheck", bind={"HealthCheckId": "{checkId}"}),
    delete=Call("DeleteHealthCheck", bind={"HealthCheckId": "{checkId}"}),
    identity="{checkId}",
    rename={
        "fqdn": "FullyQualifiedDomainName",
        "childHealthThreshold": "HealthThreshold",
        "cloudwatchAlarmName": "AlarmIdentifier/Name",
        "cloudwatchAlarmRegion": "AlarmIdentifier/Region",
        "invertHealthcheck": "Inverted",
    },
    local=frozenset({"triggers", "referenceName"}),
    replace=frozenset({"type", "requestInterval", "measureLatency", "referenceName"}),
    in_place=frozenset(
        {
            "fqdn",
            "ipAddress",
            "port",
            "resourcePath",
            "searchString",
            "failureThreshold",
            "regions",
            "enableSni",
            "childHealthchecks",
            "childHealthThreshold",
            "invertHealthcheck",
            "disabled",
            "insufficientDataHealthStatus",
            "cloudwatchAlarmName",
            "cloudwatchAlarmRegion",
        }
    ),
    outputs={"checkId": "Id"},
    known={"arn": "arn:{partition}:route53:::healthcheck/{checkId}"},
    tagging=_tagging("healthcheck", "{checkId}"),
    regional=False,
)

TYPES = (ZONE, RECORD, HEALTH_CHECK)
