"""The load: wrk with 256 users on seven paths, heads of about 620 bytes, a trace id of its own on each request."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """
local heads = {}
for line in io.lines(os.getenv("BENCH_HEADS")) do heads[#heads + 1] = line:gsub("\\\\r\\\\n", "\\r\\n") end
local at, sent = 0, 0
local format = string.format
math.randomseed(os.time())
local trace = format("%016x", math.random(2^31)) .. "%016x"
function request()
  at = at % #heads + 1
  sent = sent + 1
  return heads[at] .. format("traceparent: 00-" .. trace .. "-00f067aa0ba902b7-01\\r\\nX-Request-ID: %032x\\r\\n\\r\\n", sent, sent)
end
function done(summary, latency)
  local e = summary.errors
  io.write(format("RESULT {\\"requests\\":%d,\\"seconds\\":%.6f,\\"bytes\\":%d,\\"bad_status\\":%d,\\"socket\\":%d,\\"p50_ms\\":%.3f,\\"p99_ms\\":%.3f}\\n",
    summary.requests, summary.duration / 1e6, summary.bytes, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk saw."""

    requests: int
    seconds: float
    bytes: int
    bad_status: int
    socket: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def bytes_each(self) -> float:
        """Bytes of an answer, head and body."""
        return self.bytes / max(1, self.requests)


def write_heads(path: Path, paths: Sequence[str], bearer: Sequence[str]) -> int:
    """One head a line, without the headers that differ each time. Returns the mean size of a whole head."""
    lines = [
        f"GET {target} HTTP/1.1\r\nHost: api.bench.test\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0 Safari/537.36\r\nAccept: application/json\r\n"
        f"Accept-Encoding: gzip, br\r\nAuthorization: Bearer {token}\r\n".replace("\r\n", "\\r\\n")
        for token in bearer
        for target in paths
    ]
    path.write_text("\n".join(lines) + "\n")
    rest = len("traceparent: 00-") + 32 + len("-00f067aa0ba902b7-01") + len("X-Request-ID: ") + 32 + 6
    return sum(len(line.replace("\\r\\n", "\r\n")) for line in lines) // len(lines) + rest


def run(
    wrk: Path, environment: dict[str, str], heads: Path, url: str, core: int, seconds: int, connections: int = 64
) -> Load:
    """One run of wrk on ``core``. Raises RuntimeError if wrk says nothing that can be read."""
    script = heads.with_suffix(".lua")
    script.write_text(SCRIPT)
    command = ["taskset", "-c", str(core), str(wrk), "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url]
    done = subprocess.run(
        command,
        env={**os.environ, **environment, "BENCH_HEADS": str(heads)},
        capture_output=True,
        text=True,
        timeout=seconds + 30,
        check=False,
    )
    found = re.search(r"^RESULT (\{.*\})$", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    return Load(**json.loads(found[1]))
