"""Permissions: no statement that allows everything, no principal that is everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from policies.model import Resource, Rule, text
from regions import aws_policies
from regions.stacks import GLOBAL

_DOCUMENTS: Final = {
    "aws:iam/policy:Policy": "policy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/role:Role": "assumeRolePolicy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:sqs/queuePolicy:QueuePolicy": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:kms/key:Key": "policy",
    "aws:kms/replicaKey:ReplicaKey": "policy",
}
_KEY_TYPES: Final = ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey")
"""In a key's policy ``*`` means this key (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html)."""


def _statements(resource: Resource) -> Iterator[Mapping[str, object]]:
    field = _DOCUMENTS.get(resource.type)
    document = text(resource.get(field)) if field else None
    if document is None:
        return
    found = json.loads(document).get("Statement", [])
    yield from found if isinstance(found, list) else [found]


def _listed(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _not_everything(resource: Resource) -> Iterator[str]:
    if resource.type in _KEY_TYPES:
        return
    for statement in _statements(resource):
        if statement.get("Effect") != "Allow":
            continue
        actions = _listed(statement.get("Action", []))
        if "*" in actions or (
            any(action.endswith(":*") for action in actions) and "*" in _listed(statement.get("Resource", []))
        ):
            yield f"allows {', '.join(actions)} on everything: name the actions and the resources"
        if "NotAction" in statement:
            yield "allows by NotAction, which grows with AWS: name the actions"


def _not_everybody(resource: Resource) -> Iterator[str]:
    for statement in _statements(resource):
        principal = statement.get("Principal")
        named = _listed(principal.get("AWS", [])) if isinstance(principal, dict) else _listed(principal or [])
        if statement.get("Effect") == "Allow" and "*" in named and not statement.get("Condition"):
            yield "allows everybody: name the principal, or bind it by a condition"


def _pinned_trust(resource: Resource) -> Iterator[str]:
    """A trust without a subject lets every repository in."""
    if resource.type != "aws:iam/role:Role":
        return
    for statement in _statements(resource):
        if "sts:AssumeRoleWithWebIdentity" not in _listed(statement.get("Action", [])):
            continue
        condition = json.dumps(statement.get("Condition", {}))
        if ":sub" not in condition or ":aud" not in condition:
            yield "trusts a web identity without pinning both :sub and :aud"


def _listed_policies(resource: Resource) -> Iterator[str]:
    """AWS's own policies grow without a change of ours, and some are everything."""
    if resource.type != "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
        return
    given = text(resource.get("policyArn"))
    if given is None or not given.startswith(aws_policies.arn("")):
        return
    allowed = (*aws_policies.OF_SERVICES, *(aws_policies.OF_DELIVERY if resource.stack == GLOBAL else ()))
    if given not in allowed:
        yield f"carries {given}: write statements of its own, or add the policy to regions/aws_policies.py"


RULES: Final = (
    Rule("IAM-1", "No statement allows everything.", "A stolen role must open one door, not all.", _not_everything),
    Rule("IAM-2", "No statement allows everybody.", "Then the whole of AWS is everybody.", _not_everybody),
    Rule(
        "IAM-3",
        "Web identities are pinned by subject and audience.",
        "Else any repository could deploy.",
        _pinned_trust,
    ),
    Rule(
        "IAM-4",
        "A role carries none but the listed policies of AWS.",
        "One of them is everything.",
        _listed_policies,
    ),
)
