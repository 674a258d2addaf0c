"""The domain: its public zone, who may issue certificates for it, and the certificate that CloudFront shows.

Owns the zone and the one validation record, which certificates of every region share (ACM derives it from account
and domain). Does not own any record that leads to a region (``steering``, ``cdn``).
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from regions.catalogue import EDGE_CODE
from stacks.context import Context

CAA_TTL_SECONDS = 3600
VALIDATION_TTL_SECONDS = 300


class Domain(pulumi.ComponentResource):
    """Zone and viewer certificate of the deployment's domain."""

    zone: aws.route53.Zone
    certificate: aws.acm.Certificate
    validation: aws.acm.CertificateValidation

    def __init__(self, name: str, ctx: Context) -> None:
        super().__init__("meridian:global:Domain", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._domain = ctx.config.domain
        self.zone = self._create_zone()
        self._create_issuer_record()
        self.certificate = self._create_certificate()
        self.validation = self._create_validation()
        self.register_outputs({"zone_id": self.zone.zone_id, "certificate_arn": self.validation.certificate_arn})

    def _create_zone(self) -> aws.route53.Zone:
        """Accelerated recovery keeps record changes possible while us-east-1, which holds the control plane, is out."""
        return aws.route53.Zone(
            "zone",
            name=self._domain,
            comment="Public names of the platform",
            enable_accelerated_recovery=True,
            force_destroy=not self._ctx.protect,
            tags=self._ctx.named("zone"),
            opts=self._ctx.stateful(),
        )

    def _create_issuer_record(self) -> aws.route53.Record:
        return aws.route53.Record(
            "issuers",
            zone_id=self.zone.zone_id,
            name=self._domain,
            type="CAA",
            ttl=CAA_TTL_SECONDS,
            records=['0 issue "amazon.com"', '0 issuewild "amazon.com"'],
            opts=self._ctx.options(),
        )

    def _create_certificate(self) -> aws.acm.Certificate:
        """CloudFront reads certificates from us-east-1 only."""
        return aws.acm.Certificate(
            "viewers",
            region=EDGE_CODE,
            domain_name=self._domain,
            subject_alternative_names=[f"*.{self._domain}"],
            validation_method="DNS",
            key_algorithm="EC_prime256v1",
            tags=self._ctx.named("viewers"),
            opts=self._ctx.options(),
        )

    def _create_validation(self) -> aws.acm.CertificateValidation:
        """The domain and its wildcard are proved by the same record, so there is one."""
        proof = self.certificate.domain_validation_options[0]
        record = aws.route53.Record(
            "validation",
            zone_id=self.zone.zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            ttl=VALIDATION_TTL_SECONDS,
            records=[proof.resource_record_value],
            opts=self._ctx.options(),
        )
        return aws.acm.CertificateValidation(
            "viewers",
            region=EDGE_CODE,
            certificate_arn=self.certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=self._ctx.options(),
        )
