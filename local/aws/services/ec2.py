"""EC2's network: VPC, subnets, routes, gateways, addresses, endpoints, peering, flow logs.  Groups: `ec2_groups`."""

from __future__ import annotations

from local.aws.engine.derive import by_presence, first_of
from local.aws.engine.spec import Api, Call, Facet, Lookup, ResourceType, Tagging
from local.aws.engine.wire import Properties
from local.aws.services import ec2_groups


def _tagging(reference: str) -> Tagging:
    return Tagging("CreateTags", "DeleteTags", "", "Resources", of="{" + reference + "}", keys="Tags")


def _vpc_attribute(name: str, attribute: str) -> Facet:
    member = attribute[0].upper() + attribute[1:]
    return Facet(
        (name,),
        put=Call("ModifyVpcAttribute", bind={"VpcId": "{id}"}),
        get=Call("DescribeVpcAttribute", bind={"VpcId": "{id}", "Attribute": attribute}),
        rename={name: f"{member}/Value"},
    )


def _of_vpc(operation: str, extra: dict[str, str], root: str) -> Call:
    filters = [{"Name": "vpc-id", "Values": ["{id}"]}, *({"Name": k, "Values": [v]} for k, v in extra.items())]
    return Call(operation, bind={"Filters": filters}, root=root)


VPC = ResourceType(
    pulumi_type="aws:ec2/vpc:Vpc",
    service="ec2",
    cfn="AWS::EC2::VPC",
    create=Call("CreateVpc", root="Vpc"),
    read=Call("DescribeVpcs", bind={"VpcIds": "{vpcId}"}, root="Vpcs[0]"),
    delete=Call("DeleteVpc", bind={"VpcId": "{vpcId}"}),
    identity="{vpcId}",
    rename={"assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock"},
    outputs={"ownerId": "OwnerId", "dhcpOptionsId": "DhcpOptionsId"},
    known={"arn": "arn:{partition}:ec2:{region}:{account}:vpc/{vpcId}"},
    facets=(
        _vpc_attribute("enableDnsSupport", "enableDnsSupport"),
        _vpc_attribute("enableDnsHostnames", "enableDnsHostnames"),
        _vpc_attribute("enableNetworkAddressUsageMetrics", "enableNetworkAddressUsageMetrics"),
    ),
    lookups=(
        Lookup(
            _of_vpc("DescribeSecurityGroups", {"group-name": "default"}, "SecurityGroups[0]"),
            {"defaultSecurityGroupId": "GroupId"},
        ),
        Lookup(
            _of_vpc("DescribeRouteTables", {"association.main": "true"}, "RouteTables[0]"),
            {"mainRouteTableId": "RouteTableId", "defaultRouteTableId": "RouteTableId"},
        ),
    ),
    in_place=frozenset({"instanceTenancy"}),
    tagging=_tagging("vpcId"),
)


def _subnet_attribute(name: str, path: str) -> Facet:
    return Facet((name,), put=Call("ModifySubnetAttribute", bind={"SubnetId": "{id}"}), rename={name: path})


SUBNET = ResourceType(
    pulumi_type="aws:ec2/subnet:Subnet",
    service="ec2",
    cfn="AWS::EC2::Subnet",
    create=Call("CreateSubnet", root="Subnet"),
    read=Call("DescribeSubnets", bind={"SubnetIds": "{subnetId}"}, root="Subnets[0]"),
    delete=Call("DeleteSubnet", bind={"SubnetId": "{subnetId}"}),
    identity="{subnetId}",
    outputs={
        "arn": "SubnetArn",
        "availabilityZone": "AvailabilityZone",
        "availabilityZoneId": "AvailabilityZoneId",
        "ownerId": "OwnerId",
    },
    facets=(
        _subnet_attribute("mapPublicIpOnLaunch", "MapPublicIpOnLaunch/Value"),
        _subnet_attribute("assignIpv6AddressOnCreation", "AssignIpv6AddressOnCreation/Value"),
        _subnet_attribute("enableDns64", "EnableDns64/Value"),
        _subnet_attribute("privateDnsHostnameTypeOnLaunch", "PrivateDnsHostnameTypeOnLaunch"),
    ),
    reads={
        "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
        "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
        "enableDns64": "EnableDns64",
        "privateDnsHostnameTypeOnLaunch": "=PrivateDnsNameOptionsOnLaunch.HostnameType",
    },
    tagging=_tagging("subnetId"),
)

ROUTE_TABLE = ResourceType(
    pulumi_type="aws:ec2/routeTable:RouteTable",
    service="ec2",
    cfn="AWS::EC2::RouteTable",
    create=Call("CreateRouteTable", root="RouteTable"),
    read=Call("DescribeRouteTables", bind={"RouteTableIds": "{routeTableId}"}, root="RouteTables[0]"),
    delete=Call("DeleteRouteTable", bind={"RouteTableId": "{routeTableId}"}),
    identity="{routeTableId}",
    outputs={"ownerId": "OwnerId"},
    known={"arn": "arn:{partition}:ec2:{region}:{account}:route-table/{routeTableId}"},
    tagging=_tagging("routeTableId"),
)

_TO = {
    "RouteTableId": "{routeTableId}",
    "DestinationCidrBlock": "{destinationCidrBlock}",
    "DestinationIpv6CidrBlock": "{destinationIpv6CidrBlock}",
    "DestinationPrefixListId": "{destinationPrefixListId}",
}
ROUTE = ResourceType(
    pulumi_type="aws:ec2/route:Route",
    service="ec2",
    cfn="AWS::EC2::Route",
    create=Call("CreateRoute"),
    read=Call(
        "DescribeRouteTables",
        bind={"RouteTableIds": "{routeTableId}"},
        root="RouteTables[0].Routes[?DestinationCidrBlock=='{destination}' || DestinationIpv6CidrBlock=='{destination}'"
        " || DestinationPrefixListId=='{destination}'] | [0]",
    ),
    update=Call("ReplaceRoute"),
    delete=Call("DeleteRoute", bind=_TO),
    identity="{routeTableId}_{destination}",
    derived={"destination": first_of("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")},
    replace=frozenset({"routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"}),
    reads={"routeTableId": "", "vpcEndpointId": "GatewayId"},
)

ASSOCIATION = ResourceType(
    pulumi_type="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    cfn="AWS::EC2::SubnetRouteTableAssociation",
    create=Call("AssociateRouteTable"),
    read=Call(
        "DescribeRouteTables",
        bind={"Filters": [{"Name": "association.route-table-association-id", "Values": ["{associationId}"]}]},
        root="RouteTables[].Associations[] | [?RouteTableAssociationId=='{associationId}'] | [0]",
    ),
    delete=Call("DisassociateRouteTable", bind={"AssociationId": "{associationId}"}),
    identity="{associationId}",
    outputs={"associationId": "AssociationId || RouteTableAssociationId"},
    delete_first=True,
)


def _detach(api: Api, state: Properties) -> None:
    if state.get("vpcId") is not None:
        api.call("DetachInternetGateway", {"InternetGatewayId": state["id"], "VpcId": state["vpcId"]})


INTERNET_GATEWAY = ResourceType(
    pulumi_type="aws:ec2/internetGateway:InternetGateway",
    service="ec2",
    cfn="AWS::EC2::InternetGateway",
    create=Call("CreateInternetGateway", root="InternetGateway"),
    read=Call(
        "DescribeInternetGateways", bind={"InternetGatewayIds": "{internetGatewayId}"}, root="InternetGateways[0]"
    ),
    delete=Call("DeleteInternetGateway", bind={"InternetGatewayId": "{internetGatewayId}"}),
    identity="{internetGatewayId}",
    outputs={"ownerId": "OwnerId"},
    known={"arn": "arn:{partition}:ec2:{region}:{account}:internet-gateway/{internetGatewayId}"},
    facets=(Facet(("vpcId",), put=Call("AttachInternetGateway", bind={"InternetGatewayId": "{id}"})),),
    reads={"vpcId": "=Attachments[0].VpcId"},
    replace=frozenset({"vpcId"}),
    before_delete=_detach,
    tagging=_tagging("internetGatewayId"),
)

EIP = ResourceType(
    pulumi_type="aws:ec2/eip:Eip",
    service="ec2",
    cfn="AWS::EC2::EIP",
    create=Call("AllocateAddress"),
    read=Call("DescribeAddresses", bind={"AllocationIds": "{allocationId}"}, root="Addresses[0]"),
    delete=Call("ReleaseAddress", bind={"AllocationId": "{allocationId}"}),
    identity="{allocationId}",
    outputs={"publicIp": "PublicIp", "allocationId": "AllocationId"},
    known={"arn": "arn:{partition}:ec2:{region}:{account}:elastic-ip/{allocationId}"},
    tagging=_tagging("allocationId"),
)

NAT_GATEWAY = ResourceType(
    pulumi_type="aws:ec2/natGateway:NatGateway",
    service="ec2",
    cfn="AWS::EC2::NatGateway",
    create=Call("CreateNatGateway", root="NatGateway"),
    read=Call("DescribeNatGateways", bind={"NatGatewayIds": "{natGatewayId}"}, root="NatGateways[0]"),
    delete=Call("DeleteNatGateway", bind={"NatGatewayId": "{natGatewayId}"}),
    identity="{natGatewayId}",
    outputs={
        "publicIp": "NatGatewayAddresses[0].PublicIp",
        "privateIp": "NatGatewayAddresses[0].PrivateIp",
        "networkInterfaceId": "NatGatewayAddresses[0].NetworkInterfaceId",
        "associationId": "NatGatewayAddresses[0].AssociationId",
    },
    reads={"allocationId": "=NatGatewayAddresses[0].AllocationId"},
    tagging=_tagging("natGatewayId"),
    gone=("State", ("deleted", "deleting")),
    ready=("State", ("available", "deleted")),
)

ENDPOINT = ResourceType(
    pulumi_type="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    cfn="AWS::EC2::VPCEndpoint",
    create=Call("CreateVpcEndpoint", root="VpcEndpoint"),
    read=Call("DescribeVpcEndpoints", bind={"VpcEndpointIds": "{vpcEndpointId}"}, root="VpcEndpoints[0]"),
    update=Call("ModifyVpcEndpoint", bind={"VpcEndpointId": "{vpcEndpointId}"}),
    delete=Call("DeleteVpcEndpoints", bind={"VpcEndpointIds": "{vpcEndpointId}"}),
    identity="{vpcEndpointId}",
    rename={"policy": "PolicyDocument"},
    reads={"securityGroupIds": "=Groups[].GroupId"},
    outputs={"dnsEntries": "DnsEntries", "networkInterfaceIds": "NetworkInterfaceIds", "state": "State"},
    known={"arn": "arn:{partition}:ec2:{region}:{account}:vpc-endpoint/{vpcEndpointId}"},
    delta={
        "subnetIds": ("AddSubnetIds", "RemoveSubnetIds"),
        "routeTableIds": ("AddRouteTableIds", "RemoveRouteTableIds"),
        "securityGroupIds": ("AddSecurityGroupIds", "RemoveSecurityGroupIds"),
    },
    replace=frozenset({"vpcEndpointType", "serviceName", "vpcId"}),
    tagging=_tagging("vpcEndpointId"),
    gone=("State", ("deleted", "deleting", "Deleted")),
)

_PEERING = Call(
    "DescribeVpcPeeringConnections",
    bind={"VpcPeeringConnectionIds": "{vpcPeeringConnectionId}"},
    root="VpcPeeringConnections[0]",
)
_NO_PEERING = ("Status.Code", ("deleted", "rejected", "expired", "failed", "deleting"))


def _accept(api: Api, state: Properties) -> None:
    """`autoAccept` within one account and region."""
    if state.get("autoAccept") is True:
        api.call("AcceptVpcPeeringConnection", {"VpcPeeringConnectionId": state["id"]})


PEERING = ResourceType(
    pulumi_type="aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
    service="ec2",
    cfn="AWS::EC2::VPCPeeringConnection",
    create=Call("CreateVpcPeeringConnection", root="VpcPeeringConnection"),
    read=_PEERING,
    delete=Call("DeleteVpcPeeringConnection", bind={"VpcPeeringConnectionId": "{vpcPeeringConnectionId}"}),
    identity="{vpcPeeringConnectionId}",
    outputs={"vpcPeeringConnectionId": "VpcPeeringConnectionId", "acceptStatus": "Status.Code"},
    reads={
        "vpcId": "=RequesterVpcInfo.VpcId",
        "peerVpcId": "=AccepterVpcInfo.VpcId",
        "peerRegion": "=AccepterVpcInfo.Region",
        "peerOwnerId": "",
    },
    local=frozenset({"autoAccept"}),
    after_create=_accept,
    gone=_NO_PEERING,
    tagging=_tagging("vpcPeeringConnectionId"),
)

ACCEPTER = ResourceType(
    pulumi_type="aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter",
    service="ec2",
    create=Call("AcceptVpcPeeringConnection", root="VpcPeeringConnection"),
    read=_PEERING,
    identity="{vpcPeeringConnectionId}",
    outputs={
        "vpcPeeringConnectionId": "VpcPeeringConnectionId",
        "acceptStatus": "Status.Code",
        "vpcId": "AccepterVpcInfo.VpcId",
        "peerVpcId": "RequesterVpcInfo.VpcId",
        "peerRegion": "RequesterVpcInfo.Region",
    },
    local=frozenset({"autoAccept"}),
    gone=_NO_PEERING,
    tagging=_tagging("vpcPeeringConnectionId"),
)

_WATCHED = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface", "transitGatewayId": "TransitGateway"}
FLOW_LOG = ResourceType(
    pulumi_type="aws:ec2/flowLog:FlowLog",
    service="ec2",
    cfn="AWS::EC2::FlowLog",
    create=Call("CreateFlowLogs", bind={"ResourceType": "{watched}"}),
    read=Call("DescribeFlowLogs", bind={"FlowLogIds": "{flowLogId}"}, root="FlowLogs[0]"),
    delete=Call("DeleteFlowLogs", bind={"FlowLogIds": "{flowLogId}"}),
    identity="{flowLogId}",
    rename={"iamRoleArn": "DeliverLogsPermissionArn", **dict.fromkeys(_WATCHED, "ResourceIds")},
    reads=dict.fromkeys(_WATCHED, "=[ResourceId]"),
    derived={"watched": by_presence(_WATCHED)},
    outputs={"flowLogId": "FlowLogIds[0] || FlowLogId"},
    known={"arn": "arn:{partition}:ec2:{region}:{account}:vpc-flow-log/{flowLogId}"},
    tagging=_tagging("flowLogId"),
)

TYPES = (
    VPC,
    SUBNET,
    ROUTE_TABLE,
    ROUTE,
    ASSOCIATION,
    INTERNET_GATEWAY,
    EIP,
    NAT_GATEWAY,
    ENDPOINT,
    PEERING,
    ACCEPTER,
    FLOW_LOG,
    *ec2_groups.TYPES,
)
