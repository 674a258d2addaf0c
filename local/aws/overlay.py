"""Real addresses in place of the emulator's: the data plane of the embedded default.

The environment variable MERIDIAN_DATAPLANE names a JSON file

    {"<type token>|<aws region>|<identifier>": {"<output property>": value, ...}, ...}

where the identifier is the resource's Pulumi id (an RDS instance's is its identifier, a replication group's its id,
an MSK cluster's and a load balancer's their name).  After create and read, these outputs replace the
emulator's; what the file does not name keeps the emulator's value.  The file is read again when it changed.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from local.aws.engine.wire import Properties, is_mapping

VARIABLE = "MERIDIAN_DATAPLANE"


class Overlay:
    """The overlay file; an empty path means that there is none."""

    def __init__(self, path: str | None = None) -> None:
        self._path = os.environ.get(VARIABLE, "") if path is None else path
        self._lock = threading.Lock()
        self._stamp = (0, 0)
        self._table: dict[str, Properties] = {}

    def applied(self, token: str, region: str, identifiers: tuple[object, ...], outputs: Properties) -> Properties:
        """The outputs with those that the file gives for the resource under any of its identifiers.

        Raises ValueError when the file is no such table.
        """
        table = self._current()
        for identifier in identifiers:
            given = table.get(f"{token}|{region}|{identifier}")
            if given is not None:
                return {**outputs, **given}
        return outputs

    def _current(self) -> Mapping[str, Properties]:
        if not self._path:
            return {}
        with self._lock:
            path = Path(self._path)
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp != self._stamp:
                self._table, self._stamp = _parsed(path), stamp
            return self._table


def _parsed(path: Path) -> dict[str, Properties]:
    table = json.loads(path.read_text())
    if not is_mapping(table) or not all(key.count("|") >= 2 and is_mapping(value) for key, value in table.items()):
        raise ValueError(f"{VARIABLE}={path}: must map 'type|region|identifier' to an object of output properties")
    return {key: dict(value) for key, value in table.items() if is_mapping(value)}
