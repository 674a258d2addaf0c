from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import kubernetes_validate
import pytest

from local.kubernetes import custom, schemas
from regions import rates
from regions.addresses import plan
from regions.catalogue import CATALOGUE, Region
from regions.cost import quantity
from services.common import migrate
from services.contracts import ladder
from services.contracts.load import CONNECTIONS, LAG
from services.contracts.settings import PlatformSettings
from services.contracts.workloads import BY_NAME, MIGRATION, WORKLOADS, Access, workloads
from stacks import manifests, migration, platform_settings, scaled_objects
from stacks.manifests import NAMESPACE, Manifest, Release
from stacks.network_policies import EVENT_SCALER, Ports, network_policies
from stacks.scaling import limits_of
from stacks.sizes import Replicas, sizes_of
from stacks.workloads import resource_type
from tests.stacks.recording import cell

PORTS = Ports(database=5432, cache=6379, kafka=9098)
RELEASE = Release(
    image="registry/meridian/x@sha256:" + "0" * 64, settings_hash="abc", passwords=1, replicas=Replicas(3, 6)
)
MUMBAI = CATALOGUE.get("mumbai")


def objects(region: Region = MUMBAI) -> Iterator[Manifest]:
    yield manifests.namespace()
    yield manifests.network_policy_switch()
    yield manifests.scratch_disks()
    yield manifests.settings("{}")
    yield from network_policies(region, CATALOGUE, PORTS)
    yield from migration.objects(RELEASE.image, RELEASE.passwords, "meridian-mumbai")
    for workload in WORKLOADS:
        yield from manifests.workload(workload, RELEASE)
    yield scaled_objects.identity()
    for workload in WORKLOADS:
        yield from scaled_objects.scaled(workload, RELEASE.replicas, region=region.code, queue_url="https://queue/jobs")


def of(kind: str) -> dict[str, Any]:
    return {item["metadata"]["name"]: item for item in map(plain, objects()) if item["kind"] == kind}


def plain(manifest: Manifest) -> Any:
    return json.loads(json.dumps(manifest))


@pytest.mark.parametrize("region", CATALOGUE.regions, ids=lambda region: region.name)
def test_every_object_is_one_that_the_declared_version_of_kubernetes_knows(region: Region) -> None:
    for manifest in objects(region):
        if (manifest["apiVersion"], manifest["kind"]) in custom.kinds():
            assert schemas.check(plain(manifest)) == ()
        else:
            kubernetes_validate.validate(plain(manifest), manifests.KUBERNETES_VERSION, strict=True)


def test_the_schemas_refuse_a_field_that_does_not_exist() -> None:
    broken = of("Deployment")["gateway"]
    broken["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, manifests.KUBERNETES_VERSION, strict=True)


def test_every_workload_has_everything_that_runs_it() -> None:
    for kind in ("Deployment", "Service", "PodDisruptionBudget"):
        assert set(of(kind)) == set(BY_NAME)
    assert set(of("ServiceAccount")) == {*BY_NAME, MIGRATION.name}
    on_events = {"realtime", "counters", "transcoder"}
    assert set(of("HorizontalPodAutoscaler")) == set(BY_NAME) - on_events
    assert set(of("ScaledObject")) == on_events
    assert set(of("NetworkPolicy")) == {"default-deny", MIGRATION.name, *BY_NAME}


def test_pods_are_as_hardened_as_their_namespace_asks() -> None:
    assert of("Namespace")[NAMESPACE]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for owner in (*of("Deployment").values(), *of("Job").values()):
        pod = owner["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not pod["automountServiceAccountToken"]


def test_a_transcoder_has_a_disk_for_the_largest_upload_and_the_largest_rung_of_it() -> None:
    for workload in (BY_NAME["transcoder"], *workloads("mediaconvert")):
        pods = [item for item in manifests.workload(workload, RELEASE) if item["kind"] == "Deployment"]
        spec = plain(pods[0])["spec"]["template"]["spec"]
        (scratch,) = [volume for volume in spec["volumes"] if volume["name"] == "scratch"]
        if workload.name != "transcoder":
            assert set(scratch) == {"name", "emptyDir"}
            continue
        claim = scratch["ephemeral"]["volumeClaimTemplate"]["spec"]
        assert claim["storageClassName"] == plain(manifests.scratch_disks())["metadata"]["name"]
        held = quantity(claim["resources"]["requests"]["storage"])
        assert held > ladder.MAX_SOURCE_BYTES
        if workload.cpu == BY_NAME["transcoder"].cpu:
            assert held >= ladder.SCRATCH_BYTES
        assert spec["containers"][0]["resources"]["limits"]["ephemeral-storage"] == "256Mi"


def test_selectors_find_their_own_pods_and_no_others() -> None:
    labels = {name: item["spec"]["template"]["metadata"]["labels"] for name, item in of("Deployment").items()}

    def found(selector: dict[str, str]) -> set[str]:
        return {name for name, has in labels.items() if selector.items() <= has.items()}

    for name in BY_NAME:
        assert found(of("Deployment")[name]["spec"]["selector"]["matchLabels"]) == {name}
        assert found(of("Service")[name]["spec"]["selector"]) == {name}
        assert found(of("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"]) == {name}
        assert found(of("NetworkPolicy")[name]["spec"]["podSelector"]["matchLabels"]) == {name}
        spread = of("Deployment")[name]["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [found(item["labelSelector"]["matchLabels"]) for item in spread] == [{name}, {name}]


def test_requests_never_exceed_limits_and_probes_ask_the_port_that_listens() -> None:
    for name, deployment in of("Deployment").items():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        wanted, most = container["resources"]["requests"], container["resources"]["limits"]
        assert set(wanted) == set(most) == {"cpu", "memory", "ephemeral-storage"}
        assert cores(wanted["cpu"]) <= cores(most["cpu"])
        assert wanted["memory"] == most["memory"] == BY_NAME[name].memory
        assert {port["name"] for port in container["ports"]} == {"http"}
        for probe, path in (("startupProbe", "live"), ("livenessProbe", "live"), ("readinessProbe", "ready")):
            assert container[probe]["httpGet"] == {"path": f"/health/{path}", "port": "http"}


def cores(text: str) -> float:
    return int(text[:-1]) / 1000 if text.endswith("m") else float(text)


def test_a_disruption_leaves_most_pods_of_the_smallest_deployment() -> None:
    for name, budget in of("PodDisruptionBudget").items():
        assert budget["spec"]["maxUnavailable"] == "25%"
        for region in CATALOGUE.regions:
            bounds = sizes_of(region).replicas[name]
            assert 3 <= BY_NAME[name].min_replicas <= bounds.least < bounds.most


def test_a_pod_is_given_time_to_end_beyond_the_wait_for_the_load_balancer() -> None:
    for name, deployment in of("Deployment").items():
        pod = deployment["spec"]["template"]["spec"]
        wait = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert wait < pod["terminationGracePeriodSeconds"] == limits_of(BY_NAME[name]).drain_seconds


def test_nothing_talks_to_anything_unless_it_is_named() -> None:
    deny = of("NetworkPolicy")["default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in of("NetworkPolicy").items():
        assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}, name


def test_stores_are_reached_by_those_whose_access_names_them_and_nobody_else() -> None:
    access = {5432: {Access.DATABASE}, 6379: {Access.CACHE}, 9098: {Access.KAFKA_READ, Access.KAFKA_WRITE}}
    for workload in WORKLOADS:
        open_ports = set(targets(workload.name))
        for port, needed in access.items():
            assert (port in open_ports) == bool(needed & set(workload.access)), (workload.name, port)


def targets(name: str) -> dict[int, list[IPv4Network]]:
    result: dict[int, list[IPv4Network]] = {}
    for rule in of("NetworkPolicy")[name]["spec"]["egress"]:
        blocks = [IPv4Network(peer["ipBlock"]["cidr"]) for peer in rule.get("to", []) if "ipBlock" in peer]
        for port in rule["ports"]:
            result.setdefault(port["port"], []).extend(blocks)
    return result


def test_databases_of_every_cell_are_reached_and_caches_of_the_own_cell_only() -> None:
    reached = targets("catalog")
    assert set(reached[5432]) == {block for region in CATALOGUE.regions for block in plan(region).data}
    assert set(reached[6379]) == set(plan(MUMBAI).data)


def test_outside_the_namespace_only_the_balancer_reaches_public_workloads_and_the_collector_each_one() -> None:
    for name, policy in of("NetworkPolicy").items():
        sources = [source for rule in policy["spec"].get("ingress", []) for source in rule["from"]]
        blocks = {IPv4Network(source["ipBlock"]["cidr"]) for source in sources if "ipBlock" in source}
        collector = set(plan(MUMBAI).private) if name in BY_NAME else set()
        public = name in BY_NAME and BY_NAME[name].public
        assert blocks == collector | (set(plan(MUMBAI).public) if public else set())
        ports = {port["port"] for rule in policy["spec"].get("ingress", []) for port in rule["ports"]}
        assert ports == ({BY_NAME[name].port} if name in BY_NAME else set())
        inside = [source for source in sources if "podSelector" in source and "namespaceSelector" not in source]
        assert [source["podSelector"]["matchLabels"] for source in inside] in ([], [manifests.selector("gateway")])
        assert [source for source in sources if "namespaceSelector" in source] == (
            [EVENT_SCALER] if name in ("realtime", "counters") else []
        )


def test_credentials_of_pods_are_reachable_and_the_rest_of_the_nodes_own_network_is_not() -> None:
    for name in BY_NAME:
        rules = of("NetworkPolicy")[name]["spec"]["egress"]
        outward = [peer["ipBlock"] for rule in rules for peer in rule.get("to", []) if peer.get("ipBlock")]
        everywhere = [block for block in outward if block["cidr"] == "0.0.0.0/0"]
        assert [block["except"] for block in everywhere] == [["169.254.0.0/16"]]
        assert targets(name)[80] == [IPv4Network("169.254.170.23/32")]


def test_the_settings_that_pods_get_are_what_services_load() -> None:
    declared = cell("mumbai").of("kubernetes:core/v1:ConfigMap")
    (found,) = [item for item in declared if item.inputs["metadata"]["name"] == manifests.SETTINGS]
    loaded = PlatformSettings.model_validate_json(found.inputs["data"][manifests.SETTINGS_FILE])
    assert set(loaded.cells) == set(CATALOGUE.names)
    assert loaded.peers["oregon"].database.writer.host == "writer.oregon.db.meridian.example"
    assert loaded.peers["oregon"].secrets["catalog"].arn.endswith(":secret:meridian/oregon/catalog")
    assert loaded.shards.map().buckets_of("mumbai")


def test_what_scales_on_an_event_has_its_signal_its_bounds_and_a_way_without_it() -> None:
    found = of("ScaledObject")
    triggers = {name: item["spec"]["triggers"] for name, item in found.items()}
    assert triggers["transcoder"] == [
        {
            "type": "aws-sqs-queue",
            "metadata": {
                "queueURL": "https://queue/jobs",
                "queueLength": "1",
                "awsRegion": "ap-south-1",
                "scaleOnInFlight": "true",
            },
            "authenticationRef": {"name": "event-scaler"},
        }
    ]
    for name, gauge, also in (("realtime", CONNECTIONS, ["memory", "cpu"]), ("counters", LAG, ["cpu"])):
        first, *others = triggers[name]
        assert first["metadata"]["valueLocation"] == gauge
        assert first["metadata"]["url"] == f"http://{name}.{NAMESPACE}.svc.cluster.local:8000/metrics"
        assert first["metadata"]["aggregationType"] == "sum"
        assert [other["type"] for other in others] == also
    assert int(triggers["realtime"][0]["metadata"]["targetValue"]) * 1.5 <= rates.SOCKETS_PER_POD.value
    for item in found.values():
        spec = item["spec"]
        assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (3, 6)
        assert spec["fallback"]["behavior"] == "currentReplicasIfHigher"


def test_the_event_scaler_may_ask_for_the_depth_of_one_queue_and_nothing_else() -> None:
    declared = cell("mumbai")
    (policy,) = [item for item in declared.of("aws:iam/rolePolicy:RolePolicy") if item.name == "event-scaler"]
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert statement["Action"] == ["sqs:GetQueueAttributes"]
    assert statement["Resource"] == ["arn:aws:sqs:ap-south-1:123456789012:meridian-mumbai-transcode"]
    (release,) = declared.of("kubernetes:helm.sh/v3:Release")
    assert release.inputs["values"]["watchNamespace"] == NAMESPACE
    scaled = declared.of("kubernetes:keda.sh/v1alpha1:ScaledObject")
    bounds = sizes_of(MUMBAI).replicas
    assert {item.inputs["metadata"]["name"]: item.inputs["spec"]["maxReplicaCount"] for item in scaled} == {
        name: bounds[name].most for name in ("realtime", "counters", "transcoder")
    }


def migrating(image: str, passwords: int, database: str) -> str:
    _, job = migration.objects(image, passwords, database)
    return str(plain(job)["metadata"]["name"])


def test_a_database_is_migrated_by_every_image_for_every_generation_of_passwords_and_once_for_each() -> None:
    cases = [("a", 1, "x"), ("b", 1, "x"), ("a", 2, "x"), ("a", 1, "y")]
    assert len({migrating(*case) for case in cases}) == len(cases)
    assert migrating(*cases[0]) == migrating(*cases[0])


def test_a_migration_reaches_databases_and_nothing_else_of_the_cell() -> None:
    assert set(targets(MIGRATION.name)) == {53, 80, 443, PORTS.database}
    assert of("NetworkPolicy")[MIGRATION.name]["spec"]["ingress"] == []


def test_a_migration_that_is_wrong_is_not_repeated_and_one_without_a_database_is() -> None:
    (job,) = of("Job").values()
    rule = job["spec"]["podFailurePolicy"]["rules"][0]
    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"]["values"] == [migration.WRONG]
    assert migrate.TRY_AGAIN != migration.WRONG
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_workloads_begin_after_the_migration_and_it_after_its_passwords_and_its_identity() -> None:
    found = cell("mumbai")
    (job,) = found.of("kubernetes:batch/v1:Job")
    deployments = found.of("kubernetes:apps/v1:Deployment")
    assert len(deployments) == len(WORKLOADS)
    assert all(job.name in item.after for item in deployments)
    programs = (*BY_NAME, MIGRATION.name)
    secrets = {item.name for item in found.of("aws:secretsmanager/secretVersion:SecretVersion")}
    needed = secrets | {f"identity-{name}" for name in programs} | {f"cluster-{name}" for name in programs}
    assert len(secrets) > len(BY_NAME)
    assert needed <= job.after


def test_new_passwords_replace_the_pods_that_read_the_old_ones_and_migrate_again() -> None:
    before, after = (cell("mumbai", passwords=generation) for generation in (1, 2))
    for name in BY_NAME:
        templates = [
            found.one("kubernetes:apps/v1:Deployment", f"workloads-deployment-{name}").inputs["spec"]["template"]
            for found in (before, after)
        ]
        assert templates[0] != templates[1]
    jobs = [found.of("kubernetes:batch/v1:Job")[0] for found in (before, after)]
    assert jobs[0].name == jobs[1].name
    assert jobs[0].inputs["metadata"]["name"] != jobs[1].inputs["metadata"]["name"]


def test_pods_are_replaced_when_settings_change() -> None:
    assert platform_settings.fingerprint("a") != platform_settings.fingerprint("b")
    for deployment in cell("mumbai").of("kubernetes:apps/v1:Deployment"):
        annotations = deployment.inputs["spec"]["template"]["metadata"]["annotations"]
        assert len(annotations["meridian/settings"]) == 16


def test_public_workloads_are_bound_to_target_groups_by_the_api_of_auto_mode() -> None:
    bindings = cell("mumbai").of("kubernetes:eks.amazonaws.com/v1:TargetGroupBinding")
    assert {item.inputs["spec"]["serviceRef"]["name"] for item in bindings} == {w.name for w in WORKLOADS if w.public}
    assert {item.inputs["spec"]["targetType"] for item in bindings} == {"ip"}


def test_images_come_from_the_regions_own_registry_by_release_or_digest() -> None:
    digest = "sha256:" + "a" * 64
    declared = cell("oregon", release="1.2.3", images={"gateway": digest}).of("kubernetes:apps/v1:Deployment")
    images = {
        item.inputs["metadata"]["name"]: item.inputs["spec"]["template"]["spec"]["containers"][0]["image"]
        for item in declared
    }
    assert images["gateway"] == f"123456789012.dkr.ecr.us-west-2.amazonaws.com/meridian/gateway@{digest}"
    assert images["search"] == "123456789012.dkr.ecr.us-west-2.amazonaws.com/meridian/search:1.2.3"


@pytest.mark.parametrize(
    ("api_version", "kind", "token"),
    [
        ("v1", "Service", "kubernetes:core/v1:Service"),
        ("apps/v1", "Deployment", "kubernetes:apps/v1:Deployment"),
        ("eks.amazonaws.com/v1", "TargetGroupBinding", "kubernetes:eks.amazonaws.com/v1:TargetGroupBinding"),
    ],
)
def test_kinds_have_the_engines_type(api_version: str, kind: str, token: str) -> None:
    assert resource_type(api_version, kind) == token
