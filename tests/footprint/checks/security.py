"""Checks of keys, identities, certificates and web firewalls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.footprint.asking import Ask, Check

_KEY: Final = {"KeyId": "<arn>"}
_WINDOW: Final = {"deletionWindowInDays": "is what the provider says when it deletes; the deletion is checked"}
_ROLE: Final = {"RoleName": "<role>"}
# AWS keeps it without the scheme.
_ISSUER: Final = "starts_with(Url, 'https://') && Url || join('', ['https://', Url])"
_ACL: Final = {"Name": "<name>", "Scope": "<scope>", "Id": "<id>"}
_METRICS: Final = """VisibilityConfig.{cloudwatchMetricsEnabled: CloudWatchMetricsEnabled, metricName: MetricName,
    sampledRequestsEnabled: SampledRequestsEnabled}"""
_FIREWALL_RULES: Final = f"""WebACL.Rules[].{{name: Name, priority: Priority,
    action: Action.{{block: Block, allow: Allow, count: Count}},
    overrideAction: OverrideAction.{{none: None, count: Count}},
    visibilityConfig: {_METRICS},
    statement: Statement.{{
        managedRuleGroupStatement: ManagedRuleGroupStatement.{{name: Name, vendorName: VendorName,
            ruleActionOverrides: RuleActionOverrides[].{{name: Name, actionToUse: ActionToUse.{{count: Count}}}}}},
        rateBasedStatement: RateBasedStatement.{{aggregateKeyType: AggregateKeyType, limit: Limit,
            evaluationWindowSec: EvaluationWindowSec,
            scopeDownStatement: ScopeDownStatement.{{byteMatchStatement: ByteMatchStatement.{{
                positionalConstraint: PositionalConstraint, searchString: SearchString,
                fieldToMatch: FieldToMatch.{{uriPath: UriPath}},
                textTransformations: TextTransformations[].{{priority: Priority, type: Type}}}}}}}}}}}}"""

CHECKS: Final[Mapping[str, Check]] = {
    "aws:kms/key:Key": Check(
        (
            Ask(
                "kms",
                "describe_key",
                _KEY,
                {
                    "customerMasterKeySpec": "KeyMetadata.KeySpec",
                    "description": "KeyMetadata.Description",
                    "keyUsage": "KeyMetadata.KeyUsage",
                    "multiRegion": "KeyMetadata.MultiRegion",
                },
            ),
            Ask("kms", "get_key_rotation_status", _KEY, {"enableKeyRotation": "KeyRotationEnabled"}),
            Ask("kms", "get_key_policy", {**_KEY, "PolicyName": "default"}, {"policy": "Policy"}),
            Ask("kms", "list_resource_tags", _KEY, {"tags": "Tags"}),
        ),
        unread=_WINDOW,
    ),
    "aws:kms/replicaKey:ReplicaKey": Check(
        (
            Ask(
                "kms",
                "describe_key",
                _KEY,
                {
                    "description": "KeyMetadata.Description",
                    "primaryKeyArn": "KeyMetadata.MultiRegionConfiguration.PrimaryKey.Arn",
                },
            ),
            Ask("kms", "get_key_policy", {**_KEY, "PolicyName": "default"}, {"policy": "Policy"}),
            Ask("kms", "list_resource_tags", _KEY, {"tags": "Tags"}),
        ),
        unread=_WINDOW,
    ),
    "aws:kms/alias:Alias": Check(
        (
            Ask(
                "kms",
                "list_aliases",
                {},
                {
                    "name": "Aliases[?AliasName=='<name>'] | [0].AliasName",
                    "targetKeyId": "Aliases[?AliasName=='<name>'] | [0].TargetKeyId",
                },
            ),
        )
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Check(
        (
            Ask(
                "iam",
                "get_open_id_connect_provider",
                {"OpenIDConnectProviderArn": "<arn>"},
                {"clientIdLists": "ClientIDList", "url": _ISSUER, "tags": "Tags"},
            ),
        )
    ),
    "aws:iam/policy:Policy": Check(
        (
            Ask(
                "iam",
                "get_policy",
                {"PolicyArn": "<arn>"},
                {"name": "Policy.PolicyName", "description": "Policy.Description", "tags": "Policy.Tags"},
            ),
            Ask(
                "iam",
                "get_policy_version",
                {"PolicyArn": "<arn>", "VersionId": "v1"},
                {"policy": "PolicyVersion.Document"},
            ),
        )
    ),
    "aws:iam/role:Role": Check(
        (
            Ask(
                "iam",
                "get_role",
                {"RoleName": "<id>"},
                {
                    "assumeRolePolicy": "Role.AssumeRolePolicyDocument",
                    "description": "Role.Description",
                    "path": "Role.Path",
                    "tags": "Role.Tags",
                    "permissionsBoundary": "Role.PermissionsBoundary.PermissionsBoundaryArn",
                    "maxSessionDuration": "Role.MaxSessionDuration",
                },
            ),
        )
    ),
    "aws:iam/rolePolicy:RolePolicy": Check(
        (
            Ask(
                "iam",
                "get_role_policy",
                {**_ROLE, "PolicyName": "<name>"},
                {"policy": "PolicyDocument", "role": "RoleName"},
            ),
        )
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Check(
        (
            Ask(
                "iam",
                "list_attached_role_policies",
                _ROLE,
                {
                    "policyArn": "AttachedPolicies[?PolicyArn=='<policyArn>'] | [0].PolicyArn",
                    "role": "AttachedPolicies[?PolicyArn=='<policyArn>'] | [0] && '<role>'",
                },
            ),
        )
    ),
    "aws:acm/certificate:Certificate": Check(
        (
            Ask(
                "acm",
                "describe_certificate",
                {"CertificateArn": "<arn>"},
                {
                    "domainName": "Certificate.DomainName",
                    "keyAlgorithm": "Certificate.KeyAlgorithm",
                    # AWS lists the domain itself among them.
                    "subjectAlternativeNames": "Certificate.SubjectAlternativeNames[?@ != '<domainName>']",
                    "validationMethod": "Certificate.DomainValidationOptions[0].ValidationMethod",
                },
            ),
            Ask("acm", "list_tags_for_certificate", {"CertificateArn": "<arn>"}, {"tags": "Tags"}),
        )
    ),
    "aws:acm/certificateValidation:CertificateValidation": Check(
        (
            Ask(
                "acm",
                "describe_certificate",
                {"CertificateArn": "<certificateArn>"},
                {"certificateArn": "Certificate.Status=='ISSUED' && Certificate.CertificateArn || ''"},
            ),
        ),
        unread={"validationRecordFqdns": "is what the provider waits for; the records are checked with Route 53"},
    ),
    "aws:wafv2/webAcl:WebAcl": Check(
        (
            Ask(
                "wafv2",
                "get_web_acl",
                _ACL,
                {
                    "name": "WebACL.Name",
                    "description": "WebACL.Description",
                    "scope": "contains(WebACL.ARN, ':global/') && 'CLOUDFRONT' || contains(WebACL.ARN, ':regional/') && 'REGIONAL'",
                    "defaultAction": "WebACL.DefaultAction.{allow: Allow, block: Block}",
                    "visibilityConfig": f"WebACL.{_METRICS}",
                    "rules": _FIREWALL_RULES,
                },
            ),
            Ask(
                "wafv2",
                "list_tags_for_resource",
                {"ResourceARN": "<arn>"},
                {"tags": "TagInfoForResource.TagList"},
            ),
        )
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Check(
        (
            Ask(
                "wafv2",
                "get_web_acl_for_resource",
                {"ResourceArn": "<resourceArn>"},
                {"webAclArn": "WebACL.ARN", "resourceArn": "WebACL.ARN && '<resourceArn>'"},
            ),
        )
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Check(
        (
            Ask(
                "wafv2",
                "get_logging_configuration",
                {"ResourceArn": "<resourceArn>"},
                {
                    "resourceArn": "LoggingConfiguration.ResourceArn",
                    "logDestinationConfigs": "LoggingConfiguration.LogDestinationConfigs",
                    "redactedFields": "LoggingConfiguration.RedactedFields[].{singleHeader: SingleHeader.{name: Name}}",
                },
            ),
        )
    ),
}
