"""A tree of the project: this checkout, a revision of it, or a copy with one fact changed.

Owns what makes two trees declare the same (`Tree.key`), and how a revision gets on disk. Does not run the engine
(``previews``).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local import paths
from local.engine.pulumi import Project
from ops.review.declared import Json

DECLARING: Final = (
    "regions",
    "stacks",
    "edge",
    "services/contracts",
    "local/aws",
    "local/kubernetes",
    "local/engine",
)
"""Directories on which a preview from nothing depends, beside the files at the top."""
_SUFFIXES: Final = frozenset({".py", ".yaml", ".toml", ".js", ".json", ".conf", ".j2"})
_WAVES: Final = "import json; from regions.stacks import stack_order; print(json.dumps(stack_order()))"
_USE: Final = """
import json, sys
from ops.commands.capacity import bill_data
from regions import usage
from regions.capacity import plans
from services.contracts.demand import CONTRACT
print(json.dumps(bill_data(usage.monthly(plans(CONTRACT), CONTRACT, transcoder=sys.argv[1]))))
"""


class TreeError(Exception):
    """A tree cannot be had or read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A directory with the whole project."""

    directory: Path

    def key(self) -> str:
        """The same for two trees that declare the same: a hash of every file on which a preview depends."""
        digest = hashlib.sha256()
        for file in self._files():
            content = file.read_bytes()
            digest.update(f"{file.relative_to(self.directory)}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()[:32]

    def _files(self) -> list[Path]:
        top = [*self.directory.glob("Pulumi*.yaml"), self.directory / "uv.lock"]
        below = (file for name in DECLARING for file in (self.directory / name).rglob("*") if file.suffix in _SUFFIXES)
        return sorted(file for file in (*top, *below) if file.is_file())

    def project(self) -> Project:
        """Its stacks and laws, for the engine. Raises `TreeError`."""
        waves = json.loads(self.python("-c", _WAVES))
        return Project(
            self.directory,
            tuple(tuple(str(name) for name in wave) for wave in waves),
            self.directory / "policies",
            environment=self.environment(),
        )

    def use(self) -> Json:
        """What use costs at the headline loads by this tree's facts, as `bill_data`. Raises `TreeError`."""
        document: Json = json.loads(self.python("-c", _USE, self._transcoder()))
        return document

    def _transcoder(self) -> str:
        """As most regions are configured."""
        texts = [file.read_text(encoding="utf-8") for file in self.directory.glob("Pulumi.*.yaml")]
        chosen = Counter(
            match[1] for text in texts if (match := re.search(r"^\s+meridian:transcoder:\s*(\w+)", text, re.M))
        )
        return chosen.most_common(1)[0][0] if chosen else "ffmpeg"

    def environment(self) -> dict[str, str]:
        """What makes a Python process take this tree's modules."""
        return {"PYTHONPATH": str(self.directory)}

    def python(self, *arguments: str) -> str:
        """Standard output of this tree's code, run by the present interpreter. Raises `TreeError`."""
        finished = subprocess.run(
            [sys.executable, "-P", *arguments],
            cwd=self.directory,
            env={**os.environ, **self.environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if finished.returncode:
            said = finished.stderr.strip().splitlines()
            raise TreeError(f"the code of {self.directory.name} does not run: {said[-1] if said else 'no message'}")
        return finished.stdout


def checkout() -> Tree:
    """The tree of this process."""
    return Tree(paths.CHECKOUT)


@contextmanager
def revision(name: str, repository: Path = paths.CHECKOUT) -> Iterator[Tree]:
    """The tree of a revision that git knows, for the time of the context. Raises `TreeError`."""
    commit = _git(
        repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", of=name
    ).strip()
    with tempfile.TemporaryDirectory(prefix="meridian-base-") as scratch:
        directory = Path(scratch) / "base"
        _git(repository, "worktree", "add", "--quiet", "--detach", str(directory), commit, of=name)
        try:
            yield Tree(directory)
        finally:
            _git(repository, "worktree", "remove", "--force", str(directory), of=name)


def _git(repository: Path, *arguments: str, of: str) -> str:
    command: Sequence[str] = ("git", "-C", str(repository), *arguments)
    try:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except FileNotFoundError as error:
        raise TreeError(
            f"git is needed for the revision {of!r}; install it, or compare with a saved preview"
        ) from error
    if finished.returncode:
        said = finished.stderr.strip() or "no such revision; fetch it, or name another"
        raise TreeError(f"cannot have the tree of {of!r}: {said}")
    return finished.stdout
