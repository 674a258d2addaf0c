"""Who the programs of a cell are towards AWS: one role each, filled by ``permissions`` and tied to one service account.

Roles belong to the region's stack: they name its stores, and go with it when a region is taken out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pulumi
import pulumi_aws as aws

from regions.catalogue import CATALOGUE
from services.contracts.workloads import MIGRATION, WORKLOADS
from stacks import trust
from stacks.context import CellContext
from stacks.permissions import Scope, Statement, document, migration_statements, workload_statements


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    """What identities are made with."""

    boundary_arn: pulumi.Input[str]
    cluster: str
    """Name of the cluster in which the service accounts are."""
    namespace: str


class Identity(pulumi.ComponentResource):
    """Roles of one cell's workloads and of its migration."""

    role_arns: Mapping[str, pulumi.Output[str]]
    """By the name of the program, which is that of its service account."""

    def __init__(self, name: str, ctx: CellContext, args: IdentityArgs) -> None:
        super().__init__("meridian:region:Identity", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        scope = Scope(
            account=ctx.account,
            region=ctx.cell,
            cells=CATALOGUE.regions,
            converts=ctx.config.transcoder == "mediaconvert",
        )
        statements = {workload.name: workload_statements(workload, scope) for workload in WORKLOADS}
        statements[MIGRATION.name] = migration_statements(scope)
        self.role_arns = MappingProxyType({who: self._create_role(who, may) for who, may in statements.items()})
        self.register_outputs({"roleArns": dict(self.role_arns)})

    def _create_role(self, who: str, may: tuple[Statement, ...]) -> pulumi.Output[str]:
        role = aws.iam.Role(
            f"{self._name}-{who}",
            path=trust.WORKLOAD_PATH,
            description=f"{who} in {self._ctx.cell.title}",
            assume_role_policy=trust.pods(self._ctx.account, self._args.cluster, self._args.namespace, who),
            permissions_boundary=self._args.boundary_arn,
            tags=self._ctx.named(who),
            opts=self._ctx.options(),
        )
        aws.iam.RolePolicy(
            f"{self._name}-{who}",
            role=role.name,
            policy=document(may),
            opts=self._ctx.options(),
        )
        return role.arn
