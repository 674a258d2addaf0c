"""The network of a region: a VPC over three zones, its subnets, routes, gateways, endpoints and flow logs.

Addresses come from ``regions.addresses``. Does not own the peering (``links``) nor any service's security group.
NAT gateways are one per zone: a zone's failure then takes only its own way out, and three of the five elastic
addresses that a region grants are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions.addresses import plan
from stacks.context import CellContext
from stacks.logs import LogSettings, log_group
from stacks.security import Ingress, security_group

INTERFACE_ENDPOINTS = (
    "autoscaling",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticloadbalancing",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "sqs",
    "sts",
)
"""What nodes and services call all the time; the rest goes out through NAT. Each costs an hourly price per zone."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What a network is made with."""

    logs: LogSettings
    flow_logs_role_arn: pulumi.Input[str]


class Network(pulumi.ComponentResource):
    """One region's network."""

    vpc_id: pulumi.Output[str]
    public_subnet_ids: tuple[pulumi.Output[str], ...]
    private_subnet_ids: tuple[pulumi.Output[str], ...]
    data_subnet_ids: tuple[pulumi.Output[str], ...]
    route_table_ids: tuple[pulumi.Output[str], ...]
    """Of private and data subnets."""

    def __init__(self, name: str, ctx: CellContext, args: NetworkArgs) -> None:
        super().__init__("meridian:region:Network", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._plan = plan(ctx.cell)
        self._vpc = self._create_vpc()
        self.vpc_id = self._vpc.id
        public = self._create_subnets("public", tags={"kubernetes.io/role/elb": "1"})
        private = self._create_subnets("private", tags={"kubernetes.io/role/internal-elb": "1"})
        data = self._create_subnets("data", tags={})
        self._route_public(public)
        private_tables = self._route_private(private, self._create_nat_gateways(public))
        data_table = self._route_data(data)
        self._lock_default_group()
        tables = (*private_tables, data_table)
        self._create_gateway_endpoint(tables)
        self._create_interface_endpoints(private)
        self._create_flow_logs(args)
        self.public_subnet_ids = tuple(subnet.id for subnet in public)
        self.private_subnet_ids = tuple(subnet.id for subnet in private)
        self.data_subnet_ids = tuple(subnet.id for subnet in data)
        self.route_table_ids = tuple(table.id for table in tables)
        self.register_outputs({"vpcId": self.vpc_id})

    def _create_vpc(self) -> aws.ec2.Vpc:
        # Host names are off by default, and private DNS of interface endpoints needs them.
        return aws.ec2.Vpc(
            self._name,
            cidr_block=str(self._plan.vpc),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            region=self._ctx.region,
            tags=self._ctx.named("vpc"),
            opts=self._ctx.stateful(),
        )

    def _create_subnets(self, kind: str, tags: dict[str, str]) -> tuple[aws.ec2.Subnet, ...]:
        blocks = {"public": self._plan.public, "private": self._plan.private, "data": self._plan.data}[kind]
        return tuple(
            aws.ec2.Subnet(
                f"{self._name}-{kind}-{zone_id}",
                vpc_id=self.vpc_id,
                cidr_block=str(block),
                availability_zone_id=zone_id,
                map_public_ip_on_launch=False,
                region=self._ctx.region,
                tags={**self._ctx.named(f"{kind}-{zone_id}"), **tags},
                opts=self._ctx.options(),
            )
            for zone_id, block in zip(self._ctx.cell.zone_ids, blocks, strict=True)
        )

    def _create_table(self, kind: str) -> aws.ec2.RouteTable:
        # Routes are resources of their own: the links add theirs to the same tables.
        return aws.ec2.RouteTable(
            f"{self._name}-{kind}",
            vpc_id=self.vpc_id,
            region=self._ctx.region,
            tags=self._ctx.named(kind),
            opts=self._ctx.options(),
        )

    def _associate(self, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable, name: str) -> None:
        aws.ec2.RouteTableAssociation(
            f"{self._name}-{name}",
            subnet_id=subnet.id,
            route_table_id=table.id,
            region=self._ctx.region,
            opts=self._ctx.options(),
        )

    def _route_public(self, subnets: tuple[aws.ec2.Subnet, ...]) -> None:
        gateway = aws.ec2.InternetGateway(
            f"{self._name}-internet",
            vpc_id=self.vpc_id,
            region=self._ctx.region,
            tags=self._ctx.named("internet"),
            opts=self._ctx.options(),
        )
        table = self._create_table("public")
        aws.ec2.Route(
            f"{self._name}-public-internet",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        for zone_id, subnet in zip(self._ctx.cell.zone_ids, subnets, strict=True):
            self._associate(subnet, table, f"public-{zone_id}")

    def _create_nat_gateways(self, public: tuple[aws.ec2.Subnet, ...]) -> tuple[aws.ec2.NatGateway, ...]:
        gateways = []
        for zone_id, subnet in zip(self._ctx.cell.zone_ids, public, strict=True):
            address = aws.ec2.Eip(
                f"{self._name}-nat-{zone_id}",
                domain="vpc",
                region=self._ctx.region,
                tags=self._ctx.named(f"nat-{zone_id}"),
                opts=self._ctx.options(),
            )
            gateways.append(
                aws.ec2.NatGateway(
                    f"{self._name}-nat-{zone_id}",
                    allocation_id=address.allocation_id,
                    subnet_id=subnet.id,
                    connectivity_type="public",
                    region=self._ctx.region,
                    tags=self._ctx.named(f"nat-{zone_id}"),
                    opts=self._ctx.options(),
                )
            )
        return tuple(gateways)

    def _route_private(
        self, subnets: tuple[aws.ec2.Subnet, ...], gateways: tuple[aws.ec2.NatGateway, ...]
    ) -> tuple[aws.ec2.RouteTable, ...]:
        tables = []
        for zone_id, subnet, gateway in zip(self._ctx.cell.zone_ids, subnets, gateways, strict=True):
            table = self._create_table(f"private-{zone_id}")
            aws.ec2.Route(
                f"{self._name}-private-{zone_id}-nat",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateway.id,
                region=self._ctx.region,
                opts=self._ctx.options(),
            )
            self._associate(subnet, table, f"private-{zone_id}")
            tables.append(table)
        return tuple(tables)

    def _route_data(self, subnets: tuple[aws.ec2.Subnet, ...]) -> aws.ec2.RouteTable:
        """Without a route to the internet."""
        table = self._create_table("data")
        for zone_id, subnet in zip(self._ctx.cell.zone_ids, subnets, strict=True):
            self._associate(subnet, table, f"data-{zone_id}")
        return table

    def _lock_default_group(self) -> None:
        """A resource that names no security group gets the VPC's default one, so that one admits nothing."""
        aws.ec2.DefaultSecurityGroup(
            f"{self._name}-default",
            vpc_id=self.vpc_id,
            ingress=[],
            egress=[],
            region=self._ctx.region,
            tags=self._ctx.named("default-locked"),
            opts=self._ctx.options(),
        )

    def _create_gateway_endpoint(self, tables: tuple[aws.ec2.RouteTable, ...]) -> None:
        aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.vpc_id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{self._ctx.region}.s3",
            route_table_ids=[table.id for table in tables],
            region=self._ctx.region,
            tags=self._ctx.named("s3"),
            opts=self._ctx.options(),
        )

    def _create_interface_endpoints(self, subnets: tuple[aws.ec2.Subnet, ...]) -> None:
        group = security_group(
            self._ctx,
            f"{self._name}-endpoints",
            vpc_id=self.vpc_id,
            description="AWS endpoints inside the VPC",
            ingress=[Ingress("vpc", "TLS from the VPC", str(self._plan.vpc), 443)],
        )
        for service in INTERFACE_ENDPOINTS:
            aws.ec2.VpcEndpoint(
                f"{self._name}-{service}",
                vpc_id=self.vpc_id,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{self._ctx.region}.{service}",
                subnet_ids=[subnet.id for subnet in subnets],
                security_group_ids=[group.id],
                private_dns_enabled=True,
                region=self._ctx.region,
                tags=self._ctx.named(service),
                opts=self._ctx.options(),
            )

    def _create_flow_logs(self, args: NetworkArgs) -> None:
        group = log_group(self._ctx, f"{self._name}-flow-logs", f"/meridian/{self._ctx.cell.name}/flow-logs", args.logs)
        aws.ec2.FlowLog(
            f"{self._name}-flow-logs",
            vpc_id=self.vpc_id,
            traffic_type="REJECT",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=args.flow_logs_role_arn,
            max_aggregation_interval=600,
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
