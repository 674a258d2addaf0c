"""How a cluster is reached: the address, the authority and the credentials that a kubeconfig names.

Owns the reading of the file. Programs that print a token (`exec`) are not run: the official plugin is for such clusters.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from local.kubernetes import values
from local.kubernetes.values import Object, Value


class KubeconfigError(Exception):
    """A kubeconfig that cannot be used; the message names the file, what is missing and the remedy."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where an API server is and how to prove who asks. Certificates and the key are PEM texts."""

    server: str
    authority: str
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def load(path: Path) -> Access:
    """The access of the current context. Raises KubeconfigError."""
    try:
        document: Value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise KubeconfigError(f"{path} cannot be read as a kubeconfig: {error}") from error
    try:
        return access(values.as_object(document))
    except KubeconfigError as error:
        raise KubeconfigError(f"{path}: {error}") from error


def access(document: Object) -> Access:
    """The access of the current context of a kubeconfig. Raises KubeconfigError."""
    context = _named(document, "contexts", "context", _text(document, "current-context"))
    cluster = _named(document, "clusters", "cluster", _text(context, "cluster"))
    user = _named(document, "users", "user", _text(context, "user"))
    server = _text(cluster, "server")
    if not server.startswith("https://"):
        raise KubeconfigError(f"the server {server!r} is not an https address")
    if "exec" in user:
        raise KubeconfigError("the user is proved by a program (exec), which is not run; use a certificate or a token")
    found = Access(
        server=server.rstrip("/"),
        authority=_pem(cluster, "certificate-authority"),
        certificate=_pem(user, "client-certificate"),
        key=_pem(user, "client-key"),
        token=_text(user, "token"),
    )
    if not found.authority:
        raise KubeconfigError("the cluster has no certificate-authority-data: it could not be told from an impostor")
    if not found.token and not (found.certificate and found.key):
        raise KubeconfigError("the user has neither a token nor a certificate with its key")
    return found


def document_of(name: str, given: Access) -> Object:
    """A kubeconfig with one context called `name`."""
    user: Object = {"token": given.token} if given.token else {}
    if given.certificate:
        user |= {"client-certificate-data": _encoded(given.certificate), "client-key-data": _encoded(given.key)}
    cluster: Object = {"server": given.server, "certificate-authority-data": _encoded(given.authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": user}],
    }


def _named(document: Object, group: str, member: str, name: str) -> Object:
    entries = document.get(group)
    for entry in entries if isinstance(entries, list) else []:
        if values.as_object(entry).get("name") == name:
            return values.as_object(values.as_object(entry).get(member))
    raise KubeconfigError(f"there is no entry {name!r} in {group}")


def _text(document: Object, key: str) -> str:
    found = document.get(key, "")
    return found if isinstance(found, str) else ""


def _pem(document: Object, key: str) -> str:
    """Inline data goes before a file, as in every client."""
    data, file = _text(document, f"{key}-data"), _text(document, key)
    try:
        return base64.b64decode(data, validate=True).decode("ascii") if data else Path(file).read_text() if file else ""
    except (OSError, ValueError, binascii.Error) as error:
        raise KubeconfigError(f"{key} cannot be read: {error}") from error


def _encoded(pem: str) -> str:
    return base64.b64encode(pem.encode("ascii")).decode("ascii")
