"""Delivery of media and page by CloudFront, from the buckets of the regions.

Owns the two distributions, their policies and functions, and the DNS names that lead to them. Does not own the buckets
(regions admit the account's distributions), the certificate, the firewall or the keys (``global``).

Which region's bucket a viewer is served from follows from the video, not from the viewer: its media lie in the home
cell of its bucket of ids, and the edges cache them wherever they are watched. So there is one media host, and a function
at the edge reads the bucket from the id and names that cell's origin, with its partner's as the stand-in
(``docs/adr/0003-cut-of-stacks.md``). The declared origin groups are the same pairs: one answers should a request come to
no function, and policies check them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from edge import functions
from regions import names
from regions.buckets import SHARD_MAP
from regions.catalogue import CATALOGUE, HOME_CODE, Region
from regions.names import PROJECT
from services.contracts.routes import MEDIA_PREFIX
from stacks.cdn_policies import CdnPolicies
from stacks.context import Context
from stacks.edge_logs import EdgeLogs
from stacks.exports import GlobalExports, RegionExports

READS = ("GET", "HEAD", "OPTIONS")
"""All that a behaviour in front of an origin group may allow."""
CACHED = ("GET", "HEAD")
CONNECTION_SECONDS = 2
CONNECTION_ATTEMPTS = 2
"""The defaults (10 s, three times) would let a viewer wait for half a minute before the stand-in is asked."""
PICTURES = f"{MEDIA_PREFIX}*/poster-*.jpg"
"""Needs no cookie even where playback is signed."""
TLS_POLICY = "TLSv1.2_2021"


@dataclass(frozen=True, kw_only=True)
class CdnArgs:
    """What delivery is made with."""

    shared: GlobalExports
    cells: Mapping[str, RegionExports]
    logs: EdgeLogs


class Cdn(pulumi.ComponentResource):
    """The distributions of media and page."""

    media: aws.cloudfront.Distribution
    page: aws.cloudfront.Distribution

    def __init__(self, name: str, ctx: Context, args: CdnArgs) -> None:
        super().__init__("meridian:steering:Cdn", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._home = next(region for region in CATALOGUE.regions if region.code == HOME_CODE)
        self._policies = CdnPolicies(f"{name}-policies", self._ctx, upload_origins=self._upload_origins())
        self._access = self._create_access_control()
        self.media = self._create_media()
        self.page = self._create_page()
        self._create_names("media", self._ctx.hosts.media, self.media)
        self._create_names("page", self._ctx.hosts.page, self.page)
        for kind, distribution in (("media", self.media), ("page", self.page)):
            args.logs.follow(kind, distribution)
        self.register_outputs({"media": self.media.domain_name, "page": self.page.domain_name})

    def _upload_origins(self) -> tuple[str, ...]:
        return tuple(
            f"https://{names.bucket(region, 'uploads', self._ctx.account)}.s3.{region.code}.amazonaws.com"
            for region in CATALOGUE.regions
        )

    def _create_access_control(self) -> aws.cloudfront.OriginAccessControl:
        return aws.cloudfront.OriginAccessControl(
            f"{self._name}-buckets",
            name=f"{PROJECT}-buckets",
            description="Signs what CloudFront asks S3 for",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._ctx.options(),
        )

    def _create_media(self) -> aws.cloudfront.Distribution:
        function = self._at_viewer_request("media", functions.media(SHARD_MAP, CATALOGUE))
        return self._create_distribution(
            "media",
            self._ctx.hosts.media,
            {name: cell.media_bucket_domain for name, cell in self._args.cells.items()},
            CATALOGUE.regions,
            aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
                target_origin_id=group_id(self._home),
                viewer_protocol_policy="https-only",
                allowed_methods=list(READS),
                cached_methods=list(CACHED),
                # Segments are compressed already.
                compress=False,
                cache_policy_id=self._policies.media_cache.id,
                origin_request_policy_id=self._policies.nothing_forwarded.id,
                response_headers_policy_id=self._policies.media_headers.id,
                trusted_key_groups=self._args.shared.key_group_ids,
                function_associations=[function],
            ),
            root=None,
            ordered=[
                # Lists show pictures of many videos, which no set of cookies covers.
                aws.cloudfront.DistributionOrderedCacheBehaviorArgs(
                    path_pattern=PICTURES,
                    target_origin_id=group_id(self._home),
                    viewer_protocol_policy="https-only",
                    allowed_methods=list(READS),
                    cached_methods=list(CACHED),
                    compress=False,
                    cache_policy_id=self._policies.media_cache.id,
                    origin_request_policy_id=self._policies.nothing_forwarded.id,
                    response_headers_policy_id=self._policies.media_headers.id,
                    function_associations=[
                        aws.cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArgs(
                            event_type=function.event_type, function_arn=function.function_arn
                        )
                    ],
                )
            ],
        )

    def _create_page(self) -> aws.cloudfront.Distribution:
        """The same page is deployed to every region; two of them suffice to serve it."""
        pair = (self._home, CATALOGUE.partner(self._home))
        return self._create_distribution(
            "page",
            self._ctx.hosts.page,
            {region.name: self._args.cells[region.name].page_bucket_domain for region in pair},
            (self._home,),
            aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
                target_origin_id=group_id(self._home),
                viewer_protocol_policy="redirect-to-https",
                allowed_methods=list(READS),
                cached_methods=list(CACHED),
                compress=True,
                cache_policy_id=self._policies.page_cache.id,
                origin_request_policy_id=self._policies.nothing_forwarded.id,
                response_headers_policy_id=self._policies.page_headers.id,
                function_associations=[self._at_viewer_request("page", functions.page())],
            ),
            root="index.html",
        )

    def _at_viewer_request(
        self, kind: str, code: str
    ) -> aws.cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs:
        function = aws.cloudfront.Function(
            f"{self._name}-{kind}",
            name=f"{PROJECT}-{kind}",
            runtime="cloudfront-js-2.0",
            comment=f"Requests for {kind}",
            code=code,
            publish=True,
            opts=self._ctx.options(),
        )
        return aws.cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs(
            event_type="viewer-request", function_arn=function.arn
        )

    def _create_distribution(
        self,
        kind: str,
        host: str,
        domains: Mapping[str, pulumi.Input[str]],
        grouped: Sequence[Region],
        behaviour: aws.cloudfront.DistributionDefaultCacheBehaviorArgs,
        *,
        root: str | None,
        ordered: Sequence[aws.cloudfront.DistributionOrderedCacheBehaviorArgs] = (),
    ) -> aws.cloudfront.Distribution:
        return aws.cloudfront.Distribution(
            f"{self._name}-{kind}",
            enabled=True,
            comment=f"{kind} of {self._ctx.config.domain}",
            aliases=[host],
            origins=[self._origin(region, domain) for region, domain in domains.items()],
            origin_groups=[_group(region) for region in grouped],
            default_cache_behavior=behaviour,
            ordered_cache_behaviors=list(ordered) or None,
            default_root_object=root,
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class="PriceClass_All",
            web_acl_id=self._args.shared.firewall_arn,
            viewer_certificate=aws.cloudfront.DistributionViewerCertificateArgs(
                acm_certificate_arn=self._args.shared.certificate_arn,
                ssl_support_method="sni-only",
                minimum_protocol_version=TLS_POLICY,
            ),
            restrictions=aws.cloudfront.DistributionRestrictionsArgs(
                geo_restriction=aws.cloudfront.DistributionRestrictionsGeoRestrictionArgs(restriction_type="none")
            ),
            tags=self._ctx.named(kind),
            opts=self._ctx.stateful(),
        )

    def _origin(self, region: str, domain: pulumi.Input[str]) -> aws.cloudfront.DistributionOriginArgs:
        """By the bucket's regional name: the global one answers with redirects."""
        return aws.cloudfront.DistributionOriginArgs(
            origin_id=region,
            domain_name=domain,
            origin_access_control_id=self._access.id,
            connection_timeout=CONNECTION_SECONDS,
            connection_attempts=CONNECTION_ATTEMPTS,
        )

    def _create_names(self, kind: str, host: str, distribution: aws.cloudfront.Distribution) -> None:
        """CloudFront has no health that Route 53 could look at."""
        for record_type in ("A", "AAAA"):
            aws.route53.Record(
                f"{self._name}-{kind}-{record_type}",
                zone_id=self._args.shared.zone_id,
                name=host,
                type=record_type,
                aliases=[
                    aws.route53.RecordAliasArgs(
                        name=distribution.domain_name,
                        zone_id=distribution.hosted_zone_id,
                        evaluate_target_health=False,
                    )
                ],
                opts=self._ctx.options(),
            )


def group_id(region: Region) -> str:
    """Id of the origin group of ``region`` and its partner."""
    return f"{region.name}-or-{region.partner}"


def _group(region: Region) -> aws.cloudfront.DistributionOriginGroupArgs:
    return aws.cloudfront.DistributionOriginGroupArgs(
        origin_id=group_id(region),
        failover_criteria=aws.cloudfront.DistributionOriginGroupFailoverCriteriaArgs(
            status_codes=list(functions.FAILOVER_STATUS)
        ),
        members=[
            aws.cloudfront.DistributionOriginGroupMemberArgs(origin_id=member)
            for member in (region.name, region.partner)
        ],
    )
