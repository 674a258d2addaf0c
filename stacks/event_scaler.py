"""KEDA in a region's cluster: what scales workloads on queue depth, lag and connections.

Owns its namespace, its chart with the values, and the one thing that it may ask AWS: how deep the transcode queue is.
Does not own what is scaled how (``scaled_objects``). EKS offers no add-on of it, so the chart is installed as a release
(``docs/adr/0008-event-scaling.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from regions import names
from stacks import trust
from stacks.context import CellContext
from stacks.manifests import NAMESPACE, namespace
from stacks.media import TRANSCODE
from stacks.permissions import document
from stacks.scaled_objects import KEDA, OPERATOR
from stacks.service_permissions import queue_depth

VERSION = "2.20.0"
"""The first that adds a gauge up over the pods of a service (https://keda.sh/docs/2.20/scalers/metrics-api/)."""
REPOSITORY = "https://kedacore.github.io/charts"
_SMALL = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}}
VALUES: dict[str, object] = {
    # What happens in other namespaces is none of its business.
    "watchNamespace": NAMESPACE,
    "operator": {"name": OPERATOR, "replicaCount": 2},
    "metricsServer": {"replicaCount": 2},
    "webhooks": {"enabled": True, "replicaCount": 2},
    "resources": {"operator": _SMALL, "metricServer": _SMALL, "webhooks": _SMALL},
    "podDisruptionBudget": {part: {"maxUnavailable": 1} for part in ("operator", "metricServer", "webhooks")},
    "http": {"timeout": 3000},
}


@dataclass(frozen=True, kw_only=True)
class EventScalerArgs:
    """What the scaler is made with."""

    api: kubernetes.Provider
    cluster_name: pulumi.Input[str]
    boundary_arn: pulumi.Input[str]


class EventScaler(pulumi.ComponentResource):
    """KEDA of one cell."""

    release: pulumi.Resource
    """Brings the kinds of scaled objects: what declares one comes after it."""

    def __init__(self, name: str, ctx: CellContext, args: EventScalerArgs) -> None:
        super().__init__("meridian:region:EventScaler", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._space = self._declare("kubernetes:core/v1:Namespace", namespace(KEDA))
        role = self._create_role()
        self._identity = self._create_identity(role)
        self.release = self._install()
        self.register_outputs({"version": VERSION})

    def _create_role(self) -> aws.iam.Role:
        role = aws.iam.Role(
            self._name,
            path=trust.WORKLOAD_PATH,
            description=f"{KEDA} in {self._ctx.cell.title}",
            assume_role_policy=trust.pods(self._ctx.account, names.cluster(self._ctx.cell), KEDA, OPERATOR),
            permissions_boundary=self._args.boundary_arn,
            tags=self._ctx.named(self._name),
            opts=self._ctx.options(),
        )
        aws.iam.RolePolicy(
            self._name,
            role=role.name,
            policy=document(queue_depth(self._ctx.cell, TRANSCODE, self._ctx.account)),
            opts=self._ctx.options(),
        )
        return role

    def _create_identity(self, role: aws.iam.Role) -> aws.eks.PodIdentityAssociation:
        return aws.eks.PodIdentityAssociation(
            self._name,
            region=self._ctx.region,
            cluster_name=self._args.cluster_name,
            namespace=KEDA,
            service_account=OPERATOR,
            role_arn=role.arn,
            tags=self._ctx.named(self._name),
            opts=self._ctx.options(),
        )

    def _install(self) -> pulumi.Resource:
        """After its identity: pods get theirs when they start."""
        return self._declare(
            "kubernetes:helm.sh/v3:Release",
            {
                "name": KEDA,
                "namespace": KEDA,
                "chart": KEDA,
                "version": VERSION,
                "repositoryOpts": {"repo": REPOSITORY},
                "values": VALUES,
                "atomic": True,
                "timeout": 600,
            },
            self._space,
            self._identity,
        )

    def _declare(self, kind: str, inputs: dict[str, object], *after: pulumi.Resource) -> pulumi.CustomResource:
        return pulumi.CustomResource(
            kind,
            f"{self._name}-{kind.rpartition(':')[2].lower()}",
            inputs,
            pulumi.ResourceOptions(parent=self, provider=self._args.api, depends_on=list(after)),
        )
