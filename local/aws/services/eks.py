"""EKS: clusters, access entries and policies, pod identities, add-ons."""

from __future__ import annotations

from local.aws.engine.spec import Call, Facet, Naming, ResourceType, Tagging
from local.aws.engine.wire import Properties

_TAGGING = Tagging(
    "TagResource", "UntagResource", "ListTagsForResource", "resourceArn", tags="tags", keys="tagKeys", listing="tags"
)


def _with_logging(inputs: Properties) -> Properties:
    """The log types that are switched on, as the API's list of switches."""
    if "enabledClusterLogTypes" not in inputs:
        return inputs
    return {
        **inputs,
        "enabledClusterLogTypes": {"clusterLogging": [{"types": inputs["enabledClusterLogTypes"], "enabled": True}]},
    }


CLUSTER = ResourceType(
    pulumi_type="aws:eks/cluster:Cluster",
    service="eks",
    cfn="AWS::EKS::Cluster",
    create=Call("CreateCluster", root="cluster"),
    read=Call("DescribeCluster", bind={"name": "{name}"}, root="cluster"),
    update=Call("UpdateClusterConfig", bind={"name": "{name}"}, partial=True),
    delete=Call("DeleteCluster", bind={"name": "{name}"}),
    identity="{name}",
    rename={"vpcConfig": "resourcesVpcConfig", "enabledClusterLogTypes": "logging"},
    local=frozenset({"defaultAddonsToRemoves", "forceUpdateVersion"}),
    reads={
        "bootstrapSelfManagedAddons": "",
        "enabledClusterLogTypes": "=logging.clusterLogging && {clusterLogging: logging.clusterLogging[?enabled]}",
    },
    shape=_with_logging,
    facets=(Facet(("version",), put=Call("UpdateClusterVersion", bind={"name": "{name}"}), late=True),),
    in_place=frozenset({"vpcConfig", "accessConfig", "kubernetesNetworkConfig"}),
    naming=Naming(limit=100),
    outputs={
        "arn": "arn",
        "endpoint": "endpoint",
        "status": "status",
        "platformVersion": "platformVersion",
        "certificateAuthority": "certificateAuthority",
        "identities": "identity.oidc.issuer && [{oidcs: [{issuer: identity.oidc.issuer}]}]",
        "vpcConfig": "resourcesVpcConfig",
    },
    known={"arn": "arn:{partition}:eks:{region}:{account}:cluster/{name}"},
    recorded={
        "endpoint": "https://{nonce}.{region}.eks.amazonaws.com",
        "status": "ACTIVE",
        "certificateAuthority": {"data": "{nonce}"},
        "identities": [{"oidcs": [{"issuer": "https://oidc.eks.{region}.amazonaws.com/id/{nonce}"}]}],
    },
    ready=("status", ("ACTIVE",)),
    gone=("status", ("DELETING",)),
    tagging=_TAGGING,
)

ACCESS_ENTRY = ResourceType(
    pulumi_type="aws:eks/accessEntry:AccessEntry",
    service="eks",
    cfn="AWS::EKS::AccessEntry",
    create=Call("CreateAccessEntry", root="accessEntry"),
    read=Call(
        "DescribeAccessEntry",
        bind={"clusterName": "{clusterName}", "principalArn": "{principalArn}"},
        root="accessEntry",
    ),
    update=Call("UpdateAccessEntry"),
    delete=Call("DeleteAccessEntry", bind={"clusterName": "{clusterName}", "principalArn": "{principalArn}"}),
    identity="{clusterName}:{principalArn}",
    rename={"userName": "username"},
    outputs={"accessEntryArn": "accessEntryArn"},
    tagging=Tagging(
        "TagResource",
        "UntagResource",
        "",
        "resourceArn",
        of="{accessEntryArn}",
        tags="tags",
        keys="tagKeys",
        listing="tags",
    ),
)

_OF_PRINCIPAL = {"clusterName": "{clusterName}", "principalArn": "{principalArn}"}
POLICY_ASSOCIATION = ResourceType(
    pulumi_type="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    service="eks",
    create=(_ASSOCIATE := Call("AssociateAccessPolicy", root="associatedAccessPolicy")),
    read=Call(
        "ListAssociatedAccessPolicies",
        bind=_OF_PRINCIPAL,
        root="associatedAccessPolicies[?policyArn=='{policyArn}'] | [0]",
    ),
    update=_ASSOCIATE,
    delete=Call("DisassociateAccessPolicy", bind={**_OF_PRINCIPAL, "policyArn": "{policyArn}"}),
    identity="{clusterName}#{principalArn}#{policyArn}",
    replace=frozenset({"clusterName", "principalArn", "policyArn"}),
)

POD_IDENTITY = ResourceType(
    pulumi_type="aws:eks/podIdentityAssociation:PodIdentityAssociation",
    service="eks",
    cfn="AWS::EKS::PodIdentityAssociation",
    create=Call("CreatePodIdentityAssociation", root="association"),
    read=Call(
        "DescribePodIdentityAssociation",
        bind={"clusterName": "{clusterName}", "associationId": "{associationId}"},
        root="association",
    ),
    update=Call(
        "UpdatePodIdentityAssociation", bind={"clusterName": "{clusterName}", "associationId": "{associationId}"}
    ),
    delete=Call(
        "DeletePodIdentityAssociation", bind={"clusterName": "{clusterName}", "associationId": "{associationId}"}
    ),
    identity="{associationId}",
    outputs={"associationId": "associationId", "associationArn": "associationArn"},
    recorded={
        "associationId": "a-{nonce}",
        "associationArn": "arn:{partition}:eks:{region}:{account}:podidentityassociation/{clusterName}/a-{nonce}",
    },
    imported="{clusterName},{associationId}",
    tagging=Tagging(
        "TagResource",
        "UntagResource",
        "",
        "resourceArn",
        of="{associationArn}",
        tags="tags",
        keys="tagKeys",
        listing="tags",
    ),
)

ADDON = ResourceType(
    pulumi_type="aws:eks/addon:Addon",
    service="eks",
    cfn="AWS::EKS::Addon",
    create=Call("CreateAddon", rename={"resolveConflictsOnCreate": "resolveConflicts"}, root="addon"),
    read=Call("DescribeAddon", bind={"clusterName": "{clusterName}", "addonName": "{addonName}"}, root="addon"),
    update=Call("UpdateAddon", rename={"resolveConflictsOnUpdate": "resolveConflicts"}),
    delete=Call(
        "DeleteAddon", bind={"clusterName": "{clusterName}", "addonName": "{addonName}", "preserve": "{preserve}"}
    ),
    identity="{clusterName}:{addonName}",
    reads={
        "podIdentityAssociations": "",
        "resolveConflictsOnCreate": "",
        "resolveConflictsOnUpdate": "",
        "preserve": "",
    },
    in_place=frozenset({"resolveConflictsOnCreate"}),
    outputs={"arn": "addonArn"},
    ready=("status", ("ACTIVE",)),
    gone=("status", ("DELETING",)),
    tagging=_TAGGING,
)

TYPES = (CLUSTER, ACCESS_ENTRY, POLICY_ASSOCIATION, POD_IDENTITY, ADDON)
