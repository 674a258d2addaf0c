"""The public entrance of a region: load balancer, certificate, listeners, target groups, DNS names, health check.

Owns what ``origin-<region>`` resolves to. Does not own which people come here (``steering``)
nor the pods behind the target groups: the cluster binds them by a TargetGroupBinding, because a balancer that the
cluster's controller makes would be outside this program's state, and DNS, firewall and steering need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import names
from regions.addresses import plan
from services.contracts.health import CELL_PATH, PRIVATE_PATHS, READY_PATH
from services.contracts.routes import REALTIME_PREFIX
from services.contracts.workloads import PORT
from stacks.context import CellContext
from stacks.security import Ingress, security_group

IDLE_SECONDS = 120
"""Longer than the ping of a WebSocket (25 s in Socket.IO), so that quiet sockets live."""
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


@dataclass(frozen=True, kw_only=True)
class BalancerArgs:
    """What an entrance is made with."""

    vpc_id: pulumi.Output[str]
    subnet_ids: Sequence[pulumi.Output[str]]
    zone_id: pulumi.Output[str]


class Balancer(pulumi.ComponentResource):
    """One region's entrance."""

    balancer: aws.lb.LoadBalancer
    security_group_id: pulumi.Output[str]
    gateway: aws.lb.TargetGroup
    realtime: aws.lb.TargetGroup
    health_check: aws.route53.HealthCheck

    def __init__(self, name: str, ctx: CellContext, args: BalancerArgs) -> None:
        super().__init__("meridian:region:Balancer", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self.security_group_id = self._create_security_group()
        self.balancer = self._create_balancer(self.security_group_id)
        self.gateway = self._create_target_group("gateway", deregistration_seconds=30)
        self.realtime = self._create_target_group("realtime", deregistration_seconds=60, sticky=True)
        certificate_arn = self._create_certificate()
        self._create_listeners(certificate_arn)
        self._create_origin_record()
        self.health_check = self._create_health_check()
        self.register_outputs({"dnsName": self.balancer.dns_name})

    @property
    def host(self) -> str:
        """The region's own name."""
        return self._ctx.hosts.origin(self._ctx.cell)

    def _create_security_group(self) -> pulumi.Output[str]:
        network = plan(self._ctx.cell)
        group = security_group(
            self._ctx,
            self._name,
            vpc_id=self._args.vpc_id,
            description="Public load balancer",
            ingress=[
                Ingress("https", "TLS from everywhere", "0.0.0.0/0", 443),
                Ingress("http", "Redirected to TLS", "0.0.0.0/0", 80),
            ],
            egress=[str(block) for block in network.private],
        )
        return group.id

    def _create_balancer(self, security_group_id: pulumi.Output[str]) -> aws.lb.LoadBalancer:
        return aws.lb.LoadBalancer(
            self._name,
            name=names.load_balancer(self._ctx.cell),
            load_balancer_type="application",
            internal=False,
            subnets=list(self._args.subnet_ids),
            security_groups=[security_group_id],
            idle_timeout=IDLE_SECONDS,
            enable_deletion_protection=self._ctx.protect,
            enable_zonal_shift=True,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="strictest",
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.stateful(),
        )

    def _create_target_group(
        self, kind: str, *, deregistration_seconds: int, sticky: bool = False
    ) -> aws.lb.TargetGroup:
        # Port, protocol and target type cannot change, so the name is left to the engine: the new group comes first.
        return aws.lb.TargetGroup(
            f"{self._name}-{kind}",
            name_prefix=f"{kind[:5]}-",
            vpc_id=self._args.vpc_id,
            port=PORT,
            protocol="HTTP",
            target_type="ip",
            deregistration_delay=deregistration_seconds,
            load_balancing_algorithm_type="least_outstanding_requests",
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                path=READY_PATH,
                protocol="HTTP",
                matcher="200",
                interval=10,
                timeout=5,
                healthy_threshold=2,
                unhealthy_threshold=3,
            ),
            # A Socket.IO session over HTTP polling must stay with the process that holds it.
            stickiness=aws.lb.TargetGroupStickinessArgs(type="lb_cookie", enabled=sticky, cookie_duration=86_400),
            region=self._ctx.region,
            # Auto Mode may register targets in groups that carry the tag of its cluster.
            tags={**self._ctx.tags, "eks:eks-cluster-name": names.cluster(self._ctx.cell)},
            opts=self._ctx.options(),
        )

    def _create_certificate(self) -> pulumi.Output[str]:
        """For the domain and its wildcard, so for the region's own name and the API's.

        ACM derives the validation record from account and domain; ``global`` has made it, so here it is only waited for.
        """
        certificate = aws.acm.Certificate(
            self._name,
            domain_name=self._ctx.config.domain,
            subject_alternative_names=[f"*.{self._ctx.config.domain}"],
            validation_method="DNS",
            key_algorithm="EC_prime256v1",
            region=self._ctx.region,
            tags=self._ctx.named("certificate"),
            opts=self._ctx.options(),
        )
        validation = aws.acm.CertificateValidation(
            self._name,
            certificate_arn=certificate.arn,
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        return validation.certificate_arn

    def _create_listeners(self, certificate_arn: pulumi.Output[str]) -> None:
        aws.lb.Listener(
            f"{self._name}-redirect",
            load_balancer_arn=self.balancer.arn,
            port=80,
            protocol="HTTP",
            default_actions=[
                aws.lb.ListenerDefaultActionArgs(
                    type="redirect",
                    redirect=aws.lb.ListenerDefaultActionRedirectArgs(
                        port="443", protocol="HTTPS", status_code="HTTP_301"
                    ),
                )
            ],
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        listener = aws.lb.Listener(
            f"{self._name}-tls",
            load_balancer_arn=self.balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=certificate_arn,
            default_actions=[aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=self.gateway.arn)],
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        aws.lb.ListenerRule(
            f"{self._name}-realtime",
            listener_arn=listener.arn,
            priority=10,
            conditions=[
                aws.lb.ListenerRuleConditionArgs(
                    path_pattern=aws.lb.ListenerRuleConditionPathPatternArgs(values=[f"{REALTIME_PREFIX}*"])
                )
            ],
            actions=[aws.lb.ListenerRuleActionArgs(type="forward", target_group_arn=self.realtime.arn)],
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        aws.lb.ListenerRule(
            f"{self._name}-private",
            listener_arn=listener.arn,
            priority=20,
            conditions=[
                aws.lb.ListenerRuleConditionArgs(
                    path_pattern=aws.lb.ListenerRuleConditionPathPatternArgs(values=list(PRIVATE_PATHS))
                )
            ],
            actions=[
                aws.lb.ListenerRuleActionArgs(
                    type="fixed-response",
                    fixed_response=aws.lb.ListenerRuleActionFixedResponseArgs(
                        content_type="text/plain", message_body="not found", status_code="404"
                    ),
                )
            ],
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )

    def _create_origin_record(self) -> None:
        # No look at the targets' health here: steering decides by the health check, and a target group that happens
        # to be empty would count as unhealthy.
        aws.route53.Record(
            f"{self._name}-origin",
            zone_id=self._args.zone_id,
            name=self.host,
            type="A",
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=self.balancer.dns_name, zone_id=self.balancer.zone_id, evaluate_target_health=False
                )
            ],
            opts=self._ctx.options(),
        )

    def _create_health_check(self) -> aws.route53.HealthCheck:
        return aws.route53.HealthCheck(
            f"{self._name}-health",
            type="HTTPS",
            fqdn=self.host,
            port=443,
            resource_path=CELL_PATH,
            request_interval=10,
            failure_threshold=3,
            measure_latency=True,
            enable_sni=True,
            regions=list(self._ctx.cell.health_checkers),
            tags=self._ctx.named("health"),
            opts=self._ctx.options(),
        )
