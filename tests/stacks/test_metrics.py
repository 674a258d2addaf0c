"""A region's metrics: what AWS needs to collect them, keep them, judge them and tell somebody."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from regions.catalogue import CATALOGUE
from services.contracts.alerts import ALERTS, SCRAPE_SECONDS, Severity
from services.contracts.workloads import BY_NAME, WORKLOADS
from stacks import alert_files, manifests
from stacks.alarms import topic_policy
from stacks.keys import Store, key_policy
from stacks.sizes import Replicas
from tests.stacks import footprints
from tests.stacks.recording import ACCOUNT, CLUSTER_GROUP, Declared

every_region = pytest.mark.parametrize("name", CATALOGUE.names)
APS = "aps.amazonaws.com"


def declared(name: str, kind: str) -> Declared:
    (found,) = footprints.of_cell(name).of(kind)
    return found


def scraping(name: str) -> dict[str, Any]:
    text: str = declared(name, "aws:amp/scraper:Scraper").inputs["scrapeConfiguration"]
    document: dict[str, Any] = yaml.safe_load(text)
    return document


@every_region
def test_the_collector_has_what_aws_asks_of_its_cluster(name: str) -> None:
    source = declared(name, "aws:amp/scraper:Scraper").inputs["source"]["eks"]
    cluster = declared(name, "aws:eks/cluster:Cluster").inputs
    assert cluster["vpcConfig"]["endpointPrivateAccess"] is True
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert 2 <= len(source["subnetIds"]) <= 5
    assert source["subnetIds"] == cluster["vpcConfig"]["subnetIds"]
    assert source["securityGroupIds"] == [CLUSTER_GROUP]


@every_region
def test_no_access_entry_is_declared_for_the_collectors_own_role(name: str) -> None:
    for entry in footprints.of_cell(name).of("aws:eks/accessEntry:AccessEntry"):
        assert "aws-service-role" not in str(entry.inputs["principalArn"])


@every_region
def test_samples_rules_and_messages_meet_in_one_workspace_of_the_region(name: str) -> None:
    (workspace,) = footprints.of_cell(name).of("aws:amp/workspace:Workspace")
    collector = declared(name, "aws:amp/scraper:Scraper").inputs
    assert collector["destination"]["amp"]["workspaceArn"].endswith(f"{workspace.type}/{workspace.name}")
    for kind in (
        "aws:amp/ruleGroupNamespace:RuleGroupNamespace",
        "aws:amp/alertManagerDefinition:AlertManagerDefinition",
    ):
        assert declared(name, kind).inputs["workspaceId"] == f"{workspace.name}-id"
    (alarm,) = [
        item
        for item in footprints.of_cell(name).of("aws:cloudwatch/metricAlarm:MetricAlarm")
        if item.inputs["namespace"] == "AWS/Prometheus"
    ]
    assert alarm.inputs["dimensions"] == {"Workspace": f"{workspace.name}-id"}


def matches(rules: list[dict[str, Any]], labels: dict[str, str]) -> bool:
    """Whether the ``keep`` and ``drop`` of a configuration leave what has these labels, as Prometheus decides."""
    for rule in rules:
        value = ";".join(labels.get(label, "") for label in rule["source_labels"])
        found = re.fullmatch(rule.get("regex", "(.*)"), value) is not None
        if (rule["action"] == "keep" and not found) or (rule["action"] == "drop" and found):
            return False
    return True


def labels_of(workload: str) -> dict[str, str]:
    """What discovery tells of a running pod that the declared Deployment makes."""
    release = manifests.Release(image="i", settings_hash="h", passwords=1, replicas=Replicas(3, 6))
    (deployment,) = [m for m in manifests.workload(BY_NAME[workload], release) if m["kind"] == "Deployment"]
    template: Any = deployment["spec"]
    pod = template["template"]
    (port,) = pod["spec"]["containers"][0]["ports"]
    told = {
        f"__meta_kubernetes_pod_label_{re.sub(r'[^a-zA-Z0-9_]', '_', label)}": value
        for label, value in pod["metadata"]["labels"].items()
    }
    return told | {
        "__meta_kubernetes_pod_container_port_name": port["name"],
        "__meta_kubernetes_pod_name": f"{workload}-5d9c-x",
        "__meta_kubernetes_pod_phase": "Running",
    }


def test_the_pods_of_every_workload_are_asked_and_no_others() -> None:
    (job,) = scraping("mumbai")["scrape_configs"]
    (discovery,) = job["kubernetes_sd_configs"]
    assert discovery == {"role": "pod", "namespaces": {"names": [manifests.NAMESPACE]}}
    for workload in WORKLOADS:
        told = labels_of(workload.name)
        assert matches(job["relabel_configs"], told)
        for label in ("label_app_kubernetes_io_part_of", "container_port_name", "phase"):
            assert not matches(job["relabel_configs"], told | {f"__meta_kubernetes_pod_{label}": "other"})
    copied = {rule["target_label"]: rule["source_labels"] for rule in job["relabel_configs"] if "target_label" in rule}
    assert copied == {
        "workload": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"],
        "instance": ["__meta_kubernetes_pod_name"],
    }


@pytest.mark.parametrize(
    ("metric", "kept"),
    [
        ("meridian_counter_drift", True),
        ("meridian_gateway_requests_total", True),
        ("meridian_counter_flush_seconds_sum", True),
        ("meridian_counter_flush_seconds_bucket", False),
        ("meridian_counter_refused_created", False),
        ("python_gc_objects_collected_total", False),
    ],
)
def test_only_metrics_of_ours_are_kept_without_the_steps_of_histograms(metric: str, kept: bool) -> None:
    (job,) = scraping("mumbai")["scrape_configs"]
    assert matches(job["metric_relabel_configs"], {"__name__": metric}) == kept


@every_region
def test_the_collectors_configuration_is_within_awss_limits_and_names_the_cell(name: str) -> None:
    found = scraping(name)
    assert found["global"]["scrape_interval"] == f"{SCRAPE_SECONDS}s"
    assert SCRAPE_SECONDS >= 30
    assert found["global"]["external_labels"] == {"cell": name}
    assert len(declared(name, "aws:amp/scraper:Scraper").inputs["scrapeConfiguration"]) < 256 * 1024


def test_every_alert_is_a_rule_with_its_words_and_place_in_the_runbook() -> None:
    (group,) = yaml.safe_load(alert_files.rules())["groups"]
    found = {rule["alert"]: rule for rule in group["rules"]}
    assert set(found) == {alert.name for alert in ALERTS}
    for alert in ALERTS:
        rule = found[alert.name]
        assert rule["expr"] == alert.expression
        assert rule.get("for") == (f"{alert.minutes}m" if alert.minutes else None)
        assert rule["labels"] == {"severity": alert.severity.value}
        assert rule["annotations"]["runbook"] == f"docs/alarms.md#{alert.name.lower()}"


@every_region
def test_the_alert_manager_tells_the_regions_topic_and_signs_for_its_region(name: str) -> None:
    definition = declared(name, "aws:amp/alertManagerDefinition:AlertManagerDefinition").inputs["definition"]
    document = yaml.safe_load(definition)
    assert list(document) == ["alertmanager_config"]
    told = yaml.safe_load(document["alertmanager_config"])
    (receiver,) = told["receivers"]
    (sns,) = receiver["sns_configs"]
    (topic,) = footprints.of_cell(name).of("aws:sns/topic:Topic")
    assert sns["topic_arn"].endswith(f"{topic.type}/{topic.name}")
    assert sns["sigv4"] == {"region": CATALOGUE.get(name).code}
    assert not {"api_url", "http_config"} & set(sns)
    assert told["route"]["receiver"] == receiver["name"]
    assert {route["receiver"] for route in told["route"]["routes"]} == {receiver["name"]}
    assert [route["matchers"] for route in told["route"]["routes"]] == [[f'severity="{Severity.PAGE}"']]


def test_the_longest_subject_of_a_message_is_one_that_sns_takes() -> None:
    for name in CATALOGUE.names:
        document = json.loads(alert_files.telling(name, "r", "arn:aws:sns:r:a:t"))
        (receiver,) = json.loads(document["alertmanager_config"])["receivers"]
        subject = receiver["sns_configs"][0]["subject"]
        for alert in ALERTS:
            written = subject.replace("{{ .GroupLabels.alertname }}", alert.name).replace("{{ .Status }}", "resolved")
            assert "{" not in written
            assert written.isascii()
            assert len(written) <= 100


def test_alert_managers_of_the_account_and_region_alone_may_publish_and_open_the_topics_key() -> None:
    statements = json.loads(topic_policy("topic", ACCOUNT, "eu-central-1"))["Statement"]
    (publishes,) = [statement for statement in statements if APS in statement["Principal"]["Service"]]
    assert publishes["Resource"] == "topic"
    assert set(publishes["Action"]) == {"sns:Publish", "sns:GetTopicAttributes"}
    assert publishes["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:aps:eu-central-1:{ACCOUNT}:workspace/*"},
    }
    opened = [
        statement
        for statement in json.loads(key_policy(Store.LOGS, ACCOUNT, "eu-central-1"))["Statement"]
        if APS in statement["Principal"].get("Service", ())
    ]
    (statement,) = opened
    assert {"kms:Decrypt", "kms:GenerateDataKey*"} == set(statement["Action"])
    assert APS not in topic_policy("topic", ACCOUNT)
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
