"""How the Pulumi engine is obtained: the one on PATH, else one built from its Go modules and kept in the cache.

Owns which engine is used and where its parts lie. Does not own its environment (`environment`) or its use (`pulumi`).

An engine on PATH brings its own Python language host. The built one has none (the packaged host is on no registry), so
a launcher of this project's host lies beside it. Several checkouts may share the cache, so the launcher takes the
interpreter from the environment, MERIDIAN_PYTHON.
"""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local import cache, paths

MODULES: Final = Path(__file__).parent / "gomod"
"""go.mod and go.sum: the versions of the engine and of all it is built from."""

OLDEST_ON_PATH: Final = (3, 200, 0)
"""The oldest engine of the machine that is used: `Attach` and project-scoped DIY stacks are settled there."""

HOST: Final = "pulumi-language-python"
SHIM: Final = "pulumi-language-python-exec"
INTERPRETER_VARIABLE: Final = "MERIDIAN_PYTHON"
"""The environment variable that names the Python which runs the language host."""

LAUNCHER: Final = f"""\
#!/bin/sh
: "${{{INTERPRETER_VARIABLE}:?is not set; this engine works in the environment that 'meridian env' prints}}"
exec "${INTERPRETER_VARIABLE}" -P -m local.engine.language_host --exec "$(dirname "$0")/{SHIM}" "$@"
"""
"""-P keeps the working directory, which the engine sets to the project's, out of the import path."""

_ENGINE_MODULE: Final = "github.com/pulumi/pulumi/pkg/v3"
_SDK_MODULE: Final = "github.com/pulumi/pulumi/sdk/v3"


class EngineBuildError(Exception):
    """The engine could not be built; the message carries what Go said and what to do."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A usable engine. `directories` go in front of PATH, in this order."""

    binary: Path
    version: str
    directories: tuple[Path, ...]
    built: bool


def obtain(home: Path, *, cache_root: Path | None = None, report: cache.Report = cache.to_stderr) -> Engine:
    """The engine of this machine, building it when there is none.

    Raises EngineBuildError when it has to be built and cannot.
    """
    found = on_path(os.environ.get("PATH", os.defpath), exclude=(home, cache_root or paths.cache()))
    if found is not None:
        return found
    directory = cache.install(artefact(), _build, root=cache_root, report=report)
    return Engine(directory / "pulumi", module_version(), (directory,), built=True)


def available(cache_root: Path | None = None) -> bool:
    """Whether `obtain` would not have to build."""
    root = cache_root or paths.cache()
    return on_path(os.environ.get("PATH", os.defpath), exclude=(root,)) is not None or cache.installed(artefact(), root)


def on_path(path: str, *, exclude: tuple[Path, ...] = ()) -> Engine | None:
    """An official engine in `path`: new enough, and with its Python language host.

    Directories below `exclude` (our own, put there by `meridian env`) are not searched.
    """
    directories = [
        entry
        for entry in path.split(os.pathsep)
        if entry and not any(Path(entry).is_relative_to(own) for own in exclude)
    ]
    searched = os.pathsep.join(directories)
    binary = shutil.which("pulumi", path=searched)
    if binary is None or shutil.which(HOST, path=searched) is None:
        return None
    answer = subprocess.run(
        [binary, "version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
    )
    version = parse_version(answer.stdout)
    if version is None or version < OLDEST_ON_PATH:
        return None
    return Engine(Path(binary), answer.stdout.strip(), (), built=False)


def parse_version(text: str) -> tuple[int, int, int] | None:
    """`v3.259.0` and `3.259.0-dev.1` to (3, 259, 0); None for anything else."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)(?:\D|$)", text.strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def module_version() -> str:
    """The engine's version as go.mod pins it, for example `v3.259.0`."""
    return _pinned(rf"^\s*{re.escape(_ENGINE_MODULE)} (v\S+)")


def go_version() -> tuple[int, int]:
    """The oldest Go that builds the engine, as go.mod demands it: (major, minor)."""
    major, minor = _pinned(r"^go (\d+\.\d+)").split(".")
    return int(major), int(minor)


def artefact() -> cache.Artefact:
    """The cache entry. Its version covers every module and the launcher, so that a changed pin is another entry."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((MODULES / name).read_bytes())
    digest.update(LAUNCHER.encode())
    return cache.Artefact(
        name="pulumi-engine",
        version=f"{module_version()}-{digest.hexdigest()[:12]}",
        task="building the Pulumi engine, about 4 minutes, once",
    )


def _build(directory: Path) -> None:
    source = directory / "source"
    source.mkdir()
    for name in ("go.mod", "go.sum"):
        shutil.copy(MODULES / name, source)
    version = f"-X {_SDK_MODULE}/go/common/version.Version={module_version()}"
    _go(
        source,
        *("build", "-tags", "osusergo grpcnotrace", "-trimpath", "-ldflags", f"-s -w {version}"),
        *("-o", str(directory / "pulumi"), f"{_ENGINE_MODULE}/cmd/pulumi"),
    )
    sdk = Path(_go(source, "list", "-m", "-f", "{{.Dir}}", _SDK_MODULE).strip())
    shutil.copyfile(sdk / "python" / "cmd" / SHIM, directory / SHIM)
    (directory / HOST).write_text(LAUNCHER)
    (directory / HOST).chmod(0o700)
    shutil.rmtree(source)


def _go(directory: Path, *arguments: str) -> str:
    try:
        finished = subprocess.run(
            ["go", *arguments], cwd=directory, capture_output=True, text=True, check=False, timeout=3600
        )
    except FileNotFoundError as error:
        needed = ".".join(map(str, go_version()))
        raise EngineBuildError(
            f"there is no `pulumi` on PATH and no `go` to build one. Install Go {needed} or newer (https://go.dev/dl), "
            "or the Pulumi CLI (https://www.pulumi.com/docs/install)."
        ) from error
    if finished.returncode:
        last = "\n".join(finished.stderr.strip().splitlines()[-15:])
        raise EngineBuildError(
            f"`go {arguments[0]}` of the Pulumi engine failed:\n{last}\n"
            "Check that the Go module proxy is reachable (`go env GOPROXY`) and repeat; what was downloaded is kept."
        )
    return finished.stdout


def _pinned(pattern: str) -> str:
    match = re.search(pattern, (MODULES / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise EngineBuildError(f"{MODULES / 'go.mod'} pins nothing that matches {pattern!r}")
    return match[1]
