"""A client of one Kubernetes API server: discovery, reading, server-side apply, deletion.

Owns addresses, the protocol and its errors. Does not own what is applied, when, or how long one waits (`applied`).
"""

from __future__ import annotations

import ssl
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, Literal, Protocol, cast
from urllib.parse import quote

import httpx

from local.kubernetes import values
from local.kubernetes.kubeconfig import Access
from local.kubernetes.manifests import Identity
from local.kubernetes.values import Object, Value

FIELD_MANAGER: Final = "pulumi-kubernetes"
"""Under this name the server remembers which fields are ours."""

_TIMEOUT: Final = httpx.Timeout(30.0)
_MOST_ATTEMPTS: Final = 5
_LONGEST_PAUSE: Final = 5.0

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason of a refusal: its kind (`FieldValueInvalid`, …), the field's path, and what is said of it."""

    reason: str
    field: str
    message: str


class ApiError(Exception):
    """The server refused. `status` is HTTP's; `reason` and `causes` are those of the server's Status object."""

    def __init__(self, status: int, reason: str, message: str, causes: tuple[Cause, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.causes = causes


class UnreachableError(Exception):
    """There is no answer; the message says from where and why."""


class UnknownKindError(Exception):
    """The server has no such kind: not built in, and no definition of a custom resource brings it."""


@dataclass(frozen=True, slots=True)
class Served:
    """How a kind is addressed."""

    plural: str
    namespaced: bool


class Cluster(Protocol):
    """What `applied` needs of a cluster."""

    def get(self, identity: Identity) -> Object | None:
        """The object, or None."""

    def apply(self, manifest: Object, *, dry_run: bool, force: bool) -> Object:
        """The object as the server has it, or would have it, after a server-side apply."""

    def delete(self, identity: Identity) -> None:
        """Ask for its deletion; nothing happens when it is gone."""


class Api:
    """A client. Safe for threads; `close` it."""

    def __init__(self, access: Access) -> None:
        headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
        self._client = httpx.Client(
            base_url=access.server, verify=_tls(access), headers=headers, timeout=_TIMEOUT, trust_env=False
        )
        self._lock = Lock()
        self._kinds: dict[str, dict[str, Served]] = {}

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def get(self, identity: Identity) -> Object | None:
        """The object, or None where there is none."""
        try:
            return self.request("GET", self.path(identity))
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def items(self, api_version: str, kind: str, namespace: str = "", *, labels: str = "") -> list[Object]:
        """All objects of a kind, of all namespaces where none is given; `labels` is a label selector."""
        query = {"labelSelector": labels} if labels else {}
        answer = self.request("GET", self._collection(api_version, kind, namespace), query=query)
        found = answer.get("items")
        return [values.as_object(item) for item in found] if isinstance(found, list) else []

    def apply(self, manifest: Object, *, dry_run: bool, force: bool) -> Object:
        """Server-side apply: unknown fields are refused, with `dry_run` everything is checked and nothing stored."""
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "force": str(force).lower()}
        if dry_run:
            query["dryRun"] = "All"
        path = self.path(Identity.of(manifest))
        return self.request("PATCH", path, query=query, body=manifest, content="application/apply-patch+yaml")

    def delete(self, identity: Identity) -> None:
        """Ask for its deletion, and that of what it owns; nothing happens when it is gone."""
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
        try:
            self.request("DELETE", self.path(identity), body=body)
        except ApiError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise

    def path(self, identity: Identity) -> str:
        """Where an object lies. Raises UnknownKindError."""
        collection = self._collection(identity.api_version, identity.kind, identity.namespace)
        return f"{collection}/{quote(identity.name, safe='')}"

    def request(
        self,
        method: Method,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content: str = "application/json",
        patient: bool = True,
    ) -> Object:
        """One request. A server that is too busy is asked again, unless not `patient`.

        Raises ApiError and UnreachableError.
        """
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            try:
                answer = self._client.request(
                    method, path, params=dict(query or {}), json=body, headers={"Content-Type": content}
                )
            except httpx.HTTPError as error:
                raise UnreachableError(f"no answer from {self._client.base_url} to {method} {path}: {error}") from error
            pause = answer.headers.get("Retry-After", "")
            busy = answer.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
            if not (busy and patient and pause.isdigit() and attempt < _MOST_ATTEMPTS):
                break
            time.sleep(min(float(pause), _LONGEST_PAUSE))
        return _object(answer)

    def _collection(self, api_version: str, kind: str, namespace: str) -> str:
        served = self._served(api_version, kind)
        base = _base(api_version)
        if served.namespaced and namespace:
            base += f"/namespaces/{quote(namespace, safe='')}"
        return f"{base}/{served.plural}"

    def _served(self, api_version: str, kind: str) -> Served:
        """What discovery says of a kind; asked again for what it did not know, since definitions come and go."""
        with self._lock:
            known = self._kinds.get(api_version, {})
        if kind not in known:
            known = self._discover(api_version)
            with self._lock:
                self._kinds[api_version] = known
        if kind not in known:
            raise UnknownKindError(
                f"the cluster has no {kind} in {api_version}; "
                "a custom resource needs its CustomResourceDefinition first"
            )
        return known[kind]

    def _discover(self, api_version: str) -> dict[str, Served]:
        try:
            answer = self.request("GET", _base(api_version))
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return {}
            raise
        found = {}
        resources = answer.get("resources")
        for entry in resources if isinstance(resources, list) else []:
            resource = values.as_object(entry)
            plural, kind = str(resource.get("name")), str(resource.get("kind"))
            if "/" not in plural:  # the others are parts of objects, such as deployments/scale
                found[kind] = Served(plural, resource.get("namespaced") is True)
        return found


def _base(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _object(answer: httpx.Response) -> Object:
    try:
        content = cast(Value, answer.json())
    except ValueError:
        content = None
    found = values.as_object(content)
    if answer.is_success:
        return found
    details = values.as_object(found.get("details")).get("causes")
    causes = tuple(
        Cause(*(str(values.as_object(cause).get(key, "")) for key in ("reason", "field", "message")))
        for cause in (details if isinstance(details, list) else [])
    )
    message = str(found.get("message") or f"HTTP {answer.status_code} without a reason")
    raise ApiError(answer.status_code, str(found.get("reason", "")), message, causes)


def _tls(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=access.authority)
    if access.certificate:
        # The standard library reads a client's certificate from a file only.
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "client.pem")
            file.touch(mode=0o600)
            file.write_text(access.certificate + access.key)
            context.load_cert_chain(file)
    return context
