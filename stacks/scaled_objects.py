"""Scaled objects of KEDA: how many pods run of what scales on an event, as plain mappings.

Pure. Owns their shape. Does not own the signals and targets (``scaling``), the bounds (``sizes``), nor KEDA itself
(``event_scaler``). Parameters as in https://keda.sh/docs/2.20/scalers/metrics-api/ and .../aws-sqs/, read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.contracts.workloads import Workload
from stacks.manifests import NAMESPACE, Manifest, behavior, metadata
from stacks.scaling import QueueDepth, Scaling, Signal, Summed, scaling_of
from stacks.sizes import Replicas

KEDA = "keda"
"""The scaler's namespace, release and chart."""
OPERATOR = "keda-operator"
"""Service account, and label ``app``, of the part that asks for metrics; the chart's default."""
API_VERSION = "keda.sh/v1alpha1"
IDENTITY = "event-scaler"
"""Name of the object that says by whose identity AWS is asked: the scaler's own."""
POLL_SECONDS = 15
FAILURES = 4
"""Polls without an answer after which the signal counts as lost; pods then stay as they are, never fewer."""


def identity() -> Manifest:
    """AWS is asked by the role of the scaler's own service account."""
    return {
        "apiVersion": API_VERSION,
        "kind": "TriggerAuthentication",
        "metadata": metadata(IDENTITY),
        "spec": {"podIdentity": {"provider": "aws"}},
    }


def scaled(subject: Workload, replicas: Replicas, *, region: str, queue_url: object) -> Iterator[Manifest]:
    """The scaled object of ``subject``; none if resources alone decide. ``queue_url``: the cell's transcode queue."""
    scaling = scaling_of(subject)
    if scaling.signal is None:
        return
    yield {
        "apiVersion": API_VERSION,
        "kind": "ScaledObject",
        "metadata": metadata(subject.name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": subject.name},
            "pollingInterval": POLL_SECONDS,
            "minReplicaCount": replicas.least,
            "maxReplicaCount": replicas.most,
            "fallback": {
                "failureThreshold": FAILURES,
                "replicas": replicas.least,
                "behavior": "currentReplicasIfHigher",
            },
            "advanced": {"horizontalPodAutoscalerConfig": {"name": subject.name, "behavior": behavior(scaling)}},
            "triggers": [_trigger(scaling.signal, subject, region, queue_url), *_resources(scaling)],
        },
    }


def _trigger(signal: Signal, subject: Workload, region: str, queue_url: object) -> dict[str, object]:
    match signal:
        case QueueDepth(per_pod):
            return {
                "type": "aws-sqs-queue",
                "metadata": {
                    "queueURL": queue_url,
                    "queueLength": str(per_pod),
                    "awsRegion": region,
                    "scaleOnInFlight": "true",
                },
                "authenticationRef": {"name": IDENTITY},
            }
        case Summed(gauge, per_pod):
            # Each pod is asked: the service's address would answer for one of them.
            return {
                "type": "metrics-api",
                "metadata": {
                    "url": f"http://{subject.name}.{NAMESPACE}.svc.cluster.local:{subject.port}/metrics",
                    "format": "prometheus",
                    "valueLocation": gauge,
                    "targetValue": str(per_pod),
                    "aggregateFromKubeServiceEndpoints": "true",
                    "aggregationType": "sum",
                },
            }


def _resources(scaling: Scaling) -> list[dict[str, object]]:
    return [
        {"type": resource, "metricType": "Utilization", "metadata": {"value": str(percent)}}
        for resource, percent in scaling.targets
    ]
