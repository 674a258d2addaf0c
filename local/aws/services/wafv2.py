"""WAF: web ACLs, what they guard, where they log."""

from __future__ import annotations

from local.aws.engine.spec import Call, Naming, ResourceType, Tagging
from local.aws.engine.wire import Properties, is_list, is_mapping

_OF = {"Name": "{name}", "Scope": "{scope}", "Id": "{aclId}"}


def _bodies_by_key(inputs: Properties) -> Properties:
    """Custom response bodies are a map by key to the API."""
    bodies = inputs.get("customResponseBodies")
    if not is_list(bodies):
        return inputs
    by_key = {
        str(body["key"]): {name: value for name, value in body.items() if name != "key"}
        for body in bodies
        if is_mapping(body) and "key" in body
    }
    return {**inputs, "customResponseBodies": by_key}


WEB_ACL = ResourceType(
    pulumi_type="aws:wafv2/webAcl:WebAcl",
    service="wafv2",
    cfn="AWS::WAFv2::WebACL",
    create=Call("CreateWebACL"),
    read=Call("GetWebACL", bind=_OF, properties="WebACL"),
    update=Call("UpdateWebACL", bind={**_OF, "LockToken": "{lockToken}"}),
    delete=Call("DeleteWebACL", bind={**_OF, "LockToken": "{lockToken}"}),
    identity="{aclId}",
    imported="{aclId}/{name}/{scope}",
    nested={"ManagedRuleGroupStatement.managedRuleGroupConfigs": "ManagedRuleGroupConfigs"},
    reads={"scope": ""},
    naming=Naming(limit=128),
    local=frozenset({"namePrefix"}),
    shape=_bodies_by_key,
    outputs={
        "arn": "Summary.ARN || WebACL.ARN",
        "aclId": "Summary.Id || WebACL.Id",
        "lockToken": "LockToken || Summary.LockToken",
        "capacity": "WebACL.Capacity",
    },
    recorded={
        "aclId": "{uuid}",
        "arn": "arn:{partition}:wafv2:{region}:{account}:webacl/{name}/{uuid}",
    },
    volatile=True,
    tagging=Tagging(
        "TagResource", "UntagResource", "ListTagsForResource", "ResourceARN", listing="TagInfoForResource.TagList"
    ),
)

ASSOCIATION = ResourceType(
    pulumi_type="aws:wafv2/webAclAssociation:WebAclAssociation",
    service="wafv2",
    create=Call("AssociateWebACL"),
    read=Call("GetWebACLForResource", bind={"ResourceArn": "{resourceArn}"}, root="WebACL"),
    delete=Call("DisassociateWebACL", bind={"ResourceArn": "{resourceArn}"}),
    identity="{webAclArn},{resourceArn}",
    reads={"webAclArn": "ARN", "resourceArn": ""},
    delete_first=True,
)

LOGGING = ResourceType(
    pulumi_type="aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
    service="wafv2",
    cfn="AWS::WAFv2::LoggingConfiguration",
    create=(_PUT := Call("PutLoggingConfiguration", wrap="LoggingConfiguration")),
    read=Call("GetLoggingConfiguration", bind={"ResourceArn": "{resourceArn}"}, root="LoggingConfiguration"),
    update=_PUT,
    delete=Call("DeleteLoggingConfiguration", bind={"ResourceArn": "{resourceArn}"}),
    identity="{resourceArn}",
)

TYPES = (WEB_ACL, ASSOCIATION, LOGGING)
