"""Who the workloads of a cell are towards AWS: one role each, filled by ``permissions`` and tied to one service account.

Roles belong to the region's stack: they name its stores, and go with it when a region is taken out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pulumi
import pulumi_aws as aws

from regions.catalogue import CATALOGUE
from services.contracts.workloads import WORKLOADS, Workload
from stacks import trust
from stacks.context import CellContext
from stacks.permissions import Scope, document, workload_statements


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    """What identities are made with."""

    boundary_arn: pulumi.Input[str]
    cluster: str
    """Name of the cluster in which the service accounts are."""
    namespace: str


class Identity(pulumi.ComponentResource):
    """Roles of one cell's workloads."""

    role_arns: Mapping[str, pulumi.Output[str]]
    """By workload name."""

    def __init__(self, name: str, ctx: CellContext, args: IdentityArgs) -> None:
        super().__init__("meridian:region:Identity", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._scope = Scope(
            account=ctx.account,
            region=ctx.cell,
            cells=CATALOGUE.regions,
            converts=ctx.config.transcoder == "mediaconvert",
        )
        self.role_arns = MappingProxyType({workload.name: self._create_role(workload) for workload in WORKLOADS})
        self.register_outputs({"roleArns": dict(self.role_arns)})

    def _create_role(self, workload: Workload) -> pulumi.Output[str]:
        role = aws.iam.Role(
            f"{self._name}-{workload.name}",
            path=trust.WORKLOAD_PATH,
            description=f"{workload.name} in {self._ctx.cell.title}",
            assume_role_policy=trust.pods(self._ctx.account, self._args.cluster, self._args.namespace, workload.name),
            permissions_boundary=self._args.boundary_arn,
            tags=self._ctx.named(workload.name),
            opts=self._ctx.options(),
        )
        aws.iam.RolePolicy(
            f"{self._name}-{workload.name}",
            role=role.name,
            policy=document(workload_statements(workload, self._scope)),
            opts=self._ctx.options(),
        )
        return role.arn
