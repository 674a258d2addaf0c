from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from regions.catalogue import CATALOGUE, EDGE_CODE, HOME_CODE
from regions.names import TOKEN_KEY_ALIAS
from services.contracts.workloads import WORKLOADS
from stacks.registry import image, repository
from tests.stacks.footprints import of_cell, of_global
from tests.stacks.recording import Declared

EDGE_TYPES = {
    "aws:acm/certificate:Certificate",
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:wafv2/webAcl:WebAcl",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
}
REGIONLESS = ("aws:iam/", "aws:route53/", "aws:budgets/", "aws:costexplorer/", "aws:cloudfront/", "aws:s3/account")


def pem() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def test_every_resource_stands_where_aws_wants_it() -> None:
    for item in of_global().aws:
        if item.type.startswith(REGIONLESS):
            assert "region" not in item.inputs, item.name
        elif item.type in EDGE_TYPES:
            assert item.inputs["region"] == EDGE_CODE, item.name
        else:
            assert item.inputs["region"] in {region.code for region in CATALOGUE.regions}, item.name


def test_the_zone_survives_the_control_planes_region_and_loses_no_records_by_mistake() -> None:
    (zone,) = of_global().of("aws:route53/zone:Zone")
    assert zone.inputs["enableAcceleratedRecovery"]
    assert not zone.inputs["forceDestroy"]
    assert zone.protect
    (disposable,) = of_global(disposable=True).of("aws:route53/zone:Zone")
    assert disposable.inputs["forceDestroy"]
    assert not disposable.protect


def test_one_certificate_covers_every_host_and_is_proved_by_one_record() -> None:
    (certificate,) = of_global().of("aws:acm/certificate:Certificate")
    assert certificate.inputs["domainName"] == "meridian.example"
    assert certificate.inputs["subjectAlternativeNames"] == ["*.meridian.example"]
    validating = [item for item in of_global().of("aws:route53/record:Record") if item.inputs["type"] == "CNAME"]
    assert len(validating) == 1
    for name in CATALOGUE.names:
        regional = of_cell(name).of("aws:acm/certificate:Certificate")
        assert {item.inputs["domainName"] for item in regional} == {"meridian.example"}


def test_the_token_key_can_be_a_member_in_every_region() -> None:
    (key,) = of_global().of("aws:kms/key:Key")
    assert key.inputs["multiRegion"]
    assert (key.inputs["customerMasterKeySpec"], key.inputs["keyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert key.inputs["region"] == HOME_CODE
    assert key.protect
    (alias,) = of_global().of("aws:kms/alias:Alias")
    assert alias.inputs["name"] == TOKEN_KEY_ALIAS


def test_every_region_has_the_token_keys_alias_once() -> None:
    for region in CATALOGUE.regions:
        cells = of_cell(region.name).of("aws:kms/alias:Alias")
        own = [item for item in cells if item.inputs["name"] == TOKEN_KEY_ALIAS]
        assert len(own) == (0 if region.code == HOME_CODE else 1)


def test_every_workload_has_a_repository_whose_copies_reach_every_other_region() -> None:
    made = {item.inputs["name"]: item for item in of_global().of("aws:ecr/repository:Repository")}
    assert set(made) == {repository(workload.name) for workload in WORKLOADS}
    assert {item.inputs["imageTagMutability"] for item in made.values()} == {"IMMUTABLE"}
    (replication,) = of_global().of("aws:ecr/replicationConfiguration:ReplicationConfiguration")
    (rule,) = replication.inputs["replicationConfiguration"]["rules"]
    others = {region.code for region in CATALOGUE.regions} - {HOME_CODE}
    assert {target["region"] for target in rule["destinations"]} == others
    templates = of_global().of("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate")
    assert {item.inputs["region"] for item in templates} == others


def test_images_are_named_by_tag_or_by_digest() -> None:
    assert image("1", "r", "gateway", "2.0").endswith("/meridian/gateway:2.0")
    assert image("1", "r", "gateway", "sha256:ab").endswith("/meridian/gateway@sha256:ab")


def test_the_account_has_no_public_bucket_whatever_a_bucket_says() -> None:
    (block,) = of_global().of("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock")
    assert {value for value in block.inputs.values() if isinstance(value, bool)} == {True}
    assert len(block.inputs) == 4


def test_the_firewall_blocks_by_rate_and_by_rules_that_aws_keeps_and_hides_credentials_in_its_log() -> None:
    (acl,) = of_global().of("aws:wafv2/webAcl:WebAcl")
    rules = acl.inputs["rules"]
    assert len({rule["priority"] for rule in rules}) == len(rules)
    for rule in rules:
        assert ("action" in rule) != ("overrideAction" in rule)
    (log,) = of_global().of("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration")
    hidden = {field["singleHeader"]["name"] for field in log.inputs["redactedFields"]}
    assert hidden == {"authorization", "cookie"}
    (group,) = of_global().of("aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["name"].startswith("aws-waf-logs-")


def test_roles_with_statements_of_our_own_carry_the_boundary() -> None:
    for item in (role for name in CATALOGUE.names for role in of_cell(name).of("aws:iam/role:Role")):
        own = item.inputs["path"] == "/meridian/workloads/"
        assert ("permissionsBoundary" in item.inputs) == own, item.name


def test_pipelines_have_two_roles_and_only_one_of_them_changes_anything() -> None:
    attached = {
        item.name: item.inputs["policyArn"].rsplit("/", 1)[1]
        for item in of_global().of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    }
    assert attached["preview"] == "ReadOnlyAccess"
    assert attached["deploy"] == "PowerUserAccess"
    trusted = {
        item.name: json.loads(item.inputs["assumeRolePolicy"])["Statement"][0]["Condition"]["StringEquals"]
        for item in of_global().of("aws:iam/role:Role")
        if item.name in ("preview", "deploy")
    }
    subject = "token.actions.githubusercontent.com:sub"
    assert trusted["preview"][subject] == ["repo:owner/name:environment:preview"]
    assert trusted["deploy"][subject] == ["repo:owner/name:environment:production"]


def test_two_playback_keys_stand_beside_each_other_while_one_replaces_the_other() -> None:
    old, new = pem(), pem()
    both = of_global(playback_keys=(old, new))
    keys = both.of("aws:cloudfront/publicKey:PublicKey")
    assert {item.inputs["encodedKey"] for item in keys} == {old, new}
    (group,) = both.of("aws:cloudfront/keyGroup:KeyGroup")
    assert len(group.inputs["items"]) == 2
    # A key's resource follows from the key, so removing the old one leaves the new one alone.
    (left,) = of_global(playback_keys=(new,)).of("aws:cloudfront/publicKey:PublicKey")
    assert left.name in {item.name for item in keys}


def test_without_playback_keys_there_is_no_key_group() -> None:
    assert of_global().of("aws:cloudfront/keyGroup:KeyGroup") == []


def test_a_private_key_is_refused_as_a_playback_key() -> None:
    private = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValidationError, match="private key"):
        of_global(playback_keys=(private.decode(),))


def test_whatever_takes_tags_has_them() -> None:
    tagged: list[Declared] = [item for item in of_global().aws if "tags" in item.inputs]
    assert all(item.inputs["tags"]["Stack"] == "global" for item in tagged)
    assert {"aws:route53/zone:Zone", "aws:kms/key:Key", "aws:iam/role:Role"} <= {item.type for item in tagged}
