"""moto on a free port, a provider before it, an engine that is attached to the provider."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from botocore.client import BaseClient
from moto.server import ThreadedMotoServer

from local.aws.engine.clients import Clients, Offline
from local.aws.ledger import Ledger
from local.aws.overlay import Overlay
from local.aws.provider import Provider
from tests.local.aws.engine import Engine, engine

HOME = "ap-south-1"
Client = Callable[..., BaseClient]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(scope="module")
def provider(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Provider:
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")
    return Provider(Clients(endpoint), "moto", ledger, Overlay(""), region=HOME)


@pytest.fixture(scope="module")
def attached(provider: Provider) -> Iterator[Engine]:
    with engine(provider) as one:
        yield one


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[Engine]:
    """A provider without an emulator: checks and previews."""
    with engine(Provider(Offline(), "moto", Ledger(tmp_path / "ledger"), Overlay(""), region=HOME)) as one:
        yield one


@pytest.fixture(scope="module")
def client(endpoint: str) -> Client:
    """boto3 beside the provider: what is really in the emulator."""

    def make(service: str, region: str = HOME) -> BaseClient:
        return boto3.client(
            service, region_name=region, endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b"
        )

    return make
