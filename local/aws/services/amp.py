"""Managed Prometheus: workspaces, their rules and alert managers, collectors."""

from __future__ import annotations

from local.aws.engine.spec import Call, Naming, ResourceType, Tagging
from local.aws.engine.wire import Properties

_TAGGING = Tagging(
    "TagResource", "UntagResource", "ListTagsForResource", "resourceArn", tags="tags", keys="tagKeys", listing="tags"
)
_ACTIVE = ("status.statusCode", ("ACTIVE",))
_GONE = ("status.statusCode", ("DELETING",))
_OF = {"workspaceId": "{workspaceId}"}

WORKSPACE = ResourceType(
    pulumi_type="aws:amp/workspace:Workspace",
    service="amp",
    cfn="AWS::APS::Workspace",
    create=Call("CreateWorkspace"),
    read=Call("DescribeWorkspace", bind={"workspaceId": "{id}"}, root="workspace"),
    update=Call("UpdateWorkspaceAlias", bind={"workspaceId": "{id}"}),
    delete=Call("DeleteWorkspace", bind={"workspaceId": "{id}"}),
    identity="{workspaceId}",
    outputs={"arn": "arn", "prometheusEndpoint": "prometheusEndpoint", "workspaceId": "workspaceId"},
    recorded={
        "workspaceId": "ws-{uuid}",
        "arn": "arn:{partition}:aps:{region}:{account}:workspace/ws-{uuid}",
        "prometheusEndpoint": "https://aps-workspaces.{region}.amazonaws.com/workspaces/ws-{uuid}/",
    },
    ready=_ACTIVE,
    gone=_GONE,
    tagging=_TAGGING,
)

_RULES = {**_OF, "name": "{name}"}
RULES = ResourceType(
    pulumi_type="aws:amp/ruleGroupNamespace:RuleGroupNamespace",
    service="amp",
    cfn="AWS::APS::RuleGroupsNamespace",
    create=Call("CreateRuleGroupsNamespace", bind=_OF),
    read=Call("DescribeRuleGroupsNamespace", bind=_RULES, root="ruleGroupsNamespace"),
    update=Call("PutRuleGroupsNamespace", bind=_RULES),
    delete=Call("DeleteRuleGroupsNamespace", bind=_RULES),
    identity="{arn}",
    reads={"workspaceId": ""},
    replace=frozenset({"workspaceId", "name"}),
    outputs={"arn": "arn"},
    known={"arn": "arn:{partition}:aps:{region}:{account}:rulegroupsnamespace/{workspaceId}/{name}"},
    naming=Naming(limit=64),
    local=frozenset({"namePrefix"}),
    ready=_ACTIVE,
    gone=_GONE,
    tagging=_TAGGING,
)

ALERT_MANAGER = ResourceType(
    pulumi_type="aws:amp/alertManagerDefinition:AlertManagerDefinition",
    service="amp",
    create=Call("CreateAlertManagerDefinition", bind=_OF),
    read=Call("DescribeAlertManagerDefinition", bind=_OF, root="alertManagerDefinition"),
    update=Call("PutAlertManagerDefinition", bind=_OF),
    delete=Call("DeleteAlertManagerDefinition", bind=_OF),
    identity="{workspaceId}",
    rename={"definition": "data"},
    reads={"workspaceId": ""},
    replace=frozenset({"workspaceId"}),
    ready=_ACTIVE,
    gone=_GONE,
)


def _with_blob(inputs: Properties) -> Properties:
    """The configuration, which is a text to the program, within the API's structure."""
    if "scrapeConfiguration" not in inputs:
        return inputs
    return {**inputs, "scrapeConfiguration": {"configurationBlob": inputs["scrapeConfiguration"]}}


SCRAPER = ResourceType(
    pulumi_type="aws:amp/scraper:Scraper",
    service="amp",
    cfn="AWS::APS::Scraper",
    create=Call("CreateScraper"),
    read=Call("DescribeScraper", bind={"scraperId": "{id}"}, root="scraper"),
    update=Call("UpdateScraper", bind={"scraperId": "{id}"}),
    delete=Call("DeleteScraper", bind={"scraperId": "{id}"}),
    identity="{scraperId}",
    shape=_with_blob,
    nested={"Source.eks": "eksConfiguration", "Destination.amp": "ampConfiguration"},
    reads={"scrapeConfiguration": "=scrapeConfiguration.configurationBlob"},
    outputs={"arn": "arn", "roleArn": "roleArn", "scraperId": "scraperId"},
    recorded={
        "scraperId": "s-{uuid}",
        "arn": "arn:{partition}:aps:{region}:{account}:scraper/s-{uuid}",
        "roleArn": "arn:{partition}:iam::{account}:role/aws-service-role/scraper.aps.amazonaws.com"
        "/AWSServiceRoleForAmazonPrometheusScraper_{nonce}",
    },
    ready=_ACTIVE,
    gone=_GONE,
    tagging=_TAGGING,
)

TYPES = (WORKSPACE, RULES, ALERT_MANAGER, SCRAPER)
