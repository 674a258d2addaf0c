"""MSK: configurations, clusters, cluster policies, topics, replicators."""

from __future__ import annotations

from local.aws.engine.derive import part
from local.aws.engine.spec import Call, Facet, Lookup, Naming, ResourceType, Tagging

_TAGGING = Tagging("TagResource", "UntagResource", "ListTagsForResource", "ResourceArn")

CONFIGURATION = ResourceType(
    pulumi_type="aws:msk/configuration:Configuration",
    service="kafka",
    cfn="AWS::MSK::Configuration",
    create=Call("CreateConfiguration"),
    read=Call("DescribeConfiguration", bind={"Arn": "{arn}"}),
    delete=Call("DeleteConfiguration", bind={"Arn": "{arn}"}),
    identity="{arn}",
    naming=Naming(limit=255),
    outputs={"arn": "Arn", "latestRevision": "LatestRevision.Revision"},
    recorded={"arn": "arn:{partition}:kafka:{region}:{account}:configuration/{name}/{uuid}", "latestRevision": "1"},
    facets=(
        Facet(
            ("serverProperties",),
            put=Call("UpdateConfiguration", bind={"Arn": "{arn}", "Description": "{description}"}),
            get=Call("DescribeConfigurationRevision", bind={"Arn": "{arn}", "Revision": "{latestRevision}"}),
            late=True,
        ),
        Facet(
            ("description",),
            put=Call("UpdateConfiguration", bind={"Arn": "{arn}", "ServerProperties": "{serverProperties}"}),
            late=True,
        ),
    ),
)

_CURRENT = {"ClusterArn": "{arn}", "CurrentVersion": "{currentVersion}"}
_BROKERS = {
    "bootstrapBrokers": "BootstrapBrokerString",
    "bootstrapBrokersTls": "BootstrapBrokerStringTls",
    "bootstrapBrokersSaslScram": "BootstrapBrokerStringSaslScram",
    "bootstrapBrokersSaslIam": "BootstrapBrokerStringSaslIam",
    "bootstrapBrokersVpcConnectivitySaslIam": "BootstrapBrokerStringVpcConnectivitySaslIam",
}

CLUSTER = ResourceType(
    pulumi_type="aws:msk/cluster:Cluster",
    service="kafka",
    cfn="AWS::MSK::Cluster",
    create=Call("CreateCluster"),
    read=Call("DescribeCluster", bind={"ClusterArn": "{arn}"}, root="ClusterInfo"),
    delete=Call("DeleteCluster", bind={"ClusterArn": "{arn}"}),
    identity="{arn}",
    naming=Naming("clusterName", "clusterNamePrefix", limit=64),
    nested={
        "BrokerNodeGroupInfo.azDistribution": "BrokerAZDistribution",
        "EncryptionInfo.encryptionAtRestKmsKeyArn": "EncryptionAtRest/DataVolumeKMSKeyId",
        "ClientAuthentication.unauthenticated": "Unauthenticated/Enabled",
        "Sasl.iam": "Iam/Enabled",
        "Sasl.scram": "Scram/Enabled",
        "VpcConnectivitySasl.iam": "Iam/Enabled",
        "VpcConnectivitySasl.scram": "Scram/Enabled",
        "VpcConnectivityClientAuthentication.tls": "Tls/Enabled",
    },
    reads={
        "kafkaVersion": "=CurrentBrokerSoftwareInfo.KafkaVersion",
        "configurationInfo": "={Arn: CurrentBrokerSoftwareInfo.ConfigurationArn,"
        " Revision: CurrentBrokerSoftwareInfo.ConfigurationRevision}",
    },
    outputs={"arn": "ClusterArn", "currentVersion": "CurrentVersion"},
    derived={"clusterUuid": part("arn", "/", 2)},
    known={"clusterUuid": "{clusterUuid}"},
    lookups=(Lookup(Call("GetBootstrapBrokers", bind={"ClusterArn": "{arn}"}), _BROKERS),),
    recorded={
        "arn": "arn:{partition}:kafka:{region}:{account}:cluster/{clusterName}/{uuid}",
        "currentVersion": "K1",
        "bootstrapBrokersTls": "b-1.{clusterName}.kafka.{region}.amazonaws.com:9094",
        "bootstrapBrokersSaslIam": "b-1.{clusterName}.kafka.{region}.amazonaws.com:9098",
        "bootstrapBrokersSaslScram": "b-1.{clusterName}.kafka.{region}.amazonaws.com:9096",
    },
    facets=(
        Facet(
            ("numberOfBrokerNodes",),
            put=Call("UpdateBrokerCount", bind=_CURRENT),
            rename={"numberOfBrokerNodes": "TargetNumberOfBrokerNodes"},
            late=True,
        ),
        Facet(("configurationInfo",), put=Call("UpdateClusterConfiguration", bind=_CURRENT), late=True),
        Facet(
            ("kafkaVersion",),
            put=Call("UpdateClusterKafkaVersion", bind=_CURRENT),
            rename={"kafkaVersion": "TargetKafkaVersion"},
            late=True,
        ),
        Facet(
            ("enhancedMonitoring", "openMonitoring", "loggingInfo"),
            put=Call("UpdateMonitoring", bind=_CURRENT),
            late=True,
        ),
        Facet(("clientAuthentication", "encryptionInfo"), put=Call("UpdateSecurity", bind=_CURRENT), late=True),
        Facet(("rebalancing",), put=Call("UpdateRebalancing", bind=_CURRENT), late=True),
    ),
    volatile=True,
    ready=("State", ("ACTIVE",)),
    gone=("State", ("DELETING",)),
    tagging=_TAGGING,
)

CLUSTER_POLICY = ResourceType(
    pulumi_type="aws:msk/clusterPolicy:ClusterPolicy",
    service="kafka",
    cfn="AWS::MSK::ClusterPolicy",
    create=(_PUT := Call("PutClusterPolicy")),
    read=Call("GetClusterPolicy", bind={"ClusterArn": "{clusterArn}"}),
    update=_PUT,
    delete=Call("DeleteClusterPolicy", bind={"ClusterArn": "{clusterArn}"}),
    identity="{clusterArn}",
    outputs={"currentVersion": "CurrentVersion"},
)

TOPIC = ResourceType(
    pulumi_type="aws:msk/topic:Topic",
    service="kafka",
    create=Call("CreateTopic"),
    read=Call("DescribeTopic", bind={"ClusterArn": "{clusterArn}", "TopicName": "{name}"}),
    update=Call("UpdateTopic"),
    delete=Call("DeleteTopic", bind={"ClusterArn": "{clusterArn}", "TopicName": "{name}"}),
    identity="{clusterArn},{name}",
    rename={"name": "TopicName"},
    replace=frozenset({"clusterArn", "name", "replicationFactor"}),
    naming=Naming(limit=249),
    outputs={"arn": "TopicArn"},
    derived={"clusterName": part("clusterArn", "/", 1), "clusterUuid": part("clusterArn", "/", 2)},
    known={"arn": "arn:{partition}:kafka:{region}:{account}:topic/{clusterName}/{clusterUuid}/{name}"},
)

REPLICATOR = ResourceType(
    pulumi_type="aws:msk/replicator:Replicator",
    service="kafka",
    cfn="AWS::MSK::Replicator",
    create=Call("CreateReplicator"),
    read=Call("DescribeReplicator", bind={"ReplicatorArn": "{arn}"}),
    delete=Call("DeleteReplicator", bind={"ReplicatorArn": "{arn}"}),
    identity="{arn}",
    nested={"KafkaClusterClientVpcConfig.securityGroupsIds": "SecurityGroupIds"},
    outputs={"arn": "ReplicatorArn", "currentVersion": "CurrentVersion"},
    recorded={
        "arn": "arn:{partition}:kafka:{region}:{account}:replicator/{replicatorName}/{uuid}",
        "currentVersion": "K1",
    },
    ready=("ReplicatorState", ("RUNNING",)),
    tagging=_TAGGING,
)

TYPES = (CONFIGURATION, CLUSTER, CLUSTER_POLICY, TOPIC, REPLICATOR)
