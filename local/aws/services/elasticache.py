"""ElastiCache: replication groups, their parameters, subnets, users and user groups."""

from __future__ import annotations

from local.aws.engine.spec import Call, Facet, Naming, ResourceType, Tagging
from local.aws.engine.wire import Properties, is_list, is_mapping

_TAGGING = Tagging(
    "AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource", "ResourceName", listing="TagList"
)

SUBNET_GROUP = ResourceType(
    pulumi_type="aws:elasticache/subnetGroup:SubnetGroup",
    service="elasticache",
    cfn="AWS::ElastiCache::SubnetGroup",
    create=Call("CreateCacheSubnetGroup", root="CacheSubnetGroup"),
    read=Call("DescribeCacheSubnetGroups", bind={"CacheSubnetGroupName": "{name}"}, root="CacheSubnetGroups[0]"),
    update=Call("ModifyCacheSubnetGroup"),
    delete=Call("DeleteCacheSubnetGroup", bind={"CacheSubnetGroupName": "{name}"}),
    identity="{name}",
    rename={"name": "CacheSubnetGroupName", "description": "CacheSubnetGroupDescription"},
    reads={"subnetIds": "=Subnets[].SubnetIdentifier"},
    naming=Naming(limit=255, lower=True),
    defaults={"description": "Managed by Pulumi"},
    outputs={"arn": "ARN", "vpcId": "VpcId"},
    known={"arn": "arn:{partition}:elasticache:{region}:{account}:subnetgroup:{name}"},
    tagging=_TAGGING,
)

PARAMETER_GROUP = ResourceType(
    pulumi_type="aws:elasticache/parameterGroup:ParameterGroup",
    service="elasticache",
    cfn="AWS::ElastiCache::ParameterGroup",
    create=Call("CreateCacheParameterGroup", root="CacheParameterGroup"),
    read=Call(
        "DescribeCacheParameterGroups", bind={"CacheParameterGroupName": "{name}"}, root="CacheParameterGroups[0]"
    ),
    delete=Call("DeleteCacheParameterGroup", bind={"CacheParameterGroupName": "{name}"}),
    identity="{name}",
    rename={"name": "CacheParameterGroupName", "family": "CacheParameterGroupFamily"},
    nested={"ParameterNameValue.name": "ParameterName", "ParameterNameValue.value": "ParameterValue"},
    naming=Naming(limit=255, lower=True),
    defaults={"description": "Managed by Pulumi"},
    replace=frozenset({"name", "description"}),
    outputs={"arn": "ARN"},
    known={"arn": "arn:{partition}:elasticache:{region}:{account}:parametergroup:{name}"},
    facets=(
        Facet(
            ("parameters",),
            put=Call("ModifyCacheParameterGroup", bind={"CacheParameterGroupName": "{name}"}),
            get=Call("DescribeCacheParameters", bind={"CacheParameterGroupName": "{name}"}),
            clear=Call(
                "ResetCacheParameterGroup", bind={"CacheParameterGroupName": "{name}", "ResetAllParameters": True}
            ),
            rename={"parameters": "ParameterNameValues"},
        ),
    ),
    reads={"parameters": "Parameters"},
    superset=frozenset({"parameters"}),
    tagging=_TAGGING,
)

USER = ResourceType(
    pulumi_type="aws:elasticache/user:User",
    service="elasticache",
    cfn="AWS::ElastiCache::User",
    create=Call("CreateUser"),
    read=Call("DescribeUsers", bind={"UserId": "{userId}"}, root="Users[0]"),
    update=Call("ModifyUser"),
    delete=Call("DeleteUser", bind={"UserId": "{userId}"}),
    identity="{userId}",
    rename={"passwordsWo": "Passwords"},
    reads={"authenticationMode": "", "noPasswordRequired": "", "passwords": ""},
    local=frozenset({"passwordsWoVersion"}),
    secret=frozenset({"passwords"}),
    outputs={"arn": "ARN"},
    known={"arn": "arn:{partition}:elasticache:{region}:{account}:user:{userId}"},
    ready=("Status", ("active",)),
    gone=("Status", ("deleting",)),
    tagging=_TAGGING,
)

USER_GROUP = ResourceType(
    pulumi_type="aws:elasticache/userGroup:UserGroup",
    service="elasticache",
    cfn="AWS::ElastiCache::UserGroup",
    create=Call("CreateUserGroup"),
    read=Call("DescribeUserGroups", bind={"UserGroupId": "{userGroupId}"}, root="UserGroups[0]"),
    update=Call("ModifyUserGroup"),
    delete=Call("DeleteUserGroup", bind={"UserGroupId": "{userGroupId}"}),
    identity="{userGroupId}",
    delta={"userIds": ("UserIdsToAdd", "UserIdsToRemove")},
    outputs={"arn": "ARN"},
    known={"arn": "arn:{partition}:elasticache:{region}:{account}:usergroup:{userGroupId}"},
    ready=("Status", ("active",)),
    gone=("Status", ("deleting",)),
    tagging=_TAGGING,
)


def _with_destinations(inputs: Properties) -> Properties:
    """A log destination is a name and a type to the provider, and one of two structures to the API."""
    logs = inputs.get("logDeliveryConfigurations")
    if not is_list(logs):
        return inputs
    return {**inputs, "logDeliveryConfigurations": [_destination(log) if is_mapping(log) else log for log in logs]}


def _destination(log: object) -> object:
    if not is_mapping(log) or "destination" not in log:
        return log
    kept = {name: value for name, value in log.items() if name != "destination"}
    if log.get("destinationType") == "kinesis-firehose":
        return {
            **kept,
            "destinationDetails": {"kinesisFirehoseDetails": {"deliveryStream": log["destination"]}},
        }
    return {**kept, "destinationDetails": {"cloudWatchLogsDetails": {"logGroup": log["destination"]}}}


GROUP = ResourceType(
    pulumi_type="aws:elasticache/replicationGroup:ReplicationGroup",
    service="elasticache",
    cfn="AWS::ElastiCache::ReplicationGroup",
    create=Call("CreateReplicationGroup", root="ReplicationGroup"),
    read=Call(
        "DescribeReplicationGroups", bind={"ReplicationGroupId": "{replicationGroupId}"}, root="ReplicationGroups[0]"
    ),
    update=Call("ModifyReplicationGroup"),
    delete=Call(
        "DeleteReplicationGroup",
        bind={"ReplicationGroupId": "{replicationGroupId}", "FinalSnapshotIdentifier": "{finalSnapshotIdentifier}"},
    ),
    identity="{replicationGroupId}",
    rename={
        "description": "ReplicationGroupDescription",
        "nodeType": "CacheNodeType",
        "parameterGroupName": "CacheParameterGroupName",
        "subnetGroupName": "CacheSubnetGroupName",
        "maintenanceWindow": "PreferredMaintenanceWindow",
        "authTokenWo": "AuthToken",
        "securityGroupNames": "CacheSecurityGroupNames",
    },
    reads={
        "description": "Description",
        "automaticFailoverEnabled": "=AutomaticFailover && AutomaticFailover=='enabled'",
        "multiAzEnabled": "=MultiAZ && MultiAZ=='enabled'",
        "numNodeGroups": "=NodeGroups && length(NodeGroups)",
        "replicasPerNodeGroup": "",
        "numCacheClusters": "=MemberClusters && length(MemberClusters)",
        "parameterGroupName": "",
        "subnetGroupName": "",
        "securityGroupIds": "",
        "applyImmediately": "",
        "authToken": "",
        "engineVersion": "",
    },
    local=frozenset({"finalSnapshotIdentifier", "authTokenWoVersion"}),
    secret=frozenset({"authToken"}),
    naming=Naming("replicationGroupId", "replicationGroupIdPrefix", limit=40, lower=True),
    shape=_with_destinations,
    delta={"userGroupIds": ("UserGroupIdsToAdd", "UserGroupIdsToRemove")},
    facets=(
        Facet(
            ("numNodeGroups",),
            put=Call(
                "ModifyReplicationGroupShardConfiguration",
                bind={"ReplicationGroupId": "{replicationGroupId}", "ApplyImmediately": True},
            ),
            rename={"numNodeGroups": "NodeGroupCount"},
            late=True,
        ),
        Facet(
            ("replicasPerNodeGroup",),
            put=Call(
                "IncreaseReplicaCount", bind={"ReplicationGroupId": "{replicationGroupId}", "ApplyImmediately": True}
            ),
            rename={"replicasPerNodeGroup": "NewReplicaCount"},
            late=True,
        ),
    ),
    outputs={
        "arn": "ARN",
        "configurationEndpointAddress": "ConfigurationEndpoint.Address",
        "primaryEndpointAddress": "NodeGroups[0].PrimaryEndpoint.Address",
        "readerEndpointAddress": "NodeGroups[0].ReaderEndpoint.Address",
        "memberClusters": "MemberClusters",
        "clusterEnabled": "ClusterEnabled",
    },
    known={"arn": "arn:{partition}:elasticache:{region}:{account}:replicationgroup:{replicationGroupId}"},
    recorded={
        "configurationEndpointAddress": "clustercfg.{replicationGroupId}.{region}.cache.amazonaws.com",
        "primaryEndpointAddress": "master.{replicationGroupId}.{region}.cache.amazonaws.com",
        "readerEndpointAddress": "replica.{replicationGroupId}.{region}.cache.amazonaws.com",
    },
    ready=("Status", ("available",)),
    gone=("Status", ("deleting",)),
    tagging=_TAGGING,
)

TYPES = (SUBNET_GROUP, PARAMETER_GROUP, USER, USER_GROUP, GROUP)
