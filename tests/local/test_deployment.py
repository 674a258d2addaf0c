"""When the engine is asked to deploy again. Engine and emulator are other processes, so they are played here."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local import deployment


@dataclass
class Emulator:
    """Keeps parameters, and can forget them."""

    parameters: dict[str, str] = field(default_factory=dict)

    def parameter(self, name: str) -> str | None:
        return self.parameters.get(name)

    def write_parameter(self, name: str, value: str) -> None:
        self.parameters[name] = value


@dataclass
class Engine:
    """Writes a state, and can be interrupted."""

    home: Path
    calls: list[str] = field(default_factory=list)
    fails: bool = False

    def up_all(self) -> None:
        self.calls.append("up")
        stacks = self.home / "state" / ".pulumi" / "stacks" / "meridian"
        stacks.mkdir(parents=True, exist_ok=True)
        (stacks / "mumbai.json").write_text(f"{len(self.calls)}")
        if self.fails:
            raise KeyboardInterrupt

    def refresh_all(self) -> None:
        self.calls.append("refresh")


@dataclass
class World:
    """A checkout and an installation."""

    checkout: Path
    home: Path
    aws: Emulator
    engine: Engine

    def deploy(self) -> list[str]:
        """What the engine was asked to do."""
        before = len(self.engine.calls)
        deployment.deploy(self.home, self.aws, self.engine, lambda line: None, self.checkout)
        return self.engine.calls[before:]


@pytest.fixture
def world(tmp_path: Path) -> World:
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    for directory in (home, *(checkout / name for name in deployment.SOURCES)):
        directory.mkdir(parents=True)
    (checkout / "uv.lock").write_text("1")
    (checkout / "Pulumi.mumbai.yaml").write_text("config: {}")
    (checkout / "stacks" / "region.py").write_text("pass")
    return World(checkout, home, Emulator(), Engine(home))


def test_an_unchanged_deployment_is_not_run_again(world: World) -> None:
    assert world.deploy() == ["up"]
    assert world.deploy() == []
    assert world.deploy() == []


@pytest.mark.parametrize(
    "file",
    ["stacks/region.py", "stacks/fresh.py", "regions/sizing.py", "Pulumi.mumbai.yaml", "uv.lock", "edge/front.js"],
)
def test_a_changed_source_is_deployed_once(world: World, file: str) -> None:
    world.deploy()
    (world.checkout / file).write_text("changed")
    assert world.deploy() == ["up"]
    assert world.deploy() == []


def test_what_an_emulator_forgot_is_read_before_it_is_deployed_again(world: World) -> None:
    world.deploy()
    world.aws.parameters.clear()
    assert world.deploy() == ["refresh", "up"]
    assert world.deploy() == []


def test_an_emulator_that_fell_back_to_an_earlier_deployment_is_noticed(world: World) -> None:
    world.deploy()
    earlier = dict(world.aws.parameters)
    (world.checkout / "stacks" / "region.py").write_text("changed")
    world.deploy()
    world.aws.parameters = earlier
    assert world.deploy() == ["refresh", "up"]


def test_an_interrupted_deployment_is_continued(world: World) -> None:
    world.engine.fails = True
    with pytest.raises(KeyboardInterrupt):
        world.deploy()
    with pytest.raises(KeyboardInterrupt):
        world.deploy()
    world.engine.fails = False
    assert world.deploy() == ["up"]
    assert world.deploy() == []


def test_an_emulator_that_was_lost_with_the_first_deployment_half_done_is_read_first(world: World) -> None:
    world.engine.fails = True
    with pytest.raises(KeyboardInterrupt):
        world.deploy()
    world.aws.parameters.clear()
    world.engine.fails = False
    assert world.deploy() == ["refresh", "up"]


def test_what_a_user_did_with_the_plain_cli_is_put_right(world: World) -> None:
    world.deploy()
    (world.home / "state" / ".pulumi" / "stacks" / "meridian" / "mumbai.json").write_text("destroyed")
    assert world.deploy() == ["up"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"mark": "x"}', "null"])
def test_a_damaged_record_means_deploying_again(world: World, content: str) -> None:
    world.deploy()
    (world.home / "deployment.json").write_text(content)
    assert world.deploy() == ["up"]
