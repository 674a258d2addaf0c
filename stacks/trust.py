"""Who may take on a role: trust policies as text. Owns no role and no permission (``permissions``)."""

from __future__ import annotations

import json
from collections.abc import Mapping

WORKLOAD_PATH = "/meridian/workloads/"
"""Path of roles that the project's own statements fill; each carries the boundary."""
SERVICE_PATH = "/meridian/services/"
"""Path of roles that AWS services take on with policies that AWS keeps."""
BOUNDARY_NAME = "meridian-boundary"


def boundary_arn(account: str) -> str:
    """ARN of the permissions boundary, which the stack ``global`` declares."""
    return f"arn:aws:iam::{account}:policy/{BOUNDARY_NAME}"


def service(principal: str, account: str, *, sources: tuple[str, ...] = ()) -> str:
    """Trust in an AWS service, which must act for this account (and, if given, for one of the ARN patterns)."""
    conditions: dict[str, dict[str, list[str]]] = {"StringEquals": {"aws:SourceAccount": [account]}}
    if sources:
        conditions["ArnLike"] = {"aws:SourceArn": list(sources)}
    return _document({"Service": principal}, ["sts:AssumeRole"], conditions)


def pods(account: str, cluster: str, namespace: str, service_account: str) -> str:
    """Trust in pods of one service account of one cluster: Pod Identity states all three as session tags.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    """
    return _document(
        {"Service": "pods.eks.amazonaws.com"},
        ["sts:AssumeRole", "sts:TagSession"],
        {
            "StringEquals": {
                "aws:SourceAccount": [account],
                "aws:RequestTag/eks-cluster-name": [cluster],
                "aws:RequestTag/kubernetes-namespace": [namespace],
                "aws:RequestTag/kubernetes-service-account": [service_account],
            }
        },
    )


def bucket_replication() -> str:
    """Trust in S3, whose replication states no source
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html)."""
    return _document({"Service": "s3.amazonaws.com"}, ["sts:AssumeRole"], {})


def control_plane() -> str:
    """Trust in EKS, whose Auto Mode also tags its sessions."""
    return _document({"Service": "eks.amazonaws.com"}, ["sts:AssumeRole", "sts:TagSession"], {})


def machines() -> str:
    """Trust in the machines of a cluster."""
    return _document({"Service": "ec2.amazonaws.com"}, ["sts:AssumeRole"], {})


def github(provider_arn: str, repository: str, environment: str) -> str:
    """Trust in workflows of one repository that run in one environment. Without the subject any repository could."""
    host = "token.actions.githubusercontent.com"
    return _document(
        {"Federated": provider_arn},
        ["sts:AssumeRoleWithWebIdentity"],
        {
            "StringEquals": {
                f"{host}:aud": ["sts.amazonaws.com"],
                f"{host}:sub": [f"repo:{repository}:environment:{environment}"],
            }
        },
    )


def _document(
    principal: Mapping[str, str], actions: list[str], conditions: Mapping[str, Mapping[str, list[str]]]
) -> str:
    statement: dict[str, object] = {"Effect": "Allow", "Principal": dict(principal), "Action": actions}
    if conditions:
        statement["Condition"] = {operator: dict(keys) for operator, keys in conditions.items()}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
