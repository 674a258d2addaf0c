"""JSON lines on standard error, one object a line. Owns the form of log lines; holds no secret and no query string."""

from __future__ import annotations

import json
import logging
import sys
import time

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object per record: time, level, logger, message, and what was given as ``extra``."""

    def __init__(self, workload: str, cell: str, instance: int) -> None:
        super().__init__()
        self._fixed = {"service": workload, "cell": cell, "instance": instance}

    def format(self, record: logging.LogRecord) -> str:
        """The line, without line break."""
        milliseconds = int(record.created * 1000) % 1000
        line: dict[str, object] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{milliseconds:03}Z",
            "level": record.levelname.lower(),
            **self._fixed,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(workload: str, cell: str, instance: int, level: int = logging.INFO) -> None:
    """Sends all logs of the process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(workload, cell, instance))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These repeat at each request what the access log says, or print connection arguments at debug level.
    for name in ("uvicorn.access", "botocore", "boto3", "urllib3", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
