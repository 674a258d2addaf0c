"""Scaled objects as the checks see them, and the queue whose depth is one of their signals."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

import boto3

from local.kubernetes.api import Api
from local.kubernetes.values import Object, as_object
from regions.catalogue import CATALOGUE
from services.contracts.workloads import WORKLOADS
from stacks.manifests import NAMESPACE
from stacks.scaled_objects import API_VERSION
from stacks.scaling import scaling_of
from tests.cluster.cell import CELL, at, deployments, name_of, number, pods
from tests.footprint.deployment import CREDENTIALS

QUEUE: Final = "transcode"
"""Name of the transcode queue in `program`."""
ON_EVENTS: Final = {item.name: item for item in WORKLOADS if scaling_of(item).signal is not None}
"""Workloads with a scaled object."""


class Waiting:
    """Jobs that wait in the transcode queue of an emulator at `url`."""

    def __init__(self, url: str) -> None:
        self.url: Final = url
        self._sqs = boto3.client(
            "sqs",
            endpoint_url=url,
            region_name=CATALOGUE.get(CELL).code,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        self._queue: Final = self._sqs.create_queue(QueueName=QUEUE)["QueueUrl"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sqs.close()

    def add(self, jobs: int) -> None:
        """More jobs."""
        for job in range(jobs):
            self._sqs.send_message(QueueUrl=self._queue, MessageBody=str(job))


def scaled_objects(api: Api) -> dict[str, Object]:
    """All scaled objects by name."""
    return {name_of(item): item for item in api.items(API_VERSION, "ScaledObject", NAMESPACE)}


def condition(item: Object, kind: str) -> str:
    """The status of a condition: `True`, `False`, `Unknown`; empty where there is none."""
    listed = at(item, "status.conditions")
    found = (as_object(entry) for entry in (listed if isinstance(listed, list) else []))
    return next((str(entry.get("status")) for entry in found if entry.get("type") == kind), "")


def wanted(api: Api, workload: str) -> int:
    """How many pods a workload is told to have."""
    return number(deployments(api)[workload], "spec.replicas")


def address_of_one(api: Api, workload: str) -> str:
    """The address of the pod of a workload that began first."""
    first = min(pods(api, workload), key=lambda pod: (str(at(pod, "metadata.creationTimestamp")), name_of(pod)))
    return str(at(first, "status.podIP"))
