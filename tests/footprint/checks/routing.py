"""Checks of DNS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.footprint.asking import Ask, Check

# A record is named by zone, name, type and, where several share a name, by its identifier.
_RECORD: Final = "ResourceRecordSets[?(Name=='<name>.' || Name=='<name>') && Type=='<type>' && (SetIdentifier || '')=='<setIdentifier|>'] | [0]"
_CHECK: Final = {
    "type": "Type",
    "fqdn": "FullyQualifiedDomainName",
    "port": "Port",
    "resourcePath": "ResourcePath",
    "requestInterval": "RequestInterval",
    "failureThreshold": "FailureThreshold",
    "enableSni": "EnableSNI",
    "measureLatency": "MeasureLatency",
    "regions": "Regions",
    "childHealthThreshold": "HealthThreshold",
    "childHealthchecks": "ChildHealthChecks",
    "invertHealthcheck": "Inverted",
    "disabled": "Disabled",
}

CHECKS: Final[Mapping[str, Check]] = {
    "aws:route53/zone:Zone": Check(
        (
            Ask(
                "route53",
                "get_hosted_zone",
                {"Id": "<id>"},
                {
                    "name": "ends_with(HostedZone.Name, '<name>.') && '<name>'",
                    "comment": "HostedZone.Config.Comment",
                    "enableAcceleratedRecovery": "HostedZone.Features.AcceleratedRecoveryStatus == 'ENABLED'",
                },
            ),
            Ask(
                "route53",
                "list_tags_for_resource",
                {"ResourceType": "hostedzone", "ResourceId": "<id>"},
                {"tags": "ResourceTagSet.Tags"},
            ),
        ),
        unread={"forceDestroy": "is what the provider does when it deletes; the deletion is checked"},
    ),
    "aws:route53/record:Record": Check(
        (
            Ask(
                "route53",
                "list_resource_record_sets",
                {"HostedZoneId": "<zoneId>"},
                {
                    name: f"{_RECORD} | {how}"
                    for name, how in {
                        "name": "Name && '<name>'",
                        "type": "Type",
                        "ttl": "TTL",
                        "zoneId": "Name && '<zoneId>'",
                        "setIdentifier": "SetIdentifier",
                        "healthCheckId": "HealthCheckId",
                        "records": "ResourceRecords[].Value",
                        "aliases": "[AliasTarget.{name: DNSName, zoneId: HostedZoneId,"
                        " evaluateTargetHealth: EvaluateTargetHealth}]",
                        "geolocationRoutingPolicies": "[GeoLocation.{continent: ContinentCode, country: CountryCode,"
                        " subdivision: SubdivisionCode}]",
                        "failoverRoutingPolicies": "[{type: Failover}]",
                    }.items()
                },
            ),
        )
    ),
    "aws:route53/healthCheck:HealthCheck": Check(
        (
            Ask(
                "route53",
                "get_health_check",
                {"HealthCheckId": "<id>"},
                {name: f"HealthCheck.HealthCheckConfig.{how}" for name, how in _CHECK.items()},
            ),
            Ask(
                "route53",
                "list_tags_for_resource",
                {"ResourceType": "healthcheck", "ResourceId": "<id>"},
                {"tags": "ResourceTagSet.Tags"},
            ),
        )
    ),
}
