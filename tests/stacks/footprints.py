"""What the stacks beside the regions' declare, each reading what the stacks before it exported when recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from regions.catalogue import CATALOGUE, HOME_CODE
from regions.stacks import GLOBAL, STEERING, Link
from regions.writers import RECORD, Record
from stacks import global_, links, steering
from stacks.config import GlobalConfig, LinksConfig, SteeringConfig
from stacks.context import open_context
from stacks.exports import OUTPUT, Exports, GlobalExports, RegionExports
from tests.stacks.recording import Footprint, cell, record

DOMAIN = {"domain": "meridian.example", "contact": "operations@meridian.example"}


@cache
def of_global(**configuration: Any) -> Footprint:
    config = GlobalConfig.model_validate({**DOMAIN, "budget": 1000, "repository": "owner/name", **configuration})
    return record(
        GLOBAL, lambda: global_.declare_global(open_context(GLOBAL, HOME_CODE, config), config), references={}
    )


@cache
def of_cell(name: str) -> Footprint:
    return cell(name)


def deployed(**configuration: Any) -> Mapping[str, Mapping[str, Any]]:
    """What ``global`` and every region export."""
    exported = {GLOBAL: _told(GLOBAL, GlobalExports, of_global(**configuration))}
    exported |= {name: exports_of(name) for name in CATALOGUE.names}
    return {name: {OUTPUT: values} for name, values in exported.items()}


def exports_of(name: str) -> Mapping[str, Any]:
    """What region ``name`` exports."""
    return _told(name, RegionExports, of_cell(name))


def _told(stack: str, kind: type[Exports], footprint: Footprint) -> Mapping[str, Any]:
    """The recorded exports. What only AWS or the engine makes up is invented here, unique as well."""
    recorded = footprint.outputs[OUTPUT]
    return {
        item.name: f"{stack}-{item.name}" if recorded.get(item.name) is None else recorded[item.name]
        for item in fields(kind)
    }


@cache
def of_link(link: Link, *, writers: Record = RECORD, **configuration: Any) -> Footprint:
    config = LinksConfig.model_validate({"domain": "meridian.example", **configuration})
    names = (GLOBAL, link.a.name, link.b.name)
    return record(
        link.stack,
        lambda: links.declare_link(open_context(link.stack, link.a.code, config, names), link, writers),
        references=deployed(),
    )


@cache
def of_steering(**configuration: Any) -> Footprint:
    keys = configuration.pop("playback_keys", ())
    config = SteeringConfig.model_validate({**DOMAIN, **configuration})
    names = (GLOBAL, *CATALOGUE.names)
    return record(
        STEERING,
        lambda: steering.declare_steering(open_context(STEERING, HOME_CODE, config, names), config),
        references=deployed(playback_keys=keys),
    )
