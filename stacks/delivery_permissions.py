"""What the identities of the pipelines may do, statement by statement. Pure; the roles are in ``delivery``."""

from __future__ import annotations

from types import MappingProxyType

from regions import aws_policies, names
from regions.catalogue import CATALOGUE, EDGE_CODE, HOME_CODE
from regions.names import PROJECT
from services.contracts.workloads import WORKLOADS
from stacks import trust
from stacks.permissions import OWNER_SECRET, Statement
from stacks.registry import repository

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


def preview_rights(account: str) -> tuple[Statement, ...]:
    """What a preview of a region asks for and AWS's read-only policy lacks.

    Passwords are stored write-only, so the program reads them back for the database and the cache that take them
    (``vault``); without that every preview would show them as changed. Only those secrets: not the key of user contexts,
    nor the private keys of playback. Jobs with this role run code of the protected branch alone.
    """
    secrets = tuple(
        f"arn:aws:secretsmanager:{region.code}:{account}:secret:{names.secret(region, purpose)}-??????"
        for region in CATALOGUE.regions
        for purpose in (OWNER_SECRET, *(workload.name for workload in WORKLOADS))
    )
    through = tuple(f"secretsmanager.{region.code}.amazonaws.com" for region in CATALOGUE.regions)
    return (
        Statement("PasswordsThatProgramsRead", ("secretsmanager:GetSecretValue",), secrets),
        Statement("NewPasswords", ("secretsmanager:GetRandomPassword",), ("*",)),
        Statement(
            "TheirKeys",
            ("kms:Decrypt",),
            tuple(f"arn:aws:kms:{region.code}:{account}:key/*" for region in CATALOGUE.regions),
            MappingProxyType({"StringEquals": MappingProxyType({"kms:ViaService": through})}),
        ),
    )


def image_rights(account: str) -> tuple[Statement, ...]:
    """To push into the repositories of the workloads in the home region, from where the registry copies."""
    repositories = tuple(
        f"arn:aws:ecr:{HOME_CODE}:{account}:repository/{repository(workload.name)}" for workload in WORKLOADS
    )
    return (
        Statement("SignIn", ("ecr:GetAuthorizationToken",), ("*",)),
        Statement(
            "Push",
            (
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:DescribeImages",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ),
            repositories,
        ),
    )


def deploy_limits(account: str) -> tuple[Statement, ...]:
    """IAM for the deploy role: roles under two paths, the one kind bounded, the other with the few policies of AWS that services carry."""
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
            MappingProxyType({"ArnEquals": MappingProxyType({"iam:PolicyARN": aws_policies.OF_SERVICES})}),
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
