"""For every rule a resource that keeps it and one that breaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from policies.model import UNKNOWN, Resource, Value
from regions import aws_policies
from tests.policies import settings_fixtures, streaming_fixtures
from tests.policies.made import CACHE, INSTANCE, KAFKA, KEY, MUMBAI, QUEUE, RECORD, TAGS, Fixture, StackFixture, made

LISTENER = "aws:lb/listener:Listener"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
POLICY = "aws:iam/policy:Policy"
SUBNET = "aws:ec2/subnet:Subnet"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
REPLICATOR = "aws:msk/replicator:Replicator"
GRAFANA = "aws:grafana/workspace:Workspace"


def _copied_bucket(region: str, key: Value) -> Resource:
    bucket = f"arn:aws:s3:::meridian-media-{region}-1"
    destination: Mapping[str, Value] = {"bucket": bucket, "encryptionConfiguration": {"replicaKmsKeyId": key}}
    return made("aws:s3/bucketReplicationConfig:BucketReplicationConfig", rules=({"destination": destination},))


def _copied_secret(region: str, key: Value) -> Resource:
    return made("aws:secretsmanager/secret:Secret", replicas=({"region": region, "kmsKeyId": key},))


def _document(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def _alias(evaluate: bool, **more: Value) -> Resource:
    alias: Mapping[str, Value] = {"name": "a", "zoneId": "Z1", "evaluateTargetHealth": evaluate}
    return made(RECORD, name="api", type="A", aliases=(alias,), failoverRoutingPolicies=({"type": "PRIMARY"},), **more)


def _distribution(methods: tuple[Value, ...]) -> Resource:
    return made(
        "aws:cloudfront/distribution:Distribution",
        webAclId="w",
        originGroups=({"originId": "pair", "members": ({"originId": "a"}, {"originId": "b"})},),
        defaultCacheBehavior={"targetOriginId": "pair", "allowedMethods": methods},
    )


def _trust(condition: dict[str, object]) -> Resource:
    return made(
        "aws:iam/role:Role",
        assumeRolePolicy=_document(
            Principal={"Federated": "x"}, Action="sts:AssumeRoleWithWebIdentity", Condition=condition
        ),
    )


_PREFIX = "token.actions.githubusercontent.com"


def _deployment(spread: bool = True, name: str = "web", **container: Value) -> Resource:
    constraints: tuple[Value, ...] = ({"topologyKey": "topology.kubernetes.io/zone"},) if spread else ()
    pod: Mapping[str, Value] = {"containers": (container,), "topologySpreadConstraints": constraints}
    return made(
        "kubernetes:apps/v1:Deployment",
        metadata={"name": name},
        spec={"selector": {"matchLabels": {"app": name}}, "template": {"spec": pod}},
    )


def _scaled(name: str = "web", **spec: Value) -> Resource:
    given: Mapping[str, Value] = {"scaleTargetRef": {"name": name}, **spec}
    return made("kubernetes:keda.sh/v1alpha1:ScaledObject", metadata={"name": name}, spec=given)


def _autoscaler(name: str = "web") -> Resource:
    return made("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", spec={"scaleTargetRef": {"name": name}})


def _guard(name: str = "web") -> Resource:
    return made("kubernetes:policy/v1:PodDisruptionBudget", spec={"selector": {"matchLabels": {"app": name}}})


_AMOUNT: Mapping[str, Value] = {"cpu": "1", "memory": "1Gi"}
_QUEUED: Mapping[str, Value] = {"type": "aws-sqs-queue", "metadata": {"queueURL": "https://q"}}


RULES: Mapping[str, Fixture] = {
    **streaming_fixtures.RULES,
    **settings_fixtures.RULES,
    "REG-1": Fixture((made(QUEUE, region=MUMBAI), made("aws:iam/role:Role")), (made(QUEUE),)),
    "REG-2": Fixture(
        (
            made(QUEUE, region=MUMBAI),
            made("aws:acm/certificate:Certificate", stack="global", region="us-east-1"),
            made("aws:s3/bucketPolicy:BucketPolicy", stack="steering", region="us-east-1"),
            made("aws:wafv2/webAcl:WebAcl", stack="global", region="us-east-1", scope="CLOUDFRONT"),
            made(ALARM, stack="steering", region="us-east-1", namespace="AWS/Route53"),
        ),
        (
            made("aws:acm/certificate:Certificate", region="us-east-1"),
            made(QUEUE, stack="steering", region="eu-west-1"),
            made(QUEUE, stack="steering", region="us-east-1"),
            made("aws:wafv2/webAcl:WebAcl", stack="global", region="us-east-1", scope="REGIONAL"),
            made(ALARM, stack="steering", region="us-east-1", namespace="AWS/RDS"),
        ),
    ),
    "REG-3": Fixture(
        (
            made(QUEUE, region=MUMBAI, kmsMasterKeyId=KEY),
            made(QUEUE, region=MUMBAI, kmsMasterKeyId=UNKNOWN),
            made(INSTANCE, region=MUMBAI, replicateSourceDb="arn:aws:rds:us-west-2:1:db:a"),
            made(
                REPLICATOR,
                region=MUMBAI,
                replicationInfoList={
                    "sourceKafkaClusterArn": "arn:aws:kafka:us-west-2:1:a",
                    "targetKafkaClusterArn": "arn:aws:kafka:ap-south-1:1:a",
                },
            ),
        ),
        (
            made(QUEUE, region="us-west-2", kmsMasterKeyId=KEY),
            made(LISTENER, region="us-west-2", certificates=({"arn": "arn:aws:acm:ap-south-1:1:certificate/a"},)),
            made(
                REPLICATOR, region=MUMBAI, replicationInfoList={"targetKafkaClusterArn": "arn:aws:kafka:us-west-2:1:a"}
            ),
        ),
    ),
    "REG-4": Fixture(
        (
            made(INSTANCE, region=MUMBAI, replicateSourceDb="arn:aws:rds:us-west-2:1:db:a", kmsKeyId=KEY),
            _copied_bucket(MUMBAI, KEY),
            _copied_bucket(MUMBAI, UNKNOWN),
            _copied_secret(MUMBAI, KEY),
            _copied_secret("us-west-2", UNKNOWN),
        ),
        (
            made(INSTANCE, region=MUMBAI, replicateSourceDb="arn:aws:rds:us-west-2:1:db:a"),
            made(INSTANCE, region="eu-central-1", replicateSourceDb="arn:aws:rds:us-west-2:1:db:a", kmsKeyId=KEY),
            _copied_bucket("us-west-2", KEY),
            _copied_bucket("us-west-2", None),
            _copied_secret("us-west-2", KEY),
            _copied_secret("us-west-2", None),
            _copied_secret("eu-west-1", "arn:aws:kms:eu-west-1:1:key/a"),
        ),
    ),
    "REG-5": Fixture(
        (
            made("aws:kms/key:Key", region=MUMBAI),
            made("aws:kms/key:Key", stack="global", region="us-west-2"),
            made(QUEUE, stack="links-mumbai-oregon", region="us-west-2"),
            made("aws:iam/role:Role"),
        ),
        (
            made("aws:kms/key:Key", region="us-west-2"),
            made(QUEUE, stack="links-mumbai-oregon", region="eu-central-1"),
        ),
    ),
    "ENC-1": Fixture(
        (
            made(INSTANCE, storageEncrypted=True, kmsKeyId=KEY),
            made(INSTANCE, storageEncrypted=True, kmsKeyId=UNKNOWN),
            made(INSTANCE, replicateSourceDb="a"),
            made(CACHE, atRestEncryptionEnabled=True),
            made(QUEUE, sqsManagedSseEnabled=True),
        ),
        (
            made(INSTANCE, kmsKeyId=KEY),
            made(INSTANCE, storageEncrypted=True),
            made(CACHE),
            made(KAFKA),
            made(QUEUE),
            made("aws:secretsmanager/secret:Secret"),
        ),
    ),
    "ENC-2": Fixture(
        (
            made(CACHE, transitEncryptionEnabled=True),
            made(KAFKA, encryptionInfo={"encryptionInTransit": {"clientBroker": "TLS"}}),
            made(LISTENER, protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06"),
            made(LISTENER, protocol="HTTP", defaultActions=({"type": "redirect"},)),
        ),
        (
            made(CACHE),
            made(KAFKA, encryptionInfo={"encryptionInTransit": {"clientBroker": "TLS_PLAINTEXT"}}),
            made(LISTENER, protocol="HTTPS", sslPolicy="ELBSecurityPolicy-2016-08"),
            made(LISTENER, protocol="HTTP", defaultActions=({"type": "forward"},)),
        ),
    ),
    "ENC-3": Fixture(
        (
            made("aws:kms/key:Key", enableKeyRotation=True),
            made("aws:kms/key:Key", customerMasterKeySpec="ECC_NIST_P256"),
        ),
        (made("aws:kms/key:Key"),),
    ),
    "NET-1": Fixture(
        (made(INSTANCE, publiclyAccessible=False), made(KAFKA)),
        (
            made(INSTANCE, publiclyAccessible=True),
            made(
                KAFKA,
                brokerNodeGroupInfo={"connectivityInfo": {"publicAccess": {"type": "SERVICE_PROVIDED_EIPS"}}},
            ),
        ),
    ),
    "NET-2": Fixture(
        (
            made(INGRESS, cidrIpv4="0.0.0.0/0", ipProtocol="tcp", fromPort=443, toPort=443),
            made(INGRESS, cidrIpv4="10.16.0.0/16", ipProtocol="tcp", fromPort=5432, toPort=5432),
        ),
        (
            made(INGRESS, cidrIpv4="0.0.0.0/0", ipProtocol="tcp", fromPort=22, toPort=22),
            made(INGRESS, cidrIpv6="::/0", ipProtocol="-1"),
            made(INGRESS, cidrIpv4="0.0.0.0/0", ipProtocol="tcp", fromPort=80, toPort=443),
            made("aws:ec2/securityGroup:SecurityGroup", ingress=({"fromPort": 22},)),
        ),
    ),
    "NET-3": Fixture(
        (made("aws:eks/cluster:Cluster", vpcConfig={"endpointPrivateAccess": True, "endpointPublicAccess": False}),),
        (
            made("aws:eks/cluster:Cluster", vpcConfig={"endpointPublicAccess": False}),
            made("aws:eks/cluster:Cluster", vpcConfig={"endpointPrivateAccess": True, "endpointPublicAccess": True}),
        ),
    ),
    "IAM-1": Fixture(
        (
            made(POLICY, policy=_document(Action=["s3:GetObject"], Resource="arn:aws:s3:::a/*")),
            made(POLICY, policy=UNKNOWN),
            made("aws:kms/key:Key", policy=_document(Action="kms:*", Resource="*", Principal={"AWS": "arn"})),
        ),
        (
            made(POLICY, policy=_document(Action="*", Resource="*")),
            made(POLICY, policy=_document(Action=["s3:*"], Resource="*")),
            made(POLICY, policy=_document(NotAction="iam:*", Resource="a")),
        ),
    ),
    "IAM-2": Fixture(
        (made("aws:s3/bucketPolicy:BucketPolicy", policy=_document(Principal="*", Condition={"a": "b"})),),
        (
            made("aws:s3/bucketPolicy:BucketPolicy", policy=_document(Principal="*")),
            made("aws:sqs/queuePolicy:QueuePolicy", policy=_document(Principal={"AWS": "*"})),
        ),
    ),
    "IAM-3": Fixture(
        (_trust({"StringEquals": {f"{_PREFIX}:aud": "sts.amazonaws.com", f"{_PREFIX}:sub": "repo:o/r:ref"}}),),
        (_trust({}), _trust({"StringEquals": {f"{_PREFIX}:aud": "sts.amazonaws.com"}})),
    ),
    "IAM-4": Fixture(
        (
            made(ATTACHMENT, policyArn=aws_policies.OF_SERVICES[0]),
            made(ATTACHMENT, policyArn="arn:aws:iam::123456789012:policy/our-own"),
            made(ATTACHMENT, policyArn=UNKNOWN),
        ),
        (
            made(ATTACHMENT, policyArn=aws_policies.arn("AdministratorAccess")),
            made(ATTACHMENT, policyArn=aws_policies.arn(aws_policies.CHANGE_EVERYTHING)),
        ),
    ),
    "RES-1": Fixture(
        (
            made(INSTANCE, protect=True, deletionProtection=True, tags=TAGS),
            made(INSTANCE, tags={**TAGS, "Disposable": "true"}),
            made("aws:kms/key:Key", deletionWindowInDays=7, tags={**TAGS, "Disposable": "true"}),
            made("aws:kms/key:Key", protect=True),
            made("aws:secretsmanager/secret:Secret", protect=True, recoveryWindowInDays=30),
            made(QUEUE),
        ),
        (
            made(INSTANCE, protect=True, tags=TAGS),
            made(INSTANCE, deletionProtection=True, tags=TAGS),
            made("aws:s3/bucket:Bucket", protect=True, forceDestroy=True, tags=TAGS),
            made("aws:ec2/vpc:Vpc"),
            made("aws:msk/replicator:Replicator"),
            made("aws:kms/replicaKey:ReplicaKey", protect=True, deletionWindowInDays=7),
            made("aws:secretsmanager/secret:Secret", protect=True, recoveryWindowInDays=0),
        ),
    ),
    "RES-2": Fixture(
        (
            made(INSTANCE, multiAz=True),
            made(INSTANCE, replicateSourceDb="a"),
            made(CACHE, automaticFailoverEnabled=True, multiAzEnabled=True),
        ),
        (made(INSTANCE), made(CACHE, automaticFailoverEnabled=True)),
    ),
    "RES-3": Fixture(
        (
            made(INSTANCE, backupRetentionPeriod=14, deleteAutomatedBackups=False),
            made(INSTANCE, backupRetentionPeriod=UNKNOWN, deleteAutomatedBackups=False),
            made(INSTANCE, backupRetentionPeriod=14, tags={**TAGS, "Disposable": "true"}),
            made(INSTANCE, replicateSourceDb="a", backupRetentionPeriod=0),
        ),
        (
            made(INSTANCE, backupRetentionPeriod=14),
            made(INSTANCE, replicateSourceDb="a", backupRetentionPeriod=14, deleteAutomatedBackups=True),
            made(INSTANCE),
            made(INSTANCE, backupRetentionPeriod=1),
            made(INSTANCE, backupRetentionPeriod=14, skipFinalSnapshot=True),
        ),
    ),
    "RES-4": Fixture(
        (made(INSTANCE, passwordWo="x"), made(INSTANCE, replicateSourceDb="a")),
        (made(INSTANCE, manageMasterUserPassword=True), made(INSTANCE, replicateSourceDb="a", username="u")),
    ),
    "DNS-1": Fixture(
        (_alias(True),),
        (_alias(False), _alias(True, ttl=60)),
    ),
    "DNS-2": Fixture(
        (made("aws:route53/healthCheck:HealthCheck", regions=("us-west-2", "eu-west-1", "ap-southeast-1")),),
        (
            made("aws:route53/healthCheck:HealthCheck", regions=("us-west-2", "eu-west-1", "ap-south-1")),
            made("aws:route53/healthCheck:HealthCheck", regions=("us-west-2", "eu-west-1")),
        ),
    ),
    "CDN-1": Fixture(
        (_distribution(("GET", "HEAD")),),
        (_distribution(("GET", "HEAD", "POST")),),
    ),
    "OFF-1": Fixture(
        (
            made(GRAFANA, region="eu-central-1"),
            made("aws:s3/bucketVersioning:BucketVersioning", region=MUMBAI),
            made("aws:new/thing:Thing", region=MUMBAI),
            made(QUEUE, region="mars-north-1"),
        ),
        (made(GRAFANA, region=MUMBAI),),
    ),
    "OFF-2": Fixture(
        (
            made(INSTANCE, region=MUMBAI, instanceClass="db.r8g.large"),
            made(CACHE, region=MUMBAI, nodeType="cache.r8g.large"),
            made(KAFKA, region=MUMBAI, brokerNodeGroupInfo={"instanceType": "kafka.m7g.large"}),
            made(INSTANCE, region=MUMBAI, instanceClass=UNKNOWN),
        ),
        (
            made(INSTANCE, region=MUMBAI, instanceClass="db.r8a.large"),
            made(INSTANCE, region=MUMBAI, instanceClass="db.r8g.huge"),
            made(CACHE, region=MUMBAI, nodeType="cache.r99g.large"),
            made(KAFKA, region=MUMBAI, brokerNodeGroupInfo={"instanceType": "kafka.m7g.huge"}),
        ),
    ),
    "OFF-3": Fixture(
        (
            made(INSTANCE, engine="postgres", engineVersion="18.6"),
            made(CACHE, engine="valkey", engineVersion="8.2"),
            made(INSTANCE, engineVersion="whatever"),
        ),
        (
            made(INSTANCE, engine="postgres", engineVersion="18.66"),
            made(CACHE, engine="valkey", engineVersion="6.0"),
        ),
    ),
    "OFF-4": Fixture(
        (
            made(SUBNET, region=MUMBAI, availabilityZoneId="aps1-az3"),
            made(SUBNET, region="mars-north-1", availabilityZoneId="man1-az1"),
        ),
        (made(SUBNET, region=MUMBAI, availabilityZoneId="apse1-az1"),),
    ),
    "K8S-1": Fixture(
        (_deployment(resources={"requests": _AMOUNT, "limits": _AMOUNT}),),
        (_deployment(resources={"requests": _AMOUNT}), _deployment(resources={"limits": _AMOUNT}), _deployment()),
    ),
    "K8S-2": Fixture(
        (_deployment(livenessProbe={"httpGet": {}}, readinessProbe={"httpGet": {}}),),
        (_deployment(livenessProbe={"httpGet": {}}), _deployment(readinessProbe={"httpGet": {}})),
    ),
    "K8S-3": Fixture((_deployment(),), (_deployment(spread=False),)),
    "K8S-4": Fixture(
        (
            _scaled(
                minReplicaCount=3,
                maxReplicaCount=9,
                fallback={"replicas": 3},
                triggers=({**_QUEUED, "authenticationRef": {"name": "event-scaler"}},),
            ),
        ),
        (
            _scaled(maxReplicaCount=9, fallback={"replicas": 3}),
            _scaled(minReplicaCount=0, maxReplicaCount=9, fallback={"replicas": 3}),
            _scaled(minReplicaCount=3, maxReplicaCount=9),
            _scaled(minReplicaCount=3, maxReplicaCount=9, fallback={"replicas": 3}, triggers=(_QUEUED,)),
        ),
    ),
    "K8S-5": Fixture(
        (made("kubernetes:helm.sh/v3:Release", version="2.20.0"),),
        (made("kubernetes:helm.sh/v3:Release"), made("kubernetes:helm.sh/v3:Release", version="^2.20")),
    ),
    "TAG-1": Fixture((made(QUEUE, tags=TAGS), made(QUEUE, tags=UNKNOWN)), (made(QUEUE), made(QUEUE, tags={"a": "b"}))),
}

BUCKET = made("aws:s3/bucket:Bucket", bucket="a")
_SSE = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_ALL = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
_BALANCER = made("aws:lb/loadBalancer:LoadBalancer", internal=False)


def _geo(place: str, identifier: str) -> Resource:
    return made(
        RECORD, name="api", type="A", setIdentifier=identifier, geolocationRoutingPolicies=({"country": place},)
    )


STACK_RULES: Mapping[str, StackFixture] = {
    **streaming_fixtures.STACK_RULES,
    "ENC-4": StackFixture(
        ((BUCKET, made(_SSE, bucket="a")), (BUCKET, made(_SSE, bucket=UNKNOWN))),
        ((BUCKET,), (BUCKET, made(_SSE, bucket="b"))),
    ),
    "NET-4": StackFixture(
        ((BUCKET, made(_BLOCK, bucket="a", **_ALL)), (BUCKET, made(_BLOCK, bucket=UNKNOWN, **_ALL))),
        ((BUCKET,), (BUCKET, made(_BLOCK, bucket="a", **{**_ALL, "blockPublicPolicy": False}))),
    ),
    "NET-5": StackFixture(
        ((_BALANCER, made("aws:wafv2/webAclAssociation:WebAclAssociation")),),
        ((_BALANCER,), (made("aws:cloudfront/distribution:Distribution"),)),
    ),
    "K8S-6": StackFixture(
        ((_deployment(), _autoscaler()), (_deployment(), _scaled()), (_autoscaler("elsewhere"),)),
        ((_deployment(),), (_deployment(), _autoscaler(), _scaled()), (_deployment(), _autoscaler("elsewhere"))),
    ),
    "K8S-7": StackFixture(
        ((_deployment(), _guard()),),
        ((_deployment(),), (_deployment(), _guard("elsewhere"))),
    ),
    "DNS-3": StackFixture(
        ((_geo("IN", "in"), _geo("*", "default")),),
        ((_geo("IN", "in"),), (_geo("IN", "in"), _geo("*", "in"))),
    ),
}
