"""The stacks between two regions: a private path for every pair, and the copies that partners hold of each other."""

from __future__ import annotations

import pulumi

from regions import names
from regions.stacks import GLOBAL, Link
from regions.writers import RECORD, Record
from stacks.config import LinksConfig, load
from stacks.context import Context, open_context
from stacks.exports import LinkExports, RegionExports
from stacks.peering import Peering, PeeringArgs
from stacks.replication import Replication, ReplicationArgs
from stacks.sizes import sizes_of


def declare(link: Link) -> None:
    """Declare the stack of ``link``."""
    config = load(LinksConfig, link.stack)
    declare_link(open_context(link.stack, link.a.code, config, (GLOBAL, link.a.name, link.b.name)), link)


def declare_link(ctx: Context, link: Link, record: Record = RECORD) -> None:
    """Declare what lies between the two regions of ``link``."""
    ends = {region.name: ctx.exports(region.name, RegionExports) for region in (link.a, link.b)}
    peering = Peering("peering", ctx, PeeringArgs(link=link, a=ends[link.a.name], b=ends[link.b.name]))
    copies: dict[str, pulumi.Output[str]] = {}
    for source, target in link.replications:
        replication = Replication(
            f"{source.name}-to-{target.name}",
            ctx,
            ReplicationArgs(
                source=source,
                target=target,
                of_source=ends[source.name],
                of_target=ends[target.name],
                shared=ctx.global_exports(),
                sizes=sizes_of(source),
                seats=record.seats(source.name),
            ),
        )
        built = record.seats(source.name).built_in(target.name)
        copies[names.database_copy(source, target, built)] = replication.database.address
    LinkExports(peering_id=peering.connection_id, database_copies=pulumi.Output.all(**copies)).write()
