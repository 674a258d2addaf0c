"""Who may change the platform: the identities of the pipelines, and the boundary that no role of it can cross.

Owns the OIDC provider of GitHub, the roles of the pipelines and the permissions boundary. What the roles may do is in
``delivery_permissions``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import aws_policies
from regions.names import PROJECT
from stacks import trust
from stacks.context import Context
from stacks.delivery_permissions import deploy_limits, image_rights, preview_limits, preview_rights
from stacks.permissions import Statement, document
from stacks.service_permissions import boundary

PREVIEW_ENVIRONMENT = "preview"
DEPLOY_ENVIRONMENT = "production"
IMAGES_ENVIRONMENT = "images"
"""GitHub environments; the one for deployment asks reviewers."""

HOUR = 3600
DEPLOY_HOURS = 3
"""A region takes about an hour, a replaced database or broker longer; the job asks for as much, and ends with it."""


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """Which repository's workflows are trusted."""

    repository: str
    """``owner/name`` on GitHub."""


class Delivery(pulumi.ComponentResource):
    """Boundary, OIDC provider and the roles of the pipelines."""

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
        self._create_images_role()
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

    def _create_role(self, name: str, environment: str, description: str, hours: int = 1) -> aws.iam.Role:
        repository = self._args.repository
        return aws.iam.Role(
            name,
            path=f"/{PROJECT}/delivery/",
            description=description,
            assume_role_policy=self._workflows.arn.apply(lambda arn: trust.github(arn, repository, environment)),
            max_session_duration=hours * HOUR,
            tags=self._ctx.named(name),
            opts=self._ctx.options(),
        )

    def _create_preview_role(self) -> aws.iam.Role:
        role = self._create_role("preview", PREVIEW_ENVIRONMENT, "Reads what is deployed, never what people stored")
        self._attach(role, "preview", aws_policies.READ_EVERYTHING)
        self._fill(role, "preview", (*preview_rights(self._ctx.account), *preview_limits(self._ctx.account)))
        return role

    def _create_deploy_role(self) -> aws.iam.Role:
        role = self._create_role("deploy", DEPLOY_ENVIRONMENT, "Changes what is deployed", DEPLOY_HOURS)
        self._attach(role, "deploy", aws_policies.CHANGE_EVERYTHING)
        self._fill(role, "deploy", deploy_limits(self._ctx.account))
        return role

    def _create_images_role(self) -> aws.iam.Role:
        """Builds run what they install, so theirs can push images and nothing else."""
        role = self._create_role("images", IMAGES_ENVIRONMENT, "Pushes the images of the workloads")
        self._fill(role, "images", image_rights(self._ctx.account))
        return role

    def _attach(self, role: aws.iam.Role, name: str, policy: str) -> None:
        aws.iam.RolePolicyAttachment(
            name, role=role.name, policy_arn=aws_policies.arn(policy), opts=self._ctx.options()
        )

    def _fill(self, role: aws.iam.Role, name: str, statements: tuple[Statement, ...]) -> None:
        aws.iam.RolePolicy(name, role=role.name, policy=document(statements), opts=self._ctx.options())
