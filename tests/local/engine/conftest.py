"""The real engine on small projects in temporary directories, attached to the real kubernetes provider."""

import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.engine import bootstrap, providers
from local.engine.bootstrap import Engine
from local.engine.environment import Attachment
from local.engine.providers import ProviderCommand
from local.engine.pulumi import Project, Runner

PROJECT_FILE = """\
name: tiny
runtime: python
config:
  pulumi:disable-default-providers:
    value: [aws, kubernetes]
"""

# The resources are declared without the SDK of their package: importing it would take most of each run.
PRELUDE = """\
import pulumi


class Cell(pulumi.ProviderResource):
    def __init__(self, name, **given):
        super().__init__("kubernetes", name, given)


class Object(pulumi.CustomResource):
    def __init__(self, name, provider, version, kind, metadata=None, **given):
        properties = {"apiVersion": version, "kind": kind, "metadata": metadata or {}, **given}
        token = f"kubernetes:{version if '/' in version else 'core/' + version}:{kind}"
        options = pulumi.ResourceOptions(provider=provider)
        super().__init__(token, name, properties, options)


"""


@dataclass
class Tiny:
    """A project, and how to run it. `said` collects what the runner reported."""

    directory: Path
    home: Path
    manifests: Path
    engine: Engine
    ports: dict[str, int]
    waves: tuple[tuple[str, ...], ...] = (("dev",),)
    policy_pack: Path | None = None
    said: list[str] = field(default_factory=list)

    def program(self, source: str) -> None:
        (self.directory / "__main__.py").write_text(PRELUDE + textwrap.dedent(source))

    def configure(self, stack: str, content: str) -> Path:
        path = self.directory / f"Pulumi.{stack}.yaml"
        path.write_text(textwrap.dedent(content))
        return path

    def pack(self, source: str) -> None:
        self.policy_pack = self.directory / "pack"
        self.policy_pack.mkdir()
        (self.policy_pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
        (self.policy_pack / "__main__.py").write_text(textwrap.dedent(source))

    @property
    def attachment(self) -> Attachment:
        return Attachment(self.home, self.engine, self.ports)

    def runner(self) -> Runner:
        project = Project(self.directory, self.waves, self.policy_pack)
        return Runner(project, self.attachment, report=self.said.append)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return bootstrap.obtain(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="session")
def manifests_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("manifests")


@pytest.fixture(scope="session")
def provider_ports(manifests_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    log = tmp_path_factory.mktemp("log") / "kubernetes.log"
    command = ProviderCommand("kubernetes", "local.kubernetes.server", ("--root", str(manifests_root)), log)
    with providers.running([command]) as ports:
        yield ports


@pytest.fixture
def tiny(tmp_path: Path, engine: Engine, provider_ports: dict[str, int], manifests_root: Path) -> Iterator[Tiny]:
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "Pulumi.yaml").write_text(PROJECT_FILE)
    yield Tiny(directory, tmp_path / "home", manifests_root / "dev", engine, dict(provider_ports))
    shutil.rmtree(manifests_root / "dev", ignore_errors=True)
