"""Who makes disks: on AWS a driver of Auto Mode, here a loop that grants each claim a volume with nothing behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from local.kubernetes.api import Api
from local.kubernetes.manifests import Identity
from local.kubernetes.values import Object, as_object
from stacks.manifests import NAMESPACE
from tests.cluster.cell import at, name_of

_CHOSEN: Final = "volume.kubernetes.io/selected-node"
"""The scheduler's word that a claim's pod has a node, so that the volume can be made beside it."""
_LOOK_SECONDS: Final = 0.5


@contextmanager
def provided(api: Api) -> Iterator[None]:
    """Grant claims, and remove the volumes of claims that are gone, meanwhile."""
    stop = threading.Event()

    def serve() -> None:
        while not stop.wait(_LOOK_SECONDS):
            _grant(api)
            _collect(api)

    thread = threading.Thread(target=serve, name="volumes")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _grant(api: Api) -> None:
    for claim in api.items("v1", "PersistentVolumeClaim", NAMESPACE):
        annotations = as_object(at(claim, "metadata.annotations"))
        if at(claim, "status.phase") == "Pending" and _CHOSEN in annotations:
            volume = _volume(claim)
            if api.get(Identity("v1", "PersistentVolume", "", name_of(volume))) is None:
                api.request("POST", "/api/v1/persistentvolumes", body=volume)


def _volume(claim: Object) -> Object:
    wanted = as_object(at(claim, "spec.resources.requests"))
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"disk-{at(claim, 'metadata.uid')}"},
        "spec": {
            "capacity": {"storage": wanted["storage"]},
            "accessModes": at(claim, "spec.accessModes"),
            "storageClassName": at(claim, "spec.storageClassName"),
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": NAMESPACE, "name": name_of(claim), "uid": at(claim, "metadata.uid")},
            "csi": {"driver": "none.example", "volumeHandle": str(at(claim, "metadata.uid"))},
        },
    }


def _collect(api: Api) -> None:
    for volume in api.items("v1", "PersistentVolume", ""):
        if at(volume, "status.phase") == "Released":
            api.delete(Identity("v1", "PersistentVolume", "", name_of(volume)))
