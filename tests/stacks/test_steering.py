from __future__ import annotations

import json

import pytest

from regions import steering
from regions.catalogue import CATALOGUE, EDGE_CODE
from regions.names import Hosts
from tests.stacks.footprints import exports_of, of_steering
from tests.stacks.places import CONTINENT
from tests.stacks.recording import Footprint
from tests.stacks.route53 import Entry, HostedZone
from tests.stacks.test_global import pem

HOSTS = Hosts("meridian.example")
NAMES = CATALOGUE.names


def checks(footprint: Footprint) -> dict[str, str]:
    """Id of each region's check."""
    return {
        f"api-{name}-id": name for name in NAMES if footprint.one("aws:route53/healthCheck:HealthCheck", f"api-{name}")
    }


def declared_zone(footprint: Footprint) -> HostedZone:
    """The zone as Route 53 would have it: records of the API host, in an order that their dependencies allow."""
    result = HostedZone(outside=[HOSTS.origin(region) for region in CATALOGUE.regions])
    named = checks(footprint)
    records = [item for item in footprint.of("aws:route53/record:Record") if item.inputs.get("setIdentifier")]
    for item in sorted(records, key=lambda item: depth(item.inputs["name"])):
        entry = Entry.declared(item.inputs)
        result.add(Entry(**{**vars(entry), "check": named.get(entry.check or "")}))
    return result


def depth(name: str) -> int:
    """The end of a chain first, the host last."""
    return 0 if name == HOSTS.api else -int(name.split(".", 1)[0].rsplit("-", 1)[1])


@pytest.mark.parametrize("away", [(), *((name,) for name in NAMES), NAMES], ids=str)
def test_the_declared_records_send_every_country_where_steering_says(away: tuple[str, ...]) -> None:
    zone = declared_zone(of_steering())
    healthy = [name for name in NAMES if name not in away]
    for country, continent in CONTINENT.items():
        answer = zone.answer(HOSTS.api, "A", country=country, continent=continent, unhealthy=away)
        assert answer == HOSTS.origin(CATALOGUE.get(steering.resolve(country, healthy))), country


def test_a_regions_health_is_its_entrance_and_the_operators_switch() -> None:
    for name in NAMES:
        health = of_steering().one("aws:route53/healthCheck:HealthCheck", f"api-{name}")
        entrance = exports_of(name)["health_check_id"]
        assert health.inputs["type"] == "CALCULATED"
        assert health.inputs["childHealthchecks"] == [entrance, f"api-{name}-switch-id"]
        assert health.inputs["childHealthThreshold"] == len(health.inputs["childHealthchecks"])


def test_draining_a_region_turns_its_switch_and_nothing_else() -> None:
    before, after = of_steering(), of_steering(drained=("oregon",))
    changed = [
        (old.name, {key for key in new.inputs if new.inputs[key] != old.inputs.get(key)})
        for old in before.aws
        for new in after.of(old.type)
        if new.name == old.name and new.inputs != old.inputs
    ]
    assert changed == [("api-oregon-switch", {"invertHealthcheck"})]
    switch = after.one("aws:route53/healthCheck:HealthCheck", "api-oregon-switch")
    # Healthy whatever its child says, and inverted: unhealthy whatever its child says. Never `disabled`: that is healthy.
    assert switch.inputs["childHealthThreshold"] == 0
    assert switch.inputs["invertHealthcheck"]
    assert "disabled" not in switch.inputs


def test_no_record_of_another_stack_is_taken_over() -> None:
    for item in of_steering().of("aws:route53/record:Record"):
        assert "allowOverwrite" not in item.inputs
        assert {"ttl", "records"}.isdisjoint(item.inputs)
        if item.inputs.get("setIdentifier"):
            (alias,) = item.inputs["aliases"]
            assert alias["zoneId"] == item.inputs["zoneId"]


def test_origin_groups_are_pairs_of_partners_and_only_read() -> None:
    for kind in ("media", "page"):
        inputs = of_steering().one("aws:cloudfront/distribution:Distribution", f"cdn-{kind}").inputs
        origins = {origin["originId"] for origin in inputs["origins"]}
        for group in inputs["originGroups"]:
            first, second = (member["originId"] for member in group["members"])
            assert CATALOGUE.get(first).partner == second
            assert {first, second} <= origins
        behaviour = inputs["defaultCacheBehavior"]
        assert behaviour["targetOriginId"] in {group["originId"] for group in inputs["originGroups"]}
        assert set(behaviour["allowedMethods"]) <= {"GET", "HEAD", "OPTIONS"}


def test_media_have_a_group_for_every_home_and_the_function_names_the_same_pairs() -> None:
    inputs = of_steering().one("aws:cloudfront/distribution:Distribution", "cdn-media").inputs
    pairs = {tuple(member["originId"] for member in group["members"]) for group in inputs["originGroups"]}
    assert pairs == {(region.name, region.partner) for region in CATALOGUE.regions}
    code = of_steering().one("aws:cloudfront/function:Function", "cdn-media").inputs["code"]
    line = next(line for line in code.splitlines() if line.startswith("const HOMES"))
    homes = json.loads(line.split(" = ", 1)[1].rstrip(";"))
    assert {(home, partner) for _, home, partner in homes} == pairs


def test_buckets_are_read_by_signed_requests_under_their_regional_names() -> None:
    inputs = of_steering().one("aws:cloudfront/distribution:Distribution", "cdn-media").inputs
    for origin in inputs["origins"]:
        assert origin["originAccessControlId"] == "cdn-buckets-id"
        assert origin["domainName"] == exports_of(origin["originId"])["media_bucket_domain"]
        assert origin["connectionTimeout"] * origin["connectionAttempts"] <= 5


def test_viewers_meet_tls_a_firewall_and_a_log() -> None:
    for kind in ("media", "page"):
        inputs = of_steering().one("aws:cloudfront/distribution:Distribution", f"cdn-{kind}").inputs
        assert inputs["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"
        assert inputs["webAclId"]
        assert inputs["defaultCacheBehavior"]["viewerProtocolPolicy"] in ("https-only", "redirect-to-https")
    sources = of_steering().of("aws:cloudwatch/logDeliverySource:LogDeliverySource")
    assert {item.inputs["region"] for item in sources} == {EDGE_CODE}
    assert len(sources) == 2


def test_media_need_a_signature_once_there_are_keys() -> None:
    unsigned = of_steering().one("aws:cloudfront/distribution:Distribution", "cdn-media").inputs
    assert not unsigned["defaultCacheBehavior"].get("trustedKeyGroups")
    signed = of_steering(playback_keys=(pem(),)).one("aws:cloudfront/distribution:Distribution", "cdn-media").inputs
    assert len(signed["defaultCacheBehavior"]["trustedKeyGroups"]) == 1
    (pictures,) = signed["orderedCacheBehaviors"]
    assert pictures["pathPattern"] == "/media/*/poster-*.jpg"
    assert not pictures.get("trustedKeyGroups")


def test_hosts_of_the_cdn_answer_over_both_protocols_and_do_not_look_at_health() -> None:
    records = [
        item.inputs for item in of_steering().of("aws:route53/record:Record") if not item.inputs.get("setIdentifier")
    ]
    assert {(item["name"], item["type"]) for item in records} == {
        (host, kind) for host in (HOSTS.media, HOSTS.page) for kind in ("A", "AAAA")
    }
    assert not any(item["aliases"][0]["evaluateTargetHealth"] for item in records)


def test_alarms_of_dns_are_where_its_metrics_are() -> None:
    alarms = of_steering().of("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert len(alarms) == len(NAMES)
    assert {item.inputs["region"] for item in alarms} == {EDGE_CODE}
    (topic,) = of_steering().of("aws:sns/topic:Topic")
    assert topic.inputs["region"] == EDGE_CODE


def test_the_page_may_talk_to_the_api_media_and_upload_buckets_and_to_nothing_else() -> None:
    policy = of_steering().one("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", "cdn-policies-page")
    text = policy.inputs["securityHeadersConfig"]["contentSecurityPolicy"]["contentSecurityPolicy"]
    (connect,) = [rule.split()[1:] for rule in text.split("; ") if rule.startswith("connect-src")]
    uploads = {exports_of(name)["uploads_bucket"] for name in NAMES}
    assert {source.removeprefix("https://").split(".")[0] for source in connect if ".s3." in source} == uploads
    assert {source for source in connect if ".s3." not in source} == {
        "'self'",
        f"https://{HOSTS.api}",
        f"wss://{HOSTS.api}",
        f"https://{HOSTS.media}",
    }
