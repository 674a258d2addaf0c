"""The deployed cell as the checks see it: how it is deployed, what of it is in the cluster, and what people do to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from local.engine.pulumi import Runner
from local.kubernetes.api import Api, ApiError
from local.kubernetes.manifests import Identity
from local.kubernetes.values import Object, Value, as_object
from stacks.manifests import NAMESPACE

CELL: Final = "mumbai"
NODES_A_ZONE: Final = 12
"""Enough for the floors of all autoscalers with one node of each zone away."""
HAND: Final = "kubectl-edit"
"""The field manager of a person with kubectl."""
OPERATOR: Final = "some-operator"
"""The field manager of another controller."""
PATIENCE: Final = 300.0


class Configured(Protocol):
    """A runner whose stacks are configured otherwise: `configured(release="1.2")`."""

    def __call__(self, **values: str) -> Runner: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """One region's stack, and how to run it."""

    name: str
    runner: Runner
    configured: Configured


def identity(kind: str, name: str, api_version: str = "v1") -> Identity:
    """An object of the cell's namespace."""
    return Identity(api_version, kind, NAMESPACE, name)


def deployments(api: Api) -> dict[str, Object]:
    """All Deployments by name."""
    return {name_of(item): item for item in api.items("apps/v1", "Deployment", NAMESPACE)}


def pods(api: Api, workload: str = "") -> list[Object]:
    """The pods of a workload that are not being deleted; of all without one."""
    labels = f"app.kubernetes.io/name={workload}" if workload else ""
    found = api.items("v1", "Pod", NAMESPACE, labels=labels)
    return [pod for pod in found if "deletionTimestamp" not in as_object(pod.get("metadata"))]


def name_of(item: Object) -> str:
    return str(as_object(item.get("metadata")).get("name"))


def at(item: Object, path: str) -> Value:
    """The value at a dotted path, None where there is none."""
    value: Value = item
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)]
        else:
            value = as_object(value).get(part)
    return value


def number(item: Object, path: str) -> int:
    """The number at a dotted path, 0 where there is none."""
    value = at(item, path)
    return value if isinstance(value, int) else 0


def by_hand(api: Api, wanted: Identity, patch: Object) -> None:
    """Change an object as a person with kubectl does."""
    api.request(
        "PATCH",
        api.path(wanted),
        query={"fieldManager": HAND},
        body=patch,
        content="application/strategic-merge-patch+json",
    )


def operate(api: Api, fields: Object) -> None:
    """Let another controller own these fields of a disruption budget, and no others."""
    budget = identity("PodDisruptionBudget", "search", "policy/v1")
    api.request(
        "PATCH",
        api.path(budget),
        query={"fieldManager": OPERATOR, "force": "true"},
        body={
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": budget.name, "namespace": NAMESPACE},
            **fields,
        },
        content="application/apply-patch+yaml",
    )


def evict(api: Api, pod: Object) -> ApiError | None:
    """Ask for a pod's eviction; what the server said if it refused."""
    body: Object = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name_of(pod), "namespace": NAMESPACE},
    }
    path = f"{api.path(identity('Pod', name_of(pod)))}/eviction"
    try:
        api.request("POST", path, body=body, patient=False)
    except ApiError as error:
        return error
    return None


def cordon(api: Api, node: str, *, closed: bool) -> None:
    """Close a node to new pods, or open it."""
    by_hand(api, Identity("v1", "Node", "", node), {"spec": {"unschedulable": closed}})


def eventually(true: Callable[[], bool], what: str) -> float:
    """Wait until something is true; returns the seconds. Raises AssertionError after PATIENCE."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < PATIENCE, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.25)
    return time.monotonic() - begun


@dataclass(slots=True)
class Watched:
    """How far below its wanted number each workload's available pods ever were; 0 for one that never was."""

    missing: dict[str, int] = field(default_factory=dict)
    fewest: dict[str, int] = field(default_factory=dict)
    """The fewest available pods."""
    looks: int = 0


@contextmanager
def watching(api: Api) -> Iterator[Watched]:
    """Look at the Deployments again and again meanwhile."""
    seen, stop = Watched(), threading.Event()

    def look() -> None:
        while not stop.is_set():
            for name, item in deployments(api).items():
                available = number(item, "status.availableReplicas")
                seen.missing[name] = max(seen.missing.get(name, 0), number(item, "spec.replicas") - available)
                seen.fewest[name] = min(seen.fewest.get(name, available), available)
            seen.looks += 1
            stop.wait(0.2)

    thread = threading.Thread(target=look, name="watching")
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
