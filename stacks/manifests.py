"""Kubernetes objects of a cell as plain mappings: one namespace, and for each workload everything that runs it.

Pure. Owns shape and hardening of the objects. Does not own who may talk to whom (``network_policies``), what a
workload needs (``services.contracts.workloads``) nor its settings. Values may be outputs of the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regions.names import PROJECT
from services.contracts.settings import HOST_ENV, SETTINGS_ENV
from services.contracts.workloads import Workload
from stacks.scaling import Scaling, limits_of, scaling_of
from stacks.sizes import Replicas

Manifest = dict[str, object]

KUBERNETES_VERSION = "1.36"
"""In standard support on EKS, and no newer than the schemas that manifests are checked against."""
NAMESPACE = PROJECT
SETTINGS = "settings"
SCRATCH = "scratch"
SETTINGS_DIRECTORY = "/etc/meridian"
SETTINGS_FILE = "settings.json"
USER = 10001
"""Neither root nor anybody's account; images need no matching entry."""
PORT_NAME = "http"


@dataclass(frozen=True, kw_only=True)
class Release:
    """What of a workload runs, and with which settings."""

    image: str
    settings_hash: object
    """Changes whenever the settings do, so that pods are replaced; a string or an output of one."""
    passwords: int
    """Generation of the passwords, which a process reads when it starts."""
    replicas: Replicas


def namespace(name: str = NAMESPACE) -> Manifest:
    """A namespace, which admits hardened pods only."""
    levels = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", "restricted"), ("-version", f"v{KUBERNETES_VERSION}"))
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": PROJECT, **levels}},
    }


def network_policy_switch() -> Manifest:
    """Auto Mode accepts network policies but enforces none until this object exists.

    https://docs.aws.amazon.com/eks/latest/userguide/auto-net-pol.html
    """
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "amazon-vpc-cni", "namespace": "kube-system"},
        "data": {"enable-network-policy-controller": "true"},
    }


def scratch_disks() -> Manifest:
    """How disks for temporary files are made: Auto Mode makes none of a class that nobody declared.

    https://docs.aws.amazon.com/eks/latest/userguide/create-storage-class.html
    """
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": SCRATCH, "labels": {"app.kubernetes.io/part-of": PROJECT}},
        "provisioner": "ebs.csi.eks.amazonaws.com",
        "parameters": {"type": "gp3", "encrypted": "true"},
        "reclaimPolicy": "Delete",
        # In the zone in which the pod is put.
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def settings(content: object) -> Manifest:
    """The settings that every workload of the cell reads. No secret is in them."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(SETTINGS),
        "data": {SETTINGS_FILE: content},
    }


def workload(subject: Workload, release: Release) -> Iterator[Manifest]:
    """Everything that runs ``subject``, in the order in which it is needed.

    What scales on an event has no autoscaler here but a scaled object (``scaled_objects``), from which one is made.
    """
    yield _service_account(subject)
    yield _deployment(subject, release)
    yield _service(subject)
    yield _disruption_budget(subject)
    if scaling_of(subject).signal is None:
        yield _autoscaler(subject, release.replicas)


def target_group_binding(subject: Workload, target_group_arn: object, balancer_group_id: object) -> Manifest:
    """Registers the pods of ``subject`` with a target group, and admits the load balancer to them.

    The API group is Auto Mode's own, not the one of the controller that is installed by hand.
    """
    return {
        "apiVersion": "eks.amazonaws.com/v1",
        "kind": "TargetGroupBinding",
        "metadata": metadata(subject.name),
        "spec": {
            "serviceRef": {"name": subject.name, "port": subject.port},
            "targetGroupARN": target_group_arn,
            "targetType": "ip",
            "networking": {
                "ingress": [
                    {
                        "from": [{"securityGroup": {"groupID": balancer_group_id}}],
                        "ports": [{"port": subject.port, "protocol": "TCP"}],
                    }
                ]
            },
        },
    }


def selector(name: str) -> dict[str, str]:
    """Labels by which the pods of a workload are found."""
    return {"app.kubernetes.io/name": name}


def metadata(name: str) -> dict[str, object]:
    """Name, namespace and labels of an object of the workload ``name``."""
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": PROJECT}
    return {"name": name, "namespace": NAMESPACE, "labels": labels}


def _service_account(subject: Workload) -> Manifest:
    """Nothing calls the Kubernetes API, so no token is mounted; Pod Identity brings its own."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(subject.name),
        "automountServiceAccountToken": False,
    }


def _deployment(subject: Workload, release: Release) -> Manifest:
    """The number of replicas is the autoscaler's, so it is not stated."""
    described = metadata(subject.name)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": described,
        "spec": {
            "selector": {"matchLabels": selector(subject.name)},
            "revisionHistoryLimit": 5,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {
                "metadata": {
                    "labels": described["labels"],
                    "annotations": {
                        "meridian/settings": release.settings_hash,
                        "meridian/passwords": str(release.passwords),
                    },
                },
                "spec": _pod(subject, release.image),
            },
        },
    }


def _pod(subject: Workload, image: str) -> dict[str, object]:
    limits = limits_of(subject)
    return {
        "serviceAccountName": subject.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": limits.drain_seconds,
        "securityContext": pod_security(),
        "topologySpreadConstraints": [
            _spread(subject, "topology.kubernetes.io/zone", "DoNotSchedule"),
            _spread(subject, "kubernetes.io/hostname", "ScheduleAnyway"),
        ],
        "containers": [_container(subject, image)],
        "volumes": volumes(limits.scratch, subject.disk),
    }


def pod_security() -> dict[str, object]:
    """Of every pod: nobody's account, and no system call that the runtime does not allow by itself."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, object]:
    """Of every container: it gains nothing and writes to volumes only."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def volumes(scratch: str, disk: int = 0) -> list[dict[str, object]]:
    """Of every pod: the settings, and a directory for temporary files: so much of the machine's disk, or a disk of so
    many GiB that comes and goes with the pod."""
    own: dict[str, object] = {"emptyDir": {"sizeLimit": scratch}}
    if disk:
        claim = {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": SCRATCH,
            "resources": {"requests": {"storage": f"{disk}Gi"}},
        }
        own = {"ephemeral": {"volumeClaimTemplate": {"spec": claim}}}
    return [{"name": SETTINGS, "configMap": {"name": SETTINGS}}, {"name": SCRATCH, **own}]


def mounts() -> list[dict[str, object]]:
    """Where a container finds `volumes`."""
    return [
        {"name": SETTINGS, "mountPath": SETTINGS_DIRECTORY, "readOnly": True},
        {"name": SCRATCH, "mountPath": "/tmp"},  # noqa: S108  # a volume of the pod, not the machine's directory
    ]


def _spread(subject: Workload, key: str, otherwise: str) -> dict[str, object]:
    """Nodes of a failed zone are tainted; honouring that keeps the zone from blocking new pods."""
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": otherwise,
        "nodeTaintsPolicy": "Honor",
        "labelSelector": {"matchLabels": selector(subject.name)},
        "matchLabelKeys": ["pod-template-hash"],
    }


def _container(subject: Workload, image: str) -> dict[str, object]:
    limits = limits_of(subject)
    return {
        "name": subject.name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["python", "-m", subject.module],
        "env": [
            {"name": SETTINGS_ENV, "value": f"{SETTINGS_DIRECTORY}/{SETTINGS_FILE}"},
            {"name": HOST_ENV, "value": "0.0.0.0"},  # noqa: S104  # a pod's own address is not known beforehand
            {"name": "TMPDIR", "value": "/tmp"},  # noqa: S108  # a volume of the pod, not the machine's directory
        ],
        "ports": [{"name": PORT_NAME, "containerPort": subject.port, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": subject.cpu, "memory": subject.memory, "ephemeral-storage": limits.scratch},
            "limits": {"cpu": limits.cpu, "memory": subject.memory, "ephemeral-storage": limits.scratch},
        },
        "startupProbe": _probe("/health/live", period=2, failures=60),
        "livenessProbe": _probe("/health/live", period=10, failures=3),
        "readinessProbe": _probe("/health/ready", period=5, failures=2),
        # The load balancer needs a moment to stop sending; the program is told to end after it.
        "lifecycle": {"preStop": {"sleep": {"seconds": 10 if subject.public else 3}}},
        "securityContext": container_security(),
        "volumeMounts": mounts(),
    }


def _probe(path: str, *, period: int, failures: int) -> dict[str, object]:
    return {
        "httpGet": {"path": path, "port": PORT_NAME},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def _service(subject: Workload) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(subject.name),
        "spec": {
            "type": "ClusterIP",
            "selector": selector(subject.name),
            "ports": [{"name": PORT_NAME, "port": subject.port, "targetPort": PORT_NAME, "protocol": "TCP"}],
        },
    }


def _disruption_budget(subject: Workload) -> Manifest:
    """A pod that is broken anyway never holds a drain back."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(subject.name),
        "spec": {
            "maxUnavailable": "25%",
            "selector": {"matchLabels": selector(subject.name)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def _autoscaler(subject: Workload, replicas: Replicas) -> Manifest:
    scaling = scaling_of(subject)
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(subject.name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": subject.name},
            "minReplicas": replicas.least,
            "maxReplicas": replicas.most,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": percent}},
                }
                for name, percent in scaling.targets
            ],
            "behavior": behavior(scaling),
        },
    }


def behavior(scaling: Scaling) -> dict[str, object]:
    """Grows at once, shrinks when a lower need has lasted."""
    return {
        "scaleUp": {"stabilizationWindowSeconds": 0},
        "scaleDown": {"stabilizationWindowSeconds": scaling.hold_seconds},
    }
