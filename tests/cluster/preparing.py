"""What a cluster of AWS has before anything is deployed to it: nodes in every zone, and the kinds of its add-ons."""

from __future__ import annotations

import json

from local.cluster.nodes import fake
from local.kubernetes import custom
from local.kubernetes.api import Api
from local.kubernetes.applied import Applied
from local.kubernetes.values import Object, Value, as_object
from regions.catalogue import CATALOGUE
from tests.cluster.cell import CELL, NODES_A_ZONE


def install_kinds(api: Api) -> None:
    """Definitions of every custom kind that the stacks use, and wait until they are served."""
    target = Applied(api)
    for api_version, kind in custom.kinds():
        definition: Value = json.loads(json.dumps(custom.definition(api_version, kind)))
        target.put(as_object(definition), lambda: True)


def add_nodes(api: Api) -> int:
    """The same number of nodes in each zone of the cell; returns how many there are."""
    zones = [f"{CATALOGUE.get(CELL).code}{letter}" for letter in "abc"]
    nodes: list[Object] = [fake(number, zones[number % len(zones)]) for number in range(NODES_A_ZONE * len(zones))]
    for node in nodes:
        api.request("POST", "/api/v1/nodes", body=node)
    return len(nodes)
