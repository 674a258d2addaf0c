"""ECR: repositories, their lifecycle, the registry's replication and creation templates."""

from __future__ import annotations

from local.aws.engine.spec import Call, Facet, Naming, ResourceType, Tagging

_OF = {"repositoryName": "{name}"}

REPOSITORY = ResourceType(
    pulumi_type="aws:ecr/repository:Repository",
    service="ecr",
    cfn="AWS::ECR::Repository",
    create=Call("CreateRepository", root="repository"),
    read=Call("DescribeRepositories", bind={"repositoryNames": ["{name}"]}, root="repositories[0]"),
    delete=Call("DeleteRepository", bind={**_OF, "force": "{forceDelete}"}),
    identity="{name}",
    rename={"name": "repositoryName"},
    naming=Naming(limit=256, lower=True),
    outputs={"arn": "repositoryArn", "registryId": "registryId", "repositoryUrl": "repositoryUri"},
    known={
        "arn": "arn:{partition}:ecr:{region}:{account}:repository/{name}",
        "repositoryUrl": "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
    },
    facets=(
        Facet(
            ("imageTagMutability", "imageTagMutabilityExclusionFilters"),
            put=Call("PutImageTagMutability", bind=_OF),
            late=True,
        ),
        Facet(("imageScanningConfiguration",), put=Call("PutImageScanningConfiguration", bind=_OF), late=True),
    ),
    replace=frozenset({"encryptionConfigurations"}),
    tagging=Tagging(
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
        "resourceArn",
        tags="tags",
        keys="tagKeys",
        listing="tags",
    ),
)

_REPOSITORY = {"repositoryName": "{repository}"}
LIFECYCLE = ResourceType(
    pulumi_type="aws:ecr/lifecyclePolicy:LifecyclePolicy",
    service="ecr",
    create=Call("PutLifecyclePolicy"),
    read=Call("GetLifecyclePolicy", bind=_REPOSITORY),
    delete=Call("DeleteLifecyclePolicy", bind=_REPOSITORY),
    identity="{repository}",
    rename={"repository": "repositoryName", "policy": "lifecyclePolicyText"},
    outputs={"registryId": "registryId"},
)

_PUT_REPLICATION = Call("PutReplicationConfiguration")
REPLICATION = ResourceType(
    pulumi_type="aws:ecr/replicationConfiguration:ReplicationConfiguration",
    service="ecr",
    create=_PUT_REPLICATION,
    read=Call("DescribeRegistry", root="replicationConfiguration.rules && @"),
    update=_PUT_REPLICATION,
    delete=Call("PutReplicationConfiguration", bind={"replicationConfiguration/rules": []}),
    identity="{account}",
    outputs={"registryId": "registryId"},
    known={"registryId": "{account}"},
)

TEMPLATE = ResourceType(
    pulumi_type="aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
    service="ecr",
    cfn="AWS::ECR::RepositoryCreationTemplate",
    create=Call("CreateRepositoryCreationTemplate", root="repositoryCreationTemplate"),
    read=Call(
        "DescribeRepositoryCreationTemplates", bind={"prefixes": ["{prefix}"]}, root="repositoryCreationTemplates[0]"
    ),
    update=Call("UpdateRepositoryCreationTemplate"),
    delete=Call("DeleteRepositoryCreationTemplate", bind={"prefix": "{prefix}"}),
    identity="{prefix}",
    known={"registryId": "{account}"},
)

TYPES = (REPOSITORY, LIFECYCLE, REPLICATION, TEMPLATE)
