"""Checks of the network: VPC, subnets, routes, gateways, endpoints, security groups, peerings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.footprint.asking import Ask, Check


def _ec2(operation: str, root: str, **finds: str) -> Check:
    """All of a region at once, the one picked by its id."""
    found = {name: f"{root} | {how}" for name, how in {"tags": "Tags", **finds}.items()}
    return Check((Ask("ec2", operation, {}, found),))


def _rule(listed: str) -> Check:
    return _ec2(
        "describe_security_group_rules",
        f"SecurityGroupRules[?SecurityGroupRuleId=='<id>' && IsEgress==`{listed}`] | [0]",
        cidrIpv4="CidrIpv4",
        description="Description",
        fromPort="FromPort",
        toPort="ToPort",
        ipProtocol="IpProtocol",
        securityGroupId="GroupId",
    )


_ROUTE: Final = (
    "RouteTables[?RouteTableId=='<routeTableId>'].Routes[] | [?DestinationCidrBlock=='<destinationCidrBlock>'] | [0]"
)
_SUBNET_ROUTES: Final = "RouteTables[?Associations[?RouteTableAssociationId=='<id>']] | [0]"
_DEFAULT_GROUP: Final = "SecurityGroups[?VpcId=='<vpcId>' && GroupName=='default'] | [0]"
_PEERING: Final = "VpcPeeringConnections[?VpcPeeringConnectionId=='<id>'] | [0]"

CHECKS: Final[Mapping[str, Check]] = {
    "aws:ec2/vpc:Vpc": Check(
        (
            *_ec2("describe_vpcs", "Vpcs[?VpcId=='<id>'] | [0]", cidrBlock="CidrBlock").asks,
            Ask(
                "ec2",
                "describe_vpc_attribute",
                {"VpcId": "<id>", "Attribute": "enableDnsHostnames"},
                {"enableDnsHostnames": "EnableDnsHostnames.Value"},
            ),
            Ask(
                "ec2",
                "describe_vpc_attribute",
                {"VpcId": "<id>", "Attribute": "enableDnsSupport"},
                {"enableDnsSupport": "EnableDnsSupport.Value"},
            ),
        )
    ),
    "aws:ec2/subnet:Subnet": _ec2(
        "describe_subnets",
        "Subnets[?SubnetId=='<id>'] | [0]",
        availabilityZoneId="AvailabilityZoneId",
        cidrBlock="CidrBlock",
        mapPublicIpOnLaunch="MapPublicIpOnLaunch",
        vpcId="VpcId",
    ),
    "aws:ec2/internetGateway:InternetGateway": _ec2(
        "describe_internet_gateways",
        "InternetGateways[?InternetGatewayId=='<id>'] | [0]",
        vpcId="Attachments[0].VpcId",
    ),
    "aws:ec2/eip:Eip": _ec2("describe_addresses", "Addresses[?AllocationId=='<id>'] | [0]", domain="Domain"),
    "aws:ec2/natGateway:NatGateway": _ec2(
        "describe_nat_gateways",
        "NatGateways[?NatGatewayId=='<id>' && State=='available'] | [0]",
        allocationId="NatGatewayAddresses[0].AllocationId",
        connectivityType="ConnectivityType",
        subnetId="SubnetId",
    ),
    "aws:ec2/routeTable:RouteTable": _ec2(
        "describe_route_tables", "RouteTables[?RouteTableId=='<id>'] | [0]", vpcId="VpcId"
    ),
    "aws:ec2/route:Route": _ec2(
        "describe_route_tables",
        _ROUTE,
        destinationCidrBlock="DestinationCidrBlock",
        natGatewayId="NatGatewayId",
        gatewayId="GatewayId",
        vpcPeeringConnectionId="VpcPeeringConnectionId",
        routeTableId="State && '<routeTableId>'",
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _ec2(
        "describe_route_tables",
        _SUBNET_ROUTES,
        routeTableId="RouteTableId",
        subnetId="Associations[?RouteTableAssociationId=='<id>'] | [0].SubnetId",
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2(
        "describe_vpc_endpoints",
        "VpcEndpoints[?VpcEndpointId=='<id>'] | [0]",
        privateDnsEnabled="PrivateDnsEnabled",
        securityGroupIds="Groups[].GroupId",
        serviceName="ServiceName",
        subnetIds="SubnetIds",
        vpcEndpointType="VpcEndpointType",
        vpcId="VpcId",
        routeTableIds="RouteTableIds",
    ),
    "aws:ec2/flowLog:FlowLog": _ec2(
        "describe_flow_logs",
        "FlowLogs[?FlowLogId=='<id>'] | [0]",
        iamRoleArn="DeliverLogsPermissionArn",
        logDestination="LogDestination",
        logDestinationType="LogDestinationType",
        maxAggregationInterval="MaxAggregationInterval",
        trafficType="TrafficType",
        vpcId="ResourceId",
    ),
    "aws:ec2/securityGroup:SecurityGroup": _ec2(
        "describe_security_groups",
        "SecurityGroups[?GroupId=='<id>'] | [0]",
        description="Description",
        vpcId="VpcId",
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2(
        "describe_security_groups",
        _DEFAULT_GROUP,
        vpcId="VpcId",
        ingress="IpPermissions",
        egress="IpPermissionsEgress",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule("false"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule("true"),
    "aws:ec2/vpcPeeringConnection:VpcPeeringConnection": Check(
        _ec2(
            "describe_vpc_peering_connections",
            _PEERING,
            vpcId="RequesterVpcInfo.VpcId",
            peerVpcId="AccepterVpcInfo.VpcId",
            peerRegion="AccepterVpcInfo.Region",
        ).asks,
        unread={"autoAccept": "is an instruction; that it was accepted is checked with the accepter"},
    ),
    "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter": _ec2(
        "describe_vpc_peering_connections",
        _PEERING,
        vpcPeeringConnectionId="VpcPeeringConnectionId",
        autoAccept="Status.Code=='active'",
    ),
}
