"""Valkey of a region: a replication group over the three zones, and one user for each workload that may use it.

Owns the group, its parameters and its users. Does not own alarms (``observability``). Everything in it can be lost:
the data is derived, so it stays in its region and is not backed up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import names
from regions.addresses import plan
from services.contracts import keyspaces
from services.contracts.workloads import WORKLOADS, Access
from stacks.context import CellContext
from stacks.logs import LogSettings, log_group
from stacks.security import Ingress, security_group
from stacks.sizes import Sizes

PORT = 6379
ENGINE_VERSION = "8.2"
FAMILY = "valkey8"

PARAMETERS = {
    # Sharded: the configuration endpoint names every shard.
    "cluster-enabled": "yes",
    # Limits and sessions expire by themselves; under pressure what expires first goes first, and nothing else.
    "maxmemory-policy": "volatile-ttl",
    # A client that went away without closing is found after this many seconds.
    "tcp-keepalive": "60",
}

COMMANDS = "+@all -@admin -@dangerous"
"""Everything but administration and commands that stop the server or read the whole keyspace."""


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """What a cache is made with."""

    vpc_id: pulumi.Output[str]
    subnet_ids: Sequence[pulumi.Output[str]]
    key_arn: pulumi.Output[str]
    password: Callable[[str], pulumi.Output[str]]
    """The password of a workload, by its name."""
    password_generation: int
    logs: LogSettings
    sizes: Sizes


class Cache(pulumi.ComponentResource):
    """One region's Valkey."""

    group: aws.elasticache.ReplicationGroup

    def __init__(self, name: str, ctx: CellContext, args: CacheArgs) -> None:
        super().__init__("meridian:region:Cache", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        users = self._create_users()
        self.group = self._create_group(
            subnet_group=self._create_subnet_group(),
            parameter_group=self._create_parameter_group(),
            security_group_id=self._create_security_group(),
            user_group_id=self._create_user_group(users),
            log_group_name=self._create_log_group(),
        )
        self.register_outputs({"endpoint": self.group.configuration_endpoint_address})

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of all nodes, as ElastiCache gives them to a sharded group: group, shard and node, counted from 1."""
        sizes = self._args.sizes
        return tuple(
            f"{names.cache(self._ctx.cell)}-{shard + 1:04}-{node + 1:03}"
            for shard in range(sizes.cache_shards)
            for node in range(sizes.cache_replicas + 1)
        )

    def _create_subnet_group(self) -> pulumi.Output[str]:
        group = aws.elasticache.SubnetGroup(
            self._name,
            name=names.cache(self._ctx.cell),
            description="Data subnets, one per zone",
            subnet_ids=list(self._args.subnet_ids),
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        return group.name

    def _create_parameter_group(self) -> pulumi.Output[str]:
        group = aws.elasticache.ParameterGroup(
            self._name,
            name=f"{names.cache(self._ctx.cell)}-{FAMILY}",
            family=FAMILY,
            description="Deviations explained in the source",
            parameters=[
                aws.elasticache.ParameterGroupParameterArgs(name=key, value=value) for key, value in PARAMETERS.items()
            ],
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        return group.name

    def _create_security_group(self) -> pulumi.Output[str]:
        group = security_group(
            self._ctx,
            self._name,
            vpc_id=self._args.vpc_id,
            description="Valkey",
            ingress=[
                Ingress(zone_id, f"Pods in {zone_id}", str(block), PORT)
                for zone_id, block in zip(self._ctx.cell.zone_ids, plan(self._ctx.cell).private, strict=True)
            ],
        )
        return group.id

    def _create_users(self) -> list[aws.elasticache.User]:
        return [
            aws.elasticache.User(
                f"{self._name}-{workload.name}",
                engine="valkey",
                user_id=f"{names.cache(self._ctx.cell)}-{workload.name}",
                user_name=workload.name,
                access_string=f"on {keyspaces.patterns(workload.name)} {COMMANDS}",
                passwords_wo=self._args.password(workload.name),
                passwords_wo_version=self._args.password_generation,
                region=self._ctx.region,
                tags=self._ctx.tags,
                opts=self._ctx.options(),
            )
            for workload in WORKLOADS
            if Access.CACHE in workload.access
        ]

    def _create_user_group(self, users: Sequence[aws.elasticache.User]) -> pulumi.Output[str]:
        # A group of engine valkey needs no user called default, as one of engine redis does.
        group = aws.elasticache.UserGroup(
            self._name,
            engine="valkey",
            user_group_id=names.cache(self._ctx.cell),
            user_ids=[user.user_id for user in users],
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        return group.user_group_id

    def _create_log_group(self) -> pulumi.Output[str]:
        return log_group(
            self._ctx, f"{self._name}-slow", f"/aws/elasticache/{names.cache(self._ctx.cell)}/slow", self._args.logs
        ).name

    def _create_group(
        self,
        *,
        subnet_group: pulumi.Output[str],
        parameter_group: pulumi.Output[str],
        security_group_id: pulumi.Output[str],
        user_group_id: pulumi.Output[str],
        log_group_name: pulumi.Output[str],
    ) -> aws.elasticache.ReplicationGroup:
        sizes = self._args.sizes
        return aws.elasticache.ReplicationGroup(
            self._name,
            replication_group_id=names.cache(self._ctx.cell),
            description=f"Cache of {self._ctx.cell.name}",
            engine="valkey",
            engine_version=ENGINE_VERSION,
            auto_minor_version_upgrade=False,
            node_type=sizes.cache_node,
            cluster_mode="enabled",
            num_node_groups=sizes.cache_shards,
            replicas_per_node_group=sizes.cache_replicas,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            port=PORT,
            subnet_group_name=subnet_group,
            security_group_ids=[security_group_id],
            parameter_group_name=parameter_group,
            user_group_ids=[user_group_id],
            at_rest_encryption_enabled=True,
            kms_key_id=self._args.key_arn,
            transit_encryption_enabled=True,
            snapshot_retention_limit=0,
            maintenance_window="wed:21:00-wed:22:00",
            apply_immediately=False,
            log_delivery_configurations=[
                aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgs(
                    destination=log_group_name,
                    destination_type="cloudwatch-logs",
                    log_format="json",
                    log_type="slow-log",
                )
            ],
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.stateful(),
        )
