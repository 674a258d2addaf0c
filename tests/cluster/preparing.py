"""What a cluster of AWS has before anything is deployed to it: nodes in every zone, and the kinds of its add-ons."""

from __future__ import annotations

import json

from local.cluster.event_scaler import Built
from local.cluster.nodes import fake
from local.kubernetes import custom
from local.kubernetes.api import Api
from local.kubernetes.applied import Applied
from local.kubernetes.values import Object, Value, as_object
from regions.catalogue import CATALOGUE
from stacks.scaled_objects import API_VERSION
from tests.cluster.cell import CELL, NODES_A_ZONE


def install_kinds(api: Api, keda: Built) -> None:
    """KEDA's own definitions, and ours of the other custom kinds that the stacks use; waits until they are served."""
    target = Applied(api)
    group = API_VERSION.partition("/")[0]
    ours = [custom.definition(version, kind) for version, kind in custom.kinds() if not version.startswith(group)]
    definitions: Value = json.loads(json.dumps([*keda.definitions(), *ours]))
    if not isinstance(definitions, list):
        raise TypeError("a list stays one")
    for definition in definitions:
        target.put(as_object(definition), lambda: True)


def add_nodes(api: Api) -> int:
    """The same number of nodes in each zone of the cell; returns how many there are."""
    zones = [f"{CATALOGUE.get(CELL).code}{letter}" for letter in "abc"]
    nodes: list[Object] = [fake(number, zones[number % len(zones)]) for number in range(NODES_A_ZONE * len(zones))]
    for node in nodes:
        api.request("POST", "/api/v1/nodes", body=node)
    return len(nodes)
