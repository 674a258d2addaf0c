"""Each type of the tables, once through its life on moto, over the protocol that the engine speaks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from local.aws.engine.naming import DEFAULTS
from local.aws.registry import all_types
from tests.local.aws.engine import Declared, Engine
from tests.local.aws.examples import EXAMPLES, Example, Values

REFERENCE = re.compile(r"@([\w-]+)\.(\w+)")
# Resources that AWS makes or keeps by itself: deleting them declares that nobody manages them any more.
STAYS = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketNotification:BucketNotification",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter",
    # moto keeps a deleted plan and marks it.
    "aws:backup/plan:Plan",
}


def resolved(value: object, made: Mapping[str, Declared]) -> object:
    """An example's inputs with the outputs that they refer to."""

    def output(match: re.Match[str]) -> object:
        resource = made[match[1]]
        return resource.id if match[2] == "id" else resource.outputs[match[2]]

    if isinstance(value, str):
        whole = REFERENCE.fullmatch(value)
        return output(whole) if whole else REFERENCE.sub(lambda match: str(output(match)), value)
    if isinstance(value, dict):
        return {name: resolved(item, made) for name, item in value.items()}
    return [resolved(item, made) for item in value] if isinstance(value, list) else value


def inputs_of(example: Example, made: Mapping[str, Declared]) -> Values:
    result = resolved(example.inputs, made)
    assert isinstance(result, dict)
    return result


def change_of(example: Example, made: Mapping[str, Declared]) -> Values:
    result = resolved({**example.inputs, **example.change}, made)
    assert isinstance(result, dict)
    return result


@pytest.fixture(scope="module")
def world(attached: Engine) -> Iterator[dict[str, Declared]]:
    """Every example deployed, and destroyed at the end."""
    made: dict[str, Declared] = {}
    for example in EXAMPLES:
        made[example.name] = attached.create(example.token, example.name, inputs_of(example, made))
    yield made
    for example in reversed(EXAMPLES):
        if example.name in made:
            attached.delete(made[example.name])


def by_name(examples: tuple[Example, ...]) -> list[object]:
    return [pytest.param(example, id=f"{example.token.split(':')[-1]}-{example.name}") for example in examples]


def without(values: Mapping[str, object], *names: str) -> Values:
    return {name: value for name, value in values.items() if name not in {DEFAULTS, *names}}


@pytest.mark.parametrize("example", by_name(EXAMPLES))
def test_a_refresh_right_after_the_deployment_finds_no_drift(
    example: Example, world: dict[str, Declared], attached: Engine
) -> None:
    found = attached.read(world[example.name])
    assert found is not None, "the resource is not there"
    assert without(found.inputs) == without(world[example.name].inputs)


@pytest.mark.parametrize("example", by_name(EXAMPLES))
def test_what_a_preview_says_is_what_comes(example: Example, world: dict[str, Declared], attached: Engine) -> None:
    resource = world[example.name]
    identity, outputs = attached.preview(example.token, example.name, resource.inputs)
    assert identity in ("", resource.id)
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    for name, value in outputs.items():
        if value != unknown and name not in ("vpcConfig", DEFAULTS):
            assert resource.outputs.get(name) == value, name


@pytest.mark.parametrize("example", by_name(EXAMPLES))
def test_no_write_only_value_leaves_the_provider(example: Example, world: dict[str, Declared]) -> None:
    assert not [name for name in world[example.name].outputs if name.endswith("Wo")]


@pytest.mark.parametrize("example", by_name(tuple(example for example in EXAMPLES if example.change)))
def test_a_change_is_made_in_place_and_seen_afterwards(
    example: Example, world: dict[str, Declared], attached: Engine
) -> None:
    before = world[example.name]
    news = change_of(example, world)
    difference = attached.diff(before, news)
    assert set(example.change) <= set(difference.diffs)
    assert not difference.replaces
    after = attached.update(before, news)
    world[example.name] = after
    found = attached.read(after)
    assert found is not None
    assert without(found.inputs) == without(after.inputs)


def test_every_type_of_the_tables_has_an_example() -> None:
    untested = {kind.pulumi_type for kind in all_types()} - {example.token for example in EXAMPLES}
    assert untested == {"aws:secretsmanager/secretRotation:SecretRotation"}, "rotation needs a Lambda function"


def test_destroy_leaves_nothing_behind(world: dict[str, Declared], attached: Engine) -> None:
    left = []
    for example in reversed(EXAMPLES):
        resource = world.pop(example.name)
        attached.delete(resource)
        if example.token not in STAYS and attached.read(resource) is not None:
            left.append(resource.id)
    assert left == []
