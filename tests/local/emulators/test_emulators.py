"""The emulators behind the seam: how they are run, and that MiniStack forgets nothing when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.client import BaseClient

from local import cache
from local.emulators import environments
from local.emulators.choice import DEFAULT, EMULATORS, emulator
from local.emulators.ministack import MiniStack
from local.emulators.moto import Moto
from local.emulators.seam import LOOPBACK, Emulator, InstallError, endpoint
from tests.servers import free_port

SECONDS = 60.0


@contextmanager
def running(one: Emulator, port: int, state: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The emulator as a process, ready; killed at the end if it still runs."""
    run = one.run(port, state)
    log = state.with_suffix(".log")
    with log.open("ab") as output:
        process = subprocess.Popen(run.argv, env={**os.environ, **run.environment}, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + SECONDS
        while not _answers(f"{endpoint(port)}{run.probe}"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def client(service: str, port: int) -> BaseClient:
    return boto3.client(
        service,
        region_name="ap-south-1",
        endpoint_url=endpoint(port),
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(scope="module")
def ministack() -> MiniStack:
    one = MiniStack()
    one.install()
    return one


def test_the_default_is_one_of_them_and_an_unknown_name_tells_which_there_are() -> None:
    assert emulator(DEFAULT) in EMULATORS
    with pytest.raises(ValueError, match="ministack, moto, localstack"):
        emulator("floci")


def test_an_emulator_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MERIDIAN_CACHE", str(tmp_path / "empty"))
    with pytest.raises(InstallError, match="make up"):
        emulator("localstack").run(1, tmp_path)


@pytest.mark.parametrize("name", ["ministack", "localstack"])
def test_every_requirement_of_a_lock_has_a_hash_and_its_change_makes_another_environment(name: str) -> None:
    lock = (Path(environments.__file__).parent / "locks" / f"{name}.txt").read_text()
    requirements = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(requirements) > 10
    assert all("==" in line and line.endswith("\\") for line in requirements)
    assert lock.count("--hash=sha256:") >= len(requirements)
    assert cache.location(environments.artefact(name)) != cache.location(environments.artefact("ministack")) or (
        name == "ministack"
    )


@pytest.mark.parametrize("name", ["ministack", "moto"])
def test_an_emulator_listens_on_the_loopback_and_on_its_port_only(name: str, tmp_path: Path) -> None:
    one = emulator(name)
    one.install()
    port = free_port()
    with running(one, port, tmp_path / name) as process:
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        listening = {c.laddr for p in tree for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN}
        assert listening == {(LOOPBACK, port)}
        assert client("sts", port).get_caller_identity()["Account"] == "000000000000"


def test_moto_keeps_nothing_on_disk(tmp_path: Path) -> None:
    port = free_port()
    with running(Moto(), port, tmp_path / "moto"):
        client("s3", port).create_bucket(
            Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "ap-south-1"}
        )
    assert not (tmp_path / "moto").exists()


def _fill(port: int) -> dict[str, str]:
    s3 = client("s3", port)
    s3.create_bucket(Bucket="media", CreateBucketConfiguration={"LocationConstraint": "ap-south-1"})
    s3.put_object(Bucket="media", Key="uploads/a", Body=b"x" * 300_000)
    key = client("kms", port).create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    client("secretsmanager", port).create_secret(Name="database", SecretString="correct horse")
    queue = client("sqs", port).create_queue(QueueName="jobs")["QueueUrl"]
    client("sqs", port).send_message(QueueUrl=queue, MessageBody=json.dumps({"video": 1}))
    public = client("kms", port).get_public_key(KeyId=key)["PublicKey"].hex()
    return {"key": key, "public": public, "queue": queue}


def _holds(port: int, made: dict[str, str]) -> None:
    assert len(client("s3", port).get_object(Bucket="media", Key="uploads/a")["Body"].read()) == 300_000
    assert client("kms", port).get_public_key(KeyId=made["key"])["PublicKey"].hex() == made["public"]
    assert client("secretsmanager", port).get_secret_value(SecretId="database")["SecretString"] == "correct horse"
    messages = client("sqs", port).receive_message(QueueUrl=made["queue"], VisibilityTimeout=0)["Messages"]
    assert [json.loads(message["Body"]) for message in messages] == [{"video": 1}]


def test_ministack_keeps_everything_over_a_graceful_stop(ministack: MiniStack, tmp_path: Path) -> None:
    port = free_port()
    with running(ministack, port, tmp_path / "state") as process:
        made = _fill(port)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    with running(ministack, port, tmp_path / "state"):
        _holds(port, made)


def test_a_killed_ministack_has_what_was_there_when_it_was_last_quiet(ministack: MiniStack, tmp_path: Path) -> None:
    port = free_port()
    with running(ministack, port, tmp_path / "state") as process:
        made = _fill(port)
        kept = tmp_path / "state" / "services"
        deadline = time.monotonic() + SECONDS
        while not all((kept / f"{name}.json").exists() for name in ("kms", "secretsmanager", "sqs")):
            assert time.monotonic() < deadline, "the state was never written while the emulator ran"
            time.sleep(0.1)
        client("s3", port).put_object(Bucket="media", Key="uploads/last", Body=b"accepted")
        process.kill()
        process.wait()
    with running(ministack, port, tmp_path / "state"):
        _holds(port, made)
        assert client("s3", port).get_object(Bucket="media", Key="uploads/last")["Body"].read() == b"accepted"
