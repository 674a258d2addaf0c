"""The real engine and the kubernetes provider: what becomes unknown because something else is replaced."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.local.engine.conftest import Tiny

PROGRAM = """
    cell = Cell("cell", kubeconfig="{{}}")
    settings = Object("settings", cell, "v1", "ConfigMap", {{"name": "settings"}}, data={{"a": "{value}"}})
    labels = {{"app": "web"}}
    noted = {{"labels": labels, "annotations": {{"settings": settings.id.apply(lambda known: known + "-{value}")}}}}
    Object("web", cell, "apps/v1", "Deployment", {{"name": "web"}}, spec={{
        "selector": {{"matchLabels": labels}},
        "template": {{"metadata": noted, "spec": {{"containers": [{{"name": "web", "image": "web:1"}}]}}}},
    }})
"""


def test_a_deployment_with_an_annotation_of_something_that_is_replaced_is_updated(tiny: "Tiny") -> None:
    """The map is deleted before it is made anew, so the engine asks what that does to all that depends on it, and
    names the whole `spec` as unknown."""
    runner = tiny.runner()
    tiny.program(PROGRAM.format(value="1"))
    runner.up("dev")
    tiny.program(PROGRAM.format(value="2"))
    previewed = {step.name: step.op for step in runner.preview("dev").steps if not step.unchanged}
    assert previewed["web"] == "update"
    assert previewed["settings"] in {"replace", "create-replacement", "delete-replaced"}
    assert runner.up("dev").changes == {"same": 2, "update": 1, "replace": 1}
    assert runner.up("dev").changed == 0
