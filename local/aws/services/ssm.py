"""Systems Manager: parameters."""

from __future__ import annotations

from local.aws.engine.spec import Call, Naming, ResourceType, Tagging

PARAMETER = ResourceType(
    pulumi_type="aws:ssm/parameter:Parameter",
    service="ssm",
    cfn="AWS::SSM::Parameter",
    create=Call("PutParameter", bind={"Overwrite": "{overwrite}"}),
    read=Call("GetParameter", bind={"Name": "{name}", "WithDecryption": True}, root="Parameter"),
    update=Call("PutParameter", bind={"Overwrite": True}),
    delete=Call("DeleteParameter", bind={"Name": "{name}"}),
    identity="{name}",
    rename={"insecureValue": "Value", "valueWo": "Value", "tags": ""},
    reads={"description": "", "tier": "", "keyId": "", "allowedPattern": ""},
    local=frozenset({"arn", "valueWoVersion"}),
    naming=Naming(limit=1011),
    secret=frozenset({"value"}),
    outputs={"arn": "ARN", "version": "Version"},
    tagging=Tagging(
        "AddTagsToResource",
        "RemoveTagsFromResource",
        "ListTagsForResource",
        "ResourceId",
        of="{name}",
        listing="TagList",
        bind={"ResourceType": "Parameter"},
    ),
)

TYPES = (PARAMETER,)
