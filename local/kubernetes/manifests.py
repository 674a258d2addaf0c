"""How an object lies on disk: which file, which text.

Owns the layout of the official plugin's `renderYamlToDirectory` (`0-crd/` before `1-manifest/`, one file for each
object) and the files in it. Does not own what is in an object.

Secrets are not rendered: the official plugin writes them in the clear, here every value of a Secret, and every value
that the program marked as secret, is replaced by `SECRET_MASK` and the file says so. Such a file cannot be applied as
it is; it is there to be read and checked.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from local import paths
from local.kubernetes import values
from local.kubernetes.values import Object, Value

SECRET_MASK: Final = "(secret, not rendered)"
_NOTE: Final = "# Secret values are not rendered: whoever applies this file has to supply them.\n"
_NO_FOLDING: Final = 1 << 30
_SECRET_FIELDS: Final = ("data", "stringData")


class UnreadableManifestError(Exception):
    """A rendered file that is no manifest any more; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What distinguishes an object in a cluster. `namespace` is empty for cluster-scoped kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @staticmethod
    def of(manifest: Object) -> "Identity":
        """The identity of a (plain) manifest. Raises ValueError where a part is missing or unknown."""
        metadata = values.as_object(manifest.get("metadata"))
        parts = (manifest.get("apiVersion"), manifest.get("kind"), metadata.get("namespace", ""), metadata.get("name"))
        texts = [part for part in parts if isinstance(part, str) and part != values.UNKNOWN]
        if len(texts) != len(parts):
            raise ValueError("apiVersion, kind, metadata.namespace and metadata.name must be known strings")
        return Identity(*texts)

    @property
    def id(self) -> str:
        """The resource's id, as the official plugin forms it."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def file(self) -> Path:
        """The file, relative to the render directory. Never outside it: separators are replaced."""
        folder = "0-crd" if self.kind == "CustomResourceDefinition" else "1-manifest"
        parts = (self.api_version, self.kind.lower(), self.namespace or "default", self.name)
        return Path(folder, "-".join(parts).replace("/", "_").replace(":", "_") + ".yaml")


def text(manifest: Object) -> str:
    """The file's content, with secrets masked."""
    guarded = guard(manifest)
    shown = values.masked(guarded, SECRET_MASK)
    note = _NOTE if values.contains_secret(guarded) else ""
    return note + yaml.safe_dump(shown, sort_keys=True, default_flow_style=False, width=_NO_FOLDING)


def guard(manifest: Object) -> Object:
    """The manifest with the values of a Secret marked as secret, whether the program did so or not."""
    if manifest.get("kind") != "Secret":
        return manifest
    guarded = dict(manifest)
    for field in _SECRET_FIELDS:
        inner = manifest.get(field)
        if isinstance(inner, dict) and not values.is_secret(inner):
            guarded[field] = {key: values.secret(value) for key, value in inner.items()}
    return guarded


def write(directory: Path, manifest: Object) -> None:
    """Render the object, replacing its file in one step."""
    path = directory / Identity.of(values.as_object(values.plain(manifest))).file
    path.parent.mkdir(parents=True, exist_ok=True, mode=paths.PRIVATE)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text(manifest), encoding="utf-8")
    temporary.replace(path)


def read(directory: Path, identity: Identity) -> str | None:
    """The text of the object's file; None when there is none."""
    try:
        return (directory / identity.file).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def parse(content: str, state: Object, path: Path) -> Object:
    """A file that somebody changed, as an object. Masked values are taken from `state`, which knows them.

    Raises UnreadableManifestError when it is not a YAML mapping.
    """
    try:
        loaded: Value = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise UnreadableManifestError(f"{path} is not YAML any more ({error}). Delete it, then refresh.") from error
    if not isinstance(loaded, dict):
        raise UnreadableManifestError(f"{path} is not a manifest any more. Delete it, then refresh.")
    return values.as_object(_unmasked(loaded, guard(state)))


def remove(directory: Path, identity: Identity) -> None:
    """Remove the object's file, and the directories that it leaves empty. Nothing happens when it is gone."""
    path = directory / identity.file
    path.unlink(missing_ok=True)
    for empty in (path.parent, directory):
        try:
            empty.rmdir()
        except OSError:
            return


def _unmasked(found: Value, known: Value) -> Value:
    if found == SECRET_MASK:
        return known
    if isinstance(found, dict):
        inner = values.as_object(known)
        return {key: _unmasked(item, inner.get(key)) for key, item in found.items()}
    if isinstance(found, list):
        old = known if isinstance(known, list) else []
        return [_unmasked(item, old[index] if index < len(old) else None) for index, item in enumerate(found)]
    return found
