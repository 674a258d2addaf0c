"""Who may change the platform: the identities of the pipelines, and the boundary that no role of it can cross.

Owns the OIDC provider of GitHub, the read-only preview role, the deploy role and the permissions boundary.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import pulumi
import pulumi_aws as aws

from regions.catalogue import CATALOGUE, EDGE_CODE
from regions.names import PROJECT
from stacks import trust
from stacks.context import Context
from stacks.permissions import Statement, document
from stacks.service_permissions import boundary

PREVIEW_ENVIRONMENT = "preview"
DEPLOY_ENVIRONMENT = "production"
"""GitHub environments; the one for deployment asks reviewers."""

PASSED_TO = (
    "eks.amazonaws.com",
    "ec2.amazonaws.com",
    "kafka.amazonaws.com",
    "mediaconvert.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "pods.eks.amazonaws.com",
    "s3.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)


REGIONAL_SERVICES = (
    "ec2",
    "ecr",
    "eks",
    "elasticache",
    "elasticloadbalancing",
    "kafka",
    "kms",
    "lambda",
    "mediaconvert",
    "rds",
    "s3",
    "secretsmanager",
    "sqs",
)
"""Services that cost money in a region; none of them may be used in a fifth one by mistake."""


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """Which repository's workflows are trusted."""

    repository: str
    """``owner/name`` on GitHub."""


class Delivery(pulumi.ComponentResource):
    """Boundary, OIDC provider and the two roles of the pipelines."""

    boundary: aws.iam.Policy
    preview_role: aws.iam.Role
    deploy_role: aws.iam.Role

    def __init__(self, name: str, ctx: Context, args: DeliveryArgs) -> None:
        super().__init__("meridian:global:Delivery", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._args = args
        self.boundary = self._create_boundary()
        self._workflows = self._create_provider()
        self.preview_role = self._create_preview_role()
        self.deploy_role = self._create_deploy_role()
        self.register_outputs({})

    def _create_boundary(self) -> aws.iam.Policy:
        return aws.iam.Policy(
            "boundary",
            name=trust.BOUNDARY_NAME,
            description="The most that a role of the platform can do",
            policy=document(boundary(self._ctx.account)),
            tags=self._ctx.named("boundary"),
            opts=self._ctx.stateful(),
        )

    def _create_provider(self) -> aws.iam.OpenIdConnectProvider:
        return aws.iam.OpenIdConnectProvider(
            "github",
            url="https://token.actions.githubusercontent.com",
            client_id_lists=["sts.amazonaws.com"],
            tags=self._ctx.named("github"),
            opts=self._ctx.options(),
        )

    def _create_role(self, name: str, environment: str, description: str) -> aws.iam.Role:
        repository = self._args.repository
        return aws.iam.Role(
            name,
            path=f"/{PROJECT}/delivery/",
            description=description,
            assume_role_policy=self._workflows.arn.apply(lambda arn: trust.github(arn, repository, environment)),
            max_session_duration=3600,
            tags=self._ctx.named(name),
            opts=self._ctx.options(),
        )

    def _create_preview_role(self) -> aws.iam.Role:
        role = self._create_role("preview", PREVIEW_ENVIRONMENT, "Reads what is deployed, never what people stored")
        self._attach(role, "preview", "arn:aws:iam::aws:policy/ReadOnlyAccess")
        self._fill(role, "preview", preview_limits(self._ctx.account))
        return role

    def _create_deploy_role(self) -> aws.iam.Role:
        role = self._create_role("deploy", DEPLOY_ENVIRONMENT, "Changes what is deployed")
        self._attach(role, "deploy", "arn:aws:iam::aws:policy/PowerUserAccess")
        self._fill(role, "deploy", deploy_limits(self._ctx.account))
        return role

    def _attach(self, role: aws.iam.Role, name: str, policy_arn: str) -> None:
        aws.iam.RolePolicyAttachment(name, role=role.name, policy_arn=policy_arn, opts=self._ctx.options())

    def _fill(self, role: aws.iam.Role, name: str, statements: tuple[Statement, ...]) -> None:
        aws.iam.RolePolicy(name, role=role.name, policy=document(statements), opts=self._ctx.options())


def preview_limits(account: str) -> tuple[Statement, ...]:
    """What the read-only role may not read although AWS's policy for it would let it."""
    buckets = tuple(f"arn:aws:s3:::{PROJECT}-{purpose}-*/*" for purpose in ("uploads", "media"))
    return (
        Statement("NoContent", ("s3:GetObject", "s3:GetObjectVersion"), buckets, effect="Deny"),
        Statement("NoMessages", ("sqs:ReceiveMessage",), (f"arn:aws:sqs:*:{account}:{PROJECT}-*",), effect="Deny"),
        Statement(
            "NoLogs",
            ("logs:GetLogEvents", "logs:FilterLogEvents", "logs:StartQuery"),
            (f"arn:aws:logs:*:{account}:log-group:*",),
            effect="Deny",
        ),
    )


def deploy_limits(account: str) -> tuple[Statement, ...]:
    """IAM for the deploy role: roles under two paths, the one kind bounded, the other with AWS's own policies only."""
    bounded = f"arn:aws:iam::{account}:role{trust.WORKLOAD_PATH}*"
    managed = f"arn:aws:iam::{account}:role{trust.SERVICE_PATH}*"
    policy = trust.boundary_arn(account)
    return (
        Statement(
            "BoundedRoles",
            ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"),
            (bounded,),
            MappingProxyType({"StringEquals": MappingProxyType({"iam:PermissionsBoundary": (policy,)})}),
        ),
        Statement("ServiceRoles", ("iam:CreateRole",), (managed,)),
        Statement(
            "ServicePolicies",
            ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
            (managed,),
            MappingProxyType({"ArnLike": MappingProxyType({"iam:PolicyARN": ("arn:aws:iam::aws:policy/*",)})}),
        ),
        Statement(
            "Upkeep",
            (
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
            ),
            (bounded, managed),
        ),
        Statement(
            "PassRoles",
            ("iam:PassRole",),
            (bounded, managed),
            MappingProxyType({"StringEquals": MappingProxyType({"iam:PassedToService": PASSED_TO})}),
        ),
        Statement(
            "KeepBoundary",
            (
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:SetDefaultPolicyVersion",
            ),
            (policy,),
            effect="Deny",
        ),
        Statement("KeepBoundaries", ("iam:DeleteRolePermissionsBoundary",), (bounded,), effect="Deny"),
        Statement(
            "OurRegionsOnly",
            tuple(f"{service}:*" for service in REGIONAL_SERVICES),
            ("*",),
            MappingProxyType(
                {
                    "StringNotEquals": MappingProxyType(
                        {"aws:RequestedRegion": (*(region.code for region in CATALOGUE.regions), EDGE_CODE)}
                    )
                }
            ),
            effect="Deny",
        ),
    )
