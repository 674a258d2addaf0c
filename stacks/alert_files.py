"""What the managed Prometheus of a region is told, as documents: whom to ask, what rings, whom to tell.

Pure. Owns their form; the alerts themselves stand in ``services.contracts.alerts``. Prometheus reads YAML; these are
JSON, which is YAML, and needs no writer of its own.
Forms: https://prometheus.io/docs/prometheus/latest/configuration/configuration/,
https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-alertmanager-config.html, read 2026-11-23.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from regions.names import PROJECT
from services.contracts.alerts import ALERTS, JOB, PREFIX, SCRAPE_SECONDS, Alert, Severity
from stacks.manifests import NAMESPACE, PORT_NAME

RECEIVER = "people"
REPEATED = {Severity.PAGE: "1h", Severity.TICKET: "24h"}
"""After how long an alert that goes on ringing is sent again."""
_SD = "__meta_kubernetes_pod"
_UNUSED = ".+_(bucket|created)"
"""Steps of histograms and times of birth: most of the samples, and no alert reads them."""


def scraping(cell: str) -> str:
    """Whom the collector asks: port ``http`` of this project's pods; and what of their answers it keeps."""
    return _text(
        {
            "global": {
                "scrape_interval": f"{SCRAPE_SECONDS}s",
                "scrape_timeout": "10s",
                "external_labels": {"cell": cell},
            },
            "scrape_configs": [
                {
                    "job_name": JOB,
                    "metrics_path": "/metrics",
                    "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [NAMESPACE]}}],
                    "relabel_configs": [
                        _keep(f"{_SD}_label_app_kubernetes_io_part_of", PROJECT),
                        _keep(f"{_SD}_container_port_name", PORT_NAME),
                        _keep(f"{_SD}_phase", "Running"),
                        _copy(f"{_SD}_label_app_kubernetes_io_name", "workload"),
                        _copy(f"{_SD}_name", "instance"),
                    ],
                    "metric_relabel_configs": [
                        _keep("__name__", f"{PREFIX}.+"),
                        {"source_labels": ["__name__"], "regex": _UNUSED, "action": "drop"},
                    ],
                }
            ],
        }
    )


def _keep(label: str, regex: str) -> dict[str, object]:
    return {"source_labels": [label], "regex": regex, "action": "keep"}


def _copy(label: str, target: str) -> dict[str, object]:
    return {"source_labels": [label], "target_label": target, "action": "replace"}


def rules(alerts: Sequence[Alert] = ALERTS) -> str:
    """What rings when: one group, evaluated as often as samples come."""
    group = {"name": PROJECT, "interval": f"{SCRAPE_SECONDS}s", "rules": [_rule(alert) for alert in alerts]}
    return _text({"groups": [group]})


def _rule(alert: Alert) -> dict[str, object]:
    rule: dict[str, object] = {"alert": alert.name, "expr": alert.expression}
    if alert.minutes:
        rule["for"] = f"{alert.minutes}m"
    return rule | {
        "labels": {"severity": str(alert.severity)},
        "annotations": {"summary": alert.means, "remedy": alert.remedy, "runbook": alert.runbook},
    }


def telling(cell: str, region: str, topic_arn: str) -> str:
    """Whom the alert manager tells: the topic, in messages of one alert's name at a time.

    AWS wants its part as a text within the document, a receiver that is an SNS topic, and the region to sign for; a
    subject has 100 ASCII characters at most.
    """
    told: dict[str, object] = {
        "route": {
            "receiver": RECEIVER,
            "group_by": ["alertname"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": REPEATED[Severity.TICKET],
            "routes": [
                {
                    "receiver": RECEIVER,
                    "matchers": [f'severity="{Severity.PAGE}"'],
                    "repeat_interval": REPEATED[Severity.PAGE],
                }
            ],
        },
        "receivers": [
            {
                "name": RECEIVER,
                "sns_configs": [
                    {
                        "topic_arn": topic_arn,
                        "sigv4": {"region": region},
                        "send_resolved": True,
                        "subject": f"{PROJECT} {cell}: {{{{ .GroupLabels.alertname }}}} is {{{{ .Status }}}}",
                    }
                ],
            }
        ],
    }
    return _text({"alertmanager_config": _text(told)})


def _text(document: object) -> str:
    return json.dumps(document, indent=1)
