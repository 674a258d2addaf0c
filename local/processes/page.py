"""The page's build: from the sources in ``services/web`` to a directory that the edge serves, kept in the cache.

Owns when it is built (once per content of the sources) and by which commands. Does not own the page.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local import cache, paths
from local.processes.program import PreparationError

SOURCES = paths.CHECKOUT / "services" / "web"
OUTPUT = "dist"
_NOT_SOURCES = frozenset({"node_modules", OUTPUT, "__pycache__"})


def built(sources: Path = SOURCES, *, root: Path | None = None, report: cache.Report = cache.to_stderr) -> Path:
    """The directory of the built page. Raises `PreparationError`."""
    if not (sources / "package.json").is_file():
        raise PreparationError(f"{sources} has no package.json; the checkout is incomplete, clone it again")
    artefact = cache.Artefact("page", fingerprint(sources), "building the page, about 30 s, once")

    def build(directory: Path) -> None:
        work = directory / "work"
        shutil.copytree(sources, work, ignore=shutil.ignore_patterns(*_NOT_SOURCES))
        _npm(work, "ci", "--no-audit", "--no-fund")
        _npm(work, "run", "build")
        (work / OUTPUT).rename(directory / OUTPUT)
        shutil.rmtree(work)

    return cache.install(artefact, build, root=root, report=report) / OUTPUT


def fingerprint(sources: Path) -> str:
    """Changes with any source file of the page."""
    digest = hashlib.sha256()
    for file in sorted(_files(sources)):
        digest.update(str(file.relative_to(sources)).encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if path.is_dir() and path.name not in _NOT_SOURCES:
            yield from _files(path)
        elif path.is_file():
            yield path


def _npm(directory: Path, *arguments: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise PreparationError("npm is not on PATH; it comes with Node 20 or newer: https://nodejs.org")
    answer = subprocess.run([npm, *arguments], cwd=directory, capture_output=True, text=True, timeout=600, check=False)
    if answer.returncode != 0:
        lines = (answer.stdout + answer.stderr).splitlines()
        said = [line for line in lines if line.strip() and not line.startswith("npm warn")][-8:]
        raise PreparationError("\n  ".join([f"npm {' '.join(arguments)} failed:", *said]))
