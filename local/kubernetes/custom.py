"""Kinds that Kubernetes itself does not have: strict schemas of the custom resources that the stacks declare.

Owns what the stacks may write of them: the fields that are used, and those beside them that are known. A field that is
not here is refused, so that a misspelt one is found before a cluster ignores it. Sources, read 2026-11-23:
https://keda.sh/docs/2.20/reference/scaledobject-spec/, the pages of its scalers, and for target group bindings
https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html. From the same schemas `definition` makes
what an API server without the controllers needs to know the kinds.
"""

import functools
from collections.abc import Mapping
from typing import Final

Schema = Mapping[str, object]

_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SECONDS: Final[Schema] = {"type": "integer", "minimum": 1}
_NUMBER_TEXT: Final[Schema] = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}
_SWITCH: Final[Schema] = {"enum": ["true", "false"]}
_URL: Final[Schema] = {"type": "string", "pattern": r"^https?://"}


def _object(properties: Mapping[str, object], *required: str) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


_TRIGGERS: Final[Mapping[str, Schema]] = {
    "aws-sqs-queue": _object(
        {
            "queueURL": _TEXT,
            "queueLength": _NUMBER_TEXT,
            "activationQueueLength": _NUMBER_TEXT,
            "awsRegion": {"type": "string", "pattern": r"^[a-z]{2}(-[a-z]+)+-\d$"},
            "scaleOnInFlight": _SWITCH,
            "scaleOnDelayed": _SWITCH,
        },
        "queueURL",
        "awsRegion",
    ),
    "metrics-api": _object(
        {
            "url": _URL,
            "format": {"enum": ["json", "xml", "yaml", "prometheus"]},
            "valueLocation": _TEXT,
            "targetValue": _NUMBER_TEXT,
            "activationTargetValue": _NUMBER_TEXT,
            "aggregateFromKubeServiceEndpoints": _SWITCH,
            "aggregationType": {"enum": ["average", "sum", "max", "min"]},
            "timeout": _TEXT,
        },
        "url",
        "valueLocation",
        "targetValue",
    ),
    "cpu": _object({"value": _NUMBER_TEXT, "containerName": _TEXT}, "value"),
    "memory": _object({"value": _NUMBER_TEXT, "containerName": _TEXT}, "value"),
}
"""Metadata of a trigger by its type."""

_POLICIES: Final[Schema] = _object(
    {
        "stabilizationWindowSeconds": {"type": "integer", "minimum": 0, "maximum": 3600},
        "selectPolicy": {"enum": ["Max", "Min", "Disabled"]},
        "policies": {
            "type": "array",
            "items": _object(
                {"type": {"enum": ["Pods", "Percent"]}, "value": _SECONDS, "periodSeconds": _SECONDS},
                "type",
                "value",
                "periodSeconds",
            ),
        },
    }
)
_TRIGGER: Final[Schema] = {
    **_object(
        {
            "type": {"enum": sorted(_TRIGGERS)},
            "name": _TEXT,
            "metricType": {"enum": ["AverageValue", "Value", "Utilization"]},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
            "authenticationRef": _object(
                {"name": _TEXT, "kind": {"enum": ["TriggerAuthentication", "ClusterTriggerAuthentication"]}}, "name"
            ),
        },
        "type",
        "metadata",
    ),
}
_SCALED_OBJECT: Final[Schema] = _object(
    {
        "scaleTargetRef": _object({"apiVersion": _TEXT, "kind": _TEXT, "name": _TEXT}, "name"),
        "pollingInterval": _SECONDS,
        "cooldownPeriod": _COUNT,
        "minReplicaCount": _COUNT,
        "maxReplicaCount": _SECONDS,
        "fallback": _object(
            {
                "failureThreshold": _SECONDS,
                "replicas": _COUNT,
                "behavior": {
                    "enum": ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]
                },
            },
            "failureThreshold",
            "replicas",
        ),
        "advanced": _object(
            {
                "restoreToOriginalReplicaCount": {"type": "boolean"},
                "horizontalPodAutoscalerConfig": _object(
                    {"name": _TEXT, "behavior": _object({"scaleUp": _POLICIES, "scaleDown": _POLICIES})}
                ),
            }
        ),
        "triggers": {"type": "array", "minItems": 1, "items": _TRIGGER},
    },
    "scaleTargetRef",
    "triggers",
)
_TRIGGER_AUTHENTICATION: Final[Schema] = _object(
    {"podIdentity": _object({"provider": {"enum": ["aws"]}, "roleArn": _TEXT}, "provider")}, "podIdentity"
)
_TARGET_GROUP_BINDING: Final[Schema] = _object(
    {
        "serviceRef": _object({"name": _TEXT, "port": {"type": ["integer", "string"]}}, "name", "port"),
        "targetGroupARN": {"type": "string", "pattern": r"^arn:aws:elasticloadbalancing:"},
        "targetType": {"enum": ["ip", "instance"]},
        "networking": _object(
            {
                "ingress": {
                    "type": "array",
                    "items": _object(
                        {
                            "from": {
                                "type": "array",
                                "items": _object(
                                    {
                                        "securityGroup": _object({"groupID": _TEXT}, "groupID"),
                                        "ipBlock": _object({"cidr": _TEXT}, "cidr"),
                                    }
                                ),
                            },
                            "ports": {
                                "type": "array",
                                "items": _object({"port": {"type": "integer"}, "protocol": {"enum": ["TCP", "UDP"]}}),
                            },
                        },
                        "from",
                        "ports",
                    ),
                }
            }
        ),
    },
    "serviceRef",
    "targetGroupARN",
    "targetType",
)
_SPECS: Final[Mapping[tuple[str, str], Schema]] = {
    ("keda.sh/v1alpha1", "ScaledObject"): _SCALED_OBJECT,
    ("keda.sh/v1alpha1", "TriggerAuthentication"): _TRIGGER_AUTHENTICATION,
    ("eks.amazonaws.com/v1", "TargetGroupBinding"): _TARGET_GROUP_BINDING,
}
GROUPS: Final = frozenset(version.partition("/")[0] for version, _ in _SPECS)
"""Groups of which every kind is known here: another kind of theirs is a mistake."""


@functools.cache
def schema_of(api_version: str, kind: str) -> Schema | None:
    """The strict schema of a custom kind; None for one that is not known here."""
    spec = _SPECS.get((api_version, kind))
    if spec is None:
        return None
    if kind == "ScaledObject":
        spec = _with_trigger_metadata(spec)
    return _object(
        {
            "apiVersion": {"const": api_version},
            "kind": {"const": kind},
            "metadata": {"type": "object"},
            "spec": spec,
        },
        "apiVersion",
        "kind",
        "metadata",
        "spec",
    )


def kinds() -> tuple[tuple[str, str], ...]:
    """Every custom kind that is known, as (apiVersion, kind)."""
    return tuple(sorted(_SPECS))


def definition(api_version: str, kind: str) -> dict[str, object]:
    """The CustomResourceDefinition of a known kind, for an API server that lacks the controller which brings it.

    A structural schema knows no conditions, so what a trigger's metadata may hold is left to the provider's check.
    """
    group, _, version = api_version.partition("/")
    plural = f"{kind.lower()}s"
    schema = {
        "type": "object",
        "properties": {
            "spec": _structural(_SPECS[(api_version, kind)]),
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
        "required": ["spec"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                }
            ],
        },
    }


def _with_trigger_metadata(spec: Schema) -> Schema:
    """``spec`` of a scaled object, in which a trigger's metadata are those of its type."""
    rules = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"properties": {"metadata": schema}},
        }
        for name, schema in _TRIGGERS.items()
    ]
    properties = spec["properties"]
    if not isinstance(properties, dict):
        raise TypeError("the schema of a scaled object has no properties")
    triggers = {"type": "array", "minItems": 1, "items": {**_TRIGGER, "allOf": rules}}
    return {**spec, "properties": {**properties, "triggers": triggers}}


def _structural(schema: object) -> object:
    """A schema as definitions want it: enumerations with a type, no unions of types, unknown fields pruned by default."""
    if isinstance(schema, list):
        return [_structural(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _structural(value) for key, value in schema.items()}
    if made.get("additionalProperties") is False:
        del made["additionalProperties"]
    if made.get("required") == []:
        del made["required"]
    if "enum" in made:
        made["type"] = "string"
    if made.get("type") == ["integer", "string"]:
        del made["type"]
        made["x-kubernetes-int-or-string"] = True
    return made
