"""Capacity owns every size: no stack states one, and each output of capacity reaches exactly its resources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import stacks
from regions.catalogue import CATALOGUE
from services.contracts.workloads import BY_NAME
from stacks.sizes import Replicas, Sizes, sizes_of
from tests.stacks.recording import Footprint, cell

CELL = CATALOGUE.get("mumbai")
OWNED_ARGUMENTS = {
    "instance_class",
    "instance_type",
    "node_type",
    "num_node_groups",
    "replicas_per_node_group",
    "number_of_broker_nodes",
    "allocated_storage",
    "max_allocated_storage",
    "volume_size",
    "max_capacity",
    "minReplicas",
    "maxReplicas",
    "min_replicas",
    "max_replicas",
    *(field.name for field in fields(Sizes)),
}
CLASS = re.compile(r"^(db|cache|kafka|express)\.[a-z0-9]+\.(nano|micro|small|medium|metal|\d*x?large)$")


def stated(source: str) -> Iterator[str]:
    """Every place of ``source`` that states a number or a class that capacity owns."""
    for node in ast.walk(ast.parse(source)):
        named: list[tuple[str | None, ast.expr | None]] = []
        if isinstance(node, ast.keyword):
            named = [(node.arg, node.value)]
        elif isinstance(node, ast.Dict):
            keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
            named = [(str(key), value) for key, value in zip(keys, node.values, strict=True)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            named = [(node.target.id, node.value)]
        elif isinstance(node, ast.Assign):
            named = [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and CLASS.match(node.value):
            yield f"line {node.lineno}: {node.value}"
        for name, value in named:
            if name in OWNED_ARGUMENTS and value is not None and is_number(value):
                yield f"line {value.lineno}: {name}"


def is_number(value: ast.expr) -> bool:
    """Whether an expression is made of literal numbers only."""
    leaves = [node for node in ast.walk(value) if not isinstance(node, ast.operator | ast.unaryop)]
    return all(isinstance(node, ast.Constant | ast.BinOp | ast.UnaryOp) for node in leaves) and any(
        isinstance(node, ast.Constant) and isinstance(node.value, int | float) for node in leaves
    )


def test_no_stack_states_a_size_that_capacity_owns() -> None:
    directory = Path(stacks.__path__[0])
    found = {path.name: list(stated(path.read_text())) for path in sorted(directory.glob("*.py"))}
    assert len(found) > 40
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize(
    "source",
    [
        "Instance(instance_class=choose(), allocated_storage=400)",
        "Cluster(number_of_broker_nodes=3 * 2)",
        'Instance(instance_class="db.r8g.large")',
        'KLASS = "cache.r7g.xlarge"',
        'x = {"spec": {"minReplicas": 3}}',
        "class Sizes:\n    cache_shards: int = 3",
        "max_replicas = 60",
        "Scaling(max_replicas=-1)",
    ],
)
def test_a_stated_size_is_found(source: str) -> None:
    assert list(stated(source))


@pytest.mark.parametrize(
    "source",
    [
        "Instance(instance_class=sizes.database_class, allocated_storage=sizes.database_storage)",
        "Cluster(number_of_broker_nodes=AZS * sizes.brokers_per_zone, port=5432)",
        'names = ["aws.rds.Instance", "db"]',
        'x = {"spec": {"minReplicas": bounds.least, "port": 8000}}',
    ],
)
def test_a_size_that_is_handed_on_is_not_one_that_is_stated(source: str) -> None:
    assert list(stated(source)) == []


RECOGNISABLE = replace(
    sizes_of(CELL),
    database_class="db.r8g.16xlarge",
    database_storage=1_111,
    database_max_storage=2_222,
    resident_class="db.r8g.8xlarge",
    resident_storage=333,
    resident_max_storage=444,
    cache_node="cache.r8g.16xlarge",
    broker_class="kafka.m7g.16xlarge",
    broker_storage=5_555,
    broker_max_storage=6_666,
    replicas={
        name: Replicas(1_000 + number, 2_000 + number) for number, name in enumerate(sorted(sizes_of(CELL).replicas))
    },
)
"""Every output that names no resource, with a value that occurs nowhere else."""

SCALED_BY_EVENTS = ("counters", "realtime", "transcoder")
"""Workloads that scale on lag, sockets and queue depth; the others on CPU."""

REACHES: Mapping[str, set[tuple[str, str]]] = {
    "database_class": {(f"database-{name}", "instanceClass") for name in ("primary", "replica-1", "replica-2")},
    "database_storage": {("database-primary", "allocatedStorage")},
    "database_max_storage": {
        (f"database-{name}", "maxAllocatedStorage") for name in ("primary", "replica-1", "replica-2")
    },
    "resident_class": {("database-resident", "instanceClass")},
    "resident_storage": {("database-resident", "allocatedStorage")},
    "resident_max_storage": {("database-resident", "maxAllocatedStorage")},
    "cache_node": {("cache", "nodeType")},
    "broker_class": {("streaming", "brokerNodeGroupInfo.instanceType")},
    "broker_storage": {("streaming", "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize")},
    "broker_max_storage": {("streaming", "maxCapacity")},
}
"""Resource and property that each output reaches."""


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of a tree of properties, with their paths."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from flat(inner, f"{path}[{number}]")
    else:
        yield path, value


@cache
def usual() -> Footprint:
    return cell(CELL.name)


def leaves(footprint: Footprint) -> dict[tuple[str, str, str], Any]:
    return {
        (item.type, item.name, path): value for item in footprint.resources for path, value in flat(dict(item.inputs))
    }


def test_every_output_of_capacity_reaches_its_resources_and_no_other() -> None:
    before, after = leaves(usual()), leaves(cell(CELL.name, sizes=RECOGNISABLE))
    assert before.keys() == after.keys()
    reached: dict[Any, set[tuple[str, str]]] = {}
    for (kind, name, path), value in after.items():
        if value != before[kind, name, path]:
            reached.setdefault(value, set()).add((name, path))
    expected: dict[Any, set[tuple[str, str]]] = {
        getattr(RECOGNISABLE, field): where for field, where in REACHES.items()
    }
    for name, bounds in RECOGNISABLE.replicas.items():
        if name in SCALED_BY_EVENTS:
            scaler = f"workloads-scaledobject-{name}"
            least = {(scaler, "spec.minReplicaCount"), (scaler, "spec.fallback.replicas")}
            expected |= {bounds.least: least, bounds.most: {(scaler, "spec.maxReplicaCount")}}
        else:
            scaler = f"workloads-horizontalpodautoscaler-{name}"
            expected |= {bounds.least: {(scaler, "spec.minReplicas")}, bounds.most: {(scaler, "spec.maxReplicas")}}
    assert reached == expected


def test_every_count_makes_its_resources_and_no_other() -> None:
    own = sizes_of(CELL)
    more = replace(
        own,
        database_replicas=own.database_replicas + 1,
        cache_shards=own.cache_shards * 2,
        cache_replicas=own.cache_replicas + 1,
        brokers_per_zone=own.brokers_per_zone * 2,
        rendition_minutes=own.rendition_minutes * 2,
    )
    counts = {name for name in (field.name for field in fields(Sizes)) if getattr(more, name) != getattr(own, name)}
    assert {*REACHES, "replicas"} | counts == {field.name for field in fields(Sizes)}
    found = cell(CELL.name, sizes=more)
    before, after = leaves(usual()), leaves(found)
    changed = {(name, path) for (kind, name, path), value in before.items() if after.get((kind, name, path)) != value}
    # Every workload is told of the new reader and of the day's bound on conversions, so every pod starts anew.
    told = {
        (f"workloads-deployment-{name}", "spec.template.metadata.annotations.meridian/settings") for name in BY_NAME
    }
    assert changed == {
        ("cache", "numNodeGroups"),
        ("cache", "replicasPerNodeGroup"),
        ("streaming", "numberOfBrokerNodes"),
        ("workloads-configmap-settings", "data.settings.json"),
        *told,
    }
    assert found.outputs["settings"]["rendition_minutes"] == more.rendition_minutes
    made = {(item.type, item.name) for item in found.resources} - {(item.type, item.name) for item in usual().resources}
    assert {name for kind, name in made if kind != "aws:cloudwatch/metricAlarm:MetricAlarm"} == {
        f"database-replica-{own.database_replicas + 1}{suffix}" for suffix in ("", "-postgresql", "-upgrade")
    }
    alarms = [name for kind, name in made if kind == "aws:cloudwatch/metricAlarm:MetricAlarm"]
    assert alarms
    assert all(re.search(r"cache|replica|broker|kafka|streaming", name) for name in alarms)
