"""The stack of a region: one cell of the platform. One list of components, which is its inventory."""

from __future__ import annotations

import pulumi

from regions import names
from regions.catalogue import AZS_PER_REGION, Region
from regions.writers import RECORD, Record
from stacks.alarms import AlarmTopic
from stacks.balancer import Balancer, BalancerArgs
from stacks.budget import region_budget
from stacks.cache import Cache, CacheArgs
from stacks.cluster import Cluster, ClusterArgs
from stacks.config import RegionConfig, load
from stacks.context import CellContext, open_cell
from stacks.database import Database, DatabaseArgs
from stacks.event_scaler import EventScaler, EventScalerArgs
from stacks.exports import RegionExports
from stacks.firewall import Firewall, FirewallArgs
from stacks.identity import Identity, IdentityArgs
from stacks.keys import Keys, KeysArgs, Store
from stacks.logs import LogSettings
from stacks.manifests import NAMESPACE
from stacks.media import Media, MediaArgs
from stacks.metrics import Metrics, MetricsArgs
from stacks.network import Network, NetworkArgs
from stacks.observability import Observability, ObservabilityArgs
from stacks.outputs import SettingsParts, export_settings, origins
from stacks.permissions import OWNER_SECRET
from stacks.sizes import FLOW_LOG_DAYS, LOG_DAYS, Sizes, sizes_of
from stacks.streaming import Streaming, StreamingArgs
from stacks.vault import Vault, VaultArgs
from stacks.workloads import Workloads, WorkloadsArgs


def declare(cell: Region) -> None:
    """Declare the stack of ``cell`` and export what services and other stacks need."""
    config = load(RegionConfig, cell.name)
    declare_cell(open_cell(cell, config), sizes_of(cell, config.transcoder))


def declare_cell(ctx: CellContext, sizes: Sizes, record: Record = RECORD) -> None:
    """Declare the cell of ``ctx`` with parts of these sizes, by the recorded promotions."""
    seats = record.seats(ctx.cell.name)
    shared = ctx.global_exports()
    generation = ctx.config.passwords
    keys = Keys("keys", ctx, KeysArgs(token_primary_arn=shared.token_key_arn))
    logs = LogSettings(key_arn=keys.arns[Store.LOGS], days=LOG_DAYS)
    network = Network(
        "network",
        ctx,
        NetworkArgs(
            logs=LogSettings(key_arn=keys.arns[Store.LOGS], days=FLOW_LOG_DAYS),
            flow_logs_role_arn=shared.flow_logs_role_arn,
        ),
    )
    vault = Vault("vault", ctx, VaultArgs(key_arn=keys.arns[Store.SECRETS]))
    database = Database(
        "database",
        ctx,
        DatabaseArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.data_subnet_ids,
            key_arn=keys.arns[Store.DATABASE],
            owner_password=vault.read(OWNER_SECRET, "password"),
            password_generation=generation,
            monitoring_role_arn=shared.database_monitoring_role_arn,
            logs=logs,
            sizes=sizes,
            seats=seats,
        ),
    )
    cache = Cache(
        "cache",
        ctx,
        CacheArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.data_subnet_ids,
            key_arn=keys.arns[Store.CACHE],
            password=lambda workload: vault.read(workload, "cache_password"),
            password_generation=generation,
            logs=logs,
            sizes=sizes,
        ),
    )
    streaming = Streaming(
        "streaming",
        ctx,
        StreamingArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.data_subnet_ids,
            key_arn=keys.arns[Store.STREAMING],
            logs=logs,
            sizes=sizes,
        ),
    )
    media = Media(
        "media",
        ctx,
        MediaArgs(
            media_key_arn=keys.arns[Store.MEDIA],
            queue_key_arn=keys.arns[Store.QUEUES],
            boundary_arn=shared.boundary_arn,
            page_origin=origins(ctx).page,
        ),
    )
    balancer = Balancer(
        "balancer",
        ctx,
        BalancerArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.public_subnet_ids,
            zone_id=shared.zone_id,
        ),
    )
    Firewall("firewall", ctx, FirewallArgs(balancer_arn=balancer.balancer.arn, logs=logs))
    identity = Identity(
        "identity",
        ctx,
        IdentityArgs(boundary_arn=shared.boundary_arn, cluster=names.cluster(ctx.cell), namespace=NAMESPACE),
    )
    cluster = Cluster(
        "cluster",
        ctx,
        ClusterArgs(
            subnet_ids=network.private_subnet_ids,
            key_arn=keys.arns[Store.CLUSTER],
            logs=logs,
            namespace=NAMESPACE,
            role_arns=identity.role_arns,
            deploy_role_arn=shared.deploy_role_arn,
            preview_role_arn=shared.preview_role_arn,
            operators=ctx.config.operators,
            reachable_from=ctx.config.cluster_reachable_from,
        ),
    )
    scaler = EventScaler(
        "event-scaler",
        ctx,
        EventScalerArgs(api=cluster.api, cluster_name=cluster.name, boundary_arn=shared.boundary_arn),
    )
    topic = AlarmTopic("alarms", ctx, keys.arns[Store.LOGS])
    Observability(
        "alarms",
        ctx,
        ObservabilityArgs(
            topic_arn=topic.arn,
            balancer=balancer.balancer,
            target_groups={"gateway": balancer.gateway, "realtime": balancer.realtime},
            databases=database.instances,
            cache_nodes=cache.nodes,
            brokers=AZS_PER_REGION * sizes.brokers_per_zone,
        ),
    )
    Metrics(
        "metrics",
        ctx,
        MetricsArgs(cluster=cluster, subnet_ids=network.private_subnet_ids, topic_arn=topic.arn),
    )
    region_budget(ctx)
    settings = export_settings(
        ctx,
        SettingsParts(
            database=database,
            promoted=seats.writer != ctx.cell.name,
            cache_endpoint=cache.group.configuration_endpoint_address,
            cache_port=cache.group.port.apply(lambda port: port or 0),
            cache_name=names.cache(ctx.cell),
            brokers=streaming.cluster.bootstrap_brokers_sasl_iam,
            media=media,
            vault=vault,
            token_key_arn=keys.token_key_arn,
            playback_keys=shared.playback_keys,
            rendition_minutes=sizes.rendition_minutes,
            namespace=NAMESPACE,
        ),
    )
    Workloads(
        "workloads",
        ctx,
        WorkloadsArgs(
            api=cluster.api,
            settings=settings,
            target_groups={"gateway": balancer.gateway.arn, "realtime": balancer.realtime.arn},
            balancer_group_id=balancer.security_group_id,
            release=ctx.config.release,
            images=ctx.config.images,
            replicas=sizes.replicas,
            passwords=generation,
            database=names.database(ctx.cell, seats.built_in(ctx.cell.name)),
            needed=(vault, identity, cluster),
            event_scaler=scaler.release,
        ),
    )
    RegionExports(
        vpc_id=network.vpc_id,
        route_table_ids=pulumi.Output.all(*network.route_table_ids),
        database_arn=database.primary.arn,
        database_address=database.primary.address,
        database_subnet_group=database.subnet_group_name,
        database_security_group_id=database.security_group_id,
        database_parameter_group=database.parameter_group_name,
        database_key_arn=keys.arns[Store.DATABASE],
        kafka_arn=streaming.cluster.arn,
        kafka_subnet_ids=pulumi.Output.all(*network.data_subnet_ids),
        kafka_security_group_id=streaming.security_group_id,
        uploads_bucket=media.uploads.bucket.bucket,
        uploads_bucket_arn=media.uploads.bucket.arn,
        media_bucket=media.media.bucket.bucket,
        media_bucket_arn=media.media.bucket.arn,
        media_bucket_domain=media.media.bucket.bucket_regional_domain_name,
        page_bucket=media.page.bucket.bucket,
        page_bucket_arn=media.page.bucket.arn,
        page_bucket_domain=media.page.bucket.bucket_regional_domain_name,
        logs_key_arn=keys.arns[Store.LOGS],
        media_key_arn=keys.arns[Store.MEDIA],
        alarm_topic_arn=topic.arn,
        balancer_arn=balancer.balancer.arn,
        balancer_dns_name=balancer.balancer.dns_name,
        balancer_zone_id=balancer.balancer.zone_id,
        health_check_id=balancer.health_check.id,
    ).write()
