"""Checks of the stores: databases, caches, streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.footprint.asking import Ask, Check

_DATABASE: Final = {
    "allocatedStorage": "AllocatedStorage",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "dbName": "DBName",
    "dbSubnetGroupName": "DBSubnetGroup.DBSubnetGroupName",
    "deletionProtection": "DeletionProtection",
    "enabledCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "engine": "Engine",
    "engineLifecycleSupport": "EngineLifecycleSupport",
    "engineVersion": "EngineVersion",
    "identifier": "DBInstanceIdentifier",
    "instanceClass": "DBInstanceClass",
    "kmsKeyId": "KmsKeyId",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "monitoringInterval": "MonitoringInterval",
    "monitoringRoleArn": "MonitoringRoleArn",
    "multiAz": "MultiAZ",
    "parameterGroupName": "DBParameterGroups[0].DBParameterGroupName",
    "performanceInsightsEnabled": "PerformanceInsightsEnabled",
    "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "port": "Endpoint.Port",
    "publiclyAccessible": "PubliclyAccessible",
    "replicateSourceDb": "ReadReplicaSourceDBInstanceIdentifier",
    "storageEncrypted": "StorageEncrypted",
    "storageType": "StorageType",
    "tags": "TagList",
    "username": "MasterUsername",
    "vpcSecurityGroupIds": "VpcSecurityGroups[].VpcSecurityGroupId",
}
_CACHE: Final = {
    "atRestEncryptionEnabled": "AtRestEncryptionEnabled",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "automaticFailoverEnabled": "AutomaticFailover",
    "clusterMode": "ClusterEnabled",
    "description": "Description",
    "engine": "Engine",
    "kmsKeyId": "KmsKeyId",
    "logDeliveryConfigurations": "LogDeliveryConfigurations[].{destinationType: DestinationType, logFormat: LogFormat,"
    " logType: LogType, destination: DestinationDetails.CloudWatchLogsDetails.LogGroup}",
    "multiAzEnabled": "MultiAZ",
    "nodeType": "CacheNodeType",
    "numNodeGroups": "length(NodeGroups)",
    "port": "ConfigurationEndpoint.Port || NodeGroups[0].PrimaryEndpoint.Port",
    "replicasPerNodeGroup": "length(NodeGroups[0].NodeGroupMembers) && to_string(length(NodeGroups[0].NodeGroupMembers[1:]))",
    "replicationGroupId": "ReplicationGroupId",
    "snapshotRetentionLimit": "SnapshotRetentionLimit",
    "transitEncryptionEnabled": "TransitEncryptionEnabled",
    "userGroupIds": "UserGroupIds",
}
_MSK: Final = {
    "clusterName": "ClusterName",
    "kafkaVersion": "CurrentBrokerSoftwareInfo.KafkaVersion",
    "numberOfBrokerNodes": "NumberOfBrokerNodes",
    "enhancedMonitoring": "EnhancedMonitoring",
    "configurationInfo": "CurrentBrokerSoftwareInfo.{arn: ConfigurationArn, revision: ConfigurationRevision}",
    "clientAuthentication": "ClientAuthentication.{sasl: Sasl.{iam: Iam.Enabled}}",
    "encryptionInfo": "EncryptionInfo.{encryptionAtRestKmsKeyArn: EncryptionAtRest.DataVolumeKMSKeyId,"
    " encryptionInTransit: EncryptionInTransit.{clientBroker: ClientBroker, inCluster: InCluster}}",
    "brokerNodeGroupInfo": "BrokerNodeGroupInfo.{clientSubnets: ClientSubnets, instanceType: InstanceType,"
    " securityGroups: SecurityGroups, storageInfo: StorageInfo.{ebsStorageInfo: EbsStorageInfo.{volumeSize: VolumeSize}},"
    " connectivityInfo: ConnectivityInfo.{vpcConnectivity: VpcConnectivity.{clientAuthentication: ClientAuthentication"
    ".{sasl: Sasl.{iam: Iam.Enabled}}}}}",
    "loggingInfo": "LoggingInfo.{brokerLogs: BrokerLogs.{cloudwatchLogs: CloudWatchLogs"
    ".{enabled: Enabled, logGroup: LogGroup}}}",
}

CHECKS: Final[Mapping[str, Check]] = {
    "aws:rds/instance:Instance": Check(
        (
            Ask(
                "rds",
                "describe_db_instances",
                {"DBInstanceIdentifier": "<identifier>"},
                {name: f"DBInstances[0] | {how}" for name, how in _DATABASE.items()},
            ),
        ),
        unread={
            "deleteAutomatedBackups": "is what the provider says when it deletes; the deletion is checked",
            "skipFinalSnapshot": "is what the provider says when it deletes; the deletion is checked",
            "passwordWo": "is a secret that no operation tells",
            "passwordWoVersion": "is a counter of the program's, not a property of the database",
        },
    ),
    "aws:rds/parameterGroup:ParameterGroup": Check(
        (
            Ask(
                "rds",
                "describe_db_parameter_groups",
                {"DBParameterGroupName": "<id>"},
                {
                    "description": "DBParameterGroups[0].Description",
                    "family": "DBParameterGroups[0].DBParameterGroupFamily",
                    "namePrefix": "starts_with(DBParameterGroups[0].DBParameterGroupName, '<namePrefix>') && '<namePrefix>'",
                },
            ),
            Ask(
                "rds",
                "describe_db_parameters",
                {"DBParameterGroupName": "<id>"},
                {"parameters": "Parameters[].{name: ParameterName, value: ParameterValue, applyMethod: ApplyMethod}"},
            ),
            Ask("rds", "list_tags_for_resource", {"ResourceName": "<arn>"}, {"tags": "TagList"}),
        ),
        among=frozenset({"parameters"}),
    ),
    "aws:rds/subnetGroup:SubnetGroup": Check(
        (
            Ask(
                "rds",
                "describe_db_subnet_groups",
                {"DBSubnetGroupName": "<id>"},
                {
                    "description": "DBSubnetGroups[0].DBSubnetGroupDescription",
                    "subnetIds": "DBSubnetGroups[0].Subnets[].SubnetIdentifier",
                },
            ),
            Ask("rds", "list_tags_for_resource", {"ResourceName": "<arn>"}, {"tags": "TagList"}),
        )
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Check(
        (
            Ask(
                "elasticache",
                "describe_replication_groups",
                {"ReplicationGroupId": "<replicationGroupId>"},
                {name: f"ReplicationGroups[0] | {how}" for name, how in _CACHE.items()},
            ),
            Ask("elasticache", "list_tags_for_resource", {"ResourceName": "<arn>"}, {"tags": "TagList"}),
        ),
        unread={
            "applyImmediately": "is an instruction for changes",
            "engineVersion": "is told of the nodes, which not every emulator lists",
            "maintenanceWindow": "is told of the nodes, which not every emulator lists",
            "parameterGroupName": "is told of the nodes, which not every emulator lists",
            "securityGroupIds": "is told of the nodes, which not every emulator lists",
            "subnetGroupName": "is told of the nodes, which not every emulator lists",
        },
    ),
    "aws:elasticache/user:User": Check(
        (
            Ask(
                "elasticache",
                "describe_users",
                {"UserId": "<userId>"},
                {
                    "userId": "Users[0].UserId",
                    "userName": "Users[0].UserName",
                    "engine": "Users[0].Engine",
                    "accessString": "Users[0].AccessString",
                },
            ),
            Ask("elasticache", "list_tags_for_resource", {"ResourceName": "<arn>"}, {"tags": "TagList"}),
        ),
        unread={
            "passwordsWo": "is a secret that no operation tells",
            "passwordsWoVersion": "is a counter of the program's, not a property of the user",
        },
    ),
    "aws:elasticache/userGroup:UserGroup": Check(
        (
            Ask(
                "elasticache",
                "describe_user_groups",
                {"UserGroupId": "<userGroupId>"},
                {
                    "userGroupId": "UserGroups[0].UserGroupId",
                    "engine": "UserGroups[0].Engine",
                    "userIds": "UserGroups[0].UserIds",
                },
            ),
            Ask("elasticache", "list_tags_for_resource", {"ResourceName": "<arn>"}, {"tags": "TagList"}),
        )
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": Check(
        (
            Ask(
                "elasticache",
                "describe_cache_subnet_groups",
                {"CacheSubnetGroupName": "<name>"},
                {
                    "name": "CacheSubnetGroups[0].CacheSubnetGroupName",
                    "description": "CacheSubnetGroups[0].CacheSubnetGroupDescription",
                    "subnetIds": "CacheSubnetGroups[0].Subnets[].SubnetIdentifier",
                },
            ),
            Ask("elasticache", "list_tags_for_resource", {"ResourceName": "<arn>"}, {"tags": "TagList"}),
        )
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": Check(
        (
            Ask(
                "elasticache",
                "describe_cache_parameter_groups",
                {"CacheParameterGroupName": "<name>"},
                {
                    "name": "CacheParameterGroups[0].CacheParameterGroupName",
                    "family": "CacheParameterGroups[0].CacheParameterGroupFamily",
                    "description": "CacheParameterGroups[0].Description",
                },
            ),
            Ask(
                "elasticache",
                "describe_cache_parameters",
                {"CacheParameterGroupName": "<name>", "Source": "user"},
                {"parameters": "Parameters[].{name: ParameterName, value: ParameterValue}"},
            ),
            Ask("elasticache", "list_tags_for_resource", {"ResourceName": "<arn>"}, {"tags": "TagList"}),
        ),
        among=frozenset({"parameters"}),
    ),
    "aws:msk/cluster:Cluster": Check(
        (
            Ask(
                "kafka",
                "describe_cluster",
                {"ClusterArn": "<arn>"},
                {name: f"ClusterInfo.{how}" for name, how in _MSK.items()},
            ),
            Ask("kafka", "list_tags_for_resource", {"ResourceArn": "<arn>"}, {"tags": "Tags"}),
        )
    ),
}
