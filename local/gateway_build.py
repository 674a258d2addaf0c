"""The compiled gateway: the same typed source, translated to C by mypyc, in the cache.

Owns which modules are compiled and the layout of the result: a directory with the packages ``services`` and
``regions`` as in the checkout and, beside the sources of the hot path, their extension modules, which Python prefers.
Put it before the checkout on ``PYTHONPATH`` and ``python -m services.gateway`` runs compiled; without it, the sources
run. Does not own when that is done (``local.processes.service`` does it at a start).

Two layers, so that a change elsewhere costs a copy and no compiler: the extension modules, by what they are made
from, and the tree around them, by all sources.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from local import cache, paths
from local.cache import Artefact, Report

HOT: Final = (
    "access",
    "addresses",
    "attempts",
    "bodies",
    "breaker",
    "connection",
    "core",
    "exchange",
    "forms",
    "heads",
    "identity",
    "limit_script",
    "limiter",
    "limits",
    "metrics",
    "overload",
    "plan",
    "resp",
    "responses",
    "routing",
    "tracing",
    "upstream",
    "valkey",
)
"""Modules of ``services.gateway`` that are compiled; the others are rare, or started once."""

_PACKAGES: Final = ("services", "regions")
_TYPES: Final = (
    "services/gateway",
    "services/contracts/limits.py",
    "services/contracts/routes.py",
    "services/contracts/settings.py",
    "services/common/context.py",
    "services/common/ids.py",
)
"""What the compiler reads: the translation depends on the types and constants in these."""
_PYTHON: Final = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}".lower()


def tree(report: Report = cache.to_stderr) -> Path:
    """The directory to put first on the path. Builds what is not in the cache; needs a C compiler then."""
    modules = cache.install(_modules(), _compile, report=report)
    return cache.install(_tree(), lambda target: _lay_out(target, modules), report=report)


def location() -> Path:
    """Where `tree` is, or would be: Python passes over what is not there, and runs the sources."""
    return cache.location(_tree())


def prefer(report: Report = cache.to_stderr) -> bool:
    """Builds `tree` if it can be built; else says why the sources run. Returns whether it is there."""
    try:
        tree(report)
    except SystemExit as problem:
        report(f"the gateway runs from its sources, which take more CPU: {problem}")
        return False
    return True


def _tree() -> Artefact:
    sources = [paths.CHECKOUT / package for package in _PACKAGES]
    return Artefact("gateway", _version(sources, _modules().version), "laying out the compiled gateway")


def _modules() -> Artefact:
    sources = [paths.CHECKOUT / part for part in _TYPES]
    return Artefact(
        "gateway-modules",
        _version(sources, Path(__file__).read_text(encoding="utf-8"), version("mypy"), _PYTHON),
        "compiling the gateway, about a minute, once per change",
    )


def _version(directories: Iterable[Path], *further: str) -> str:
    digest = hashlib.sha256("\0".join(further).encode())
    for directory in directories:
        for file in _files(directory):
            digest.update(str(file.relative_to(directory.parent)).encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:24]


def _files(directory: Path) -> list[Path]:
    if directory.is_file():
        return [directory]
    # The OpenAPI document lies beside the sources and is read by them.
    found = (file for kind in ("*.py", "*.json") for file in directory.rglob(kind))
    return sorted(file for file in found if not {"node_modules", "web"} & set(file.parts) and file.is_file())


def _copy_sources(target: Path) -> None:
    for package in _PACKAGES:
        origin = paths.CHECKOUT / package
        # Data beside the modules (migrations in SQL) belongs to them; the page's sources do not.
        ignore = shutil.ignore_patterns("__pycache__", "node_modules", "web")
        shutil.copytree(origin, target / package, ignore=ignore)


def _lay_out(target: Path, modules: Path) -> None:
    _copy_sources(target)
    shutil.copytree(modules, target, dirs_exist_ok=True)


def _compile(target: Path) -> None:
    if shutil.which(os.environ.get("CC", "cc")) is None:
        raise SystemExit("no C compiler: install one (Debian: gcc), or run the gateway from its sources")
    work = target / "work"
    _copy_sources(work)
    # In a process of its own: the compiler works on the present directory and ends the process on an error.
    script = [sys.executable, "-m", "local.gateway_build", "compile", str(target)]
    environment = {**os.environ, "PYTHONPATH": str(paths.CHECKOUT)}
    done = subprocess.run(script, cwd=work, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the gateway did not compile:\n{(done.stdout + done.stderr)[-4000:]}")
    shutil.rmtree(work)


def _compile_here(target: Path) -> None:
    from mypyc.build import mypycify
    from setuptools import setup  # type: ignore[import-untyped] # no stubs are published with it

    options = ["--ignore-missing-imports", "--follow-imports=silent", "--strict", "--cache-dir=mypy"]
    modules = [f"services/gateway/{name}.py" for name in HOT]
    setup(
        name="gateway",
        packages=[],
        ext_modules=mypycify([*options, *modules], opt_level="3", debug_level="0"),
        script_args=["--quiet", "build_ext", f"--build-lib={target}", "--build-temp=objects"],
    )


def main() -> None:
    """Prints the directory of the compiled gateway."""
    match sys.argv[1:]:
        case ["compile", target]:
            _compile_here(Path(target))
        case []:
            print(tree())
        case _:
            raise SystemExit("usage: python -m local.gateway_build")


if __name__ == "__main__":
    main()
