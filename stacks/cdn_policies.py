"""Policies of the distributions: what is a cache key, what origins see, which headers viewers get. Owns no behaviour."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from regions.names import PROJECT, Hosts
from stacks.context import Context

DAY = 86_400
YEAR = 365 * DAY


class CdnPolicies(pulumi.ComponentResource):
    """Cache, origin-request and response-headers policies of media and page."""

    media_cache: aws.cloudfront.CachePolicy
    page_cache: aws.cloudfront.CachePolicy
    nothing_forwarded: aws.cloudfront.OriginRequestPolicy
    media_headers: aws.cloudfront.ResponseHeadersPolicy
    page_headers: aws.cloudfront.ResponseHeadersPolicy

    def __init__(self, name: str, ctx: Context, *, upload_origins: tuple[str, ...]) -> None:
        super().__init__("meridian:steering:CdnPolicies", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        # The transcoder gives every object a name of its own and says that it never changes.
        self.media_cache = self._create_cache("media", default=DAY, most=YEAR, compressed=False)
        # Assets carry a hash in their name; the document says itself that it is to be asked for again.
        self.page_cache = self._create_cache("page", default=60, most=YEAR, compressed=True)
        self.nothing_forwarded = self._create_origin_request()
        self.media_headers = self._create_media_headers()
        self.page_headers = self._create_page_headers(upload_origins)
        self.register_outputs({})

    def _create_cache(self, kind: str, *, default: int, most: int, compressed: bool) -> aws.cloudfront.CachePolicy:
        """Neither cookies nor headers nor the query make a different object; signed cookies are checked before."""
        policy = aws.cloudfront
        return aws.cloudfront.CachePolicy(
            f"{self._name}-{kind}",
            name=f"{PROJECT}-{kind}",
            comment=f"Objects of {kind} by path alone",
            min_ttl=0,
            default_ttl=default,
            max_ttl=most,
            parameters_in_cache_key_and_forwarded_to_origin=policy.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs(
                cookies_config=policy.CachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfigArgs(
                    cookie_behavior="none"
                ),
                headers_config=policy.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigArgs(
                    header_behavior="none"
                ),
                query_strings_config=policy.CachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigArgs(
                    query_string_behavior="none"
                ),
                enable_accept_encoding_brotli=compressed,
                enable_accept_encoding_gzip=compressed,
            ),
            opts=self._ctx.options(),
        )

    def _create_origin_request(self) -> aws.cloudfront.OriginRequestPolicy:
        """A viewer's Host would make S3 look for a bucket of that name, and no origin needs anything else of it."""
        return aws.cloudfront.OriginRequestPolicy(
            f"{self._name}-nothing",
            name=f"{PROJECT}-nothing",
            comment="Buckets see nothing of a viewer's request but its path",
            cookies_config=aws.cloudfront.OriginRequestPolicyCookiesConfigArgs(cookie_behavior="none"),
            headers_config=aws.cloudfront.OriginRequestPolicyHeadersConfigArgs(header_behavior="none"),
            query_strings_config=aws.cloudfront.OriginRequestPolicyQueryStringsConfigArgs(query_string_behavior="none"),
            opts=self._ctx.options(),
        )

    def _create_media_headers(self) -> aws.cloudfront.ResponseHeadersPolicy:
        """The page plays from another host, and sends playback cookies if there are any."""
        policy = aws.cloudfront
        return aws.cloudfront.ResponseHeadersPolicy(
            f"{self._name}-media",
            name=f"{PROJECT}-media",
            comment="The page may read media",
            cors_config=policy.ResponseHeadersPolicyCorsConfigArgs(
                access_control_allow_credentials=True,
                access_control_allow_origins=policy.ResponseHeadersPolicyCorsConfigAccessControlAllowOriginsArgs(
                    items=[f"https://{self._ctx.hosts.page}"]
                ),
                access_control_allow_methods=policy.ResponseHeadersPolicyCorsConfigAccessControlAllowMethodsArgs(
                    items=["GET", "HEAD", "OPTIONS"]
                ),
                access_control_allow_headers=policy.ResponseHeadersPolicyCorsConfigAccessControlAllowHeadersArgs(
                    items=["Range"]
                ),
                access_control_expose_headers=policy.ResponseHeadersPolicyCorsConfigAccessControlExposeHeadersArgs(
                    items=["Content-Length", "Content-Range"]
                ),
                access_control_max_age_sec=DAY,
                origin_override=True,
            ),
            security_headers_config=self._security(None),
            opts=self._ctx.options(),
        )

    def _create_page_headers(self, upload_origins: tuple[str, ...]) -> aws.cloudfront.ResponseHeadersPolicy:
        return aws.cloudfront.ResponseHeadersPolicy(
            f"{self._name}-page",
            name=f"{PROJECT}-page",
            comment="What the page may load, and who may frame it",
            security_headers_config=self._security(content_security_policy(self._ctx.hosts, upload_origins)),
            opts=self._ctx.options(),
        )

    def _security(self, content: str | None) -> aws.cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs:
        policy = aws.cloudfront
        return policy.ResponseHeadersPolicySecurityHeadersConfigArgs(
            content_security_policy=None
            if content is None
            else policy.ResponseHeadersPolicySecurityHeadersConfigContentSecurityPolicyArgs(
                content_security_policy=content, override=True
            ),
            content_type_options=policy.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs(override=True),
            frame_options=policy.ResponseHeadersPolicySecurityHeadersConfigFrameOptionsArgs(
                frame_option="DENY", override=True
            ),
            referrer_policy=policy.ResponseHeadersPolicySecurityHeadersConfigReferrerPolicyArgs(
                referrer_policy="strict-origin-when-cross-origin", override=True
            ),
            strict_transport_security=policy.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs(
                access_control_max_age_sec=2 * YEAR, include_subdomains=True, preload=True, override=True
            ),
        )


def content_security_policy(hosts: Hosts, upload_origins: tuple[str, ...]) -> str:
    """What the page may load and talk to: itself, the API, media, and the buckets that take uploads."""
    media = f"https://{hosts.media}"
    rules = {
        "default-src": ["'self'"],
        "connect-src": ["'self'", f"https://{hosts.api}", f"wss://{hosts.api}", media, *upload_origins],
        "img-src": ["'self'", "data:", "blob:", media],
        "media-src": ["'self'", "blob:", media],
        "worker-src": ["'self'", "blob:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{directive} {' '.join(sources)}" for directive, sources in rules.items())
