"""Where objects go: the seam between the provider's protocol and files or a cluster.

Owns the seam and the files' side of it. Does not own a cluster's side (`applied`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local.kubernetes import manifests, values
from local.kubernetes.manifests import Identity
from local.kubernetes.values import Object

Alive = Callable[[], bool]
"""Whether anybody still waits for the answer."""


class TargetError(Exception):
    """An object could not be put, read or removed; the message says which and what to do."""


class HalfDoneError(TargetError):
    """The object is there but not in effect, so it has to stay in the state."""


class Target(Protocol):
    """What holds objects. Every method raises TargetError."""

    def attempt(self, manifest: Object) -> None:
        """Find out whether `put` would work, as far as that can be known. Nothing changes."""

    def put(self, manifest: Object, alive: Alive) -> None:
        """Make or change the object, and wait until it is in effect. One that is there already is taken over."""

    def read(self, identity: Identity, state: Object) -> Object | None:
        """The object as it is; `state` itself where nothing was changed, None where it is gone."""

    def remove(self, identity: Identity, alive: Alive) -> None:
        """Remove the object and wait until it is gone."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Objects as files in a directory."""

    directory: Path

    def attempt(self, manifest: Object) -> None:
        """A file takes everything."""

    def put(self, manifest: Object, alive: Alive) -> None:  # noqa: ARG002 - a file is there at once
        """Write the file."""
        manifests.write(self.directory, manifest)

    def read(self, identity: Identity, state: Object) -> Object | None:
        """What the file says. Masked values are taken from `state`."""
        content = manifests.read(self.directory, identity)
        if content is None or content == manifests.text(state):
            return None if content is None else state
        try:
            return manifests.parse(content, state, self.directory / identity.file)
        except manifests.UnreadableManifestError as error:
            raise TargetError(str(error)) from error

    def remove(self, identity: Identity, alive: Alive) -> None:  # noqa: ARG002 - see `put`
        """Delete the file."""
        manifests.remove(self.directory, identity)


def plain(manifest: Object) -> Object:
    """The manifest with its secrets opened."""
    return values.as_object(values.plain(manifest))
