"""Malformed configuration names the file, the key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from regions.catalogue import CATALOGUE
from regions.stacks import GLOBAL, STEERING, all_stacks
from stacks.config import (
    ConfigurationError,
    GlobalConfig,
    LinksConfig,
    RegionConfig,
    StackConfig,
    SteeringConfig,
    parse,
)

ROOT = Path(__file__).parents[2]
GOOD = {"meridian:domain": "meridian.example", "meridian:contact": "a@meridian.example", "meridian:budget": "100"}


def model(stack: str) -> type[StackConfig]:
    if stack in CATALOGUE.names:
        return RegionConfig
    if stack == GLOBAL:
        return GlobalConfig
    return SteeringConfig if stack == STEERING else LinksConfig


@pytest.mark.parametrize("stack", all_stacks())
def test_the_committed_configuration_of_every_stack_is_valid(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text()
    values = {key: v if isinstance(v, str) else str(v) for key, v in yaml.safe_load(text)["config"].items()}
    config = parse(model(stack), stack, values)
    assert config.disposable is False
    assert yaml.safe_load(text)["config"]["pulumi:disable-default-providers"] == ["aws", "kubernetes"]


def test_text_becomes_typed_values() -> None:
    config = parse(RegionConfig, "mumbai", {**GOOD, "meridian:disposable": "true", "aws:region": "ignored"})
    assert (config.budget, config.disposable, config.transcoder) == (100, True, "ffmpeg")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("transcoder", "handbrake", "'ffmpeg' or 'mediaconvert'"),
        ("disposable", "yes", "allowed: true, false"),
        ("budget", "-1", "greater than 0"),
        ("domain", "Not A Domain", "match pattern"),
        ("domain", "meridian.example.", "match pattern"),
        ("contact", "nobody", "match pattern"),
        ("account", "12345", "match pattern"),
        ("origins", '{"api": "localhost"}', "match pattern"),
        ("origins", "{broken", "valid dictionary"),
        ("transcodr", "ffmpeg", "allowed keys: account, budget, "),
    ],
)
def test_a_wrong_value_is_refused_with_file_key_and_what_is_allowed(key: str, value: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(RegionConfig, "mumbai", {**GOOD, f"meridian:{key}": value})
    message = str(caught.value)
    assert f"Pulumi.mumbai.yaml: meridian:{key}" in message
    assert says in message


def test_a_missing_key_says_how_to_set_it() -> None:
    with pytest.raises(ConfigurationError, match=r"meridian:domain is missing; set it by `pulumi config set domain"):
        parse(RegionConfig, "mumbai", {key: value for key, value in GOOD.items() if "domain" not in key})


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(RegionConfig, "mumbai", {"meridian:transcoder": "x", "meridian:colour": "red"})
    assert len(str(caught.value).splitlines()) == 5


def test_an_unknown_region_cannot_be_drained() -> None:
    with pytest.raises(ConfigurationError, match="allowed: mumbai, oregon, frankfurt, singapore"):
        parse(SteeringConfig, "steering", {"meridian:domain": "meridian.example", "meridian:drained": '["atlantis"]'})
