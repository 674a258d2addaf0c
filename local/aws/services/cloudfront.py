"""CloudFront: distributions, origin access, signing keys, functions, policies."""

from __future__ import annotations

from local.aws.engine.spec import Api, Call, Naming, ResourceType, Tagging
from local.aws.engine.wire import Properties, is_list, is_mapping

# The hosted zone of every distribution, for alias records: Route 53 API reference, AliasTarget.
_ZONE = "Z2FDTNDATAQYW2"


def _listed(value: object) -> list[object]:
    return value if is_list(value) else [] if value is None else [value]


def _behavior(behavior: object) -> object:
    """Methods that are cached are a part of those that are allowed."""
    if not is_mapping(behavior):
        return behavior
    kept = {name: value for name, value in behavior.items() if name != "cachedMethods"}
    if "allowedMethods" in behavior and "cachedMethods" in behavior:
        kept["allowedMethods"] = {
            "items": behavior["allowedMethods"],
            "cachedMethods": behavior["cachedMethods"],
        }
    return kept


def _origin(origin: object) -> object:
    """A bucket behind an access control still needs the (empty) block of the older access identity."""
    if not is_mapping(origin) or {"customOriginConfig", "vpcOriginConfig", "s3OriginConfig"} & set(origin):
        return origin
    return {**origin, "s3OriginConfig": {"originAccessIdentity": ""}}


def _distribution(inputs: Properties) -> Properties:
    values = {"comment": "", **inputs}
    if "defaultCacheBehavior" in values:
        values["defaultCacheBehavior"] = _behavior(values["defaultCacheBehavior"])
    if "orderedCacheBehaviors" in values:
        values["orderedCacheBehaviors"] = [_behavior(item) for item in _listed(values["orderedCacheBehaviors"])]
    if "origins" in values:
        values["origins"] = [_origin(item) for item in _listed(values["origins"])]
    logging = values.get("loggingConfig")
    if is_mapping(logging):
        values["loggingConfig"] = {"enabled": True, "includeCookies": False, "prefix": "", **logging}
    return values


def _disable(api: Api, state: Properties) -> None:
    """Only a disabled distribution can be deleted; disabling renews the ETag."""
    answer = api.call("GetDistributionConfig", {"Id": state["id"]})
    config = answer.get("DistributionConfig")
    state["etag"] = answer.get("ETag")
    if is_mapping(config) and config.get("Enabled"):
        disabled = {**config, "Enabled": False}
        changed = api.call(
            "UpdateDistribution", {"Id": state["id"], "IfMatch": state["etag"], "DistributionConfig": disabled}
        )
        state["etag"] = changed.get("ETag")


DISTRIBUTION = ResourceType(
    pulumi_type="aws:cloudfront/distribution:Distribution",
    service="cloudfront",
    create=Call(
        "CreateDistribution", bind={"DistributionConfig/CallerReference": "{nonce}"}, wrap="DistributionConfig"
    ),
    read=Call("GetDistribution", bind={"Id": "{distributionId}"}, properties="Distribution.DistributionConfig"),
    update=Call(
        "UpdateDistribution",
        bind={
            "Id": "{distributionId}",
            "IfMatch": "{etag}",
            "DistributionConfig/CallerReference": "{callerReference}",
        },
        wrap="DistributionConfig",
    ),
    delete=Call("DeleteDistribution", bind={"Id": "{distributionId}", "IfMatch": "{etag}"}),
    identity="{distributionId}",
    rename={
        "orderedCacheBehaviors": "CacheBehaviors",
        "loggingConfig": "Logging",
        "webAclId": "WebACLId",
    },
    nested={
        "Origin.originId": "Id",
        "OriginGroup.originId": "Id",
        "OriginCustomHeader.name": "HeaderName",
        "OriginCustomHeader.value": "HeaderValue",
        "GeoRestriction.locations": "Items",
    },
    local=frozenset({"retainOnDelete", "waitForDeployment"}),
    shape=_distribution,
    outputs={
        "distributionId": "Distribution.Id",
        "arn": "Distribution.ARN",
        "domainName": "Distribution.DomainName",
        "status": "Distribution.Status",
        "callerReference": "Distribution.DistributionConfig.CallerReference",
        "etag": "ETag",
    },
    known={"hostedZoneId": _ZONE},
    recorded={
        "distributionId": "E{nonce}",
        "arn": "arn:{partition}:cloudfront::{account}:distribution/E{nonce}",
        "domainName": "{nonce}.cloudfront.net",
        "status": "Deployed",
        "etag": "E{nonce}",
    },
    volatile=True,
    before_delete=_disable,
    tagging=Tagging(
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
        "Resource",
        tags="Tags/Items",
        keys="TagKeys/Items",
        listing="Tags.Items",
    ),
    regional=False,
)


def _configured(
    word: str,
    operations: str,
    *,
    config: str,
    limit: int = 128,
    caller: bool = False,
    nested: dict[str, str] | None = None,
    defaults: dict[str, object] | None = None,
    replace: frozenset[str] = frozenset(),
) -> ResourceType:
    """A CloudFront resource that is one configuration structure, guarded by an ETag."""
    of = {"Id": "{objectId}"}
    token = {f"{config}/CallerReference": "{nonce}"} if caller else {}
    kept = {f"{config}/CallerReference": "{callerReference}"} if caller else {}
    return ResourceType(
        pulumi_type=f"aws:cloudfront/{word[0].lower()}{word[1:]}:{word}",
        service="cloudfront",
        create=Call(f"Create{operations}", bind=token, wrap=config),
        read=Call(f"Get{operations}", bind=of, properties=f"{operations}.{config}"),
        update=Call(f"Update{operations}", bind={**of, "IfMatch": "{etag}", **kept}, wrap=config),
        delete=Call(f"Delete{operations}", bind={**of, "IfMatch": "{etag}"}),
        identity="{objectId}",
        nested=nested or {},
        naming=Naming(limit=limit),
        defaults=defaults or {},
        replace=replace,
        local=frozenset({"namePrefix"}),
        outputs={
            "objectId": f"{operations}.Id",
            "etag": "ETag",
            **({"callerReference": f"{operations}.{config}.CallerReference"} if caller else {}),
        },
        recorded={"objectId": "E{nonce}", "etag": "E{nonce}", "callerReference": "{nonce}"},
        volatile=True,
        regional=False,
    )


ACCESS_CONTROL = _configured(
    "OriginAccessControl",
    "OriginAccessControl",
    config="OriginAccessControlConfig",
    limit=64,
    defaults={"description": "Managed by Pulumi"},
)
PUBLIC_KEY = _configured(
    "PublicKey", "PublicKey", config="PublicKeyConfig", caller=True, replace=frozenset({"encodedKey", "name"})
)
KEY_GROUP = _configured("KeyGroup", "KeyGroup", config="KeyGroupConfig")
CACHE_POLICY = _configured(
    "CachePolicy", "CachePolicy", config="CachePolicyConfig", defaults={"minTtl": 0}, replace=frozenset({"name"})
)
REQUEST_POLICY = _configured(
    "OriginRequestPolicy", "OriginRequestPolicy", config="OriginRequestPolicyConfig", replace=frozenset({"name"})
)
RESPONSE_POLICY = _configured(
    "ResponseHeadersPolicy",
    "ResponseHeadersPolicy",
    config="ResponseHeadersPolicyConfig",
    replace=frozenset({"name"}),
)


def _publish(api: Api, state: Properties) -> None:
    """`publish` (the default) makes the new code the live one."""
    if state.get("publish") is not False:
        etag = api.call("DescribeFunction", {"Name": state["name"], "Stage": "DEVELOPMENT"}).get("ETag")
        api.call("PublishFunction", {"Name": state["name"], "IfMatch": etag})


def _commented(inputs: Properties) -> Properties:
    return {"comment": "", **inputs}


FUNCTION = ResourceType(
    pulumi_type="aws:cloudfront/function:Function",
    service="cloudfront",
    create=Call("CreateFunction"),
    read=Call("DescribeFunction", bind={"Name": "{name}", "Stage": "DEVELOPMENT"}, properties="FunctionSummary"),
    update=Call("UpdateFunction", bind={"IfMatch": "{etag}"}),
    delete=Call("DeleteFunction", bind={"Name": "{name}", "IfMatch": "{etag}"}),
    identity="{name}",
    rename={
        "comment": "FunctionConfig/Comment",
        "runtime": "FunctionConfig/Runtime",
        "keyValueStoreAssociations": "FunctionConfig/KeyValueStoreAssociations",
        "code": "FunctionCode",
    },
    nested={"KeyValueStoreAssociation.arn": "KeyValueStoreARN"},
    reads={"code": ""},
    local=frozenset({"publish"}),
    shape=_commented,
    naming=Naming(limit=64),
    replace=frozenset({"name"}),
    outputs={
        "etag": "ETag",
        "arn": "FunctionSummary.FunctionMetadata.FunctionARN",
        "status": "FunctionSummary.Status",
    },
    known={"arn": "arn:{partition}:cloudfront::{account}:function/{name}"},
    volatile=True,
    after_create=_publish,
    after_update=_publish,
    regional=False,
)

TYPES = (
    DISTRIBUTION,
    ACCESS_CONTROL,
    PUBLIC_KEY,
    KEY_GROUP,
    CACHE_POLICY,
    REQUEST_POLICY,
    RESPONSE_POLICY,
    FUNCTION,
)
