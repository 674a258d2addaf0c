"""Elastic Load Balancing v2: load balancers, target groups, listeners, rules.  Flattening: `lb_shapes`."""

from __future__ import annotations

from local.aws.engine.derive import part
from local.aws.engine.spec import Call, Facet, Naming, ResourceType, Tagging
from local.aws.services import lb_shapes

_TAGGING = Tagging(
    "AddTags", "RemoveTags", "DescribeTags", "ResourceArns", of="{arn}", listing="TagDescriptions[0].Tags"
)


def _attributes(names: dict[str, str]) -> dict[str, str]:
    return {name: f"Attributes/{key}" for name, key in names.items()}


BALANCER = ResourceType(
    pulumi_type="aws:lb/loadBalancer:LoadBalancer",
    service="elbv2",
    cfn="AWS::ElasticLoadBalancingV2::LoadBalancer",
    create=Call("CreateLoadBalancer", root="LoadBalancers[0]"),
    read=Call("DescribeLoadBalancers", bind={"LoadBalancerArns": "{arn}"}, root="LoadBalancers[0]"),
    delete=Call("DeleteLoadBalancer", bind={"LoadBalancerArn": "{arn}"}),
    identity="{arn}",
    rename={"internal": "Scheme", "loadBalancerType": "Type"},
    reads={"subnets": "=AvailabilityZones[].SubnetId", "subnetMappings": "=AvailabilityZones[].{SubnetId: SubnetId}"},
    naming=Naming(limit=32),
    local=frozenset({"namePrefix"}),
    shape=lb_shapes.balancer,
    outputs={"arn": "LoadBalancerArn", "dnsName": "DNSName", "zoneId": "CanonicalHostedZoneId", "vpcId": "VpcId"},
    recorded={
        "arn": "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{nonce}",
        "dnsName": "{name}.{region}.elb.amazonaws.com",
        "zoneId": "Z0000000000000",
    },
    derived={"arnSuffix": lb_shapes.balancer_suffix},
    known={"arnSuffix": "{arnSuffix}"},
    facets=(
        Facet(
            tuple(lb_shapes.BALANCER_ATTRIBUTES),
            put=Call("ModifyLoadBalancerAttributes", bind={"LoadBalancerArn": "{arn}"}),
            get=Call("DescribeLoadBalancerAttributes", bind={"LoadBalancerArn": "{arn}"}),
            rename=_attributes(lb_shapes.BALANCER_ATTRIBUTES),
        ),
        Facet(("securityGroups",), put=Call("SetSecurityGroups", bind={"LoadBalancerArn": "{arn}"}), late=True),
        Facet(("subnets",), put=Call("SetSubnets", bind={"LoadBalancerArn": "{arn}"}), late=True),
        Facet(("ipAddressType",), put=Call("SetIpAddressType", bind={"LoadBalancerArn": "{arn}"}), late=True),
    ),
    ready=("State.Code", ("active", "provisioning")),
    tagging=_TAGGING,
)

TARGET_GROUP = ResourceType(
    pulumi_type="aws:lb/targetGroup:TargetGroup",
    service="elbv2",
    cfn="AWS::ElasticLoadBalancingV2::TargetGroup",
    create=Call("CreateTargetGroup", root="TargetGroups[0]"),
    read=Call("DescribeTargetGroups", bind={"TargetGroupArns": "{arn}"}, root="TargetGroups[0]"),
    update=Call("ModifyTargetGroup", bind={"TargetGroupArn": "{arn}"}),
    delete=Call("DeleteTargetGroup", bind={"TargetGroupArn": "{arn}"}),
    identity="{arn}",
    reads={"healthCheck": lb_shapes.HEALTH_CHECK_READ},
    naming=Naming(limit=32),
    local=frozenset({"namePrefix"}),
    shape=lb_shapes.target_group,
    in_place=frozenset({"healthCheck"}),
    outputs={"arn": "TargetGroupArn", "loadBalancerArns": "LoadBalancerArns"},
    recorded={"arn": "arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{nonce}"},
    derived={"arnSuffix": part("arn", ":", 5)},
    known={"arnSuffix": "{arnSuffix}"},
    facets=(
        Facet(
            tuple(lb_shapes.TARGET_ATTRIBUTES),
            put=Call("ModifyTargetGroupAttributes", bind={"TargetGroupArn": "{arn}"}),
            get=Call("DescribeTargetGroupAttributes", bind={"TargetGroupArn": "{arn}"}),
            rename=_attributes(lb_shapes.TARGET_ATTRIBUTES),
        ),
    ),
    tagging=_TAGGING,
)

_ACTION = {
    "Action.forward": "ForwardConfig",
    "Action.redirect": "RedirectConfig",
    "Action.fixedResponse": "FixedResponseConfig",
    "Action.authenticateOidc": "AuthenticateOidcConfig",
    "Action.authenticateCognito": "AuthenticateCognitoConfig",
    "Action.jwtValidation": "JwtValidationConfig",
    "ForwardActionConfig.stickiness": "TargetGroupStickinessConfig",
    "TargetGroupStickinessConfig.duration": "DurationSeconds",
    "TargetGroupTuple.arn": "TargetGroupArn",
}

LISTENER = ResourceType(
    pulumi_type="aws:lb/listener:Listener",
    service="elbv2",
    cfn="AWS::ElasticLoadBalancingV2::Listener",
    create=Call("CreateListener", root="Listeners[0]"),
    read=Call("DescribeListeners", bind={"ListenerArns": "{arn}"}, root="Listeners[0]"),
    update=Call("ModifyListener", bind={"ListenerArn": "{arn}"}),
    delete=Call("DeleteListener", bind={"ListenerArn": "{arn}"}),
    identity="{arn}",
    rename={"certificateArn": "Certificates/0/CertificateArn"},
    nested=_ACTION,
    outputs={"arn": "ListenerArn"},
    recorded={"arn": "{loadBalancerArn}/listener/{nonce}"},
    facets=(
        Facet(
            tuple(lb_shapes.LISTENER_ATTRIBUTES),
            put=Call("ModifyListenerAttributes", bind={"ListenerArn": "{arn}"}),
            get=Call("DescribeListenerAttributes", bind={"ListenerArn": "{arn}"}),
            rename=_attributes(lb_shapes.LISTENER_ATTRIBUTES),
        ),
    ),
    tagging=_TAGGING,
)

RULE = ResourceType(
    pulumi_type="aws:lb/listenerRule:ListenerRule",
    service="elbv2",
    cfn="AWS::ElasticLoadBalancingV2::ListenerRule",
    create=Call("CreateRule", root="Rules[0]"),
    read=Call("DescribeRules", bind={"RuleArns": "{arn}"}, root="Rules[0]"),
    update=Call("ModifyRule", bind={"RuleArn": "{arn}"}),
    delete=Call("DeleteRule", bind={"RuleArn": "{arn}"}),
    identity="{arn}",
    nested={
        **_ACTION,
        "RuleCondition.hostHeader": "HostHeaderConfig",
        "RuleCondition.httpHeader": "HttpHeaderConfig",
        "RuleCondition.httpRequestMethod": "HttpRequestMethodConfig",
        "RuleCondition.pathPattern": "PathPatternConfig",
        "RuleCondition.queryStrings": "QueryStringConfig/Values",
        "RuleCondition.sourceIp": "SourceIpConfig",
    },
    shape=lb_shapes.rule,
    outputs={"arn": "RuleArn"},
    recorded={"arn": "{listenerArn}/rule/{nonce}"},
    facets=(
        Facet(
            ("priority",),
            put=Call("SetRulePriorities", bind={"RulePriorities/0/RuleArn": "{arn}"}),
            rename={"priority": "RulePriorities/0/Priority"},
            late=True,
        ),
    ),
    reads={"priority": "Priority"},
    tagging=_TAGGING,
)

TYPES = (BALANCER, TARGET_GROUP, LISTENER, RULE)
