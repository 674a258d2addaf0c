"""The Kubernetes cluster of a region: EKS in Auto Mode, who may use it, and which pods are which role.

Owns the control plane, its roles, access entries, pod identities and the Kubernetes provider. Does not own what runs
(``workloads``) nor what roles may do (``identity``). In Auto Mode AWS keeps nodes, networking, DNS, volumes and the
Pod Identity agent, so none of these is an add-on here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from regions import aws_policies, names
from regions.addresses import plan
from stacks import trust
from stacks.context import CellContext
from stacks.logs import LogSettings, log_group
from stacks.manifests import KUBERNETES_VERSION

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
NODE_POOLS = ("general-purpose", "system")
ACCESS_POLICIES = "arn:aws:eks::aws:cluster-access-policy"


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What a cluster is made with."""

    subnet_ids: tuple[pulumi.Input[str], ...]
    """Private subnets, one per zone."""
    key_arn: pulumi.Input[str]
    """Seals Kubernetes secrets in etcd."""
    logs: LogSettings
    namespace: str
    role_arns: Mapping[str, pulumi.Input[str]]
    """Role of each workload; the service account has the workload's name."""
    deploy_role_arn: pulumi.Input[str]
    preview_role_arn: pulumi.Input[str]
    operators: tuple[str, ...] = ()
    """ARNs of further roles that may administer the cluster."""
    reachable_from: tuple[str, ...] = ()
    """Address blocks outside the VPC that reach the API; none: it is reached from inside the VPC only."""


class Cluster(pulumi.ComponentResource):
    """One region's cluster."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    security_group_ids: pulumi.Output[list[str] | None]
    """The group that EKS makes for the cluster, in which its nodes and pods are; None of a cluster that names none."""
    api: kubernetes.Provider
    """Declares objects in this cluster."""

    def __init__(self, name: str, ctx: CellContext, args: ClusterArgs) -> None:
        super().__init__("meridian:region:Cluster", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._log = self._create_log()
        control_plane, control_plane_policies = self._create_role(
            "control-plane", trust.control_plane(), aws_policies.CONTROL_PLANE
        )
        nodes, node_policies = self._create_role("nodes", trust.machines(), aws_policies.NODES)
        self._cluster = self._create_cluster(control_plane, nodes, (*control_plane_policies, *node_policies))
        self.name = self._cluster.name
        self.arn = self._cluster.arn
        self.security_group_ids = self._cluster.vpc_config.apply(_own_groups)
        self._grant_access()
        self._create_pod_identities()
        self._create_metrics_server()
        self.api = self._create_provider()
        self.register_outputs({"name": self.name})

    def _create_log(self) -> aws.cloudwatch.LogGroup:
        """Before the cluster: EKS would make its own, without a key and without an end."""
        group = f"/aws/eks/{names.cluster(self._ctx.cell)}/cluster"
        return log_group(self._ctx, f"{self._name}-control-plane", group, self._args.logs)

    def _create_role(
        self, kind: str, trusted: str, policies: tuple[str, ...]
    ) -> tuple[aws.iam.Role, tuple[aws.iam.RolePolicyAttachment, ...]]:
        role = aws.iam.Role(
            f"{self._name}-{kind}",
            path=trust.SERVICE_PATH,
            description=f"{kind} of the cluster in {self._ctx.cell.title}",
            assume_role_policy=trusted,
            tags=self._ctx.named(kind),
            opts=self._ctx.options(),
        )
        attachments = tuple(
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{kind}-{policy}",
                role=role.name,
                policy_arn=aws_policies.arn(policy),
                opts=self._ctx.options(),
            )
            for policy in policies
        )
        return role, attachments

    def _create_cluster(
        self,
        control_plane: aws.iam.Role,
        nodes: aws.iam.Role,
        policies: tuple[aws.iam.RolePolicyAttachment, ...],
    ) -> aws.eks.Cluster:
        """Compute, load balancing and block storage are switched on together or not at all; that is Auto Mode."""
        reachable = self._args.reachable_from
        return aws.eks.Cluster(
            self._name,
            region=self._ctx.region,
            name=names.cluster(self._ctx.cell),
            version=KUBERNETES_VERSION,
            role_arn=control_plane.arn,
            bootstrap_self_managed_addons=False,
            compute_config=aws.eks.ClusterComputeConfigArgs(
                enabled=True, node_pools=list(NODE_POOLS), node_role_arn=nodes.arn
            ),
            kubernetes_network_config=aws.eks.ClusterKubernetesNetworkConfigArgs(
                elastic_load_balancing=aws.eks.ClusterKubernetesNetworkConfigElasticLoadBalancingArgs(enabled=True),
                ip_family="ipv4",
                service_ipv4_cidr=str(plan(self._ctx.cell).services),
            ),
            storage_config=aws.eks.ClusterStorageConfigArgs(
                block_storage=aws.eks.ClusterStorageConfigBlockStorageArgs(enabled=True)
            ),
            access_config=aws.eks.ClusterAccessConfigArgs(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
            ),
            vpc_config=aws.eks.ClusterVpcConfigArgs(
                subnet_ids=list(self._args.subnet_ids),
                endpoint_private_access=True,
                endpoint_public_access=bool(reachable),
                public_access_cidrs=list(reachable) or None,
            ),
            encryption_config=aws.eks.ClusterEncryptionConfigArgs(
                provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=self._args.key_arn),
                resources=["secrets"],
            ),
            enabled_cluster_log_types=list(LOG_TYPES),
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            zonal_shift_config=aws.eks.ClusterZonalShiftConfigArgs(enabled=True),
            deletion_protection=self._ctx.protect,
            tags=self._ctx.named("cluster"),
            # Without the policies EKS could not remove what it made, and would leave interfaces and groups behind.
            opts=self._ctx.stateful(depends_on=[*policies, self._log]),
        )

    def _grant_access(self) -> None:
        self._grant("deploy", self._args.deploy_role_arn, "AmazonEKSClusterAdminPolicy")
        self._grant("preview", self._args.preview_role_arn, "AmazonEKSAdminViewPolicy")
        for number, operator in enumerate(self._args.operators):
            self._grant(f"operator-{number}", operator, "AmazonEKSClusterAdminPolicy")

    def _grant(self, who: str, principal_arn: pulumi.Input[str], policy: str) -> None:
        entry = aws.eks.AccessEntry(
            f"{self._name}-{who}",
            region=self._ctx.region,
            cluster_name=self.name,
            principal_arn=principal_arn,
            type="STANDARD",
            tags=self._ctx.named(who),
            opts=self._ctx.options(),
        )
        aws.eks.AccessPolicyAssociation(
            f"{self._name}-{who}",
            region=self._ctx.region,
            cluster_name=self.name,
            principal_arn=entry.principal_arn,
            policy_arn=f"{ACCESS_POLICIES}/{policy}",
            access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
            opts=self._ctx.options(),
        )

    def _create_pod_identities(self) -> None:
        for workload, role_arn in self._args.role_arns.items():
            aws.eks.PodIdentityAssociation(
                f"{self._name}-{workload}",
                region=self._ctx.region,
                cluster_name=self.name,
                namespace=self._args.namespace,
                service_account=workload,
                role_arn=role_arn,
                tags=self._ctx.named(workload),
                opts=self._ctx.options(),
            )

    def _create_metrics_server(self) -> None:
        """The one add-on that autoscaling needs and Auto Mode does not bring."""
        aws.eks.Addon(
            f"{self._name}-metrics-server",
            region=self._ctx.region,
            cluster_name=self.name,
            addon_name="metrics-server",
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=self._ctx.named("metrics-server"),
            opts=self._ctx.options(),
        )

    def _create_provider(self) -> kubernetes.Provider:
        """No token is stored: the kubeconfig says how to ask for one."""
        region = self._ctx.region
        config = pulumi.Output.all(
            self._cluster.name, self._cluster.endpoint, self._cluster.certificate_authority.data
        ).apply(lambda parts: kubeconfig(name=parts[0], endpoint=parts[1], authority=parts[2], region=region))
        return kubernetes.Provider(
            f"{self._name}-kubernetes",
            kubeconfig=config,
            enable_server_side_apply=True,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _own_groups(network: aws.eks.outputs.ClusterVpcConfig) -> list[str] | None:
    return [network.cluster_security_group_id] if network.cluster_security_group_id else None


def kubeconfig(*, name: str, endpoint: str, authority: str | None, region: str) -> str:
    """A kubeconfig (JSON) that asks the AWS CLI for a token. ``authority``: the cluster's CA, base64."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": endpoint, "certificate-authority-data": authority}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [
                {
                    "name": name,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1",
                            "command": "aws",
                            "args": ["eks", "get-token", "--cluster-name", name, "--region", region],
                            "interactiveMode": "Never",
                        }
                    },
                }
            ],
        }
    )
