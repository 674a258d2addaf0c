from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions import aws_policies, names
from regions.catalogue import CATALOGUE, Region
from services.contracts.workloads import BY_NAME, WORKLOADS, Access, Workload
from stacks import delivery_permissions, service_permissions, trust
from stacks.permissions import (
    Scope,
    Statement,
    converter_statements,
    document,
    migration_statements,
    workload_statements,
)
from tests.stacks.iam_lint import findings

ACCOUNT = "123456789012"
regions = st.sampled_from(CATALOGUE.regions)
accesses = st.lists(st.sampled_from(list(Access)), unique=True).map(tuple)


def scope(region: Region) -> Scope:
    return Scope(account=ACCOUNT, region=region, cells=CATALOGUE.regions, converts=True)


def everything(region: Region) -> list[Statement]:
    partner = CATALOGUE.partner(region)
    return [
        *(item for workload in WORKLOADS for item in workload_statements(workload, scope(region))),
        *migration_statements(scope(region)),
        *service_permissions.bucket_replication(region, partner, ("uploads", "media"), ACCOUNT),
        *service_permissions.stream_replication(region, partner, ACCOUNT),
        *service_permissions.flow_logs(ACCOUNT),
        *converter_statements(scope(region)),
    ]


@pytest.mark.parametrize("region", CATALOGUE.regions, ids=lambda region: region.name)
def test_every_statement_names_real_actions_and_the_resources_they_apply_to(region: Region) -> None:
    wrong = {item.sid: findings(item) for item in everything(region) if findings(item)}
    assert wrong == {}


@given(regions, accesses)
def test_any_combination_of_accesses_gives_statements_without_a_finding(
    region: Region, given_accesses: tuple[Access, ...]
) -> None:
    workload = Workload("catalog", "services.catalog", 8000, given_accesses)
    statements = workload_statements(workload, scope(region))
    assert [finding for item in statements for finding in findings(item)] == []
    sids = [item.sid for item in statements]
    assert len(set(sids)) == len(sids)


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (Statement("A", ("s3:*",), ("arn:aws:s3:::b/*",)), "wildcard"),
        (Statement("A", ("s3:GetObjekt",), ("arn:aws:s3:::b/*",)), "no action of AWS"),
        (Statement("A", ("sqs:SendMessage",), ("*",)), "can be limited"),
        (Statement("A", ("sqs:SendMessage",), ("arn:aws:s3:::b/*",)), "applies to none"),
        (Statement("A", ("s3:GetObject",), ("arn:aws:s3:::b",)), "applies to none"),
        (Statement("A", ("s3:GetObject",), ("arn:aws:s3:::b/*", f"arn:aws:sqs:x:{ACCOUNT}:q")), "no action of the"),
        (Statement("with space", ("s3:GetObject",), ("arn:aws:s3:::b/*",)), "letters and digits"),
        (
            Statement("A", ("s3:GetObject",), ("arn:aws:s3:::b/*",), {"StringEqual": {"a": ("b",)}}),
            "condition operator",
        ),
    ],
)
def test_the_judge_finds_what_is_wrong(statement: Statement, finding: str) -> None:
    assert any(finding in text for text in findings(statement))


def test_only_actions_without_resources_of_their_own_may_name_all() -> None:
    assert findings(Statement("A", ("sts:GetCallerIdentity",), ("*",))) == []


def test_a_workload_without_an_access_cannot_touch_what_it_stands_for() -> None:
    text = {name: document(workload_statements(BY_NAME[name], scope(CATALOGUE.get("mumbai")))) for name in BY_NAME}
    assert "kms:Sign" in text["accounts"]
    assert [name for name in text if "kms:Sign" in text[name]] == ["accounts"]
    assert [name for name in text if "s3:DeleteObject" in text[name]] == ["transcoder"]
    assert [name for name in text if 'kafka-cluster:WriteData"' in text[name]] == ["engagement"]


def test_a_workload_reads_its_own_secret_and_no_other_workloads() -> None:
    for workload in WORKLOADS:
        for region in CATALOGUE.regions:
            read = workload_statements(workload, scope(region))[0]
            named = {re.sub(r".*:secret:(.*)-\?{6}$", r"\1", resource) for resource in read.resources}
            own = {names.secret(cell, workload.name) for cell in CATALOGUE.regions}
            assert named <= own | {names.secret(region, "context")}


def test_only_migrations_read_the_owner_and_only_of_their_own_cell() -> None:
    for region in CATALOGUE.regions:
        read = migration_statements(scope(region))[0]
        assert {resource.split(":")[3] for resource in read.resources} == {region.code}
        assert any(names.secret(region, "database-owner") in resource for resource in read.resources)
        assert not any(names.secret(region, "context") in resource for resource in read.resources)
        for workload in WORKLOADS:
            assert "database-owner" not in document(workload_statements(workload, scope(region)))


def test_databases_of_other_cells_are_reached_by_those_who_have_one_only() -> None:
    mumbai = scope(CATALOGUE.get("mumbai"))
    assert "oregon" in document(workload_statements(BY_NAME["catalog"], mumbai))
    assert "oregon" not in document(workload_statements(BY_NAME["gateway"], mumbai))


def test_the_boundary_holds_what_any_role_is_given_and_nothing_more() -> None:
    (ceiling,) = service_permissions.boundary(ACCOUNT)
    given_actions = {action for region in CATALOGUE.regions for item in everything(region) for action in item.actions}
    assert set(ceiling.actions) == given_actions
    assert findings(ceiling, ceiling=True) == []
    assert len(document((ceiling,))) < 6144  # characters of a managed policy


@pytest.mark.parametrize("region", CATALOGUE.regions, ids=lambda region: region.name)
def test_a_roles_own_policy_fits_into_a_role(region: Region) -> None:
    for workload in WORKLOADS:
        assert len(document(workload_statements(workload, scope(region)))) < 10_240  # characters of inline policies


def test_the_deploy_role_makes_bounded_roles_and_cannot_lift_the_boundary() -> None:
    statements = {item.sid: item for item in delivery_permissions.deploy_limits(ACCOUNT)}
    wrong = {sid: findings(item) for sid, item in statements.items() if sid != "OurRegionsOnly" and findings(item)}
    assert wrong == {}
    bound = statements["BoundedRoles"].conditions["StringEquals"]["iam:PermissionsBoundary"]
    assert bound == (trust.boundary_arn(ACCOUNT),)
    assert statements["KeepBoundary"].effect == statements["KeepBoundaries"].effect == "Deny"
    creates = [item for item in statements.values() if "iam:CreateRole" in item.actions and item.effect == "Allow"]
    assert all(
        resource.startswith(f"arn:aws:iam::{ACCOUNT}:role/meridian/") for item in creates for resource in item.resources
    )


def test_the_preview_role_is_denied_what_people_stored() -> None:
    statements = delivery_permissions.preview_limits(ACCOUNT)
    assert {item.effect for item in statements} == {"Deny"}
    assert [finding for item in statements for finding in findings(item)] == []


def test_the_deploy_role_gives_services_the_listed_policies_only() -> None:
    statements = {item.sid: item for item in delivery_permissions.deploy_limits(ACCOUNT)}
    given = statements["ServicePolicies"].conditions["ArnEquals"]["iam:PolicyARN"]
    assert given == aws_policies.OF_SERVICES
    assert not any(policy.endswith(("AdministratorAccess", "PowerUserAccess", "*")) for policy in given)


@pytest.mark.parametrize("rights", [delivery_permissions.preview_rights, delivery_permissions.image_rights])
def test_what_a_pipeline_is_given_beside_is_small_and_exact(rights: Callable[[str], tuple[Statement, ...]]) -> None:
    statements = rights(ACCOUNT)
    assert [finding for item in statements for finding in findings(item)] == []
    assert len(document((*statements, *delivery_permissions.preview_limits(ACCOUNT)))) < 10_240


def test_a_preview_reads_the_passwords_that_programs_read_and_no_signing_key() -> None:
    (passwords, _, _) = delivery_permissions.preview_rights(ACCOUNT)
    purposes = {resource.rsplit("/", 1)[1].removesuffix("-??????") for resource in passwords.resources}
    assert purposes == {"database-owner", *(workload.name for workload in WORKLOADS)}


def test_pods_are_trusted_by_cluster_namespace_and_service_account() -> None:
    (statement,) = json.loads(trust.pods(ACCOUNT, "c", "n", "s"))["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "aws:SourceAccount": [ACCOUNT],
        "aws:RequestTag/eks-cluster-name": ["c"],
        "aws:RequestTag/kubernetes-namespace": ["n"],
        "aws:RequestTag/kubernetes-service-account": ["s"],
    }
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def test_workflows_are_trusted_by_repository_and_environment() -> None:
    (statement,) = json.loads(trust.github("arn:oidc", "owner/name", "production"))["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": ["sts.amazonaws.com"],
        "token.actions.githubusercontent.com:sub": ["repo:owner/name:environment:production"],
    }
