"""One declared resource of every type, as the Python SDK sends it, in an order that satisfies what they refer to.

`"@name.output"` is an output of an earlier example.  `change` is an update in place that must be seen afterwards.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

Values = dict[str, object]


@dataclass(frozen=True)
class Example:
    """A resource to declare, and a change of it."""

    token: str
    name: str
    inputs: Values = field(default_factory=dict)
    change: Values = field(default_factory=dict)


def _statement(principal: str, action: str, resource: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": ["sts:AssumeRole"]}],
    }
)
KEY_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}],
    }
)
PERMISSIONS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
TAGS: Values = {"Project": "meridian", "Stack": "mumbai"}
MORE_TAGS: Values = {"Project": "meridian", "Owner": "video"}

KMS = (
    Example(
        "aws:kms/key:Key",
        "key",
        {"description": "data", "enableKeyRotation": True, "multiRegion": True, "policy": KEY_POLICY, "tags": TAGS},
        {"description": "all data", "tags": MORE_TAGS, "enableKeyRotation": False},
    ),
    Example(
        "aws:kms/key:Key",
        "signing",
        {"customerMasterKeySpec": "ECC_NIST_P256", "keyUsage": "SIGN_VERIFY", "deletionWindowInDays": 7},
        {"description": "tokens"},
    ),
    Example("aws:kms/alias:Alias", "alias", {"name": "alias/data", "targetKeyId": "@key.keyId"}),
    Example(
        "aws:kms/replicaKey:ReplicaKey",
        "replica",
        {"primaryKeyArn": "@key.arn", "region": "us-west-2", "description": "copy", "tags": TAGS},
        {"tags": MORE_TAGS},
    ),
)

S3 = (
    Example("aws:s3/bucket:Bucket", "media", {"forceDestroy": True, "tags": TAGS}, {"tags": MORE_TAGS}),
    Example("aws:s3/bucket:Bucket", "copy", {"bucket": "meridian-copy", "region": "us-west-2"}),
    Example(
        "aws:s3/bucketVersioning:BucketVersioning",
        "versions",
        {"bucket": "@media.bucket", "versioningConfiguration": {"status": "Enabled"}},
    ),
    Example(
        "aws:s3/bucketVersioning:BucketVersioning",
        "copy-versions",
        {"bucket": "@copy.bucket", "versioningConfiguration": {"status": "Enabled"}, "region": "us-west-2"},
    ),
    Example(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "encryption",
        {
            "bucket": "@media.bucket",
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "@key.arn"},
                    "bucketKeyEnabled": True,
                }
            ],
        },
    ),
    Example(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "block",
        {
            "bucket": "@media.bucket",
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": False,
        },
        {"restrictPublicBuckets": True},
    ),
    Example(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "owner",
        {"bucket": "@media.bucket", "rule": {"objectOwnership": "BucketOwnerEnforced"}},
    ),
    Example(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "lifecycle",
        {
            "bucket": "@media.bucket",
            "rules": [
                {
                    "id": "parts",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 2},
                },
                {
                    "id": "cold",
                    "status": "Enabled",
                    "filter": {"and": {"prefix": "source/", "tags": {"kind": "source"}}},
                    "transitions": [{"days": 30, "storageClass": "STANDARD_IA"}],
                    "noncurrentVersionExpiration": {"noncurrentDays": 7},
                },
            ],
        },
        {"rules": [{"id": "parts", "status": "Disabled", "filter": {"prefix": "x/"}, "expiration": {"days": 9}}]},
    ),
    Example(
        "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
        "cors",
        {
            "bucket": "@media.bucket",
            "corsRules": [
                {
                    "allowedMethods": ["PUT", "GET"],
                    "allowedOrigins": ["https://meridian.test"],
                    "allowedHeaders": ["*"],
                    "exposeHeaders": ["ETag"],
                    "maxAgeSeconds": 600,
                }
            ],
        },
    ),
    Example(
        "aws:s3/bucketPolicy:BucketPolicy",
        "bucket-policy",
        {
            "bucket": "@media.bucket",
            "policy": _statement("cloudfront.amazonaws.com", "s3:GetObject", "arn:aws:s3:::m/*"),
        },
        {"policy": _statement("cloudfront.amazonaws.com", "s3:GetObject", "arn:aws:s3:::m/watch/*")},
    ),
    Example(
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        "replication",
        {
            "bucket": "@media.bucket",
            "role": "arn:aws:iam::123456789012:role/replication",
            "rules": [
                {
                    "id": "all",
                    "status": "Enabled",
                    "priority": 1,
                    "filter": {"prefix": ""},
                    "deleteMarkerReplication": {"status": "Enabled"},
                    "destination": {"bucket": "@copy.arn", "storageClass": "STANDARD_IA"},
                }
            ],
        },
    ),
    Example("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "account", {"blockPublicAcls": True}),
)

SQS = (
    Example(
        "aws:sqs/queue:Queue",
        "dead",
        {"name": "jobs-dead", "messageRetentionSeconds": 1209600},
    ),
    Example("aws:sqs/queue:Queue", "other", {"delaySeconds": 1}),
    Example(
        "aws:sqs/queue:Queue",
        "jobs",
        {
            "name": "jobs",
            "visibilityTimeoutSeconds": 900,
            "sqsManagedSseEnabled": True,
            "redrivePolicy": json.dumps({"deadLetterTargetArn": "@dead.arn", "maxReceiveCount": 3}),
            "tags": TAGS,
        },
        {"visibilityTimeoutSeconds": 600, "tags": MORE_TAGS},
    ),
    Example(
        "aws:sqs/queuePolicy:QueuePolicy",
        "jobs-policy",
        {"queueUrl": "@jobs.id", "policy": _statement("s3.amazonaws.com", "sqs:SendMessage", "@jobs.arn")},
        {"policy": _statement("events.amazonaws.com", "sqs:SendMessage", "@jobs.arn")},
    ),
    Example(
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "dead-allow",
        {
            "queueUrl": "@dead.id",
            "redriveAllowPolicy": json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": ["@jobs.arn"]}),
        },
    ),
    Example(
        "aws:sqs/redrivePolicy:RedrivePolicy",
        "jobs-redrive",
        {
            "queueUrl": "@other.id",
            "redrivePolicy": json.dumps({"deadLetterTargetArn": "@dead.arn", "maxReceiveCount": 5}),
        },
    ),
    Example(
        "aws:s3/bucketNotification:BucketNotification",
        "notification",
        {
            "bucket": "@media.bucket",
            "queues": [
                {
                    "id": "uploads",
                    "events": ["s3:ObjectCreated:*"],
                    "queueArn": "@jobs.arn",
                    "filterPrefix": "uploads/",
                    "filterSuffix": ".mp4",
                }
            ],
        },
    ),
)

IAM = (
    Example(
        "aws:iam/role:Role",
        "role",
        {"name": "meridian-role", "assumeRolePolicy": TRUST, "description": "r", "tags": TAGS, "path": "/cells/"},
        {"description": "role", "tags": MORE_TAGS},
    ),
    Example("aws:iam/rolePolicy:RolePolicy", "inline", {"role": "@role.name", "policy": PERMISSIONS}),
    Example("aws:iam/policy:Policy", "policy", {"policy": PERMISSIONS, "description": "d", "tags": TAGS}),
    Example(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "attachment",
        {"role": "@role.name", "policyArn": "@policy.arn"},
    ),
    Example(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "oidc",
        {"url": "https://oidc.example.com/id/1", "clientIdLists": ["sts.amazonaws.com"], "thumbprintLists": ["a" * 40]},
        {"thumbprintLists": ["b" * 40]},
    ),
    Example("aws:iam/instanceProfile:InstanceProfile", "profile", {"role": "@role.name"}),
)

NETWORK = (
    Example(
        "aws:ec2/vpc:Vpc",
        "vpc",
        {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "enableDnsSupport": True, "tags": TAGS},
        {"enableDnsHostnames": False, "tags": MORE_TAGS},
    ),
    Example("aws:ec2/vpc:Vpc", "peer-vpc", {"cidrBlock": "10.1.0.0/16", "region": "us-west-2"}),
    Example(
        "aws:ec2/subnet:Subnet",
        "subnet-a",
        {
            "vpcId": "@vpc.id",
            "cidrBlock": "10.0.0.0/20",
            "availabilityZoneId": "aps1-az1",
            "mapPublicIpOnLaunch": False,
            "tags": TAGS,
        },
        {"mapPublicIpOnLaunch": True},
    ),
    Example(
        "aws:ec2/subnet:Subnet",
        "subnet-b",
        {"vpcId": "@vpc.id", "cidrBlock": "10.0.16.0/20", "availabilityZone": "ap-south-1b"},
    ),
    Example(
        "aws:ec2/subnet:Subnet",
        "subnet-c",
        {"vpcId": "@vpc.id", "cidrBlock": "10.0.32.0/20", "availabilityZone": "ap-south-1c"},
    ),
    Example("aws:ec2/routeTable:RouteTable", "table", {"vpcId": "@vpc.id", "tags": TAGS}, {"tags": MORE_TAGS}),
    Example("aws:ec2/internetGateway:InternetGateway", "igw", {"vpcId": "@vpc.id", "tags": TAGS}),
    Example(
        "aws:ec2/route:Route",
        "route",
        {"routeTableId": "@table.id", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "@igw.id"},
    ),
    Example(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "association",
        {"routeTableId": "@table.id", "subnetId": "@subnet-a.id"},
    ),
    Example("aws:ec2/eip:Eip", "eip", {"domain": "vpc", "tags": TAGS}),
    Example(
        "aws:ec2/natGateway:NatGateway",
        "nat",
        {"allocationId": "@eip.id", "subnetId": "@subnet-a.id", "tags": TAGS},
    ),
    Example(
        "aws:ec2/securityGroup:SecurityGroup",
        "group",
        {"vpcId": "@vpc.id", "description": "database", "tags": TAGS},
        {"tags": MORE_TAGS},
    ),
    Example(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "in",
        {
            "securityGroupId": "@group.id",
            "ipProtocol": "tcp",
            "fromPort": 5432,
            "toPort": 5432,
            "cidrIpv4": "10.0.0.0/16",
            "description": "from the VPC",
            "tags": TAGS,
        },
    ),
    Example(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "out",
        {"securityGroupId": "@group.id", "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"},
    ),
    Example(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "default",
        {"vpcId": "@vpc.id", "ingress": [], "egress": []},
    ),
    Example(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "s3-endpoint",
        {
            "vpcId": "@vpc.id",
            "serviceName": "com.amazonaws.ap-south-1.s3",
            "vpcEndpointType": "Gateway",
            "routeTableIds": ["@table.id"],
        },
    ),
    Example(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "sqs-endpoint",
        {
            "vpcId": "@vpc.id",
            "serviceName": "com.amazonaws.ap-south-1.sqs",
            "vpcEndpointType": "Interface",
            "subnetIds": ["@subnet-a.id"],
            "securityGroupIds": ["@group.id"],
            "privateDnsEnabled": True,
            "tags": TAGS,
        },
        {"subnetIds": ["@subnet-a.id", "@subnet-b.id"]},
    ),
    Example(
        "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
        "peering",
        {"vpcId": "@vpc.id", "peerVpcId": "@peer-vpc.id", "peerRegion": "us-west-2", "tags": TAGS},
    ),
    Example(
        "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter",
        "accepter",
        {"vpcPeeringConnectionId": "@peering.id", "autoAccept": True, "region": "us-west-2"},
    ),
    Example(
        "aws:ec2/flowLog:FlowLog",
        "flow",
        {
            "vpcId": "@vpc.id",
            "trafficType": "ALL",
            "logDestinationType": "s3",
            "logDestination": "@media.arn",
            "maxAggregationInterval": 60,
            "tags": TAGS,
        },
    ),
)

SECRETS = (
    Example(
        "aws:secretsmanager/secret:Secret",
        "secret",
        {"name": "mumbai/database", "kmsKeyId": "@key.arn", "recoveryWindowInDays": 0, "tags": TAGS},
        {"description": "the owner's password", "tags": MORE_TAGS},
    ),
    Example(
        "aws:secretsmanager/secretVersion:SecretVersion",
        "secret-version",
        {"secretId": "@secret.id", "secretString": '{"password":"correct horse"}'},
    ),
    Example(
        "aws:secretsmanager/secretVersion:SecretVersion",
        "secret-written",
        {"secretId": "@secret.id", "secretStringWo": "battery staple", "secretStringWoVersion": 1},
    ),
)

DATABASE = (
    Example(
        "aws:rds/subnetGroup:SubnetGroup",
        "db-subnets",
        {"description": "data", "subnetIds": ["@subnet-a.id", "@subnet-b.id"], "tags": TAGS},
        {"tags": MORE_TAGS},
    ),
    Example(
        "aws:rds/parameterGroup:ParameterGroup",
        "db-parameters",
        {
            "namePrefix": "meridian-",
            "family": "postgres18",
            "parameters": [
                {"name": "rds.force_ssl", "value": "1", "applyMethod": "immediate"},
                {"name": "shared_preload_libraries", "value": "pg_stat_statements", "applyMethod": "pending-reboot"},
            ],
            "tags": TAGS,
        },
    ),
    Example(
        "aws:rds/instance:Instance",
        "primary",
        {
            "identifier": "meridian-mumbai",
            "engine": "postgres",
            "engineVersion": "18.6",
            "instanceClass": "db.r8g.large",
            "multiAz": True,
            "storageType": "gp3",
            "allocatedStorage": 400,
            "storageEncrypted": True,
            "kmsKeyId": "@key.arn",
            "dbName": "meridian",
            "username": "owner",
            "passwordWo": "correct-horse",
            "passwordWoVersion": 1,
            "port": 5432,
            "publiclyAccessible": False,
            "dbSubnetGroupName": "@db-subnets.name",
            "vpcSecurityGroupIds": ["@group.id"],
            "parameterGroupName": "@db-parameters.name",
            "backupRetentionPeriod": 7,
            "backupWindow": "20:00-20:30",
            "copyTagsToSnapshot": True,
            "deletionProtection": False,
            "skipFinalSnapshot": True,
            "enabledCloudwatchLogsExports": ["postgresql"],
            "tags": TAGS,
        },
        {"backupRetentionPeriod": 9, "tags": MORE_TAGS, "instanceClass": "db.r8g.xlarge"},
    ),
    Example(
        "aws:rds/instance:Instance",
        "replica-1",
        {
            "identifier": "meridian-mumbai-replica-1",
            "replicateSourceDb": "@primary.identifier",
            "instanceClass": "db.r8g.xlarge",
            "skipFinalSnapshot": True,
            "tags": TAGS,
        },
    ),
    Example(
        "aws:rds/instance:Instance",
        "far-replica",
        {
            "identifier": "meridian-mumbai-in-oregon",
            "replicateSourceDb": "@primary.arn",
            "instanceClass": "db.r8g.large",
            "kmsKeyId": "@replica.arn",
            "skipFinalSnapshot": True,
            "region": "us-west-2",
        },
    ),
    Example(
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
        "backups",
        {
            "sourceDbInstanceArn": "@primary.arn",
            "kmsKeyId": "@replica.arn",
            "retentionPeriod": 7,
            "region": "us-west-2",
        },
    ),
)

CACHE = (
    Example(
        "aws:elasticache/subnetGroup:SubnetGroup",
        "cache-subnets",
        {"name": "mumbai-cache", "description": "d", "subnetIds": ["@subnet-a.id"], "tags": TAGS},
        {"tags": MORE_TAGS},
    ),
    Example(
        "aws:elasticache/parameterGroup:ParameterGroup",
        "cache-parameters",
        {
            "name": "mumbai-valkey8",
            "family": "valkey8",
            "description": "d",
            "parameters": [{"name": "maxmemory-policy", "value": "volatile-ttl"}],
        },
    ),
    Example(
        "aws:elasticache/user:User",
        "cache-user",
        {
            "engine": "valkey",
            "userId": "mumbai-gateway",
            "userName": "gateway",
            "accessString": "on ~* &* +@all",
            "passwordsWo": "a-password-of-at-least-16",
            "passwordsWoVersion": 1,
            "tags": TAGS,
        },
        {"tags": MORE_TAGS},
    ),
    Example(
        "aws:elasticache/userGroup:UserGroup",
        "cache-users",
        {"engine": "valkey", "userGroupId": "mumbai-users", "userIds": ["@cache-user.userId"]},
    ),
    Example(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "cache",
        {
            "replicationGroupId": "mumbai-cache",
            "description": "Cache of mumbai",
            "engine": "valkey",
            "engineVersion": "8.2",
            "autoMinorVersionUpgrade": False,
            "nodeType": "cache.r7g.large",
            "clusterMode": "enabled",
            "numNodeGroups": 3,
            "replicasPerNodeGroup": 1,
            "automaticFailoverEnabled": True,
            "multiAzEnabled": True,
            "port": 6379,
            "subnetGroupName": "@cache-subnets.name",
            "securityGroupIds": ["@group.id"],
            "parameterGroupName": "@cache-parameters.name",
            "userGroupIds": ["@cache-users.userGroupId"],
            "atRestEncryptionEnabled": True,
            "kmsKeyId": "@key.arn",
            "transitEncryptionEnabled": True,
            "snapshotRetentionLimit": 0,
            "maintenanceWindow": "wed:21:00-wed:22:00",
            "logDeliveryConfigurations": [
                {
                    "destination": "/aws/elasticache/slow",
                    "destinationType": "cloudwatch-logs",
                    "logFormat": "json",
                    "logType": "slow-log",
                }
            ],
            "tags": TAGS,
        },
        {"description": "Cache of the cell mumbai"},
    ),
)

KAFKA = (
    Example(
        "aws:msk/configuration:Configuration",
        "kafka-configuration",
        {"name": "mumbai", "kafkaVersions": ["3.9.x"], "serverProperties": "min.insync.replicas=2", "description": "d"},
    ),
    Example(
        "aws:msk/cluster:Cluster",
        "kafka",
        {
            "clusterName": "mumbai",
            "kafkaVersion": "3.9.x",
            "numberOfBrokerNodes": 3,
            "brokerNodeGroupInfo": {
                "instanceType": "kafka.m7g.large",
                "clientSubnets": ["@subnet-a.id", "@subnet-b.id", "@subnet-c.id"],
                "securityGroups": ["@group.id"],
                "storageInfo": {"ebsStorageInfo": {"volumeSize": 500}},
                "connectivityInfo": {"vpcConnectivity": {"clientAuthentication": {"sasl": {"iam": True}}}},
            },
            "clientAuthentication": {"sasl": {"iam": True, "scram": True}, "unauthenticated": False},
            "configurationInfo": {"arn": "@kafka-configuration.arn", "revision": "@kafka-configuration.latestRevision"},
            "encryptionInfo": {
                "encryptionAtRestKmsKeyArn": "@key.arn",
                "encryptionInTransit": {"clientBroker": "TLS", "inCluster": True},
            },
            "enhancedMonitoring": "PER_TOPIC_PER_BROKER",
            "loggingInfo": {"brokerLogs": {"cloudwatchLogs": {"enabled": True, "logGroup": "/msk/mumbai"}}},
            "tags": TAGS,
        },
        {"tags": MORE_TAGS},
    ),
    Example(
        "aws:msk/clusterPolicy:ClusterPolicy",
        "kafka-policy",
        {
            "clusterArn": "@kafka.arn",
            "policy": _statement("kafka.amazonaws.com", "kafka:CreateVpcConnection", "@kafka.arn"),
        },
    ),
    Example(
        "aws:msk/topic:Topic",
        "topic",
        {"clusterArn": "@kafka.arn", "name": "views", "partitionCount": 12, "replicationFactor": 3},
    ),
    Example(
        "aws:msk/replicator:Replicator",
        "replicator",
        {
            "replicatorName": "mumbai-to-oregon",
            "serviceExecutionRoleArn": "@role.arn",
            "kafkaClusters": [
                {
                    "amazonMskCluster": {"mskClusterArn": "@kafka.arn"},
                    "vpcConfig": {"subnetIds": ["@subnet-a.id", "@subnet-b.id"], "securityGroupsIds": ["@group.id"]},
                },
                {
                    "amazonMskCluster": {"mskClusterArn": "@kafka.arn"},
                    "vpcConfig": {"subnetIds": ["@subnet-a.id", "@subnet-b.id"], "securityGroupsIds": ["@group.id"]},
                },
            ],
            "replicationInfoList": {
                "sourceKafkaClusterArn": "@kafka.arn",
                "targetKafkaClusterArn": "@kafka.arn",
                "targetCompressionType": "NONE",
                "topicReplications": [
                    {
                        "topicsToReplicates": ["views"],
                        "copyTopicConfigurations": True,
                        "topicNameConfiguration": {"type": "IDENTICAL"},
                        "startingPosition": {"type": "EARLIEST"},
                    }
                ],
                "consumerGroupReplications": [{"consumerGroupsToReplicates": [".*"]}],
            },
            "tags": TAGS,
        },
    ),
)

KUBERNETES = (
    Example(
        "aws:eks/cluster:Cluster",
        "cluster",
        {
            "name": "mumbai",
            "roleArn": "@role.arn",
            "version": "1.34",
            "vpcConfig": {
                "subnetIds": ["@subnet-a.id", "@subnet-b.id"],
                "endpointPrivateAccess": True,
                "endpointPublicAccess": False,
            },
            "enabledClusterLogTypes": ["api", "audit"],
            "encryptionConfig": {"provider": {"keyArn": "@key.arn"}, "resources": ["secrets"]},
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
            "tags": TAGS,
        },
        {"tags": MORE_TAGS},
    ),
    Example(
        "aws:eks/accessEntry:AccessEntry",
        "entry",
        {"clusterName": "@cluster.name", "principalArn": "@role.arn", "type": "STANDARD", "tags": TAGS},
    ),
    Example(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "admin",
        {
            "clusterName": "@cluster.name",
            "principalArn": "@role.arn",
            "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "accessScope": {"type": "cluster"},
        },
    ),
    Example(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "pod-identity",
        {
            "clusterName": "@cluster.name",
            "namespace": "meridian",
            "serviceAccount": "gateway",
            "roleArn": "@role.arn",
            "tags": TAGS,
        },
    ),
    Example(
        "aws:eks/addon:Addon",
        "addon",
        {
            "clusterName": "@cluster.name",
            "addonName": "metrics-server",
            "resolveConflictsOnCreate": "OVERWRITE",
            "tags": TAGS,
        },
    ),
)

BALANCING = (
    Example(
        "aws:lb/loadBalancer:LoadBalancer",
        "balancer",
        {
            "name": "mumbai",
            "internal": False,
            "loadBalancerType": "application",
            "subnets": ["@subnet-a.id", "@subnet-b.id"],
            "securityGroups": ["@group.id"],
            "idleTimeout": 120,
            "enableDeletionProtection": False,
            "dropInvalidHeaderFields": True,
            "accessLogs": {"bucket": "@media.bucket", "enabled": True, "prefix": "alb"},
            "tags": TAGS,
        },
        {"idleTimeout": 90, "tags": MORE_TAGS},
    ),
    Example(
        "aws:lb/targetGroup:TargetGroup",
        "targets",
        {
            "port": 8080,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": "@vpc.id",
            "deregistrationDelay": 30,
            "healthCheck": {"path": "/healthz", "interval": 10, "timeout": 5, "matcher": "200", "protocol": "HTTP"},
            "stickiness": {"type": "lb_cookie", "enabled": True, "cookieDuration": 3600},
            "tags": TAGS,
        },
        {"deregistrationDelay": 60, "healthCheck": {"path": "/ready", "matcher": "200-204"}},
    ),
    Example(
        "aws:lb/listener:Listener",
        "listener",
        {
            "loadBalancerArn": "@balancer.arn",
            "port": 80,
            "protocol": "HTTP",
            "defaultActions": [
                {"type": "redirect", "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"}}
            ],
        },
    ),
    Example(
        "aws:lb/listenerRule:ListenerRule",
        "rule",
        {
            "listenerArn": "@listener.arn",
            "priority": 10,
            "conditions": [{"pathPattern": {"values": ["/v1/*"]}}, {"hostHeader": {"values": ["api.meridian.test"]}}],
            "actions": [{"type": "forward", "targetGroupArn": "@targets.arn"}],
        },
    ),
    Example(
        "aws:wafv2/webAcl:WebAcl",
        "acl",
        {
            "name": "mumbai",
            "scope": "REGIONAL",
            "defaultAction": {"allow": {}},
            "visibilityConfig": {
                "cloudwatchMetricsEnabled": True,
                "metricName": "mumbai",
                "sampledRequestsEnabled": True,
            },
            "rules": [
                {
                    "name": "common",
                    "priority": 0,
                    "overrideAction": {"none": {}},
                    "statement": {
                        "managedRuleGroupStatement": {"name": "AWSManagedRulesCommonRuleSet", "vendorName": "AWS"}
                    },
                    "visibilityConfig": {
                        "cloudwatchMetricsEnabled": True,
                        "metricName": "common",
                        "sampledRequestsEnabled": True,
                    },
                },
                {
                    "name": "rate",
                    "priority": 1,
                    "action": {"block": {}},
                    "statement": {
                        "rateBasedStatement": {
                            "limit": 2000,
                            "aggregateKeyType": "IP",
                            "scopeDownStatement": {
                                "byteMatchStatement": {
                                    "fieldToMatch": {"uriPath": {}},
                                    "positionalConstraint": "STARTS_WITH",
                                    "searchString": "/v1/auth",
                                    "textTransformations": [{"priority": 0, "type": "NONE"}],
                                }
                            },
                        }
                    },
                    "visibilityConfig": {
                        "cloudwatchMetricsEnabled": True,
                        "metricName": "rate",
                        "sampledRequestsEnabled": True,
                    },
                },
            ],
            "tags": TAGS,
        },
        {"defaultAction": {"block": {}}},
    ),
    Example(
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        "acl-association",
        {"webAclArn": "@acl.arn", "resourceArn": "@balancer.arn"},
    ),
    Example(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        "acl-logs",
        {
            "resourceArn": "@acl.arn",
            "logDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-meridian"],
            "redactedFields": [{"singleHeader": {"name": "authorization"}}],
        },
    ),
)

NAMES = (
    Example(
        "aws:acm/certificate:Certificate",
        "certificate",
        {
            "domainName": "meridian.test",
            "subjectAlternativeNames": ["*.meridian.test"],
            "validationMethod": "DNS",
            "tags": TAGS,
        },
        {"tags": MORE_TAGS},
    ),
    Example("aws:acm/certificateValidation:CertificateValidation", "valid", {"certificateArn": "@certificate.arn"}),
    Example(
        "aws:route53/zone:Zone",
        "zone",
        {"name": "meridian.test", "comment": "c", "forceDestroy": False, "tags": TAGS},
        {"comment": "the platform", "tags": MORE_TAGS},
    ),
    Example(
        "aws:route53/healthCheck:HealthCheck",
        "check",
        {
            "type": "HTTPS",
            "fqdn": "origin-mumbai.meridian.test",
            "port": 443,
            "resourcePath": "/healthz",
            "requestInterval": 10,
            "failureThreshold": 3,
            "regions": ["us-east-1", "eu-west-1", "ap-southeast-1"],
            "tags": TAGS,
        },
        {"failureThreshold": 2},
    ),
    Example(
        "aws:route53/record:Record",
        "record",
        {
            "zoneId": "@zone.zoneId",
            "name": "api.meridian.test",
            "type": "A",
            "ttl": 60,
            "records": ["192.0.2.1"],
            "setIdentifier": "india",
            "geolocationRoutingPolicies": [{"country": "IN"}],
            "healthCheckId": "@check.id",
        },
        {"records": ["192.0.2.2"]},
    ),
    Example(
        "aws:route53/record:Record",
        "alias-record",
        {
            "zoneId": "@zone.zoneId",
            "name": "in.api.meridian.test",
            "type": "A",
            "setIdentifier": "primary",
            "failoverRoutingPolicies": [{"type": "PRIMARY"}],
            "aliases": [{"name": "@balancer.dnsName", "zoneId": "@balancer.zoneId", "evaluateTargetHealth": True}],
        },
    ),
    Example(
        "aws:route53/record:Record",
        "plain-record",
        {"zoneId": "@zone.zoneId", "name": "*.meridian.test", "type": "TXT", "ttl": 300, "records": ["hello"]},
    ),
)

DELIVERY = (
    Example(
        "aws:cloudfront/originAccessControl:OriginAccessControl",
        "oac",
        {"originAccessControlOriginType": "s3", "signingBehavior": "always", "signingProtocol": "sigv4"},
        {"description": "media"},
    ),
    Example(
        "aws:cloudfront/publicKey:PublicKey",
        "public-key",
        {
            "encodedKey": "-----BEGIN PUBLIC KEY-----\n"
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n"
            "q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n"
            "-----END PUBLIC KEY-----\n"
        },
    ),
    Example("aws:cloudfront/keyGroup:KeyGroup", "key-group", {"items": ["@public-key.id"]}),
    Example(
        "aws:cloudfront/cachePolicy:CachePolicy",
        "cache-policy",
        {
            "name": "segments",
            "defaultTtl": 86400,
            "maxTtl": 31536000,
            "minTtl": 1,
            "parametersInCacheKeyAndForwardedToOrigin": {
                "cookiesConfig": {"cookieBehavior": "none"},
                "headersConfig": {"headerBehavior": "whitelist", "headers": {"items": ["Origin"]}},
                "queryStringsConfig": {"queryStringBehavior": "none"},
                "enableAcceptEncodingGzip": True,
            },
        },
        {"defaultTtl": 3600},
    ),
    Example(
        "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
        "request-policy",
        {
            "name": "api",
            "cookiesConfig": {"cookieBehavior": "none"},
            "headersConfig": {"headerBehavior": "none"},
            "queryStringsConfig": {"queryStringBehavior": "all"},
        },
    ),
    Example(
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        "response-policy",
        {
            "name": "security",
            "securityHeadersConfig": {
                "strictTransportSecurity": {
                    "accessControlMaxAgeSec": 63072000,
                    "override": True,
                    "includeSubdomains": True,
                },
                "contentTypeOptions": {"override": True},
            },
            "corsConfig": {
                "accessControlAllowCredentials": False,
                "accessControlAllowHeaders": {"items": ["*"]},
                "accessControlAllowMethods": {"items": ["GET", "HEAD"]},
                "accessControlAllowOrigins": {"items": ["https://meridian.test"]},
                "originOverride": True,
            },
        },
    ),
    Example(
        "aws:cloudfront/function:Function",
        "function",
        {"name": "viewer", "runtime": "cloudfront-js-2.0", "code": "function handler(e) { return e.request }"},
        {"code": "function handler(event) { return event.request }"},
    ),
    Example(
        "aws:cloudfront/distribution:Distribution",
        "distribution",
        {
            "enabled": True,
            "comment": "media",
            "httpVersion": "http2and3",
            "isIpv6Enabled": True,
            "priceClass": "PriceClass_All",
            "origins": [
                {
                    "originId": origin,
                    "domainName": f"@{bucket}.bucketRegionalDomainName",
                    "originAccessControlId": "@oac.id",
                    "connectionAttempts": 2,
                    "connectionTimeout": 2,
                }
                for origin, bucket in (("mumbai", "media"), ("oregon", "copy"))
            ],
            "originGroups": [
                {
                    "originId": "pair",
                    "failoverCriteria": {"statusCodes": [500, 502, 503, 504]},
                    "members": [{"originId": "mumbai"}, {"originId": "oregon"}],
                }
            ],
            "defaultCacheBehavior": {
                "targetOriginId": "pair",
                "viewerProtocolPolicy": "redirect-to-https",
                "allowedMethods": ["GET", "HEAD", "OPTIONS"],
                "cachedMethods": ["GET", "HEAD"],
                "cachePolicyId": "@cache-policy.id",
                "trustedKeyGroups": ["@key-group.id"],
                "compress": True,
            },
            "orderedCacheBehaviors": [
                {
                    "pathPattern": "/page/*",
                    "targetOriginId": "mumbai",
                    "viewerProtocolPolicy": "redirect-to-https",
                    "allowedMethods": ["GET", "HEAD"],
                    "cachedMethods": ["GET", "HEAD"],
                    "cachePolicyId": "@cache-policy.id",
                    "responseHeadersPolicyId": "@response-policy.id",
                    "functionAssociations": [{"eventType": "viewer-request", "functionArn": "@function.arn"}],
                }
            ],
            "restrictions": {"geoRestriction": {"restrictionType": "none"}},
            "viewerCertificate": {"cloudfrontDefaultCertificate": True},
            "customErrorResponses": [{"errorCode": 403, "errorCachingMinTtl": 10}],
            "tags": TAGS,
        },
        {"comment": "all media"},
    ),
)

WATCHING = (
    Example(
        "aws:cloudwatch/logGroup:LogGroup",
        "logs",
        {"name": "/meridian/mumbai", "retentionInDays": 30, "tags": TAGS},
        {"retentionInDays": 90, "tags": MORE_TAGS},
    ),
    Example(
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        "log-policy",
        {"policyName": "dns", "policyDocument": _statement("route53.amazonaws.com", "logs:PutLogEvents", "*")},
    ),
    Example(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "alarm",
        {
            "name": "mumbai-5xx",
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 3,
            "threshold": 1.5,
            "treatMissingData": "notBreaching",
            "metricQueries": [
                {"id": "ratio", "expression": "100*errors/all", "label": "ratio", "returnData": True},
                *(
                    {
                        "id": name,
                        "metric": {
                            "metricName": metric,
                            "namespace": "AWS/ApplicationELB",
                            "period": 60,
                            "stat": "Sum",
                            "dimensions": {"LoadBalancer": "app/mumbai/1"},
                        },
                    }
                    for name, metric in (("errors", "HTTPCode_Target_5XX_Count"), ("all", "RequestCount"))
                ),
            ],
            "tags": TAGS,
        },
        {"threshold": 2},
    ),
    Example(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "simple-alarm",
        {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 80,
            "metricName": "CPUUtilization",
            "namespace": "AWS/RDS",
            "period": 60,
            "statistic": "Average",
            "dimensions": {"DBInstanceIdentifier": "meridian-mumbai"},
            "alarmActions": ["arn:aws:sns:ap-south-1:123456789012:x"],
        },
    ),
    Example(
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "composite",
        {"alarmName": "mumbai-down", "alarmRule": 'ALARM("mumbai-5xx")'},
    ),
    Example(
        "aws:cloudwatch/dashboard:Dashboard",
        "dashboard",
        {"dashboardName": "mumbai", "dashboardBody": json.dumps({"widgets": []})},
        {"dashboardBody": json.dumps({"widgets": [], "start": "-PT6H"})},
    ),
    Example(
        "aws:cloudwatch/eventRule:EventRule",
        "event-rule",
        {"name": "rds", "eventPattern": json.dumps({"source": ["aws.rds"]}), "tags": TAGS},
        {"description": "events of databases"},
    ),
    Example("aws:cloudwatch/eventTarget:EventTarget", "event-target", {"rule": "@event-rule.name", "arn": "@jobs.arn"}),
    Example(
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        "delivery-source",
        {"name": "media", "logType": "ACCESS_LOGS", "resourceArn": "@distribution.arn", "region": "us-east-1"},
    ),
    Example(
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
        "delivery-destination",
        {
            "name": "edge",
            "outputFormat": "parquet",
            "deliveryDestinationConfiguration": {"destinationResourceArn": "@media.arn"},
            "region": "us-east-1",
        },
    ),
    Example(
        "aws:cloudwatch/logDelivery:LogDelivery",
        "delivery",
        {
            "deliverySourceName": "@delivery-source.name",
            "deliveryDestinationArn": "@delivery-destination.arn",
            "s3DeliveryConfigurations": [{"suffixPath": "media/{yyyy}", "enableHiveCompatiblePath": False}],
            "region": "us-east-1",
        },
    ),
    Example(
        "aws:sns/topic:Topic",
        "topic-alarms",
        {"name": "alarms", "kmsMasterKeyId": "alias/data", "displayName": "alarms", "tags": TAGS},
        {"displayName": "all alarms", "tags": MORE_TAGS},
    ),
    Example(
        "aws:sns/topicPolicy:TopicPolicy",
        "topic-policy",
        {
            "arn": "@topic-alarms.arn",
            "policy": _statement("cloudwatch.amazonaws.com", "sns:Publish", "@topic-alarms.arn"),
        },
    ),
    Example(
        "aws:sns/topicSubscription:TopicSubscription",
        "subscription",
        {
            "topic": "@topic-alarms.arn",
            "protocol": "sqs",
            "endpoint": "@jobs.arn",
            "rawMessageDelivery": True,
        },
    ),
)

REST = (
    Example(
        "aws:mediaconvert/queue:Queue",
        "transcoding",
        {"name": "mumbai", "pricingPlan": "ON_DEMAND", "status": "ACTIVE", "tags": TAGS},
        {"status": "PAUSED"},
    ),
    Example(
        "aws:ecr/repository:Repository",
        "repository",
        {
            "name": "meridian/gateway",
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "@key.arn"}],
            "tags": TAGS,
        },
        {"tags": MORE_TAGS, "imageTagMutability": "MUTABLE"},
    ),
    Example(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "repository-lifecycle",
        {
            "repository": "@repository.name",
            "policy": json.dumps(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "selection": {
                                "tagStatus": "untagged",
                                "countType": "sinceImagePushed",
                                "countUnit": "days",
                                "countNumber": 14,
                            },
                            "action": {"type": "expire"},
                        }
                    ]
                }
            ),
        },
    ),
    Example(
        "aws:ecr/replicationConfiguration:ReplicationConfiguration",
        "registry-replication",
        {
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "123456789012"}],
                        "repositoryFilters": [{"filter": "meridian/", "filterType": "PREFIX_MATCH"}],
                    }
                ]
            }
        },
    ),
    Example(
        "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
        "template",
        {
            "prefix": "meridian",
            "appliedFors": ["REPLICATION"],
            "imageTagMutability": "IMMUTABLE",
            "encryptionConfigurations": [{"encryptionType": "AES256"}],
        },
    ),
    Example(
        "aws:ssm/parameter:Parameter",
        "parameter",
        {"name": "/meridian/mumbai/x", "type": "String", "value": "1", "tags": TAGS},
        {"tags": MORE_TAGS},
    ),
    Example(
        "aws:budgets/budget:Budget",
        "budget",
        {
            "name": "meridian",
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "1000",
            "limitUnit": "USD",
            "costFilters": [{"name": "TagKeyValue", "values": ["user:Project$meridian"]}],
            "notifications": [
                {
                    "comparisonOperator": "GREATER_THAN",
                    "threshold": 80,
                    "thresholdType": "PERCENTAGE",
                    "notificationType": "FORECASTED",
                    "subscriberSnsTopicArns": ["@topic-alarms.arn"],
                }
            ],
        },
    ),
    Example(
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
        "monitor",
        {"name": "services", "monitorType": "DIMENSIONAL", "monitorDimension": "SERVICE"},
    ),
    Example(
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
        "anomalies",
        {
            "name": "daily",
            "frequency": "DAILY",
            "monitorArnLists": ["@monitor.arn"],
            "subscribers": [{"type": "SNS", "address": "@topic-alarms.arn"}],
            "thresholdExpression": {
                "dimension": {
                    "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                    "values": ["100"],
                    "matchOptions": ["GREATER_THAN_OR_EQUAL"],
                }
            },
        },
    ),
    Example("aws:backup/vault:Vault", "vault", {"name": "mumbai", "kmsKeyArn": "@key.arn", "tags": TAGS}),
    Example(
        "aws:backup/plan:Plan",
        "plan",
        {
            "name": "daily",
            "rules": [
                {
                    "ruleName": "daily",
                    "targetVaultName": "@vault.name",
                    "schedule": "cron(0 20 * * ? *)",
                    "lifecycle": {"deleteAfter": 35},
                }
            ],
        },
    ),
    Example(
        "aws:backup/selection:Selection",
        "selection",
        {
            "name": "tagged",
            "planId": "@plan.id",
            "iamRoleArn": "@role.arn",
            "selectionTags": [{"type": "STRINGEQUALS", "key": "Backup", "value": "daily"}],
        },
    ),
    Example(
        "aws:scheduler/schedule:Schedule",
        "schedule",
        {
            "name": "nightly",
            "scheduleExpression": "rate(1 day)",
            "flexibleTimeWindow": {"mode": "OFF"},
            "target": {"arn": "@jobs.arn", "roleArn": "@role.arn"},
        },
        {"scheduleExpression": "rate(2 days)"},
    ),
    Example(
        "aws:appautoscaling/target:Target",
        "scalable",
        {
            "serviceNamespace": "kafka",
            "resourceId": "@kafka.arn",
            "scalableDimension": "kafka:broker-storage:VolumeSize",
            "minCapacity": 1,
            "maxCapacity": 3,
        },
        {"maxCapacity": 4},
    ),
    Example(
        "aws:appautoscaling/policy:Policy",
        "scaling",
        {
            "serviceNamespace": "kafka",
            "resourceId": "@scalable.resourceId",
            "scalableDimension": "kafka:broker-storage:VolumeSize",
            "policyType": "TargetTrackingScaling",
            "targetTrackingScalingPolicyConfiguration": {
                "targetValue": 60,
                "predefinedMetricSpecification": {"predefinedMetricType": "KafkaBrokerStorageUtilization"},
            },
        },
    ),
)

METRICS = (
    Example(
        "aws:amp/workspace:Workspace",
        "workspace",
        {"alias": "mumbai", "tags": TAGS},
        {"alias": "mumbai-metrics", "tags": MORE_TAGS},
    ),
    Example(
        "aws:amp/ruleGroupNamespace:RuleGroupNamespace",
        "rules",
        {"name": "services", "workspaceId": "@workspace.id", "data": json.dumps({"groups": []}), "tags": TAGS},
        {"data": json.dumps({"groups": [{"name": "none", "rules": []}]}), "tags": MORE_TAGS},
    ),
    Example(
        "aws:amp/alertManagerDefinition:AlertManagerDefinition",
        "alert-manager",
        {"workspaceId": "@workspace.id", "definition": json.dumps({"alertmanager_config": "{}"})},
        {"definition": json.dumps({"alertmanager_config": '{"receivers": []}'})},
    ),
    Example(
        "aws:amp/scraper:Scraper",
        "collector",
        {
            "alias": "mumbai",
            "scrapeConfiguration": json.dumps({"scrape_configs": []}),
            "source": {"eks": {"clusterArn": "@cluster.arn", "subnetIds": ["@subnet-a.id", "@subnet-b.id"]}},
            "destination": {"amp": {"workspaceArn": "@workspace.arn"}},
            "tags": TAGS,
        },
        {"scrapeConfiguration": json.dumps({"global": {}, "scrape_configs": []}), "tags": MORE_TAGS},
    ),
)

EXAMPLES: tuple[Example, ...] = (
    *KMS,
    *S3,
    *SQS,
    *IAM,
    *NETWORK,
    *SECRETS,
    *DATABASE,
    *CACHE,
    *KAFKA,
    *KUBERNETES,
    *BALANCING,
    *NAMES,
    *DELIVERY,
    *WATCHING,
    *METRICS,
    *REST,
)
