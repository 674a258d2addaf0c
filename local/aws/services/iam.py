"""IAM: roles, policies, attachments, OpenID Connect providers, instance profiles."""

from __future__ import annotations

from collections.abc import Mapping

from local.aws.engine.spec import Api, Call, Facet, Naming, ResourceType, Tagging
from local.aws.engine.wire import UNKNOWN, Properties, Unknown, is_list, is_mapping

ROLE = ResourceType(
    pulumi_type="aws:iam/role:Role",
    service="iam",
    cfn="AWS::IAM::Role",
    create=Call("CreateRole", root="Role"),
    read=Call("GetRole", bind={"RoleName": "{name}"}, root="Role"),
    update=Call("UpdateRole", bind={"RoleName": "{name}"}),
    delete=Call("DeleteRole", bind={"RoleName": "{name}"}),
    identity="{name}",
    rename={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
    reads={"permissionsBoundary": "=PermissionsBoundary.PermissionsBoundaryArn"},
    local=frozenset({"forceDetachPolicies", "namePrefix"}),
    naming=Naming(limit=64),
    outputs={"arn": "Arn", "uniqueId": "RoleId", "createDate": "CreateDate"},
    known={"arn": "arn:{partition}:iam::{account}:role{folder}{name}"},
    derived={"folder": lambda state: state.get("path") or "/"},
    facets=(
        Facet(
            ("assumeRolePolicy",),
            put=Call("UpdateAssumeRolePolicy", bind={"RoleName": "{name}"}),
            rename={"assumeRolePolicy": "PolicyDocument"},
            late=True,
        ),
        Facet(
            ("permissionsBoundary",),
            put=Call("PutRolePermissionsBoundary", bind={"RoleName": "{name}"}),
            clear=Call("DeleteRolePermissionsBoundary", bind={"RoleName": "{name}"}),
            late=True,
        ),
    ),
    tagging=Tagging("TagRole", "UntagRole", "", "RoleName", of="{name}"),
    regional=False,
)

ROLE_POLICY = ResourceType(
    pulumi_type="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    cfn="AWS::IAM::RolePolicy",
    create=(_PUT := Call("PutRolePolicy")),
    read=Call("GetRolePolicy", bind={"RoleName": "{role}", "PolicyName": "{name}"}),
    update=_PUT,
    delete=Call("DeleteRolePolicy", bind={"RoleName": "{role}", "PolicyName": "{name}"}),
    identity="{role}:{name}",
    rename={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
    naming=Naming(limit=128),
    local=frozenset({"namePrefix"}),
    regional=False,
)


def _drop_versions(api: Api, state: Properties) -> None:
    """A policy can be deleted only without versions besides the default one."""
    versions = api.call("ListPolicyVersions", {"PolicyArn": state["id"]}).get("Versions")
    for version in versions if is_list(versions) else []:
        if is_mapping(version) and not version.get("IsDefaultVersion"):
            api.call("DeletePolicyVersion", {"PolicyArn": state["id"], "VersionId": version["VersionId"]})


POLICY = ResourceType(
    pulumi_type="aws:iam/policy:Policy",
    service="iam",
    cfn="AWS::IAM::ManagedPolicy",
    create=Call("CreatePolicy", root="Policy"),
    read=Call("GetPolicy", bind={"PolicyArn": "{arn}"}, root="Policy"),
    delete=Call("DeletePolicy", bind={"PolicyArn": "{arn}"}),
    identity="{arn}",
    rename={"name": "PolicyName", "policy": "PolicyDocument"},
    reads={"policy": "=PolicyVersion.Document"},
    local=frozenset({"namePrefix", "delayAfterPolicyCreationInMs"}),
    naming=Naming(limit=128),
    outputs={"arn": "Arn", "policyId": "PolicyId", "defaultVersionId": "DefaultVersionId"},
    known={"arn": "arn:{partition}:iam::{account}:policy{folder}{name}"},
    derived={"folder": lambda state: state.get("path") or "/"},
    facets=(
        Facet(
            ("policy",),
            put=Call("CreatePolicyVersion", bind={"PolicyArn": "{arn}", "SetAsDefault": True}),
            get=Call("GetPolicyVersion", bind={"PolicyArn": "{arn}", "VersionId": "{defaultVersionId}"}),
            late=True,
        ),
    ),
    before_delete=_drop_versions,
    tagging=Tagging("TagPolicy", "UntagPolicy", "", "PolicyArn"),
    regional=False,
)

ATTACHMENT = ResourceType(
    pulumi_type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    create=Call("AttachRolePolicy"),
    read=Call(
        "ListAttachedRolePolicies",
        bind={"RoleName": "{role}"},
        root="AttachedPolicies[?PolicyArn=='{policyArn}'] | [0]",
    ),
    delete=Call("DetachRolePolicy", bind={"RoleName": "{role}", "PolicyArn": "{policyArn}"}),
    identity="{role}/{policyArn}",
    rename={"role": "RoleName"},
    delete_first=True,
    regional=False,
)


def _host(state: Mapping[str, object]) -> object:
    url = state.get("url")
    return UNKNOWN if isinstance(url, Unknown) else url.removeprefix("https://") if isinstance(url, str) else None


OPENID = ResourceType(
    pulumi_type="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    service="iam",
    cfn="AWS::IAM::OIDCProvider",
    create=Call("CreateOpenIDConnectProvider"),
    read=Call("GetOpenIDConnectProvider", bind={"OpenIDConnectProviderArn": "{arn}"}),
    delete=Call("DeleteOpenIDConnectProvider", bind={"OpenIDConnectProviderArn": "{arn}"}),
    identity="{arn}",
    outputs={"arn": "OpenIDConnectProviderArn"},
    known={"arn": "arn:{partition}:iam::{account}:oidc-provider/{host}"},
    derived={"host": _host},
    reads={"url": ""},
    facets=(
        Facet(
            ("thumbprintLists",),
            put=Call("UpdateOpenIDConnectProviderThumbprint", bind={"OpenIDConnectProviderArn": "{arn}"}),
            rename={"thumbprintLists": "ThumbprintList"},
            late=True,
        ),
    ),
    tagging=Tagging("TagOpenIDConnectProvider", "UntagOpenIDConnectProvider", "", "OpenIDConnectProviderArn"),
    regional=False,
)


def _without_role(api: Api, state: Properties) -> None:
    if state.get("role") is not None:
        api.call("RemoveRoleFromInstanceProfile", {"InstanceProfileName": state["id"], "RoleName": state["role"]})


INSTANCE_PROFILE = ResourceType(
    pulumi_type="aws:iam/instanceProfile:InstanceProfile",
    service="iam",
    cfn="AWS::IAM::InstanceProfile",
    create=Call("CreateInstanceProfile", root="InstanceProfile"),
    read=Call("GetInstanceProfile", bind={"InstanceProfileName": "{name}"}, root="InstanceProfile"),
    delete=Call("DeleteInstanceProfile", bind={"InstanceProfileName": "{name}"}),
    identity="{name}",
    rename={"name": "InstanceProfileName"},
    reads={"role": "=Roles[0].RoleName"},
    naming=Naming(limit=128),
    local=frozenset({"namePrefix"}),
    outputs={"arn": "Arn", "uniqueId": "InstanceProfileId", "createDate": "CreateDate"},
    known={"arn": "arn:{partition}:iam::{account}:instance-profile{folder}{name}"},
    derived={"folder": lambda state: state.get("path") or "/"},
    facets=(
        Facet(
            ("role",),
            put=Call("AddRoleToInstanceProfile", bind={"InstanceProfileName": "{name}"}),
            rename={"role": "RoleName"},
        ),
    ),
    replace=frozenset({"role"}),
    before_delete=_without_role,
    tagging=Tagging("TagInstanceProfile", "UntagInstanceProfile", "", "InstanceProfileName", of="{name}"),
    regional=False,
)

TYPES = (ROLE, ROLE_POLICY, POLICY, ATTACHMENT, OPENID, INSTANCE_PROFILE)
