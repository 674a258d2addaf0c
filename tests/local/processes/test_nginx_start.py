"""A real nginx whose master is killed, and the one that takes its place."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from local.ports import free_ports
from local.processes import nginx

CONFIGURATION = """daemon off;
pid nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    server {{
        listen 127.0.0.1:{port} reuseport;
        location / {{ return 200 "{text}"; }}
        location /slow {{ limit_rate 200; return 200 "{large}"; }}
    }}
}}
"""

LARGE = "x" * 600


def start(directory: Path, port: int) -> subprocess.Popen[bytes]:
    program = nginx.program(
        part="edge", cell=None, port=port, directory=directory, configuration="", probe=lambda: None
    )
    return subprocess.Popen(program.argv)


def says(port: int) -> str:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=2).text
    except httpx.TransportError:
        return ""


def test_a_new_master_takes_the_ports_from_the_workers_of_one_that_was_killed(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    nginx.prepare(tmp_path / "nginx", CONFIGURATION.format(port=port, large=LARGE, text="old"))
    old = start(tmp_path / "nginx", port)
    begun: list[bytes] = []
    try:
        _wait(lambda: says(port) == "old")
        workers = psutil.Process(old.pid).children()
        download = threading.Thread(
            target=lambda: begun.append(httpx.get(f"http://127.0.0.1:{port}/slow", timeout=20).content)
        )
        download.start()
        time.sleep(0.5)
        old.kill()
        old.wait()
        # The workers go on by themselves, with what they were told at their start.
        assert says(port) == "old"
        nginx.prepare(tmp_path / "nginx", CONFIGURATION.format(port=port, large=LARGE, text="new"))
        new = start(tmp_path / "nginx", port)
        try:
            said: list[str] = []

            def settled() -> bool:
                said.append(says(port))
                return said[-5:] == ["new"] * 5

            _wait(settled)
            # Somebody listened at every moment.
            assert "" not in said
            download.join()
            assert begun == [LARGE.encode()]
            _wait(lambda: not any(worker.is_running() for worker in workers))
        finally:
            new.terminate()
            new.wait(10)
    finally:
        old.kill()


def test_without_a_leftover_it_only_becomes_the_command(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    command = [sys.executable, "-c", "print('started')"]
    done = subprocess.run(
        [sys.executable, "-I", str(nginx.STARTER), str(port), *command], capture_output=True, text=True, check=True
    )
    assert done.stdout == "started\n"


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 20 s"
        time.sleep(0.1)
