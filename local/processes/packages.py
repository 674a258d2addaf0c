"""Where the wheels keep the programs that they carry. Owns no program."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

from local.processes.program import PreparationError


def package_directory(package: str) -> Path:
    """The directory of an installed package, found without importing it: some make directories when imported.

    Raises `PreparationError` when it is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise PreparationError(f"the Python package {package} is not installed; run `make install`")
    return Path(next(iter(spec.submodule_search_locations)))


def platform_binary(package: str, directory: str, program: str) -> Path:
    """``program`` in ``<package>/<directory>/<platform>/``, for this machine. Raises `PreparationError`."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    system = platform.system().lower()
    for name in (f"{system}-{machine}", f"{system}_{machine}"):
        binary = package_directory(package) / directory / name / program
        if binary.is_file():
            return binary
    raise PreparationError(f"{package} carries no {program} for {system} on {machine}; use Linux on x86-64 or ARM64")
