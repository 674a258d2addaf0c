"""The name and the namespace of an object whose program gave none.

Owns the rules of the official plugin for both. Does not judge names (`schemas`).
"""

import hashlib
from typing import Final

from local.kubernetes import changes, values
from local.kubernetes.values import Object

CLUSTER_SCOPED: Final = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CSINode",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "FlowSchema",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    }
)
"""Kinds without a namespace (the API reference, `kubectl api-resources --namespaced=false`)."""

_RANDOM_DIGITS: Final = 8


def completed(manifest: Object, *, resource: str, seed: bytes, old: Object, proposed: str, namespace: str) -> Object:
    """The manifest with a name and a namespace.

    `resource` is the resource's name in the program, `seed` what the engine gives to choose names by, `old` the
    previous (plain) inputs, `proposed` the engine's own proposal if it makes one, `namespace` the provider's default.
    An object that was named by the provider keeps its name.
    """
    metadata = dict(values.as_object(manifest.get("metadata")))
    if "name" not in metadata and "generateName" not in metadata:
        before = values.as_object(old.get("metadata")).get("name")
        if changes.autonamed(old) and isinstance(before, str):
            metadata["name"] = before
        else:
            digits = hashlib.sha256(seed + resource.encode()).hexdigest()[:_RANDOM_DIGITS]
            metadata["name"] = proposed or f"{resource}-{digits}".lower()
        annotations = dict(values.as_object(metadata.get("annotations")))
        metadata["annotations"] = annotations | {changes.AUTONAMED: "true"}
    if "namespace" not in metadata and manifest.get("kind") not in CLUSTER_SCOPED:
        metadata["namespace"] = namespace or "default"
    return {**manifest, "metadata": metadata}
