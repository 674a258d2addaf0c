"""RDS: instances and their replicas, subnet and parameter groups, replicated backups."""

from __future__ import annotations

from collections.abc import Mapping

from local.aws.engine.derive import part
from local.aws.engine.spec import Call, Creator, Facet, Naming, ResourceType, Tagging
from local.aws.engine.wire import UNKNOWN, Properties, Unknown, is_list, is_mapping

_TAGGING = Tagging(
    "AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource", "ResourceName", listing="TagList"
)
_DESCRIPTION: Mapping[str, object] = {"description": "Managed by Pulumi"}

SUBNET_GROUP = ResourceType(
    pulumi_type="aws:rds/subnetGroup:SubnetGroup",
    service="rds",
    cfn="AWS::RDS::DBSubnetGroup",
    create=Call("CreateDBSubnetGroup", root="DBSubnetGroup"),
    read=Call("DescribeDBSubnetGroups", bind={"DBSubnetGroupName": "{name}"}, root="DBSubnetGroups[0]"),
    update=Call("ModifyDBSubnetGroup"),
    delete=Call("DeleteDBSubnetGroup", bind={"DBSubnetGroupName": "{name}"}),
    identity="{name}",
    rename={"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"},
    reads={"subnetIds": "=Subnets[].SubnetIdentifier"},
    naming=Naming(limit=255, lower=True),
    local=frozenset({"namePrefix"}),
    defaults=_DESCRIPTION,
    outputs={"arn": "DBSubnetGroupArn", "vpcId": "VpcId"},
    known={"arn": "arn:{partition}:rds:{region}:{account}:subgrp:{name}"},
    tagging=_TAGGING,
)


def _with_methods(inputs: Properties) -> Properties:
    """A parameter that does not say when it takes effect does so immediately (the provider's default)."""
    parameters = inputs.get("parameters")
    if not is_list(parameters):
        return inputs
    return {**inputs, "parameters": [{"applyMethod": "immediate", **p} if is_mapping(p) else p for p in parameters]}


PARAMETER_GROUP = ResourceType(
    pulumi_type="aws:rds/parameterGroup:ParameterGroup",
    service="rds",
    cfn="AWS::RDS::DBParameterGroup",
    create=Call("CreateDBParameterGroup", root="DBParameterGroup"),
    read=Call("DescribeDBParameterGroups", bind={"DBParameterGroupName": "{name}"}, root="DBParameterGroups[0]"),
    delete=Call("DeleteDBParameterGroup", bind={"DBParameterGroupName": "{name}"}),
    identity="{name}",
    rename={"name": "DBParameterGroupName", "family": "DBParameterGroupFamily"},
    nested={"Parameter.name": "ParameterName", "Parameter.value": "ParameterValue"},
    naming=Naming(limit=255, lower=True),
    local=frozenset({"namePrefix", "skipDestroy"}),
    defaults=_DESCRIPTION,
    shape=_with_methods,
    outputs={"arn": "DBParameterGroupArn"},
    known={"arn": "arn:{partition}:rds:{region}:{account}:pg:{name}"},
    facets=(
        Facet(
            ("parameters",),
            put=Call("ModifyDBParameterGroup", bind={"DBParameterGroupName": "{name}"}),
            get=Call("DescribeDBParameters", bind={"DBParameterGroupName": "{name}", "Source": "user"}),
            clear=Call("ResetDBParameterGroup", bind={"DBParameterGroupName": "{name}", "ResetAllParameters": True}),
        ),
    ),
    superset=frozenset({"parameters"}),
    tagging=_TAGGING,
)

_INSTANCE_NAMES = {
    "identifier": "DBInstanceIdentifier",
    "instanceClass": "DBInstanceClass",
    "username": "MasterUsername",
    "password": "MasterUserPassword",
    "passwordWo": "MasterUserPassword",
    "parameterGroupName": "DBParameterGroupName",
    "backupWindow": "PreferredBackupWindow",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "replicateSourceDb": "SourceDBInstanceIdentifier",
    "customerOwnedIpEnabled": "EnableCustomerOwnedIp",
    "domainIamRoleName": "DomainIAMRoleName",
}


def _source_region(state: Mapping[str, object]) -> object:
    """The region of a source that is given as an ARN; the API wants it to sign the request for a copy across regions."""
    source = state.get("replicateSourceDb")
    if isinstance(source, str) and source.startswith("arn:") and source.split(":")[3] != state.get("region"):
        return source.split(":")[3]
    return UNKNOWN if isinstance(source, Unknown) else None


def _skip_snapshot(state: Mapping[str, object]) -> object:
    """A replica has no final snapshot (`DeleteDBInstance`: InvalidDBInstanceState otherwise)."""
    return True if state.get("replicateSourceDb") is not None else bool(state.get("skipFinalSnapshot"))


def _final_name(state: Mapping[str, object]) -> object:
    return None if _skip_snapshot(state) else state.get("finalSnapshotIdentifier")


def _kind_of_copy(inputs: Properties) -> str:
    return "cross-region" if isinstance(_source_region(inputs), str) else ""


INSTANCE = ResourceType(
    pulumi_type="aws:rds/instance:Instance",
    service="rds",
    cfn="AWS::RDS::DBInstance",
    create=Call("CreateDBInstance", root="DBInstance"),
    creators=(
        Creator(
            "replicateSourceDb",
            Call("CreateDBInstanceReadReplica", bind={"SourceRegion": "{sourceRegion}"}, root="DBInstance"),
            inherited=frozenset({"storageEncrypted", "engine", "username"}),
        ),
    ),
    # A change that waits for the maintenance window is made as far as the declaration goes.
    read=Call(
        "DescribeDBInstances",
        bind={"DBInstanceIdentifier": "{identifier}"},
        root="merge(DBInstances[0], not_null(DBInstances[0].PendingModifiedValues, `{}`))",
    ),
    update=Call(
        "ModifyDBInstance",
        bind={"DBInstanceIdentifier": "{identifier}", "ApplyImmediately": "{applyImmediately}"},
        partial=True,
        rename={
            **_INSTANCE_NAMES,
            "port": "DBPortNumber",
            "enabledCloudwatchLogsExports": "CloudwatchLogsExportConfiguration/EnableLogTypes",
        },
    ),
    delete=Call(
        "DeleteDBInstance",
        bind={
            "DBInstanceIdentifier": "{identifier}",
            "SkipFinalSnapshot": "{skipSnapshot}",
            "FinalDBSnapshotIdentifier": "{finalName}",
            "DeleteAutomatedBackups": "{deleteAutomatedBackups}",
        },
    ),
    identity="{identifier}",
    rename=_INSTANCE_NAMES,
    reads={
        "dbSubnetGroupName": "=DBSubnetGroup.DBSubnetGroupName",
        "vpcSecurityGroupIds": "=VpcSecurityGroups[].VpcSecurityGroupId",
        "parameterGroupName": "=DBParameterGroups[0].DBParameterGroupName",
        "port": "=Endpoint.Port",
        "password": "",
        "enabledCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
        "iamDatabaseAuthenticationEnabled": "IAMDatabaseAuthenticationEnabled",
        "performanceInsightsEnabled": "PerformanceInsightsEnabled",
        "replicateSourceDb": "",
        "applyImmediately": "",
        "allowMajorVersionUpgrade": "",
    },
    prefix=frozenset({"engineVersion"}),
    derived={"sourceRegion": _source_region, "skipSnapshot": _skip_snapshot, "finalName": _final_name},
    local=frozenset(
        {
            "skipFinalSnapshot",
            "finalSnapshotIdentifier",
            "deleteAutomatedBackups",
            "blueGreenUpdate",
            "identifierPrefix",
            "passwordWoVersion",
        }
    ),
    in_place=frozenset({"replicateSourceDb", "performanceInsightsKmsKeyId"}),
    naming=Naming("identifier", "identifierPrefix", limit=63, lower=True),
    outputs={
        "address": "Endpoint.Address",
        "port": "Endpoint.Port",
        "hostedZoneId": "Endpoint.HostedZoneId",
        "arn": "DBInstanceArn",
        "resourceId": "DbiResourceId",
        "status": "DBInstanceStatus",
        "engineVersionActual": "EngineVersion",
        "replicas": "ReadReplicaDBInstanceIdentifiers",
    },
    known={"arn": "arn:{partition}:rds:{region}:{account}:db:{identifier}", "endpoint": "{address}:{port}"},
    recorded={
        "address": "{identifier}.{account}.{region}.rds.amazonaws.com",
        "port": "5432",
        "endpoint": "{identifier}.{account}.{region}.rds.amazonaws.com:5432",
        "resourceId": "db-{nonce}",
        "status": "available",
    },
    secret=frozenset({"password"}),
    variant=_kind_of_copy,
    follows="replicateSourceDb",
    ready=("DBInstanceStatus", ("available",)),
    gone=("DBInstanceStatus", ("deleting", "deleted")),
    tagging=_TAGGING,
)

BACKUPS = ResourceType(
    pulumi_type="aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
    service="rds",
    create=Call(
        "StartDBInstanceAutomatedBackupsReplication",
        bind={"SourceRegion": "{sourceRegion}"},
        root="DBInstanceAutomatedBackup",
    ),
    read=Call(
        "DescribeDBInstanceAutomatedBackups",
        bind={"DBInstanceAutomatedBackupsArn": "{backupsArn}"},
        root="DBInstanceAutomatedBackups[0]",
    ),
    delete=Call("StopDBInstanceAutomatedBackupsReplication", bind={"SourceDBInstanceArn": "{sourceDbInstanceArn}"}),
    identity="{backupsArn}",
    rename={"retentionPeriod": "BackupRetentionPeriod"},
    reads={"sourceDbInstanceArn": "DBInstanceArn"},
    derived={"sourceRegion": part("sourceDbInstanceArn", ":", 3)},
    outputs={"backupsArn": "DBInstanceAutomatedBackupsArn"},
    recorded={"backupsArn": "arn:{partition}:rds:{region}:{account}:auto-backup:ab-{nonce}"},
)

TYPES = (SUBNET_GROUP, PARAMETER_GROUP, INSTANCE, BACKUPS)
