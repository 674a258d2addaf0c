"""Which code judged an event: kept with each dead letter, so that one knows whether newer code may judge otherwise."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

DECLARED = "0.1.0"
"""As in ``pyproject.toml``; said where the code runs without being installed, as in the services' images."""


def code_version() -> str:
    """The version of the installed project, else `DECLARED`."""
    try:
        return version("meridian")
    except PackageNotFoundError:
        return DECLARED


CODE_VERSION = code_version()
