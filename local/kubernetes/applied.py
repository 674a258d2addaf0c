"""Objects in a cluster, by server-side apply, tried before they are applied.

Owns the order of things: what is tried in a preview, when fields of others are taken over, how long one waits. Does
not own the protocol (`api`), when an object is in effect (`readiness`) nor what counts as drift (`drift`).

Fields that a person changed with kubectl are taken over, as the official plugin does; fields that another controller
owns are a conflict, unless the object says `pulumi.com/patchForce`.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from local.kubernetes import drift, readiness, values
from local.kubernetes.api import FIELD_MANAGER, ApiError, Cluster, UnknownKindError, UnreachableError
from local.kubernetes.manifests import Identity
from local.kubernetes.targets import Alive, HalfDoneError, TargetError, plain
from local.kubernetes.values import Object, Value

PATIENCE: Final = 600.0
"""Seconds, for a rollout and for a deletion; the official plugin's for a Deployment."""

FORCE: Final = "pulumi.com/patchForce"
_BY_HAND: Final = ("kubectl", "before-first-apply", FIELD_MANAGER)
"""Prefixes of the managers whose fields are taken over (pulumi-kubernetes, provider/pkg/await/await.go)."""
_MANAGER: Final = re.compile(r'conflict with "([^"]+)"')
"""The API server's words (apimachinery, structured-merge-diff conflicts); there is no field for it."""
_FREE_TEXT: Final = frozenset({"annotations", "data", "stringData"})
"""Maps in which any string is accepted, so that a placeholder may stand for what is not known yet."""
_TRIAL_NAMESPACE: Final = "default"
_CONFLICT, _NOT_FOUND = 409, 404
_POLL_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Applied:
    """Objects in the cluster of `cluster`."""

    cluster: Cluster
    patience: float = PATIENCE
    sleep: Callable[[float], None] = time.sleep

    def attempt(self, manifest: Object) -> None:
        """A dry run. Not tried is what stands or falls with something that the same update may bring: an unknown
        value, a kind without its definition. An object of a namespace that is still to come is tried in another."""
        wanted = tryable(plain(manifest))
        if wanted is None:
            return
        identity = Identity.of(wanted)
        with _told(identity):
            try:
                self._apply(wanted, dry_run=True)
            except UnknownKindError:
                return
            except ApiError as error:
                if error.status != _NOT_FOUND or self._has_namespace(identity):
                    raise
                self._apply(_moved(wanted, _TRIAL_NAMESPACE), dry_run=True)

    def put(self, manifest: Object, alive: Alive) -> None:
        """Apply, then wait until it is in effect."""
        wanted = encoded(plain(manifest))
        identity = Identity.of(wanted)
        with _told(identity):
            self._apply(wanted, dry_run=False)
        lacks = "no answer yet"
        for _ in self._polls(alive):
            with _told(identity, HalfDoneError):
                live = self.cluster.get(identity)
            state = readiness.of(live) if live is not None else readiness.Readiness("somebody deleted it", final=True)
            if state.ready:
                return
            lacks = state.lacks
            if state.final:
                break
        raise HalfDoneError(f"{_name(identity)} is applied but not in effect: {lacks}")

    def read(self, identity: Identity, state: Object) -> Object | None:
        """What the cluster has, in the terms of the program."""
        with _told(identity):
            try:
                live = self.cluster.get(identity)
            except UnknownKindError:
                return None
        if live is None:
            return None
        if "kind" not in state:
            return drift.without_bookkeeping(live)
        stated = plain(state)
        found = decoded(stated, drift.observed(encoded(stated), self._expected(encoded(stated)), live))
        return state if found == stated else found

    def remove(self, identity: Identity, alive: Alive) -> None:
        """Delete it with all that it owns, and wait until it is gone."""
        with _told(identity):
            try:
                self.cluster.delete(identity)
            except UnknownKindError:
                return
        for _ in self._polls(alive):
            with _told(identity):
                live = self.cluster.get(identity)
            if live is None:
                return
        raise TargetError(f"{_name(identity)} is still being deleted after {self.patience:.0f} s; see its finalizers")

    def _apply(self, manifest: Object, *, dry_run: bool) -> Object:
        try:
            return self.cluster.apply(manifest, dry_run=dry_run, force=_forced(manifest))
        except ApiError as error:
            managers = _MANAGER.findall(" ".join(cause.message for cause in error.causes))
            if error.status != _CONFLICT or not managers:
                raise
            others = sorted({manager for manager in managers if not manager.startswith(_BY_HAND)})
            if others:
                fields = ", ".join(sorted({cause.field for cause in error.causes}))
                raise TargetError(
                    f"{_name(Identity.of(manifest))}: {', '.join(others)} owns {fields}. Leave these fields out, or "
                    f"take them over with the annotation {FORCE}: 'true'."
                ) from error
        return self.cluster.apply(manifest, dry_run=dry_run, force=True)

    def _expected(self, stated: Object) -> Object:
        """What the server would make of the stated object. What it would refuse today is compared as it was stated."""
        try:
            return self.cluster.apply(stated, dry_run=True, force=True)
        except ApiError:
            return stated

    def _has_namespace(self, identity: Identity) -> bool:
        return (
            not identity.namespace or self.cluster.get(Identity("v1", "Namespace", "", identity.namespace)) is not None
        )

    def _polls(self, alive: Alive) -> _Polls:
        return _Polls(time.monotonic() + self.patience, alive, self.sleep)


@dataclass(slots=True)
class _Polls:
    """Iterates until the time is over or nobody waits any more; sleeps in between."""

    deadline: float
    alive: Alive
    sleep: Callable[[float], None]
    begun: bool = False

    def __iter__(self) -> _Polls:
        return self

    def __next__(self) -> None:
        if self.begun:
            if time.monotonic() > self.deadline or not self.alive():
                raise StopIteration
            self.sleep(_POLL_SECONDS)
        self.begun = True


class _told:  # noqa: N801  # reads as a statement: with _told(identity)
    """Turns what a cluster refuses into a TargetError that names the object and, of a Secret, no value."""

    def __init__(self, identity: Identity, kind: type[TargetError] = TargetError) -> None:
        self._identity = identity
        self._kind = kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ApiError):
            said = str(error)
            if self._identity.kind == "Secret":
                fields = ", ".join(f"{cause.field} ({cause.reason})" for cause in error.causes)
                said = f"{error.reason or 'refused'} {fields}".strip()
            raise self._kind(f"{_name(self._identity)}: the cluster refuses it: {said}") from error
        if isinstance(error, (UnknownKindError, UnreachableError)):
            raise self._kind(f"{_name(self._identity)}: {error}") from error


def tryable(manifest: Object) -> Object | None:
    """The (plain) manifest as it can be tried: placeholders for unknown free text; None where more is unknown."""
    filled = _filled(encoded(manifest), "")
    return None if any(True for _ in values.unknowns(filled)) else values.as_object(filled)


def encoded(manifest: Object) -> Object:
    """A Secret's `stringData` as `data`, which can be compared and read back."""
    given = values.as_object(manifest.get("stringData"))
    if manifest.get("kind") != "Secret" or not given:
        return manifest
    added: Object = {key: _base64(value) if value != values.UNKNOWN else value for key, value in given.items()}
    rest = {key: value for key, value in manifest.items() if key != "stringData"}
    return {**rest, "data": {**values.as_object(manifest.get("data")), **added}}


def decoded(stated: Object, found: Object) -> Object:
    """The reverse: what was stated as text is text again."""
    given = values.as_object(stated.get("stringData"))
    if found.get("kind") != "Secret" or not given:
        return found
    data = dict(values.as_object(found.get("data")))
    texts: Object = {key: _text(data.pop(key)) for key in given if key in data}
    rest = {key: value for key, value in found.items() if key != "data"}
    left: Object = {"data": data} if data or "data" in stated else {}
    return {**rest, **left, "stringData": texts}


def _filled(value: Value, under: str) -> Value:
    if isinstance(value, dict):
        return {
            key: "unknown" if item == values.UNKNOWN and under in _FREE_TEXT else _filled(item, key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_filled(item, "") for item in value]
    return value


def _moved(manifest: Object, namespace: str) -> Object:
    return {**manifest, "metadata": {**values.as_object(manifest.get("metadata")), "namespace": namespace}}


def _forced(manifest: Object) -> bool:
    annotations = values.as_object(values.as_object(manifest.get("metadata")).get("annotations"))
    return str(annotations.get(FORCE)).lower() == "true"


def _name(identity: Identity) -> str:
    return f"{identity.kind} {identity.id}"


def _base64(value: Value) -> str:
    return base64.b64encode(str(value).encode()).decode("ascii")


def _text(value: Value) -> str:
    try:
        return base64.b64decode(str(value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
