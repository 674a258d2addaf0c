"""Fake nodes, as kwok keeps them alive: of a machine's size, spread over zones.

Owns their shape. Nothing runs on them; the scheduler and the controllers do not know.
"""

from __future__ import annotations

from typing import Final

from local.kubernetes.values import Object

ZONE: Final = "topology.kubernetes.io/zone"
SIZE: Final[Object] = {"cpu": "32", "memory": "128Gi", "ephemeral-storage": "400Gi", "pods": "110"}
"""An m7g.8xlarge with a data volume, roughly what Auto Mode picks for pods of these sizes."""


def fake(number: int, zone: str) -> Object:
    """A node of a zone; its name sorts by its number."""
    name = f"node-{number:02d}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", ZONE: zone},
        },
        "status": {"allocatable": SIZE, "capacity": SIZE},
    }
