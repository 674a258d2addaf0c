"""Where the embedded default keeps things on disk: its state and its cache.

Owns the two roots and the rule that state is private. Does not own the layout below them: each module names its own
subdirectory of `home()` or `cache()`.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parent.parent
"""The checkout (the directory of `Pulumi.yaml`)."""

PRIVATE: Final = 0o700


class UnusableDirectoryError(Exception):
    """A directory that should hold state cannot; the message says why and what to do."""


def home() -> Path:
    """The state of this installation: `$MERIDIAN_HOME`, or `.meridian` in the checkout. Created with mode 0700."""
    return private_directory(_from_environment("MERIDIAN_HOME", CHECKOUT / ".meridian"))


def cache() -> Path:
    """What was downloaded or built: `$MERIDIAN_CACHE`, or `meridian` in the user's cache directory. Mode 0700.

    Everything in it can be made again, and several checkouts may share it.
    """
    base = _from_environment("XDG_CACHE_HOME", Path.home() / ".cache")
    return private_directory(_from_environment("MERIDIAN_CACHE", base / "meridian"))


def private_directory(path: Path) -> Path:
    """Create `path` and its missing parents, each with mode 0700, and return it.

    An existing directory of ours that others may enter is closed to them.
    Raises UnusableDirectoryError when something else is in the way or it belongs to somebody else.
    """
    missing = [directory for directory in (path, *path.parents) if not directory.exists()]
    try:
        for directory in reversed(missing):
            directory.mkdir(mode=PRIVATE, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(PRIVATE)
    except OSError as error:
        raise UnusableDirectoryError(
            f"cannot use {path} as a private directory: {error.strerror}. "
            "Free that path, or set MERIDIAN_HOME and MERIDIAN_CACHE to directories of your own."
        ) from error
    return path


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner may read (0600), replacing it in one step."""
    temporary = _temporary(path, content)
    temporary.replace(path)


def write_private_once(path: Path, content: str) -> None:
    """The same, but a file that is there already stays as it is, whoever wrote it a moment ago."""
    temporary = _temporary(path, content)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return
    finally:
        temporary.unlink()


def _temporary(path: Path, content: str) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    return Path(name)


def _from_environment(variable: str, default: Path) -> Path:
    """An absolute path; a relative or empty variable is taken as the XDG rules say: not set."""
    value = Path(os.environ.get(variable, ""))
    return value if value.is_absolute() else default
