"""When an object that was applied is in effect: a rollout is through, a definition is served.

Pure: judges a live object. The rules are those of `kubectl rollout status` and of the API reference.
"""

from __future__ import annotations

from dataclasses import dataclass

from local.kubernetes.values import Object, Value, as_object


@dataclass(frozen=True, slots=True)
class Readiness:
    """What an object still lacks; nothing when it is ready. `final` says that it will not come by itself."""

    lacks: str = ""
    final: bool = False

    @property
    def ready(self) -> bool:
        """Whether it is in effect."""
        return not self.lacks


READY = Readiness()


def of(live: Object) -> Readiness:
    """The readiness of a live object. Kinds that need no waiting are ready at once."""
    match live.get("kind"):
        case "Deployment":
            return _rollout(live)
        case "Job":
            return _job(live)
        case "CustomResourceDefinition":
            served = _condition(live, "Established").get("status") == "True"
            return READY if served else Readiness("its kind is not served yet")
        case _:
            return READY


def _rollout(live: Object) -> Readiness:
    status, wanted = as_object(live.get("status")), _number(as_object(live.get("spec")).get("replicas"), 1)
    if _number(status.get("observedGeneration")) < _number(as_object(live.get("metadata")).get("generation")):
        return Readiness("its controller has not seen it yet")
    progress = _condition(live, "Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return Readiness(f"it does not progress: {_failure(live) or progress.get('message')}", final=True)
    updated, available = _number(status.get("updatedReplicas")), _number(status.get("availableReplicas"))
    if updated < wanted:
        reason = _failure(live)
        return Readiness(
            f"{updated} of {wanted} pods are new" + (f"; the last could not be made: {reason}" if reason else "")
        )
    if _number(status.get("replicas")) > updated:
        return Readiness(f"{_number(status.get('replicas')) - updated} old pods are still there")
    return READY if available >= wanted else Readiness(f"{available} of {wanted} pods are available")


def _job(live: Object) -> Readiness:
    failed = _condition(live, "Failed")
    if failed.get("status") == "True":
        return Readiness(f"it failed: {failed.get('message')}; read the logs of its pods", final=True)
    complete = _condition(live, "Complete").get("status") == "True"
    return READY if complete else Readiness("it is not complete")


def _failure(live: Object) -> str:
    """Why pods could not be made: a quota, an admission policy, a missing service account."""
    failed = _condition(live, "ReplicaFailure")
    return str(failed.get("message", "")) if failed.get("status") == "True" else ""


def _condition(live: Object, kind: str) -> Object:
    conditions = as_object(live.get("status")).get("conditions")
    for condition in conditions if isinstance(conditions, list) else []:
        if as_object(condition).get("type") == kind:
            return as_object(condition)
    return {}


def _number(value: Value, default: int = 0) -> int:
    return value if isinstance(value, int) else default
