"""The runner, the language host and the kubernetes provider, driven by the real engine."""

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from local.engine import environment
from local.engine.pulumi import EngineError, RunFailedError, UnknownStackError
from local.engine.results import Operation

if TYPE_CHECKING:
    from tests.local.engine.conftest import Tiny

DEPLOYMENT = """
    cell = Cell("cell", kubeconfig="{}")
    Object("apps", cell, "v1", "Namespace", {"name": "apps"})
    Object("login", cell, "v1", "Secret", {"namespace": "apps"},
           stringData={"password": pulumi.Output.secret("correct horse")})
    labels = {"app": "web"}
    Object("web", cell, "apps/v1", "Deployment", {"name": "web", "namespace": "apps"}, spec={
        "replicas": 2, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}},
    })
    pulumi.export("settings", {"cell": "dev"})
"""


def rendered(directory: Path) -> dict[str, Path]:
    return {path.name: path for path in directory.rglob("*.yaml")}


def test_a_stack_is_previewed_deployed_left_alone_repaired_and_destroyed(tiny: "Tiny") -> None:
    tiny.program(DEPLOYMENT)
    runner = tiny.runner()

    preview = runner.preview("dev")
    assert preview.changes == {"create": 5}
    web = next(step for step in preview.steps if step.name == "web")
    assert '"replicas": 2' in json.dumps(web.digest()["new"])
    assert rendered(tiny.manifests) == {}

    assert runner.up("dev").changes == {"create": 5}
    files = rendered(tiny.manifests)
    deployment = files["apps_v1-deployment-apps-web.yaml"]
    assert deployment.parent.name == "1-manifest"
    assert yaml.safe_load(deployment.read_text())["spec"]["replicas"] == 2
    assert len(files) == 3

    again = runner.up("dev")
    assert (again.changed, again.changes) == (0, {"same": 5})
    assert runner.outputs("dev") == {"settings": {"cell": "dev"}}
    the_plain_cli_works_with_the_attachment_and_asks_for_the_official_plugin_without(tiny)

    deployment.write_text(deployment.read_text().replace("replicas: 2", "replicas: 7"))
    assert runner.refresh("dev").changes == {"same": 4, "update": 1}
    repaired = runner.up("dev")
    assert repaired.changes == {"same": 4, "update": 1}
    assert next(step.detailed for step in repaired.steps if step.op == "update") == {"spec.replicas": "update"}
    assert "replicas: 2" in deployment.read_text()

    assert runner.destroy("dev").changes == {"delete": 5}
    assert rendered(tiny.manifests) == {}
    everything = [path for path in (*tiny.home.rglob("*"), *tiny.manifests.rglob("*")) if path.is_file()]
    assert not [path for path in everything if b"correct horse" in path.read_bytes()]


def the_plain_cli_works_with_the_attachment_and_asks_for_the_official_plugin_without(tiny: "Tiny") -> None:
    attached = environment.process_environment(tiny.attachment)
    command = [str(tiny.engine.binary), "stack", "output", "--json", "--stack", "dev"]
    answer = subprocess.run(command, cwd=tiny.directory, env=attached, capture_output=True, text=True, check=True)
    assert '"cell": "dev"' in answer.stdout

    alone = {name: value for name, value in attached.items() if name != "PULUMI_DEBUG_PROVIDERS"}
    command = [str(tiny.engine.binary), "preview", "--non-interactive", "--stack", "dev"]
    refused = subprocess.run(command, cwd=tiny.directory, env=alone, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "pulumi-resource-kubernetes" in refused.stdout + refused.stderr


def test_a_bad_manifest_is_refused_in_preview_even_while_its_cluster_does_not_exist(tiny: "Tiny") -> None:
    tiny.program("""
        elsewhere = Cell("elsewhere", kubeconfig="{}")
        cluster = Object("cluster", elsewhere, "v1", "ConfigMap", {"generateName": "not-known-in-preview-"})
        cell = Cell("cell", kubeconfig=cluster.id)
        Object("web", cell, "apps/v1", "Deployment", {"name": "web"}, spec={
            "replica": 2, "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "web", "image": "i"}]}},
        })
    """)
    with pytest.raises(RunFailedError) as caught:
        tiny.runner().preview("dev")
    message = str(caught.value)
    assert "Deployment" in message
    assert "web" in message
    assert "spec.replica: unknown property 'replica'; allowed are: " in message
    assert "replicas" in message
    assert "revisionHistoryLimit" in message


def test_two_cells_at_once_render_each_into_its_own_directory(tiny: "Tiny", tmp_path: Path) -> None:
    tiny.waves = (("mumbai", "singapore"),)
    tiny.program("""
        name = pulumi.get_stack()
        cell = Cell("cell", renderYamlToDirectory=pulumi.Config().require("directory"))
        for number in range(20):
            Object(f"map-{number}", cell, "v1", "ConfigMap", {"name": f"{name}-{number}"}, data={"cell": name})
    """)
    files = {name: tiny.configure(name, f"config:\n  tiny:directory: {tmp_path / name}\n") for name in tiny.waves[0]}
    before = {name: path.read_text() for name, path in files.items()}
    results = tiny.runner().up_all()
    assert [result.stack for result in results] == ["mumbai", "singapore"]
    for name in files:
        contents = [yaml.safe_load(path.read_text()) for path in (tmp_path / name / "1-manifest").iterdir()]
        assert len(contents) == 20
        assert {content["data"]["cell"] for content in contents} == {name}
    assert {name: path.read_text() for name, path in files.items()} == before, "committed configuration was changed"


def test_a_named_object_whose_selector_changes_is_deleted_and_made_anew(tiny: "Tiny") -> None:
    source = """
        cell = Cell("cell", kubeconfig="{{}}")
        labels = {{"app": "{label}"}}
        Object("web", cell, "apps/v1", "Deployment", {{"name": "web"}}, spec={{
            "selector": {{"matchLabels": labels}},
            "template": {{"metadata": {{"labels": labels}}, "spec": {{"containers": [{{"name": "c", "image": "i"}}]}}}},
        }})
    """
    tiny.program(source.format(label="a"))
    tiny.runner().up("dev")
    tiny.program(source.format(label="b"))
    preview = tiny.runner().preview("dev")
    replaced = next(step for step in preview.steps if step.op == "replace")
    assert replaced.detailed["spec.selector.matchLabels.app"] == "update-replace"
    assert preview.changes["replace"] == 1


def test_a_mandatory_policy_stops_the_resource_that_breaks_it_and_names_it(tiny: "Tiny") -> None:
    tiny.program(DEPLOYMENT)
    tiny.pack("""
        from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

        def two_replicas_are_too_few(args, report):
            if args.resource_type == "kubernetes:apps/v1:Deployment" and args.props["spec"]["replicas"] < 3:
                report("fewer than three replicas")

        PolicyPack("strict", enforcement_level=EnforcementLevel.MANDATORY, policies=[
            ResourceValidationPolicy(name="replicas", description="d", validate=two_replicas_are_too_few)])
    """)
    with pytest.raises(RunFailedError) as caught:
        tiny.runner().up("dev")
    (result,) = caught.value.results
    assert [(violation.policy, violation.level) for violation in result.violations] == [("replicas", "mandatory")]
    assert "fewer than three replicas" in str(caught.value)
    assert "Deployment::web" in str(caught.value)
    assert "apps_v1-deployment-apps-web.yaml" not in rendered(tiny.manifests)


def test_a_rule_that_touches_an_unknown_value_fails_the_run(tiny: "Tiny") -> None:
    tiny.program("""
        cell = Cell("cell", kubeconfig="{}")
        first = Object("first", cell, "v1", "ConfigMap", {"generateName": "x-"}, data={"a": "b"})
        Object("second", cell, "v1", "ConfigMap", {"name": "second"}, data={"id": first.id})
    """)
    tiny.pack("""
        from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

        def short(args, report):
            if args.name == "second" and len(args.props["data"]["id"]) > 100:
                report("too long")

        PolicyPack("strict", enforcement_level=EnforcementLevel.MANDATORY, policies=[
            ResourceValidationPolicy(name="short", description="d", validate=short)])
    """)
    with pytest.raises(RunFailedError, match=r"can't run policy 'short'.*value at \.data\.id can't be known"):
        tiny.runner().preview("dev")


def test_a_failing_wave_is_finished_stops_the_later_ones_and_tells_every_error(tiny: "Tiny") -> None:
    tiny.waves = (("broken", "good", "leaving"), ("later",))
    tiny.program("""
        import sys
        if pulumi.get_stack() == "broken":
            pulumi.export('never', 1 / 0)
        if pulumi.get_stack() == "leaving":
            print('the region is full', file=sys.stderr)
            sys.exit(3)
    """)
    with pytest.raises(RunFailedError) as caught:
        tiny.runner().up_all()
    ended = [(result.stack, result.ok) for result in caught.value.results]
    assert ended == [("broken", False), ("good", True), ("leaving", False)]
    message = str(caught.value)
    assert "ZeroDivisionError" in message
    assert "pulumi.export('never', 1 / 0)" in message, "the line of the program"
    assert "exited with code 3" in message
    assert "the region is full" in message, "what the program printed"


def test_an_unknown_stack_is_answered_with_the_stacks_there_are(tiny: "Tiny") -> None:
    tiny.waves = (("global",), ("mumbai", "oregon"))
    with pytest.raises(UnknownStackError, match=r"no stack 'munbai'\. The stacks are: global, mumbai, oregon\."):
        tiny.runner().preview("munbai")
    with pytest.raises(UnknownStackError):
        tiny.runner().run_waves(Operation.UP, ["global", "munbai"])
    assert not tiny.home.exists()


@pytest.mark.parametrize("content", ["config: [", "just text", "- a list"])
def test_malformed_configuration_is_named(tiny: "Tiny", content: str) -> None:
    tiny.program("")
    tiny.configure("dev", content)
    with pytest.raises(EngineError, match=r"Pulumi\.dev\.yaml"):
        tiny.runner().preview("dev")


def test_a_stack_may_refer_in_preview_to_one_that_was_never_deployed(tiny: "Tiny") -> None:
    tiny.waves = (("global",), ("mumbai",))
    tiny.program("""
        if pulumi.get_stack() == "mumbai":
            other = pulumi.StackReference(f"organization/tiny/global")
            pulumi.export("zone", other.get_output("zone"))
    """)
    assert [result.ok for result in tiny.runner().preview_all()] == [True, True]


def test_protected_resources_go_only_with_everything(tiny: "Tiny") -> None:
    tiny.program("""
        cell = Cell("cell", kubeconfig="{}")
        options = pulumi.ResourceOptions(provider=cell, protect=True)
        properties = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {"a": "b"}}
        pulumi.CustomResource("kubernetes:core/v1:ConfigMap", "kept", properties, options)
    """)
    runner = tiny.runner()
    runner.up("dev")
    with pytest.raises(RunFailedError, match="protect"):
        runner.destroy("dev")
    assert [path.name for path in tiny.manifests.rglob("*.yaml")] == ["v1-configmap-default-kept.yaml"]
    assert [result.changes for result in runner.destroy_all()] == [{"delete": 3}]
    assert list(tiny.manifests.rglob("*.yaml")) == []
