from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import boto3
import httpx
import pytest

from services.common.context import GATEWAY, Context, ContextKeys, sign
from services.contracts.routes import CONTEXT_HEADER
from services.contracts.settings import PORT_ENV, SETTINGS_ENV
from tests.servers import Cells, free_port, wait_until


def settings_file(cells: Cells, directory: Path) -> Path:
    file = directory / "settings.json"
    file.touch(mode=0o600)
    file.write_text(cells.settings("mumbai").model_dump_json())
    return file


@pytest.mark.parametrize("name", ["accounts", "catalog", "search", "recommendations"])
def test_a_service_runs_from_its_settings_alone_and_stops_when_told(cells: Cells, tmp_path: Path, name: str) -> None:
    port, log = free_port(), tmp_path / "log"
    environment = os.environ | {SETTINGS_ENV: str(settings_file(cells, tmp_path)), PORT_ENV: str(port)}
    base = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            return httpx.get(f"{base}/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}"], env=environment, stdout=output, stderr=output
        )
    try:
        wait_until(name, ready, process, log)
        assert httpx.get(f"{base}/health/deep").json()["status"] == "well"
        assert httpx.get(f"{base}/api/search?q=x").status_code in (401, 404)
        process.terminate()
        # uvicorn hands the signal on once it has shut down in order.
        assert process.wait(20) in (0, -15)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(line["service"] == name and line["cell"] == "mumbai" for line in lines)
    assert any(line["message"] == "Application shutdown complete." for line in lines)
    everything = log.read_text()
    assert not any(password in everything for password in cells.valkey.passwords.values())


def test_a_service_in_its_own_process_answers_the_gateway(cells: Cells, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    environment = os.environ | {SETTINGS_ENV: str(settings_file(cells, tmp_path)), PORT_ENV: str(port)}
    key = cells.secrets("mumbai")["context"]
    secret = boto3.client("secretsmanager", region_name=key.region).get_secret_value(SecretId=key.arn)["SecretString"]
    now = int(time.time())
    headers = {CONTEXT_HEADER: sign(Context(GATEWAY, now, now + 30), ContextKeys(secret.encode()))}
    base = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            return httpx.get(f"{base}/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.accounts"], env=environment, stdout=output, stderr=output
        )
    try:
        wait_until("accounts", ready, process, log)
        person = {"email": "grace@example.org", "password": "compiler 1952", "display_name": "Grace"}
        answer = httpx.post(f"{base}/api/accounts/signup", json=person, headers=headers, timeout=20)
        assert answer.status_code == 201, answer.text
    finally:
        process.terminate()
        process.wait(20)
    assert person["password"] not in log.read_text()
    assert answer.json()["access_token"] not in log.read_text()


def test_migrations_run_from_the_command_line_and_repeat_without_effect(cells: Cells, tmp_path: Path) -> None:
    file = settings_file(cells, tmp_path)
    command = [sys.executable, "-m", "services.common.migrate", "--settings", str(file)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "mumbai: nothing to do\n", "")


def test_settings_that_cannot_be_used_are_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    for environment, expected in (
        ({}, "make up"),
        ({SETTINGS_ENV: str(tmp_path / "none.json")}, "cannot be read"),
        ({SETTINGS_ENV: str(tmp_path / "broken.json")}, "malformed"),
    ):
        plain = {name: value for name, value in os.environ.items() if name != SETTINGS_ENV}
        done = subprocess.run(
            [sys.executable, "-m", "services.catalog"],
            env=plain | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert expected in done.stderr
        assert "Traceback" not in done.stderr
