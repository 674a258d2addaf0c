"""The private path between two regions: a peering and the routes over it, both ways.

Needed for what services send to another cell's database; AWS's own replication takes other paths. Security groups
cannot be referred to across regions, so databases admit the other regions' address blocks. Owns no security group.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions.addresses import plan
from regions.catalogue import AZS_PER_REGION, Region
from regions.stacks import Link
from stacks.context import Context
from stacks.exports import RegionExports

ROUTE_TABLES = AZS_PER_REGION + 1
"""Per region: a private one for each zone, and the one of the data subnets."""


@dataclass(frozen=True, kw_only=True)
class PeeringArgs:
    """The two regions and what their stacks export."""

    link: Link
    a: RegionExports
    b: RegionExports


class Peering(pulumi.ComponentResource):
    """Peering of a pair: requested in the first region, accepted in the second."""

    connection_id: pulumi.Output[str]

    def __init__(self, name: str, ctx: Context, args: PeeringArgs) -> None:
        super().__init__("meridian:links:Peering", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self.connection_id = self._connect()
        self._route(args.link.a, args.a, args.link.b)
        self._route(args.link.b, args.b, args.link.a)
        self.register_outputs({"connectionId": self.connection_id})

    def _connect(self) -> pulumi.Output[str]:
        """Across regions a request cannot accept itself; what uses the peering waits for the acceptance."""
        link = self._args.link
        request = aws.ec2.VpcPeeringConnection(
            self._name,
            region=link.a.code,
            vpc_id=self._args.a.vpc_id,
            peer_vpc_id=self._args.b.vpc_id,
            peer_region=link.b.code,
            auto_accept=False,
            tags=self._ctx.named("peering"),
            opts=self._ctx.options(),
        )
        acceptance = aws.ec2.VpcPeeringConnectionAccepter(
            self._name,
            region=link.b.code,
            vpc_peering_connection_id=request.id,
            auto_accept=True,
            tags=self._ctx.named("peering"),
            opts=self._ctx.options(),
        )
        return acceptance.vpc_peering_connection_id

    def _route(self, source: Region, exports: RegionExports, target: Region) -> None:
        for number in range(ROUTE_TABLES):
            aws.ec2.Route(
                f"{self._name}-{source.name}-{number}",
                region=source.code,
                route_table_id=exports.route_table_ids[number],
                destination_cidr_block=str(plan(target).vpc),
                vpc_peering_connection_id=self.connection_id,
                opts=self._ctx.options(),
            )
