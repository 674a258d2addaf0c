"""EC2's security groups and their rules.

Rules are resources of their own; rules inside a group are refused (an empty list is not: it declares that there are
none).
"""

from __future__ import annotations

from local.aws.engine.spec import Api, Call, Naming, ResourceType, Tagging
from local.aws.engine.wire import Properties, is_list, is_mapping

_TAGGING = Tagging("CreateTags", "DeleteTags", "", "Resources", of="{groupId}", keys="Tags")


def _without_empty_rules(inputs: Properties) -> Properties:
    return {name: value for name, value in inputs.items() if not (name in ("ingress", "egress") and value == [])}


def _revoke_all(api: Api, state: Properties) -> None:
    """Take out the rules that AWS makes by itself (egress to everywhere; of a default group its own ingress)."""
    answer = api.call("DescribeSecurityGroups", {"GroupIds": [state["id"]]})
    groups = answer.get("SecurityGroups")
    group = groups[0] if is_list(groups) and groups else {}
    if not is_mapping(group):
        return
    for member, operation in (
        ("IpPermissions", "RevokeSecurityGroupIngress"),
        ("IpPermissionsEgress", "RevokeSecurityGroupEgress"),
    ):
        if group.get(member):
            api.call(operation, {"GroupId": state["id"], "IpPermissions": group[member]})


GROUP = ResourceType(
    pulumi_type="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    cfn="AWS::EC2::SecurityGroup",
    create=Call("CreateSecurityGroup"),
    read=Call("DescribeSecurityGroups", bind={"GroupIds": "{groupId}"}, root="SecurityGroups[0]"),
    delete=Call("DeleteSecurityGroup", bind={"GroupId": "{groupId}"}),
    identity="{groupId}",
    rename={"name": "GroupName", "description": "Description"},
    outputs={"ownerId": "OwnerId"},
    known={"arn": "arn:{partition}:ec2:{region}:{account}:security-group/{groupId}"},
    defaults={"description": "Managed by Pulumi"},
    naming=Naming(limit=255),
    local=frozenset({"revokeRulesOnDelete", "namePrefix"}),
    shape=_without_empty_rules,
    reads={"ingress": "", "egress": ""},
    after_create=_revoke_all,
    tagging=_TAGGING,
)

_DEFAULT = Call(
    "DescribeSecurityGroups",
    bind={"Filters": [{"Name": "vpc-id", "Values": ["{vpcId}"]}, {"Name": "group-name", "Values": ["default"]}]},
    root="SecurityGroups[0]",
)
# The VPC makes its default group; declaring it means to take it over and to empty it.
DEFAULT_GROUP = ResourceType(
    pulumi_type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    service="ec2",
    create=_DEFAULT,
    read=Call("DescribeSecurityGroups", bind={"GroupIds": "{groupId}"}, root="SecurityGroups[0]"),
    identity="{groupId}",
    outputs={"ownerId": "OwnerId", "name": "GroupName", "description": "Description"},
    known={"arn": "arn:{partition}:ec2:{region}:{account}:security-group/{groupId}"},
    replace=frozenset({"vpcId"}),
    local=frozenset({"revokeRulesOnDelete"}),
    shape=_without_empty_rules,
    reads={"ingress": "IpPermissions", "egress": "IpPermissionsEgress"},
    after_create=_revoke_all,
    tagging=_TAGGING,
)

_SOURCES = {
    "cidrIpv4": ("IpRanges", "CidrIp"),
    "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListId": ("PrefixListIds", "PrefixListId"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}
_FLAT = ("ipProtocol", "fromPort", "toPort", "description", *_SOURCES)


def _permission(inputs: Properties) -> Properties:
    """The flat properties of a rule as EC2's nested permission."""
    permission: Properties = {
        member: inputs[name]
        for name, member in (("ipProtocol", "IpProtocol"), ("fromPort", "FromPort"), ("toPort", "ToPort"))
        if name in inputs
    }
    for name, (member, key) in _SOURCES.items():
        if name in inputs:
            described = {"Description": inputs["description"]} if "description" in inputs else {}
            permission[member] = [{key: inputs[name], **described}]
    kept = {name: value for name, value in inputs.items() if name not in _FLAT}
    return {**kept, "ipPermissions": [permission]}


def _rule(direction: str) -> ResourceType:
    egress = "true" if direction == "Egress" else "false"
    return ResourceType(
        pulumi_type=f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        service="ec2",
        create=Call(f"AuthorizeSecurityGroup{direction}", root="SecurityGroupRules[0]"),
        read=Call(
            "DescribeSecurityGroupRules",
            bind={"SecurityGroupRuleIds": "{securityGroupRuleId}"},
            root=f"SecurityGroupRules[?IsEgress==`{egress}`] | [0]",
        ),
        delete=Call(
            f"RevokeSecurityGroup{direction}",
            bind={"GroupId": "{securityGroupId}", "SecurityGroupRuleIds": "{securityGroupRuleId}"},
        ),
        identity="{securityGroupRuleId}",
        rename={"securityGroupId": "GroupId"},
        reads={"referencedSecurityGroupId": "=ReferencedGroupInfo.GroupId"},
        outputs={"securityGroupRuleId": "SecurityGroupRuleId"},
        known={
            "arn": "arn:{partition}:ec2:{region}:{account}:security-group-rule/{securityGroupRuleId}",
        },
        shape=_permission,
        delete_first=True,
        tagging=Tagging("CreateTags", "DeleteTags", "", "Resources", of="{securityGroupRuleId}", keys="Tags"),
    )


INGRESS_RULE = _rule("Ingress")
EGRESS_RULE = _rule("Egress")

TYPES = (GROUP, DEFAULT_GROUP, INGRESS_RULE, EGRESS_RULE)
