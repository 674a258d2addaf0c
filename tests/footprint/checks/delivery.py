"""Checks of content delivery: distributions, their policies and functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.footprint.asking import Ask, Check

_BEHAVIOUR: Final = """{allowedMethods: AllowedMethods.Items, cachedMethods: AllowedMethods.CachedMethods.Items,
    cachePolicyId: CachePolicyId, compress: Compress, originRequestPolicyId: OriginRequestPolicyId,
    responseHeadersPolicyId: ResponseHeadersPolicyId, targetOriginId: TargetOriginId,
    viewerProtocolPolicy: ViewerProtocolPolicy, trustedKeyGroups: TrustedKeyGroups.Items,
    functionAssociations: FunctionAssociations.Items[].{eventType: EventType, functionArn: FunctionARN}}"""
_ORDERED: Final = f"CacheBehaviors.Items[].{{pathPattern: PathPattern, {_BEHAVIOUR[1:]}"
_DISTRIBUTION: Final = {
    "aliases": "Aliases.Items",
    "comment": "Comment",
    "defaultCacheBehavior": f"DefaultCacheBehavior.{_BEHAVIOUR}",
    "defaultRootObject": "DefaultRootObject",
    "enabled": "Enabled",
    "httpVersion": "HttpVersion",
    "isIpv6Enabled": "IsIPV6Enabled",
    "orderedCacheBehaviors": _ORDERED,
    "originGroups": "OriginGroups.Items[].{originId: Id, members: Members.Items[].{originId: OriginId},"
    " failoverCriteria: FailoverCriteria.{statusCodes: StatusCodes.Items}}",
    "origins": "Origins.Items[].{originId: Id, domainName: DomainName, originAccessControlId: OriginAccessControlId,"
    " connectionAttempts: ConnectionAttempts, connectionTimeout: ConnectionTimeout}",
    "priceClass": "PriceClass",
    "restrictions": "Restrictions.{geoRestriction: GeoRestriction.{restrictionType: RestrictionType}}",
    "viewerCertificate": "ViewerCertificate.{acmCertificateArn: ACMCertificateArn,"
    " minimumProtocolVersion: MinimumProtocolVersion, sslSupportMethod: SSLSupportMethod}",
    "webAclId": "WebACLId",
}
_SECURITY: Final = """SecurityHeadersConfig.{
    contentSecurityPolicy: ContentSecurityPolicy.{contentSecurityPolicy: ContentSecurityPolicy, override: Override},
    contentTypeOptions: ContentTypeOptions.{override: Override},
    frameOptions: FrameOptions.{frameOption: FrameOption, override: Override},
    referrerPolicy: ReferrerPolicy.{referrerPolicy: ReferrerPolicy, override: Override},
    strictTransportSecurity: StrictTransportSecurity.{accessControlMaxAgeSec: AccessControlMaxAgeSec,
        includeSubdomains: IncludeSubdomains, override: Override, preload: Preload}}"""
_CORS: Final = """CorsConfig.{accessControlAllowCredentials: AccessControlAllowCredentials,
    accessControlAllowHeaders: AccessControlAllowHeaders.{items: Items},
    accessControlAllowMethods: AccessControlAllowMethods.{items: Items},
    accessControlAllowOrigins: AccessControlAllowOrigins.{items: Items},
    accessControlExposeHeaders: AccessControlExposeHeaders.{items: Items},
    accessControlMaxAgeSec: AccessControlMaxAgeSec, originOverride: OriginOverride}"""
_BEHAVIOURS: Final = {
    "cookiesConfig": "CookiesConfig.{cookieBehavior: CookieBehavior}",
    "headersConfig": "HeadersConfig.{headerBehavior: HeaderBehavior}",
    "queryStringsConfig": "QueryStringsConfig.{queryStringBehavior: QueryStringBehavior}",
}
_CACHE_KEY: Final = (
    "ParametersInCacheKeyAndForwardedToOrigin.{"
    + ", ".join(
        [
            *(f"{name}: {how}" for name, how in _BEHAVIOURS.items()),
            "enableAcceptEncodingBrotli: EnableAcceptEncodingBrotli",
            "enableAcceptEncodingGzip: EnableAcceptEncodingGzip",
        ]
    )
    + "}"
)


def _cloudfront(operation: str, root: str, **finds: str) -> Ask:
    """A configuration by the id that CloudFront gave it."""
    return Ask("cloudfront", operation, {"Id": "<id>"}, {name: f"{root}.{how}" for name, how in finds.items()})


CHECKS: Final[Mapping[str, Check]] = {
    "aws:cloudfront/originAccessControl:OriginAccessControl": Check(
        (
            _cloudfront(
                "get_origin_access_control",
                "OriginAccessControl.OriginAccessControlConfig",
                name="Name",
                description="Description",
                originAccessControlOriginType="OriginAccessControlOriginType",
                signingBehavior="SigningBehavior",
                signingProtocol="SigningProtocol",
            ),
        )
    ),
    "aws:cloudfront/distribution:Distribution": Check(
        (
            _cloudfront("get_distribution_config", "DistributionConfig", **_DISTRIBUTION),
            Ask("cloudfront", "list_tags_for_resource", {"Resource": "<arn>"}, {"tags": "Tags.Items"}),
        )
    ),
    "aws:cloudfront/function:Function": Check(
        (
            Ask(
                "cloudfront",
                "describe_function",
                {"Name": "<name>", "Stage": "LIVE"},
                {
                    "name": "FunctionSummary.Name",
                    "comment": "FunctionSummary.FunctionConfig.Comment",
                    "runtime": "FunctionSummary.FunctionConfig.Runtime",
                    "publish": "FunctionSummary.FunctionMetadata.Stage == 'LIVE'",
                },
            ),
            Ask("cloudfront", "get_function", {"Name": "<name>", "Stage": "LIVE"}, {"code": "FunctionCode"}),
        )
    ),
    "aws:cloudfront/cachePolicy:CachePolicy": Check(
        (
            _cloudfront(
                "get_cache_policy",
                "CachePolicy.CachePolicyConfig",
                name="Name",
                comment="Comment",
                defaultTtl="DefaultTTL",
                minTtl="MinTTL",
                maxTtl="MaxTTL",
                parametersInCacheKeyAndForwardedToOrigin=_CACHE_KEY,
            ),
        )
    ),
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": Check(
        (
            _cloudfront(
                "get_origin_request_policy",
                "OriginRequestPolicy.OriginRequestPolicyConfig",
                name="Name",
                comment="Comment",
                **_BEHAVIOURS,
            ),
        )
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": Check(
        (
            _cloudfront(
                "get_response_headers_policy",
                "ResponseHeadersPolicy.ResponseHeadersPolicyConfig",
                name="Name",
                comment="Comment",
                corsConfig=_CORS,
                securityHeadersConfig=_SECURITY,
            ),
        )
    ),
}
