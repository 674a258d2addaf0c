"""What a region's stack declares, whatever the region."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from functools import cache
from typing import Any

import pulumi_aws
import pytest
from pulumi.runtime import rpc

from regions import names
from regions.addresses import plan
from regions.catalogue import CATALOGUE, HOME_CODE, ResidencyZone
from services.contracts.settings import CellSettings
from services.contracts.topics import TOPICS
from services.contracts.workloads import WORKLOADS, Access
from tests.stacks.recording import ACCOUNT, GENERATED, Declared, Footprint, cell

WITHOUT_REGION = {"iam", "route53", "budgets"}
"""Services whose resources belong to no region (scan of pulumi-aws 7.51.1)."""

STATEFUL = {
    "aws:ec2/vpc:Vpc",
    "aws:eks/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:kms/key:Key",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:msk/cluster:Cluster",
    "aws:msk/topic:Topic",
    "aws:rds/instance:Instance",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
    "aws:sqs/queue:Queue",
}

SEALED = {"aws:secretsmanager/secretVersion:SecretVersion", "aws:elasticache/user:User", "aws:rds/instance:Instance"}

every_region = pytest.mark.parametrize("name", CATALOGUE.names)


@cache
def footprint(name: str, **configuration: Any) -> Footprint:
    return cell(name, **configuration)


def takes(resource: Declared, argument: str) -> bool:
    """Whether the provider's SDK knows this argument for the type."""
    _, module, kind = resource.type.split(":")
    declared = getattr(getattr(pulumi_aws, module.split("/")[0]), kind)
    return argument in inspect.signature(declared._internal_init).parameters


@every_region
def test_every_resource_that_can_says_its_region(name: str) -> None:
    for resource in footprint(name).aws:
        if takes(resource, "region"):
            assert resource.inputs.get("region") == CATALOGUE.get(name).code, resource
        else:
            assert resource.type.split(":")[1].split("/")[0] in WITHOUT_REGION, resource


@every_region
def test_no_two_resources_have_the_same_urn(name: str) -> None:
    found = Counter((item.parent, item.type, item.name) for item in footprint(name).resources)
    assert [urn for urn, count in found.items() if count > 1] == []


@every_region
def test_every_resource_that_can_carries_the_tags(name: str) -> None:
    for resource in footprint(name).aws:
        if takes(resource, "tags"):
            tags = resource.inputs.get("tags", {})
            assert (tags.get("Project"), tags.get("Stack")) == ("meridian", name), resource


@every_region
def test_every_resource_names_the_one_provider(name: str) -> None:
    found = footprint(name)
    (provider,) = found.of("pulumi:providers:aws")
    for resource in found.aws:
        assert f"::{provider.name}::" in resource.provider, resource


@every_region
def test_what_holds_state_is_protected_unless_the_stack_is_disposable(name: str) -> None:
    kept = [item for item in footprint(name).resources if item.type in STATEFUL]
    assert {item.type for item in kept} >= STATEFUL - {"aws:kms/replicaKey:ReplicaKey"}
    assert [item for item in kept if not item.protect] == []
    assert [item for item in footprint(name, disposable=True).resources if item.protect] == []


@every_region
def test_a_disposable_stack_can_be_destroyed(name: str) -> None:
    for item in footprint(name, disposable=True).aws:
        guards = ("deletionProtection", "enableDeletionProtection", "finalSnapshotIdentifier")
        assert not any(item.inputs.get(guard) for guard in guards), item
        if item.type == "aws:s3/bucket:Bucket":
            assert item.inputs["forceDestroy"] is True
        if item.type == "aws:rds/instance:Instance":
            assert item.inputs["skipFinalSnapshot"] is True
        if item.type == "aws:secretsmanager/secret:Secret":
            assert item.inputs["recoveryWindowInDays"] == 0


@every_region
def test_no_argument_names_an_arn_of_another_region(name: str) -> None:
    code = CATALOGUE.get(name).code
    others = {region.code for region in CATALOGUE.regions} - {code}
    for resource in footprint(name).aws:
        if resource.type in ("aws:kms/replicaKey:ReplicaKey", "aws:iam/rolePolicy:RolePolicy"):
            continue  # the primary of a multi-Region key, and permissions on peers, are elsewhere by nature
        text = json.dumps(dict(resource.inputs))
        assert not [other for other in others if f":{other}:" in text], resource


@every_region
def test_subnets_follow_the_address_plan_and_lie_in_three_zones(name: str) -> None:
    region, blocks = CATALOGUE.get(name), plan(CATALOGUE.get(name))
    subnets = footprint(name).of("aws:ec2/subnet:Subnet")
    got = {(item.inputs["availabilityZoneId"], item.inputs["cidrBlock"]) for item in subnets}
    wanted = {
        (zone, str(block))
        for kind in (blocks.public, blocks.private, blocks.data)
        for zone, block in zip(region.zone_ids, kind, strict=True)
    }
    assert got == wanted
    assert not any(item.inputs.get("mapPublicIpOnLaunch") for item in subnets)


@every_region
def test_the_data_subnets_have_no_way_to_the_internet(name: str) -> None:
    routes = footprint(name).of("aws:ec2/route:Route")
    assert {route.inputs["routeTableId"] for route in routes}.isdisjoint({"network-data-id"})
    used = {
        item.inputs["routeTableId"]
        for item in footprint(name).of("aws:ec2/routeTableAssociation:RouteTableAssociation")
        if "-data-" in item.inputs["subnetId"]
    }
    assert used == {"network-data-id"}


@every_region
def test_only_the_load_balancer_is_open_to_the_world(name: str) -> None:
    for rule in footprint(name).of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        if rule.inputs["cidrIpv4"] == "0.0.0.0/0":
            assert rule.inputs["securityGroupId"] == "balancer-id"
            assert rule.inputs["fromPort"] in (80, 443)


@every_region
def test_the_default_security_group_admits_nothing(name: str) -> None:
    (group,) = footprint(name).of("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert (group.inputs.get("ingress", []), group.inputs.get("egress", [])) == ([], [])


@every_region
def test_the_database_has_two_replicas_and_a_writer_that_survives_a_zone(name: str) -> None:
    region = CATALOGUE.get(name)
    instances = {item.inputs["identifier"]: item.inputs for item in footprint(name).of("aws:rds/instance:Instance")}
    primary = instances.pop(names.database(region))
    guards = ("multiAz", "storageEncrypted", "deletionProtection")
    assert [guard for guard in guards if not primary[guard]] == []
    dangers = ("publiclyAccessible", "deleteAutomatedBackups", "skipFinalSnapshot")
    assert [danger for danger in dangers if primary[danger]] == []
    assert primary["backupRetentionPeriod"] >= 7
    assert "manageMasterUserPassword" not in primary, "RDS allows no replica of an instance whose password it manages"
    for number in (1, 2):
        replica = instances.pop(names.database_replica(region, number))
        assert replica["replicateSourceDb"] == names.database(region)
        forbidden = ("username", "dbName", "passwordWo", "kmsKeyId", "dbSubnetGroupName", "finalSnapshotIdentifier")
        assert not [key for key in forbidden if key in replica]
    bound = [names.resident_database(region)] if region.residency is not ResidencyZone.NONE else []
    assert list(instances) == bound


@pytest.mark.parametrize("name", [region.name for region in CATALOGUE.regions if region.residency.value != "none"])
def test_bound_data_is_reached_from_its_own_region_only(name: str) -> None:
    found = footprint(name)
    instance = found.one("aws:rds/instance:Instance", "database-resident")
    (group,) = instance.inputs["vpcSecurityGroupIds"]
    rules = [
        rule.inputs["cidrIpv4"]
        for rule in found.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if rule.inputs["securityGroupId"] == group
    ]
    assert rules == [str(plan(CATALOGUE.get(name)).vpc)]


@every_region
def test_a_static_parameter_waits_for_a_restart(name: str) -> None:
    (group,) = footprint(name).of("aws:rds/parameterGroup:ParameterGroup")
    methods = {entry["name"]: entry["applyMethod"] for entry in group.inputs["parameters"]}
    assert methods["shared_preload_libraries"] == "pending-reboot"
    assert methods["rds.force_ssl"] == "immediate"


@every_region
def test_the_cache_is_encrypted_spread_and_has_a_user_for_each_workload_that_uses_it(name: str) -> None:
    (group,) = footprint(name).of("aws:elasticache/replicationGroup:ReplicationGroup")
    assert group.inputs["engine"] == "valkey"
    guards = ("transitEncryptionEnabled", "atRestEncryptionEnabled", "automaticFailoverEnabled", "multiAzEnabled")
    assert [guard for guard in guards if not group.inputs[guard]] == []
    users = footprint(name).of("aws:elasticache/user:User")
    assert {user.inputs["userName"] for user in users} == {w.name for w in WORKLOADS if Access.CACHE in w.access}
    assert all("-@admin" in user.inputs["accessString"] for user in users)


@every_region
def test_kafka_speaks_tls_with_iam_only_and_loses_nothing_acknowledged(name: str) -> None:
    (cluster,) = footprint(name).of("aws:msk/cluster:Cluster")
    assert cluster.inputs["kafkaVersion"].endswith(".kraft")
    assert cluster.inputs["clientAuthentication"] == {"sasl": {"iam": True}}
    assert cluster.inputs["encryptionInfo"]["encryptionInTransit"] == {"clientBroker": "TLS", "inCluster": True}
    assert cluster.inputs["numberOfBrokerNodes"] % 3 == 0
    (configuration,) = footprint(name).of("aws:msk/configuration:Configuration")
    properties = dict(line.split("=") for line in configuration.inputs["serverProperties"].splitlines())
    assert properties["min.insync.replicas"] == "2"
    assert properties["unclean.leader.election.enable"] == "false"
    assert properties["auto.create.topics.enable"] == "false"


@every_region
def test_topics_are_those_of_the_contract_with_partitions_for_every_home(name: str) -> None:
    topics = {item.inputs["name"]: item.inputs for item in footprint(name).of("aws:msk/topic:Topic")}
    assert set(topics) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        declared = topics[topic.name]
        assert declared["partitionCount"] == topic.partitions(CATALOGUE.homes)
        assert declared["replicationFactor"] == 3
        config = json.loads(declared["configs"])
        assert config["retention.ms"] == str(topic.retention_ms)
        assert config["cleanup.policy"] == "delete"


@every_region
def test_every_bucket_is_private_versioned_encrypted_and_cleaned_up(name: str) -> None:
    found = footprint(name)
    buckets = {item.inputs["bucket"] for item in found.of("aws:s3/bucket:Bucket")}
    region = CATALOGUE.get(name)
    assert buckets == {names.bucket(region, purpose, ACCOUNT) for purpose in ("uploads", "media", "page")}

    def of(kind: str) -> dict[str, Declared]:
        token = f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}"
        return {item.inputs["bucket"]: item for item in found.of(token)}

    for bucket in buckets:
        assert of("BucketVersioning")[bucket].inputs["versioningConfiguration"] == {"status": "Enabled"}
        block = of("BucketPublicAccessBlock")[bucket].inputs
        assert all(
            block[key] for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        )
        (rule,) = of("BucketServerSideEncryptionConfiguration")[bucket].inputs["rules"]
        assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
        assert rule["bucketKeyEnabled"] is True
        assert of("BucketOwnershipControls")[bucket].inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
        rules = of("BucketLifecycleConfiguration")[bucket].inputs["rules"]
        assert [rule for rule in rules if "abortIncompleteMultipartUpload" in rule]
        assert len({rule["id"] for rule in rules}) == len(rules)


@every_region
def test_the_page_can_upload_parts_and_read_their_etags(name: str) -> None:
    cors = footprint(name).one("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", "media-uploads")
    (rule,) = cors.inputs["corsRules"]
    assert rule["allowedOrigins"] == ["https://www.meridian.example"]
    assert "PUT" in rule["allowedMethods"]
    assert "ETag" in rule["exposeHeaders"]


@every_region
def test_a_completed_upload_reaches_the_queue_and_a_job_that_fails_often_is_put_aside(name: str) -> None:
    found = footprint(name)
    (notification,) = found.of("aws:s3/bucketNotification:BucketNotification")
    (entry,) = notification.inputs["queues"]
    assert entry["events"] == ["s3:ObjectCreated:CompleteMultipartUpload"]
    queue = found.one("aws:sqs/queue:Queue", "media-transcode")
    assert json.loads(queue.inputs["redrivePolicy"])["maxReceiveCount"] == 5
    assert all("kmsMasterKeyId" in item.inputs for item in found.of("aws:sqs/queue:Queue"))


def test_mediaconvert_is_declared_only_where_it_is_configured() -> None:
    token = "aws:mediaconvert/queue:Queue"
    assert footprint("oregon").of(token) == []
    assert len(footprint("oregon", transcoder="mediaconvert").of(token)) == 1


def test_who_sends_jobs_to_mediaconvert_may_pass_it_its_role_and_nothing_else() -> None:
    buying = footprint("oregon", transcoder="mediaconvert")
    settings = buying.outputs["settings"]
    assert settings["converter"]["queue_arn"]
    policies = {item.name: json.loads(item.inputs["policy"]) for item in buying.of("aws:iam/rolePolicy:RolePolicy")}
    sender = {statement["Sid"]: statement for statement in policies["identity-transcoder"]["Statement"]}
    role = buying.one("aws:iam/role:Role", "media-converter").inputs
    assert sender["PassConverter"]["Resource"] == [f"arn:aws:iam::123456789012:role{role['path']}{role['name']}"]
    assert sender["PassConverter"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["mediaconvert.amazonaws.com"]}
    }
    assert sender["SendJobs"]["Resource"][0].endswith(":queues/meridian-oregon-convert")
    assert {action for statement in policies["media-converter"]["Statement"] for action in statement["Action"]} == {
        "s3:GetObject", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey",
    }  # fmt: skip
    plain = footprint("oregon")
    assert plain.outputs["settings"]["converter"] is None
    assert "PassConverter" not in str([item.inputs["policy"] for item in plain.of("aws:iam/rolePolicy:RolePolicy")])


def test_settings_name_no_playback_keys_where_there_are_none() -> None:
    assert footprint("oregon").outputs["settings"]["playback"] is None


@every_region
def test_the_token_key_has_one_member_in_each_region(name: str) -> None:
    replicas = footprint(name).of("aws:kms/replicaKey:ReplicaKey")
    assert len(replicas) == (0 if CATALOGUE.get(name).code == HOME_CODE else 1)
    for replica in replicas:
        assert replica.inputs["primaryKeyArn"] == "global-token_key_arn"


@every_region
def test_secrets_are_written_through_arguments_that_state_does_not_keep(name: str) -> None:
    found = footprint(name)
    for version in found.of("aws:secretsmanager/secretVersion:SecretVersion"):
        assert "secretString" not in version.inputs
        assert version.inputs["secretStringWoVersion"] == 1
    for instance in found.of("aws:rds/instance:Instance"):
        assert "password" not in instance.inputs
    for user in found.of("aws:elasticache/user:User"):
        assert "passwords" not in user.inputs
    declared = {item.inputs["name"] for item in found.of("aws:secretsmanager/secret:Secret")}
    purposes = {"database-owner", "context", "playback", *(workload.name for workload in WORKLOADS)}
    assert declared == {names.secret(CATALOGUE.get(name), purpose) for purpose in purposes}


@every_region
def test_no_password_leaves_the_program_in_the_clear(name: str) -> None:
    found = footprint(name)
    sealed = [
        *(item.inputs["secretStringWo"] for item in found.of("aws:secretsmanager/secretVersion:SecretVersion")),
        *(item.inputs["passwordsWo"] for item in found.of("aws:elasticache/user:User")),
        *(
            item.inputs["passwordWo"]
            for item in found.of("aws:rds/instance:Instance")
            if "replicateSourceDb" not in item.inputs
        ),
    ]
    assert len(sealed) > len(WORKLOADS)
    assert all(rpc.is_rpc_secret(value) for value in sealed)
    plain = [item.inputs for item in found.resources if item.type not in SEALED] + [found.outputs]
    assert not [part for part in plain if GENERATED in json.dumps(dict(part))]


@every_region
def test_the_exported_settings_are_what_services_load(name: str) -> None:
    settings = CellSettings.model_validate(footprint(name).outputs["settings"])
    assert settings.cell == name
    assert len(settings.database.readers) == 2
    assert {w.name for w in WORKLOADS} | {"context"} == set(settings.secrets)


def test_configured_origins_take_the_place_of_the_domains_hosts() -> None:
    origins = {"api": "https://localhost:8443", "media": "https://localhost:8443", "page": "https://localhost:8443"}
    found = cell("mumbai", origins=origins)
    assert found.outputs["settings"]["hosts"]["api"] == "https://localhost:8443"
    cors = found.one("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", "media-uploads")
    assert cors.inputs["corsRules"][0]["allowedOrigins"] == ["https://localhost:8443"]


@every_region
def test_log_groups_expire_and_are_encrypted(name: str) -> None:
    groups = footprint(name).of("aws:cloudwatch/logGroup:LogGroup")
    assert groups
    for group in groups:
        assert group.inputs["retentionInDays"] > 0
        assert "kmsKeyId" in group.inputs


@every_region
def test_every_exported_log_of_an_instance_has_its_group_already(name: str) -> None:
    found = footprint(name)
    groups = {group.inputs["name"] for group in found.of("aws:cloudwatch/logGroup:LogGroup")}
    for instance in found.of("aws:rds/instance:Instance"):
        for kind in instance.inputs["enabledCloudwatchLogsExports"]:
            assert f"/aws/rds/instance/{instance.inputs['identifier']}/{kind}" in groups


@every_region
def test_alarms_tell_people_and_have_distinct_names(name: str) -> None:
    alarms = footprint(name).of("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert len({alarm.inputs["name"] for alarm in alarms}) == len(alarms)
    assert all(alarm.inputs["alarmActions"] and alarm.inputs["alarmDescription"] for alarm in alarms)


@every_region
def test_the_firewall_stands_before_the_load_balancer_and_logs(name: str) -> None:
    found = footprint(name)
    (acl,) = found.of("aws:wafv2/webAcl:WebAcl")
    assert acl.inputs["scope"] == "REGIONAL"
    rules = acl.inputs["rules"]
    assert len({rule["priority"] for rule in rules}) == len(rules)
    assert all(("action" in rule) != ("overrideAction" in rule) for rule in rules)
    (association,) = found.of("aws:wafv2/webAclAssociation:WebAclAssociation")
    (balancer,) = found.of("aws:lb/loadBalancer:LoadBalancer")
    assert association.inputs["resourceArn"].endswith(f"/{balancer.name}")
    assert [g for g in found.of("aws:cloudwatch/logGroup:LogGroup") if g.inputs["name"].startswith("aws-waf-logs-")]


@every_region
def test_the_health_check_asks_from_three_allowed_places(name: str) -> None:
    (check,) = footprint(name).of("aws:route53/healthCheck:HealthCheck")
    assert len(set(check.inputs["regions"])) >= 3
    assert check.inputs["fqdn"] == f"origin-{name}.meridian.example"


def test_regions_have_the_same_shape_but_for_what_the_catalogue_says() -> None:
    def shape(name: str) -> set[tuple[str, str]]:
        return {
            (item.type, item.name.replace(zone, zone[-3:]))
            for item in footprint(name).resources
            for zone in [next((z for z in CATALOGUE.get(name).zone_ids if z in item.name), "none")]
            if "resident" not in item.name and item.name != "keys-tokens" and item.type != "pulumi:pulumi:Stack"
        }

    first, *others = (shape(name) for name in CATALOGUE.names)
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", ["mumbai", "singapore"])
def test_before_global_is_deployed_a_preview_takes_its_exports_as_unknown(name: str) -> None:
    found = cell(name, preview=True, deployed=False)
    assert {item.name for item in found.aws} == {item.name for item in footprint(name).aws}


def test_before_global_is_deployed_an_update_says_what_to_deploy_first() -> None:
    with pytest.raises(Exception, match=r"stack global exports no '\w+'.*pulumi up -s global"):
        cell("mumbai", deployed=False)
