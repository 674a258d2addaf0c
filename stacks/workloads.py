"""What runs in a region's cluster: the objects of ``manifests`` and ``network_policies``, declared to Kubernetes.

Owns nothing of their content; it joins them with the settings, the images and the load balancer of the cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from regions.catalogue import CATALOGUE
from services.contracts.workloads import BY_NAME, MIGRATION, workloads
from stacks import (
    admission,
    cache,
    database_instance,
    manifests,
    migration,
    platform_settings,
    registry,
    scaled_objects,
    streaming,
)
from stacks.context import CellContext
from stacks.manifests import Manifest, Release
from stacks.network_policies import Ports, network_policies
from stacks.sizes import Replicas


@dataclass(frozen=True, kw_only=True)
class WorkloadsArgs:
    """What workloads are made with."""

    api: kubernetes.Provider
    settings: pulumi.Output[dict[str, Any]]
    """The cell's own settings, as its stack exports them."""
    target_groups: Mapping[str, pulumi.Input[str]]
    """ARN of the target group of each public workload."""
    balancer_group_id: pulumi.Input[str]
    """Security group of the load balancer."""
    release: str
    """Tag of the images."""
    images: Mapping[str, str]
    """Digest (``sha256:…``) or tag of single workloads, which goes before ``release``."""
    replicas: Mapping[str, Replicas]
    """Bounds of each workload's autoscaler, by its name."""
    passwords: int
    """Generation of the passwords."""
    database: str
    """Name of the cell's own instance, which is another one after the region was lost and came back."""
    needed: Sequence[pulumi.Resource] = ()
    """What must be complete before a program can begin: its passwords, and who it is."""
    event_scaler: pulumi.Resource | None = None
    """What brings the kinds of scaled objects; None: they are there."""


class Workloads(pulumi.ComponentResource):
    """The workloads of one cell."""

    def __init__(self, name: str, ctx: CellContext, args: WorkloadsArgs) -> None:
        super().__init__("meridian:region:Workloads", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._workloads = workloads(ctx.config.transcoder)
        self._settings = args.settings.apply(platform_settings.compose)
        self._namespace = self._declare(manifests.namespace())
        self._declare(manifests.network_policy_switch())
        self._scratch = self._declare(manifests.scratch_disks())
        self._settings_object = self._declare(manifests.settings(self._settings))
        for policy in admission.admission_policies(registry.beginning(ctx.account, ctx.region)):
            self._declare(policy)
        for policy in network_policies(ctx.cell, CATALOGUE, _ports()):
            self._declare(policy)
        self._declare_workloads(self._declare_migration())
        self._declare_scaled_objects()
        self._bind_target_groups()
        self.register_outputs({})

    def _image(self, workload: str) -> str:
        version = self._args.images.get(workload, self._args.release)
        return registry.image(self._ctx.account, self._ctx.region, workload, version)

    def _declare_migration(self) -> pulumi.Resource:
        """The job, with its service account; it is over when every workload finds its tables and may log in."""
        account, job = migration.objects(self._image(MIGRATION.image), self._args.passwords, self._args.database)
        after = [self._declare(account), self._settings_object, *self._args.needed]
        return self._declare(job, after, name=MIGRATION.name, seconds=migration.SECONDS)

    def _declare_workloads(self, migrated: pulumi.Resource) -> None:
        settings_hash = self._settings.apply(platform_settings.fingerprint)
        for workload in self._workloads:
            release = Release(
                image=self._image(workload.name),
                settings_hash=settings_hash,
                passwords=self._args.passwords,
                replicas=self._args.replicas[workload.name],
            )
            for manifest in manifests.workload(workload, release):
                self._declare(manifest, [migrated, self._scratch] if manifest["kind"] == "Deployment" else [])

    def _declare_scaled_objects(self) -> None:
        """Without the scaler's own kinds they cannot be applied."""
        after = [] if self._args.event_scaler is None else [self._args.event_scaler]
        queue_url = self._args.settings.apply(lambda settings: str(settings["queues"]["transcode"]))
        self._declare(scaled_objects.identity(), after)
        for workload in self._workloads:
            replicas = self._args.replicas[workload.name]
            found = scaled_objects.scaled(workload, replicas, region=self._ctx.region, queue_url=queue_url)
            for manifest in found:
                self._declare(manifest, after)

    def _bind_target_groups(self) -> None:
        for name, arn in self._args.target_groups.items():
            self._declare(manifests.target_group_binding(BY_NAME[name], arn, self._args.balancer_group_id))

    def _declare(
        self,
        manifest: Manifest,
        also_after: Iterable[pulumi.Resource] = (),
        *,
        name: str | None = None,
        seconds: int | None = None,
    ) -> pulumi.CustomResource:
        """``manifest`` as a resource of the Kubernetes provider, which needs no more than its type's name; for the engine
        called ``name``, where that of the object is another for each of its versions, and waited for this long."""
        metadata = manifest["metadata"]
        if not isinstance(metadata, dict):
            raise TypeError(f"manifest without metadata: {manifest}")
        kind, in_namespace = str(manifest["kind"]), metadata.get("namespace") == manifests.NAMESPACE
        after = [*([self._namespace] if in_namespace else []), *also_after]
        timeouts = None if seconds is None else pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s")
        return pulumi.CustomResource(
            resource_type(str(manifest["apiVersion"]), kind),
            f"{self._name}-{kind.lower()}-{name or metadata['name']}",
            manifest,
            pulumi.ResourceOptions(parent=self, provider=self._args.api, depends_on=after, custom_timeouts=timeouts),
        )


def resource_type(api_version: str, kind: str) -> str:
    """The engine's type of a Kubernetes kind: the legacy group, which has no name, is called ``core``."""
    group = api_version if "/" in api_version else f"core/{api_version}"
    return f"kubernetes:{group}:{kind}"


def _ports() -> Ports:
    return Ports(database=database_instance.PORT, cache=cache.PORT, kafka=streaming.IAM_PORT)
