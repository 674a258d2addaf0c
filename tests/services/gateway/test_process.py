"""The gateway as a process: real Valkey, real token signed through KMS, and a drain that loses nothing."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

import services as services_package
from services.common.aws import AwsClients
from services.common.ids import Minter
from services.common.tokens import Claims, KmsSigner, Policy
from services.contracts.routes import Service
from services.contracts.settings import Endpoint
from tests.servers import Cells, free_port
from tests.services.gateway.harness import OK, Recorder, read_body


async def _request(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
    writer.close()
    return answer


async def _wait_live(port: int) -> None:
    for _ in range(200):
        try:
            if (await _request(port, b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")).startswith(b"HTTP/1.1 200"):
                return
        except OSError:
            await asyncio.sleep(0.05)
    raise AssertionError("the gateway did not become ready")


async def test_a_signed_in_request_passes_and_a_drain_lets_the_answer_in_flight_end(
    cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await read_body(head, reader)
        await asyncio.sleep(1.5)
        writer.write(OK)
        await writer.drain()
        writer.close()

    accounts = Recorder()
    services = {}
    servers = []
    for service in Service:
        server = await asyncio.start_server(slow if service is Service.SEARCH else accounts, "127.0.0.1", 0)
        servers.append(server)
        services[service.value] = (Endpoint(host="127.0.0.1", port=server.sockets[0].getsockname()[1]),)
    settings = cells.settings("mumbai")
    settings = settings.model_copy(update={"own": settings.own.model_copy(update={"services": services})})
    path = tmp_path / "settings.json"
    path.write_text(settings.model_dump_json())
    port = free_port()
    environment = {
        **os.environ,
        "MERIDIAN_SETTINGS": str(path),
        "MERIDIAN_PORT": str(port),
        # The build under test: the checkout, or the tree with the compiled modules.
        "PYTHONPATH": str(Path(services_package.__file__).parents[1]),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.gateway", env=environment, cwd=tmp_path
    )
    try:
        await _wait_live(port)
        tokens = settings.own.tokens
        signer = KmsSigner(AwsClients(settings.own.region), tokens.key_arn, Policy(tokens.issuer, tokens.audience))
        now = int(time.time())
        minter = Minter()
        token = await signer.sign(Claims(minter.mint_in([1]), minter.mint_in([1]), "Asha", now, now + 900))
        me = b"GET /api/accounts/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token.encode() + b"\r\n\r\n"
        answer = await _request(port, me)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        assert b'RateLimit: "general";r=99;' in answer
        assert b"x-meridian-context: v1." in accounts.seen
        forged = me.replace(token[-6:].encode(), b"AAAAAA")
        assert (await _request(port, forged)).startswith(b"HTTP/1.1 401 ")
        in_flight = asyncio.create_task(_request(port, b"GET /api/search?q=a HTTP/1.1\r\nHost: a\r\n\r\n"))
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert (await in_flight).startswith(b"HTTP/1.1 200 ")
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        for server in servers:
            server.close()
