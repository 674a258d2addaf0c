"""PostgreSQL of a region: the writer, its read replicas, and the instance for residency-bound data.

Owns instances, their parameters and who reaches them. Does not own the partner's copy (``links``), roles inside the
database (migrations) or alarms (``observability``). An instance that a promotion of the partner's copy left behind stays
declared as it was until the region is back; then another one is built in its place, which follows the partner's.
A Multi-AZ *instance*, because a Multi-AZ cluster cannot be the source of a cross-region replica; and no password
managed by RDS, because an instance with one cannot have read replicas
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import names
from regions.addresses import plans
from regions.catalogue import CATALOGUE, Region, ResidencyZone
from regions.writers import Seats
from stacks.context import CellContext
from stacks.database_instance import LOG_EXPORTS, PORT, Common, common
from stacks.logs import LogSettings, log_group
from stacks.security import Ingress, security_group
from stacks.sizes import BACKUP_DAYS, Sizes
from stacks.vault import OWNER_USERNAME

DATABASE_NAME = "meridian"
ENGINE_VERSION = "18.6"
"""Pinned with its minor version: RDS then never upgrades on its own."""
FAMILY = "postgres18"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A deviation from RDS's default."""

    name: str
    value: str
    why: str
    static: bool = False
    """Takes a restart; RDS refuses to apply such a one immediately."""


PARAMETERS = (
    Parameter("rds.force_ssl", "1", "nothing talks to the database in the clear"),
    Parameter(
        "shared_preload_libraries",
        "pg_stat_statements",
        "which statements cost what is the first question",
        static=True,
    ),
    Parameter("track_io_timing", "1", "tells a slow disk from a slow plan"),
    Parameter("log_min_duration_statement", "500", "milliseconds: slower than any service's budget for a statement"),
    Parameter("log_lock_waits", "1", "a wait over deadlock_timeout is a fault of ours"),
    Parameter("log_temp_files", "10240", "kB: a sort that spills is a missing index"),
    Parameter(
        "idle_in_transaction_session_timeout", "30000", "ms: a forgotten transaction holds vacuum and the replicas back"
    ),
    Parameter("statement_timeout", "15000", "ms: longer than any request lives; migrations set their own"),
    Parameter("default_toast_compression", "lz4", "faster than pglz at about the same size"),
    Parameter("hot_standby_feedback", "1", "long reads on a replica are not cancelled by vacuum on the writer"),
    Parameter(
        "max_standby_streaming_delay", "5000", "ms: a replica cancels reads rather than fall behind what callers wrote"
    ),
)


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """What a database is made with."""

    vpc_id: pulumi.Output[str]
    subnet_ids: Sequence[pulumi.Output[str]]
    key_arn: pulumi.Output[str]
    owner_password: pulumi.Output[str]
    password_generation: int
    monitoring_role_arn: pulumi.Output[str]
    logs: LogSettings
    sizes: Sizes
    seats: Seats
    """Who writes the region's database, and in which term its instances were built."""


class Database(pulumi.ComponentResource):
    """One region's PostgreSQL."""

    primary: aws.rds.Instance
    replicas: tuple[aws.rds.Instance, ...]
    resident: aws.rds.Instance | None
    """None where no data is bound to the region by law."""
    subnet_group_name: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    parameter_group_name: pulumi.Output[str]

    def __init__(self, name: str, ctx: CellContext, args: DatabaseArgs) -> None:
        super().__init__("meridian:region:Database", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._built = args.seats.built_in(ctx.cell.name)
        self.subnet_group_name = self._create_subnet_group()
        self.parameter_group_name = self._create_parameter_group()
        self.security_group_id = self._create_security_group(self._name, "PostgreSQL", CATALOGUE.regions)
        self.primary = self._create_primary()
        self.replicas = tuple(self._create_replica(n + 1) for n in range(args.sizes.database_replicas))
        self.resident = self._create_resident()
        self.register_outputs({"address": self.primary.address})

    @property
    def instances(self) -> tuple[tuple[str, aws.rds.Instance], ...]:
        """Every instance with its short name."""
        replicas = tuple((f"replica-{number + 1}", replica) for number, replica in enumerate(self.replicas))
        resident = () if self.resident is None else (("resident", self.resident),)
        return (("primary", self.primary), *replicas, *resident)

    def _create_subnet_group(self) -> pulumi.Output[str]:
        group = aws.rds.SubnetGroup(
            self._name,
            description="Data subnets, one per zone",
            subnet_ids=list(self._args.subnet_ids),
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        return group.name

    def _create_parameter_group(self) -> pulumi.Output[str]:
        # Name and family cannot change: an upgrade makes a new group before it removes the old one.
        group = aws.rds.ParameterGroup(
            self._name,
            name_prefix=f"{names.PROJECT}-",
            family=FAMILY,
            description="Deviations explained in the source",
            parameters=[
                aws.rds.ParameterGroupParameterArgs(
                    name=parameter.name,
                    value=parameter.value,
                    apply_method="pending-reboot" if parameter.static else "immediate",
                )
                for parameter in PARAMETERS
            ],
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        return group.name

    def _create_security_group(
        self, resource: str, description: str, reachable_from: Sequence[Region]
    ) -> pulumi.Output[str]:
        """Admits the VPCs of the given regions: a bucket's writer may be in any of them, reached over the peering."""
        networks = plans(CATALOGUE)
        group = security_group(
            self._ctx,
            resource,
            vpc_id=self._args.vpc_id,
            description=description,
            ingress=[
                Ingress(region.name, f"Pods of {region.name}", str(networks[region.name].vpc), PORT)
                for region in reachable_from
            ],
        )
        return group.id

    def _create_log_groups(self, identifier: str, resource: str) -> list[pulumi.Resource]:
        return [
            log_group(self._ctx, f"{resource}-{kind}", f"/aws/rds/instance/{identifier}/{kind}", self._args.logs)
            for kind in LOG_EXPORTS
        ]

    def _create_writable(
        self,
        suffix: str,
        identifier: str,
        *,
        security_group_id: pulumi.Output[str],
        instance_class: str,
        storage: int,
        max_storage: int,
    ) -> aws.rds.Instance:
        resource = f"{self._name}-{suffix}"
        protect = self._ctx.protect
        return aws.rds.Instance(
            resource,
            identifier=identifier,
            engine="postgres",
            engine_version=ENGINE_VERSION,
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            instance_class=instance_class,
            multi_az=True,
            allocated_storage=storage,
            kms_key_id=self._args.key_arn,
            db_name=DATABASE_NAME,
            username=OWNER_USERNAME,
            password_wo=self._args.owner_password,
            password_wo_version=self._args.password_generation,
            db_subnet_group_name=self.subnet_group_name,
            # Any second of the last days can be restored, and the backups outlive the instance.
            backup_retention_period=BACKUP_DAYS,
            backup_window="20:00-20:30",
            maintenance_window="tue:21:00-tue:21:30",
            delete_automated_backups=not protect,
            skip_final_snapshot=not protect,
            final_snapshot_identifier=f"{identifier}-final" if protect else None,
            region=self._ctx.region,
            tags=self._ctx.named(suffix),
            **self._common(security_group_id, max_storage),
            opts=self._ctx.stateful(depends_on=self._create_log_groups(identifier, resource)),
        )

    def _create_primary(self) -> aws.rds.Instance:
        sizes = self._args.sizes
        if self._built > 1:
            return self._create_successor()
        return self._create_writable(
            "primary",
            names.database(self._ctx.cell),
            security_group_id=self.security_group_id,
            instance_class=sizes.database_class,
            storage=sizes.database_storage,
            max_storage=sizes.database_max_storage,
        )

    def _create_successor(self) -> aws.rds.Instance:
        """The region's own instance after it was lost and came back: made from the partner's, and following it until a
        promotion lets it go. By ARN, as the partner's is declared by ``links``, which needs this stack."""
        cell, partner = self._ctx.cell, CATALOGUE.partner(self._ctx.cell)
        follows = names.database_copy(cell, partner, self._args.seats.built_in(partner.name))
        identifier = names.database(cell, self._built)
        resource = f"{self._name}-primary-t{self._built}"
        protect, replica = self._ctx.protect, self._args.seats.replica(cell.name)
        # Promoted again it is a primary, which leaves a snapshot; RDS takes none of a replica.
        snapshot = protect and not replica
        return aws.rds.Instance(
            resource,
            identifier=identifier,
            replicate_source_db=f"arn:aws:rds:{partner.code}:{self._ctx.account}:db:{follows}" if replica else None,
            instance_class=self._args.sizes.database_class,
            multi_az=True,
            kms_key_id=self._args.key_arn,
            db_subnet_group_name=self.subnet_group_name,
            backup_retention_period=BACKUP_DAYS,
            delete_automated_backups=not protect,
            skip_final_snapshot=not snapshot,
            final_snapshot_identifier=f"{identifier}-final" if snapshot else None,
            region=self._ctx.region,
            tags=self._ctx.named("primary"),
            **self._common(self.security_group_id, self._args.sizes.database_max_storage),
            opts=self._ctx.stateful(depends_on=self._create_log_groups(identifier, resource)),
        )

    def _create_replica(self, number: int) -> aws.rds.Instance:
        """In the same region a replica takes key, subnet group and engine from its source; naming them is an error."""
        identifier = names.database_replica(self._ctx.cell, number, self._built)
        resource = (
            f"{self._name}-replica-{number}" if self._built == 1 else f"{self._name}-replica-{number}-t{self._built}"
        )
        return aws.rds.Instance(
            resource,
            identifier=identifier,
            replicate_source_db=self.primary.identifier,
            instance_class=self._args.sizes.database_class,
            backup_retention_period=0,
            skip_final_snapshot=True,
            region=self._ctx.region,
            tags=self._ctx.named(f"replica-{number}"),
            **self._common(self.security_group_id, self._args.sizes.database_max_storage),
            opts=self._ctx.stateful(depends_on=self._create_log_groups(identifier, resource)),
        )

    def _create_resident(self) -> aws.rds.Instance | None:
        """For classes of data that must not leave the region: no copy is declared, and no other region reaches it."""
        if self._ctx.cell.residency is ResidencyZone.NONE:
            return None
        sizes = self._args.sizes
        group = self._create_security_group(
            f"{self._name}-resident", "PostgreSQL for residency-bound data", (self._ctx.cell,)
        )
        return self._create_writable(
            "resident",
            names.resident_database(self._ctx.cell),
            security_group_id=group,
            instance_class=sizes.resident_class,
            storage=sizes.resident_storage,
            max_storage=sizes.resident_max_storage,
        )

    def _common(self, security_group_id: pulumi.Output[str], max_storage: int) -> Common:
        return common(
            max_storage=max_storage,
            security_group_id=security_group_id,
            parameter_group_name=self.parameter_group_name,
            key_arn=self._args.key_arn,
            monitoring_role_arn=self._args.monitoring_role_arn,
            protect=self._ctx.protect,
        )
