"""Every alert asks for metrics that services really export, and every metric that promises an alert has one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from regions.buckets import BucketRange, ShardMap
from services.common.app import registry_of
from services.common.database import CellDatabase, Login, PoolOptions
from services.common.metrics import RequestMetrics
from services.common.read_metrics import ReadMetrics
from services.common.shards import ShardRouter
from services.contracts.alerts import ALERTS, PREFIX, RUNBOOK, SCRAPE_SECONDS, Alert
from services.contracts.settings import DatabaseSettings, Endpoint, PlatformSettings, SecretRef
from services.counters.metrics import CounterMetrics
from services.counters.store import Flush
from services.counters.window import DeadLetter, MarkKey, Partition
from services.gateway.breaker import Breaker, BreakerPolicy
from services.gateway.metrics import Metrics
from services.realtime.service import make
from services.transcoder.service import make as transcoder
from stacks import manifests
from tests.stacks import footprints

every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
SYNTHETIC = {"up"}
"""Made by the collector for each pod that it asks."""
PROMISE = "Alarm above 0"
_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}
_SELECTOR = re.compile(r"\b((?:meridian_|up\b)\w*)(\{[^}]*\})?")


def _gateway() -> str:
    metrics = Metrics()
    metrics.route("/api/videos").observe(503, 0.1)
    return metrics.render({"catalog": Breaker(BreakerPolicy())}, 1)


def _requests() -> CollectorRegistry:
    metrics = RequestMetrics()
    metrics.observe("GET", "/videos", 503, 0.1)
    return metrics.registry


def _counters() -> CollectorRegistry:
    registry = CollectorRegistry()
    metrics = CounterMetrics(registry)
    letter = DeadLetter(Partition("mumbai", "views.v1", 0), 1, MarkKey("mumbai", UUID(int=1)), 1, 0, "why", b"", b"")
    metrics.flushed("views.v1", Flush(UUID(int=2), "views.v1", (), dead=(letter,)), 0.1)
    for labelled in (metrics.gaps, metrics.refused, metrics.stumbled, metrics.audited, metrics.drift):
        labelled.labels("views.v1")
    metrics.records.labels("views.v1", "taken")
    metrics.standing.labels("views.v1", "mumbai")
    return registry


def _reads() -> CollectorRegistry:
    nowhere = Endpoint(host="127.0.0.1", port=1)
    settings = DatabaseSettings(
        name="none", writer=nowhere, readers=(nowhere,), tls="disable", owner=SecretRef(arn="none", region="none")
    )
    database = CellDatabase.of("mumbai", settings, Login("none", "none"), PoolOptions())
    router = ShardRouter(ShardMap(1, (BucketRange(0, 960, "mumbai", "mumbai"),)), {"mumbai": database}, "mumbai")
    registry = CollectorRegistry()
    registry.register(ReadMetrics(router))
    return registry


def _settings() -> PlatformSettings:
    declared = footprints.of_cell("mumbai").of("kubernetes:core/v1:ConfigMap")
    (found,) = [item for item in declared if item.inputs["metadata"]["name"] == manifests.SETTINGS]
    return PlatformSettings.model_validate_json(found.inputs["data"][manifests.SETTINGS_FILE])


def _sockets() -> CollectorRegistry:
    return registry_of(make(_settings()))


def _transcoder() -> CollectorRegistry:
    return registry_of(transcoder(_settings()))


@cache
def exported() -> tuple[Metric, ...]:
    """What the workloads answer at ``/metrics``, each metric with a sample."""
    texts = [
        _gateway(),
        *(generate_latest(made()).decode() for made in (_requests, _counters, _reads, _sockets, _transcoder)),
    ]
    families = (family for text in texts for family in text_string_to_metric_families(text))
    return tuple(family for family in families if not family.name.endswith("_created"))


def names() -> frozenset[str]:
    return frozenset(f"{one.name}{suffix}" for one in exported() for suffix in _SUFFIXES[one.type])


def asked(alert: Alert) -> Iterator[tuple[str, dict[str, tuple[str, str]]]]:
    """Each selector of the expression: metric, and by label how and with what it is compared."""
    for name, labels in _SELECTOR.findall(alert.expression):
        yield name, {label: (how, value) for label, how, value in re.findall(r'(\w+)(=~|=)"([^"]*)"', labels)}


@every_alert
def test_every_metric_of_an_alert_is_exported_by_a_service(alert: Alert) -> None:
    found = {name for name, _ in asked(alert)}
    assert found
    assert found - SYNTHETIC <= names()
    assert all(name.startswith(PREFIX) for name in found - SYNTHETIC)


@every_alert
def test_every_selection_by_a_label_is_of_a_sample_that_services_make(alert: Alert) -> None:
    samples = [sample for family in exported() for sample in family.samples]
    for name, labels in asked(alert):
        if name in SYNTHETIC or not labels:
            continue
        fitting = [
            sample
            for sample in samples
            if sample.name == name
            and all(
                re.fullmatch(value if how == "=~" else re.escape(value), sample.labels.get(label, ""))
                for label, (how, value) in labels.items()
            )
        ]
        assert fitting, f"no sample of {name} has {labels}"


@every_alert
def test_every_label_that_an_alert_gathers_by_is_one_of_its_metric_or_of_the_collector(alert: Alert) -> None:
    samples = [sample for family in exported() for sample in family.samples]
    metrics = {name for name, _ in asked(alert)}
    of_services = {label for sample in samples if sample.name in metrics for label in sample.labels}
    gathered = {label for group in re.findall(r"by \(([^)]*)\)", alert.expression) for label in group.split(", ")}
    assert gathered <= of_services | {"workload", "instance"}


def test_every_metric_that_promises_an_alarm_has_an_alert() -> None:
    promising = [one for one in exported() if PROMISE in one.documentation]
    assert len(promising) >= 5
    ringing = {name for alert in ALERTS for name, _ in asked(alert)}
    for one in promising:
        assert {f"{one.name}{suffix}" for suffix in _SUFFIXES[one.type]} & ringing, one.name


def test_a_metric_without_an_alert_and_one_that_nobody_exports_would_be_seen() -> None:
    wrong = ALERTS[0].expression.replace("stopped", "sleeping")
    assert {name for name, _ in asked(_named("Wrong", wrong))} == {"meridian_counter_sleeping_partitions"}
    assert "meridian_counter_sleeping_partitions" not in names()


def _named(name: str, expression: str) -> Alert:
    return Alert(name=name, expression=expression, severity=ALERTS[0].severity, means="", remedy="")


@every_alert
def test_expressions_are_balanced_and_look_back_over_several_samples(alert: Alert) -> None:
    depth: list[str] = []
    closing = {")": "(", "]": "[", "}": "{"}
    for sign in re.sub(r'"[^"]*"', "", alert.expression):
        if sign in closing.values():
            depth.append(sign)
        elif sign in closing:
            assert depth, alert.expression
            assert depth.pop() == closing[sign]
    assert depth == []
    assert alert.expression.count('"') % 2 == 0
    minutes = [int(count) * {"m": 1, "h": 60}[unit] for count, unit in re.findall(r"\[(\d+)([mh])\]", alert.expression)]
    assert all(each * 60 >= 4 * SCRAPE_SECONDS for each in minutes)


def test_names_are_unique_and_every_alert_says_what_it_means_and_what_to_do() -> None:
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert re.fullmatch(r"(?:[A-Z][a-z]+)+", alert.name)
        assert alert.means
        assert alert.remedy
        assert alert.runbook.startswith(f"{RUNBOOK}#")
