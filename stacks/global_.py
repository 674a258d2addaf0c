"""The stack ``global``: what exists once, whatever regions there are. One list of components; owns none of them.

Deployed by an owner of the account, never by a pipeline: it declares what pipelines may do.
"""

from __future__ import annotations

import pulumi

from regions import crowds
from regions.catalogue import HOME_CODE
from regions.stacks import GLOBAL
from stacks.account import Account, AccountArgs
from stacks.config import GlobalConfig, load
from stacks.context import Context, open_context
from stacks.delivery import Delivery, DeliveryArgs
from stacks.domain import Domain
from stacks.edge_firewall import WINDOW_SECONDS, EdgeFirewall, EdgeFirewallArgs
from stacks.exports import GlobalExports
from stacks.playback_keys import PlaybackKeys
from stacks.registry import Registry
from stacks.token_key import TokenKey

ANOMALY_SHARE = 0.01
"""Unexpected cost is reported from this share of the monthly budget (assumed)."""


def declare() -> None:
    """Declare the stack."""
    config = load(GlobalConfig, GLOBAL)
    declare_global(open_context(GLOBAL, HOME_CODE, config), config)


def declare_global(ctx: Context, config: GlobalConfig) -> None:
    """Declare what exists once and export what the other stacks need."""
    delivery = Delivery("delivery", ctx, DeliveryArgs(repository=config.repository))
    account = Account(
        "account",
        ctx,
        AccountArgs(
            boundary_arn=delivery.boundary.arn,
            contact=config.contact,
            budget=config.budget,
            anomaly=max(1, int(config.budget * ANOMALY_SHARE)),
        ),
    )
    domain = Domain("domain", ctx)
    tokens = TokenKey("tokens", ctx)
    firewall = EdgeFirewall(
        "firewall", ctx, EdgeFirewallArgs(requests_per_window=crowds.media_requests(WINDOW_SECONDS))
    )
    Registry("registry", ctx)
    playback = PlaybackKeys("playback", ctx, config.playback_keys) if config.playback_keys else None
    GlobalExports(
        zone_id=domain.zone.zone_id,
        token_key_arn=tokens.key.arn,
        flow_logs_role_arn=account.flow_logs_role.arn,
        database_monitoring_role_arn=account.database_monitoring_role.arn,
        boundary_arn=delivery.boundary.arn,
        deploy_role_arn=delivery.deploy_role.arn,
        preview_role_arn=delivery.preview_role.arn,
        certificate_arn=domain.validation.certificate_arn,
        firewall_arn=firewall.acl.arn,
        playback_keys=pulumi.Output.all(**({} if playback is None else dict(playback.ids))),
        key_group_ids=pulumi.Output.all(*([] if playback is None else [playback.group.id])),
    ).write()
