"""compose.yaml and its image, held against what they repeat: no Docker is needed to see that they would disagree."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from local import configuration, paths
from local.engine import bootstrap
from local.ports import DEFAULT_BASE, table
from ops.cli import app
from services.contracts.workloads import WORKLOADS

COMPOSE: dict[str, Any] = yaml.safe_load((paths.CHECKOUT / "compose.yaml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["meridian"]
DOCKERFILE = (paths.CHECKOUT / "local" / "Dockerfile").read_text()


def defaults() -> dict[str, str]:
    """What compose gives the container where the user states nothing."""
    return {key: re.sub(r"^\$\{" + key + r":-(.*)\}$", r"\1", value) for key, value in SERVICE["environment"].items()}


def test_its_settings_are_the_installations_own_with_the_same_defaults() -> None:
    assert set(SERVICE["environment"]) < set(configuration.KEYS)
    nowhere = Path("/nonexistent")
    assert configuration.load(defaults(), nowhere) == configuration.load({}, nowhere)


def test_it_runs_every_workload_of_the_cells_on_the_same_ports_as_a_bare_machine() -> None:
    assert SERVICE["network_mode"] == "host"
    assert "ports" not in SERVICE
    found = configuration.load(defaults(), Path("/nonexistent"))
    ports = table(found.port_base, found.cells)
    assert found.port_base == DEFAULT_BASE
    for cell in found.cells:
        running = {
            port.part.rsplit("-", 1)[0] if port.part[-1].isdigit() else port.part
            for port in ports.ports
            if port.cell == cell
        }
        assert {workload.name for workload in WORKLOADS} <= running


@pytest.mark.parametrize(
    "command", [SERVICE["healthcheck"]["test"][1:], re.findall(r'"([^"]+)"', DOCKERFILE.splitlines()[-1])]
)
def test_the_commands_that_it_names_exist(command: list[str]) -> None:
    assert command[0] == "meridian"
    answer = CliRunner().invoke(app, [*command[1:], "--help"])
    assert answer.exit_code == 0


def test_its_image_has_every_prerequisite_in_the_version_that_the_checkout_pins() -> None:
    assert f"ARG PULUMI={bootstrap.module_version().lstrip('v')}" in DOCKERFILE
    makefile = (paths.CHECKOUT / "Makefile").read_text()
    pinned = re.search(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)
    assert pinned is not None
    assert f"ARG UV={pinned[1]}" in DOCKERFILE
    for need in ("maven", "/usr/local/bin/node", "/usr/local/bin/npm"):
        assert need in DOCKERFILE


def test_it_is_not_root_and_keeps_its_state_in_the_volumes() -> None:
    assert re.search(r"^USER meridian$", DOCKERFILE, re.MULTILINE)
    mounted = dict(volume.split(":") for volume in SERVICE["volumes"])
    for name, variable in (("home", "MERIDIAN_HOME"), ("cache", "MERIDIAN_CACHE")):
        assert name in COMPOSE["volumes"]
        assert f"{variable}={mounted[name]}" in DOCKERFILE
