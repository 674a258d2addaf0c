"""How the provider's blocks of load balancers become the API's flat parameters and string attributes.

Attribute keys: the Elastic Load Balancing API reference, LoadBalancerAttribute, TargetGroupAttribute and
ListenerAttribute.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.aws.engine.wire import UNKNOWN, Properties, Unknown, is_list, is_mapping

_LOGS = {
    f"{block}{member[0].upper()}{member[1:]}": f"{key}.s3.{member}"
    for block, key in (("accessLogs", "access_logs"), ("connectionLogs", "connection_logs"))
    for member in ("enabled", "bucket", "prefix")
}
BALANCER_ATTRIBUTES = {
    "clientKeepAlive": "client_keep_alive.seconds",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableTlsVersionAndCipherSuiteHeaders": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "enableWafFailOpen": "waf.fail_open.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
    **_LOGS,
}
_STICKINESS = {
    "stickinessEnabled": "stickiness.enabled",
    "stickinessType": "stickiness.type",
    "stickinessCookieDuration": "stickiness.lb_cookie.duration_seconds",
    "stickinessCookieName": "stickiness.app_cookie.cookie_name",
}
_HEALTH = "target_group_health"
_GROUP_HEALTH = {
    "dnsFailoverMinimumHealthyTargetsCount": f"{_HEALTH}.dns_failover.minimum_healthy_targets.count",
    "dnsFailoverMinimumHealthyTargetsPercentage": f"{_HEALTH}.dns_failover.minimum_healthy_targets.percentage",
    "unhealthyStateRoutingMinimumHealthyTargetsCount": (
        f"{_HEALTH}.unhealthy_state_routing.minimum_healthy_targets.count"
    ),
    "unhealthyStateRoutingMinimumHealthyTargetsPercentage": (
        f"{_HEALTH}.unhealthy_state_routing.minimum_healthy_targets.percentage"
    ),
}
TARGET_ATTRIBUTES = {
    "connectionTermination": "deregistration_delay.connection_termination.enabled",
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "preserveClientIp": "preserve_client_ip.enabled",
    "proxyProtocolV2": "proxy_protocol_v2.enabled",
    "slowStart": "slow_start.duration_seconds",
    **_STICKINESS,
    **_GROUP_HEALTH,
}
LISTENER_ATTRIBUTES = {
    "tcpIdleTimeoutSeconds": "tcp.idle_timeout.seconds",
    "routingHttpResponseServerEnabled": "routing.http.response.server.enabled",
    "routingHttpResponseStrictTransportSecurityHeaderValue": (
        "routing.http.response.strict_transport_security.header_value"
    ),
    "routingHttpResponseContentSecurityPolicyHeaderValue": "routing.http.response.content_security_policy.header_value",
    "routingHttpResponseXContentTypeOptionsHeaderValue": "routing.http.response.x_content_type_options.header_value",
    "routingHttpResponseXFrameOptionsHeaderValue": "routing.http.response.x_frame_options.header_value",
}

_HEALTH_CHECK = {
    "enabled": "healthCheckEnabled",
    "healthyThreshold": "healthyThresholdCount",
    "interval": "healthCheckIntervalSeconds",
    "path": "healthCheckPath",
    "port": "healthCheckPort",
    "protocol": "healthCheckProtocol",
    "timeout": "healthCheckTimeoutSeconds",
    "unhealthyThreshold": "unhealthyThresholdCount",
}
HEALTH_CHECK_READ = (
    "={enabled: HealthCheckEnabled, healthyThreshold: HealthyThresholdCount, interval: HealthCheckIntervalSeconds,"
    " path: HealthCheckPath, port: HealthCheckPort, protocol: HealthCheckProtocol,"
    " timeout: HealthCheckTimeoutSeconds, unhealthyThreshold: UnhealthyThresholdCount, matcher: Matcher.HttpCode}"
)


def balancer_suffix(state: Mapping[str, object]) -> object:
    """`app/<name>/<id>`, the load balancer's name in metrics."""
    arn = state.get("arn")
    if isinstance(arn, Unknown):
        return UNKNOWN
    return arn.split(":loadbalancer/")[-1] if isinstance(arn, str) and ":loadbalancer/" in arn else None


def _flattened(inputs: Properties, block: str, prefix: str) -> Properties:
    """`accessLogs: {bucket}` as `accessLogsBucket`; a member without an attribute stays, and is refused as unknown."""
    value = inputs.get(block)
    if not is_mapping(value):
        return inputs
    kept = {name: item for name, item in inputs.items() if name != block}
    return {**kept, **{f"{prefix}{key[0].upper()}{key[1:]}": item for key, item in value.items()}}


def balancer(inputs: Properties) -> Properties:
    """`internal` is a scheme to the API, log blocks are attributes."""
    values = _flattened(_flattened(inputs, "accessLogs", "accessLogs"), "connectionLogs", "connectionLogs")
    if isinstance(values.get("internal"), bool):
        values = {**values, "internal": "internal" if values["internal"] else "internet-facing"}
    return values


def target_group(inputs: Properties) -> Properties:
    """The health check as flat parameters, stickiness and group health as attributes."""
    values = _flattened(inputs, "stickiness", "stickiness")
    health = values.pop("targetGroupHealth", None) if "targetGroupHealth" in values else None
    if is_mapping(health):
        for block, members in health.items():
            for key, item in members.items() if is_mapping(members) else ():
                values[f"{block}{key[0].upper()}{key[1:]}"] = item
    check = values.get("healthCheck")
    if is_mapping(check):
        values = {name: item for name, item in values.items() if name != "healthCheck"}
        for key, item in check.items():
            if key == "matcher":
                values["matcher"] = {"httpCode": item}
            else:
                values[_HEALTH_CHECK.get(key, f"healthCheck.{key}")] = item
    return values


_FIELDS = {
    "hostHeader": "host-header",
    "httpHeader": "http-header",
    "httpRequestMethod": "http-request-method",
    "pathPattern": "path-pattern",
    "queryStrings": "query-string",
    "sourceIp": "source-ip",
}


def rule(inputs: Properties) -> Properties:
    """A condition is told by its field to the API, by its block to the provider."""
    conditions = inputs.get("conditions")
    if not is_list(conditions):
        return inputs
    return {**inputs, "conditions": [_condition(item) for item in conditions]}


def _condition(condition: object) -> object:
    if not is_mapping(condition):
        return condition
    field = next((name for block, name in _FIELDS.items() if block in condition), None)
    return {**condition, "field": field} if field else condition
