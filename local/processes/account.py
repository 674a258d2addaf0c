"""Which account PostgreSQL runs as, and where it may keep its files. PostgreSQL refuses to run as root.

Owns the choice for root (another account, directories outside the installation's private home); for anybody else
there is nothing to choose. Does not own what is kept there.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local import paths
from local.processes.program import PreparationError

UNPRIVILEGED = "nobody"
"""The account that every Unix has. initdb looks the account up, so a bare number would not do."""
SYSTEM_STATE = Path("/var/lib")
"""Where root places what another account must reach: `$MERIDIAN_HOME` is closed to it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who a server runs as. ``name`` is None when it is the current user."""

    name: str | None
    uid: int
    gid: int

    def run(self, argv: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command as this account, with nothing of the caller's environment but PATH. Output is captured."""
        return subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **environment},
            user=self.uid if self.name else None,
            group=self.gid if self.name else None,
            extra_groups=[] if self.name else None,
        )

    def own(self, path: Path, mode: int) -> None:
        """Give ``path`` to this account with ``mode``."""
        if self.name:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def write(self, path: Path, content: str) -> None:
        """Write a file that only this account (and root) may read, replacing it in one step."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        self.own(temporary, 0o600)
        temporary.replace(path)

    def reaches(self, program: Path) -> bool:
        """Whether the account may start ``program``: tried, since access lists and mounts decide beside the modes."""
        return self.run(["test", "-x", str(program)]).returncode == 0


def choose() -> Account:
    """The current user, or `UNPRIVILEGED` when that is root."""
    if os.geteuid() != 0:
        return Account(None, os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError as error:
        raise PreparationError(
            f"PostgreSQL refuses to run as root, and there is no account {UNPRIVILEGED!r} to run it as. "
            "Run this as an ordinary user."
        ) from error
    return Account(UNPRIVILEGED, entry.pw_uid, entry.pw_gid)


def state_directory(home: Path, account: Account) -> Path:
    """Where a server of ``account`` keeps its data; not created. Inside ``home`` unless root had to switch accounts."""
    if account.name is None:
        return home / "postgres"
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:10]
    return SYSTEM_STATE / f"meridian-{digest}"


def make_state_directory(home: Path, account: Account) -> Path:
    """The same, created: root's may be traversed by all, and what is in it belongs to the account, mode 0700."""
    directory = state_directory(home, account)
    if account.name is None:
        return paths.private_directory(directory)
    try:
        directory.mkdir(mode=0o711, exist_ok=True)
        directory.chmod(0o711)
    except OSError as error:
        raise PreparationError(
            f"{directory} cannot be made for PostgreSQL, which may not run as root: {error.strerror}. "
            "Make its parent writable, or run this as an ordinary user."
        ) from error
    return directory


def reachable_installation(source: Path, libraries: Path, program: str, home: Path, account: Account) -> Path:
    """``source`` if the account can start ``program`` in it, else a copy of it that it can.

    ``libraries`` lies beside the package and is found relative to it, so the copy keeps the layout.
    """
    if account.reaches(source / program):
        return source
    parts = Path(source.parent.name, source.name)
    target = make_state_directory(home, account) / "installed"
    copy = target / parts
    if not account.reaches(copy / program):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, copy, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)
        for directory in (target, copy.parent, *(path for path in target.rglob("*") if path.is_dir())):
            directory.chmod(0o755)
    if not account.reaches(copy / program):
        raise PreparationError(
            f"the account {account.name!r} can start PostgreSQL neither from {source} nor from {copy}. "
            "Make one of them traversable for it, mount it with exec, or run this as an ordinary user."
        )
    return copy
