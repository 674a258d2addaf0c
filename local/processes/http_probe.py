"""Asking a process over HTTP whether it works. Owns no path and no port."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path

from local.ports import LOOPBACK
from local.processes.program import NotReadyError


def check_http(port: int, path: str) -> None:
    """Raises `NotReadyError` unless ``path`` answers 200 in two seconds."""
    status = _status(http.client.HTTPConnection(LOOPBACK, port, timeout=2), path)
    if status != 200:
        raise NotReadyError(f"{path} answers {status}")


def check_answers(port: int, path: str) -> None:
    """Raises `NotReadyError` unless ``path`` answers anything below 500 in two seconds."""
    status = _status(http.client.HTTPConnection(LOOPBACK, port, timeout=2), path)
    if status >= 500:
        raise NotReadyError(f"{path} answers {status}")


def check_https(port: int, path: str, authority: Path) -> None:
    """As `check_http`, over TLS, with a certificate for localhost that ``authority`` signed."""
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise NotReadyError(f"{authority}: {error}") from error
    status = _status(http.client.HTTPSConnection("localhost", port, timeout=2, context=context), path)
    if status != 200:
        raise NotReadyError(f"{path} answers {status}")


def _status(connection: http.client.HTTPConnection, path: str) -> int:
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read(65_536)
    except (OSError, http.client.HTTPException) as error:
        raise NotReadyError(str(error) or type(error).__name__) from error
    finally:
        connection.close()
    return answer.status
