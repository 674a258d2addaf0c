"""Which changed property needs a new resource, where no provider was asked: from CloudFormation's and our own tables.

The base are `createOnlyProperties` of CloudFormation's schemas with the corrections of ``local/aws/services``, and for
Kubernetes the fields that its API does not change. What neither says is listed here. A preview from a state does not
need this: there the provider says it.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from local.aws.engine.immutable import replaces
from local.aws.registry import UnknownTypeError, resource_type

NESTED: Final = {
    # terraform-provider-aws, internal/service/kafka/cluster.go: ForceNew.
    "aws:msk/cluster:Cluster": (
        "brokerNodeGroupInfo.azDistribution",
        "brokerNodeGroupInfo.clientSubnets",
        "brokerNodeGroupInfo.securityGroups",
        "encryptionInfo.encryptionAtRestKmsKeyArn",
        "encryptionInfo.encryptionInTransit.inCluster",
    ),
}
"""By type: properties below the first level that need a new resource; their neighbours under the same name do not."""

IN_PLACE: Final = frozenset(
    {
        # CloudFormation makes these anew, the API and terraform-provider-aws (internal/service/rds, …/ecr) do not.
        ("aws:rds/instance:Instance", "dbSubnetGroupName"),
        ("aws:ecr/repository:Repository", "forceDelete"),
    }
)
"""(type, property) that the tables take for one that replaces."""

_KUBERNETES: Final = {
    # Kubernetes API conventions: identity and selectors; pulumi-kubernetes makes configuration anew so that pods roll.
    "": ("apiVersion", "kind", "metadata.name", "metadata.namespace"),
    "ConfigMap": ("data", "binaryData"),
    "Secret": ("data", "stringData", "type"),
    "Deployment": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"),
    "Service": ("spec.clusterIP",),
}


def forces(kind: str, path: str) -> bool:
    """Whether a change of the property at the dotted ``path`` replaces a resource of the type ``kind``."""
    if kind.startswith("kubernetes:"):
        fields = (*_KUBERNETES[""], *_KUBERNETES.get(kind.rsplit(":", 1)[-1], ()))
        return any(_touches(path, field) for field in fields)
    first = path.split(".")[0]
    nested = [field for field in NESTED.get(kind, ()) if field.split(".")[0] == first]
    if nested:
        return any(_touches(path, field) for field in nested)
    return (kind, first) not in IN_PLACE and _first_level(kind, first)


def _touches(path: str, field: str) -> bool:
    return path == field or path.startswith(f"{field}.") or field.startswith(f"{path}.")


@cache
def _first_level(kind: str, name: str) -> bool:
    try:
        return replaces(resource_type(kind), name)
    except UnknownTypeError:
        return False
