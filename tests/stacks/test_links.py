from __future__ import annotations

import re

import pytest

from regions import names
from regions.addresses import plan
from regions.catalogue import CATALOGUE
from regions.stacks import Link, links
from services.contracts.topics import TOPICS
from stacks.peering import ROUTE_TABLES
from tests.stacks.footprints import exports_of, of_link
from tests.stacks.recording import ACCOUNT, Declared

LINKS = links()
PARTNERED = [link for link in LINKS if link.replications]
every_link = pytest.mark.parametrize("link", LINKS, ids=lambda link: link.stack)
every_partnership = pytest.mark.parametrize("link", PARTNERED, ids=lambda link: link.stack)


def directed(link: Link, token: str) -> dict[str, Declared]:
    """Resources of a type by the direction that their name begins with."""
    return {
        re.split(r"-(database|backups|streams|uploads|media)$", item.name)[0]: item for item in of_link(link).of(token)
    }


@every_link
def test_every_pair_is_peered_and_routed_both_ways(link: Link) -> None:
    (request,) = of_link(link).of("aws:ec2/vpcPeeringConnection:VpcPeeringConnection")
    assert (request.inputs["region"], request.inputs["peerRegion"]) == (link.a.code, link.b.code)
    (acceptance,) = of_link(link).of("aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter")
    assert acceptance.inputs["region"] == link.b.code
    routes = of_link(link).of("aws:ec2/route:Route")
    seen = {
        (item.inputs["region"], item.inputs["routeTableId"], item.inputs["destinationCidrBlock"]) for item in routes
    }
    expected = {
        (here.code, table, str(plan(there).vpc))
        for here, there in ((link.a, link.b), (link.b, link.a))
        for table in exports_of(here.name)["route_table_ids"]
    }
    assert seen == expected
    assert len(seen) == 2 * ROUTE_TABLES


@every_link
def test_copies_flow_between_partners_only(link: Link) -> None:
    copies = [item for item in of_link(link).aws if not item.type.startswith("aws:ec2/")]
    assert bool(copies) == bool(link.replications)


@every_partnership
def test_the_copy_of_a_database_is_a_replica_under_a_key_of_its_own_region(link: Link) -> None:
    copies = directed(link, "aws:rds/instance:Instance")
    for source, target in link.replications:
        copy = copies[f"{source.name}-to-{target.name}"]
        exported = exports_of(target.name)
        assert copy.inputs["region"] == target.code
        assert copy.inputs["replicateSourceDb"] == exports_of(source.name)["database_arn"]
        assert copy.inputs["kmsKeyId"] == exported["database_key_arn"]
        assert copy.inputs["dbSubnetGroupName"] == exported["database_subnet_group"]
        assert copy.inputs["identifier"] == names.database_copy(source, target)
        # What a replica takes from its source, and what could never be deleted with a last snapshot.
        forbidden = {"username", "dbName", "password", "passwordWo", "manageMasterUserPassword", "engine"}
        assert forbidden.isdisjoint(copy.inputs)
        assert copy.inputs["skipFinalSnapshot"]
        assert "finalSnapshotIdentifier" not in copy.inputs
        assert copy.protect


@every_partnership
def test_nothing_of_the_instance_for_bound_data_leaves_its_region(link: Link) -> None:
    declared = repr([item.inputs for item in of_link(link).aws])
    for region in (link.a, link.b):
        assert names.resident_database(region) not in declared


@every_partnership
def test_buckets_are_copied_with_deletions_on_time_and_under_the_targets_key(link: Link) -> None:
    rules = of_link(link).of("aws:s3/bucketReplicationConfig:BucketReplicationConfig")
    expected = {
        names.bucket(source, purpose, ACCOUNT): (source, target, purpose)
        for source, target in link.replications
        for purpose in ("uploads", "media")
    }
    assert {item.inputs["bucket"] for item in rules} == set(expected)
    for item in rules:
        source, target, purpose = expected[item.inputs["bucket"]]
        (rule,) = item.inputs["rules"]
        destination = rule["destination"]
        assert item.inputs["region"] == source.code
        assert destination["bucket"].endswith(names.bucket(target, purpose, ACCOUNT))
        key = exports_of(target.name)["media_key_arn"]
        assert destination["encryptionConfiguration"]["replicaKmsKeyId"] == key
        assert rule["deleteMarkerReplication"]["status"] == "Enabled"
        assert rule["sourceSelectionCriteria"]["sseKmsEncryptedObjects"]["status"] == "Enabled"
        assert destination["replicationTime"] == {"status": "Enabled", "time": {"minutes": 15}}
        assert destination["metrics"] == {"status": "Enabled", "eventThreshold": {"minutes": 15}}


@every_partnership
def test_streams_are_copied_from_the_first_record_under_names_that_are_never_copied_back(link: Link) -> None:
    replicators = directed(link, "aws:msk/replicator:Replicator")
    for source, target in link.replications:
        item = replicators[f"{source.name}-to-{target.name}"]
        assert item.inputs["region"] == target.code
        (topics,) = item.inputs["replicationInfoList"]["topicReplications"]
        assert topics["startingPosition"] == {"type": "EARLIEST"}
        assert topics["topicNameConfiguration"] == {"type": "PREFIXED_WITH_SOURCE_CLUSTER_ALIAS"}
        for topic in TOPICS:
            taken = [pattern for pattern in topics["topicsToReplicates"] if re.fullmatch(pattern, topic.name)]
            assert len(taken) == 1
            prefixed = f"{names.kafka(target)}.{topic.name}"
            assert not any(re.fullmatch(pattern, prefixed) for pattern in topics["topicsToReplicates"])


@every_partnership
def test_a_replicator_reaches_each_cluster_through_subnets_of_its_own_region(link: Link) -> None:
    replicators = directed(link, "aws:msk/replicator:Replicator")
    for source, target in link.replications:
        first, second = replicators[f"{source.name}-to-{target.name}"].inputs["kafkaClusters"]
        for side, region in ((first, source), (second, target)):
            exported = exports_of(region.name)
            assert side["amazonMskCluster"]["mskClusterArn"] == exported["kafka_arn"]
            assert side["vpcConfig"]["subnetIds"] == exported["kafka_subnet_ids"]
        assert "securityGroupsIds" not in first["vpcConfig"]
        assert second["vpcConfig"]["securityGroupsIds"]


@every_partnership
def test_every_copy_has_an_alarm_on_its_lag_in_the_region_of_its_metric(link: Link) -> None:
    alarms = of_link(link).of("aws:cloudwatch/metricAlarm:MetricAlarm")
    for source, target in link.replications:
        prefix = f"{source.name}-to-{target.name}-"
        seen = {item.name.removeprefix(prefix): item for item in alarms if item.name.startswith(prefix)}
        assert set(seen) == {"database-lag", "uploads-lag", "media-lag", "streams-lag"}
        for item in seen.values():
            assert item.inputs["region"] == target.code
            assert item.inputs["alarmActions"] == [exports_of(target.name)["alarm_topic_arn"]]


@every_partnership
def test_backups_are_copied_into_the_targets_region(link: Link) -> None:
    copies = directed(link, "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication")
    for source, target in link.replications:
        item = copies[f"{source.name}-to-{target.name}"]
        assert item.inputs["region"] == target.code
        assert item.inputs["sourceDbInstanceArn"] == exports_of(source.name)["database_arn"]


def test_every_region_is_copied_to_its_partner_exactly_once() -> None:
    flows = [flow for link in LINKS for flow in link.replications]
    assert sorted(source.name for source, _ in flows) == sorted(CATALOGUE.names)
    assert all(target.name == source.partner for source, target in flows)


@every_link
def test_every_resource_is_in_one_of_the_two_regions(link: Link) -> None:
    for item in of_link(link).aws:
        if not item.type.startswith(("aws:iam/", "aws:route53/")):
            assert item.inputs["region"] in (link.a.code, link.b.code), item.name
