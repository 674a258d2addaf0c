"""The stack ``steering``: which people reach which region, and how media and page are delivered. Names all regions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from regions.catalogue import CATALOGUE, HOME_CODE
from regions.stacks import GLOBAL, STEERING
from stacks.api_routing import ApiRouting, ApiRoutingArgs
from stacks.cdn import Cdn, CdnArgs
from stacks.config import SteeringConfig, load
from stacks.context import Context, open_context
from stacks.edge_alarms import EdgeAlarms
from stacks.edge_logs import EdgeLogs
from stacks.exports import RegionExports


def declare() -> None:
    """Declare the stack."""
    config = load(SteeringConfig, STEERING)
    ctx = open_context(STEERING, HOME_CODE, config, (GLOBAL, *CATALOGUE.names))
    declare_steering(ctx, config)


def declare_steering(ctx: Context, config: SteeringConfig) -> None:
    """Declare routing of the API and delivery of media and page."""
    shared = ctx.global_exports()
    cells: Mapping[str, RegionExports] = MappingProxyType(
        {region.name: ctx.exports(region.name, RegionExports) for region in CATALOGUE.regions}
    )
    alarms = EdgeAlarms("alarms", ctx, config.contact)
    ApiRouting(
        "api",
        ctx,
        ApiRoutingArgs(zone_id=shared.zone_id, cells=cells, drained=config.drained, topic_arn=alarms.topic_arn),
    )
    logs = EdgeLogs("logs", ctx)
    Cdn("cdn", ctx, CdnArgs(shared=shared, cells=cells, logs=logs))
