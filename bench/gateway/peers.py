"""The peers: how each is configured and started, and what part of the job it does. One worker process each."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.gateway import debian, registries, stage
from bench.gateway.stage import Stage
from local import gateway_build, paths
from local.processes import nginx
from services.gateway.limit_script import SCRIPT

HIGH: Final = 10_000_000
"""Every peer counts, none refuses."""

PREFIXES: Final = (
    ("accounts", "^/api/accounts/"),
    ("uploads", "^/api/uploads/"),
    ("channels", "^/api/channels/"),
    ("recommendations", "^/api/recommendations"),
    ("search", "^/api/search"),
    ("engagement", "^/api/videos/[^/]+/counts"),
    ("catalog", "^/api/videos/"),
)
"""In this order; the first that matches names the upstream."""


@dataclass(frozen=True)
class Start:
    """How to start a peer."""

    command: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True)
class Peer:
    """One contestant. ``prepare`` writes its configuration into a directory and says how to start it on a port."""

    name: str
    job: str
    """What it does for a request, in the table's words."""
    prepare: Callable[[Stage, Path, int], Start]
    es256: bool = False
    """Gets ES256 tokens; the others HS256, which cost them less."""


def _nginx_configuration(
    stage_: Stage, port: int, load_module: str, http: str, server: str, tls: bool = False, named: bool = False
) -> str:
    """``named``: the service's name in ``$service``, for what is counted by it."""

    def service(name: str) -> str:
        return f"{f'set $service {name}; ' if named else ''}proxy_pass http://{name};"

    user = nginx.process().user
    upstreams = "\n".join(
        f"upstream {name} {{ server 127.0.0.1:{port}; keepalive 64; keepalive_requests 1000000000; }}"
        for name, port in stage_.upstreams.items()
    )
    locations = "\n".join(
        f"location ^~ {pattern[1:]} {{ {service(name)} }}"
        for name, pattern in PREFIXES
        if name not in ("engagement", "catalog")
    )
    listen = f"listen 127.0.0.1:{port} backlog=4096{' ssl' if tls else ''};"
    certificate = f"ssl_certificate {stage_.certificate}; ssl_certificate_key {stage_.key};" if tls else ""
    return f"""
{load_module}
{f"user {user};" if user else ""}
daemon off;
worker_processes 1;
pid peer.pid;
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
  {upstreams}
  {http}
  server {{
    {listen}
    {certificate}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    {server}
    {locations}
    location ~ ^/api/videos/[^/]+/counts$ {{ {service("engagement")} }}
    location /api/videos/ {{ {service("catalog")} }}
  }}
}}
"""


def _plain(stage_: Stage, directory: Path, port: int) -> Start:
    nginx.prepare(directory, _nginx_configuration(stage_, port, "", "", ""))
    return Start(nginx.command(directory), {})


def plain_tls(stage_: Stage, directory: Path, port: int) -> Start:
    """nginx plain, with TLS towards the caller."""
    nginx.prepare(directory, _nginx_configuration(stage_, port, "", "", "", tls=True))
    return Start(nginx.command(directory), {})


def _lua(stage_: Stage, directory: Path, port: int) -> Start:
    base, _ = debian.root()
    share = f"{base}/usr/share/lua/5.1"
    modules = f"{base}/usr/lib/nginx/modules"
    (directory / "temp").mkdir(parents=True, exist_ok=True)
    sha = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
    quoted = json.dumps(SCRIPT).replace("\\n", "\\n")
    interval = 900_000_000 // HIGH
    setup = f"""
    lua_package_path "{registries.ASSETS}/?.lua;{share}/?.lua;;";
    init_by_lua_block {{
      job = require "full"
      job.secret, job.port, job.sha, job.interval, job.count = "{stage_.hs_secret}", {stage_.valkey_port}, "{sha}", "{interval}", "{HIGH}"
      job.script = {quoted}
    }}
    """
    setup += """
    log_format line escape=json '{"at":$msec,"method":"$request_method","route":"$service","status":$status,"s":$request_time}';
    """
    headers = """
    access_log access.log line buffer=64k flush=1s;
    add_header X-Content-Type-Options nosniff always;
    add_header X-Frame-Options DENY always;
    add_header Referrer-Policy no-referrer always;
    access_by_lua_block { job.access() }
    log_by_lua_block { job.log() }
    """
    load = f"load_module {modules}/ndk_http_module.so;\nload_module {modules}/ngx_http_lua_module.so;"
    configuration = directory / "nginx.conf"
    configuration.write_text(_nginx_configuration(stage_, port, load, setup, headers, named=True))
    program = f"{base}/usr/sbin/nginx"
    return Start((program, "-p", f"{directory}/", "-c", "nginx.conf", "-e", "stderr"), debian.libraries(base))


def _haproxy(stage_: Stage, directory: Path, port: int) -> Start:
    base, _ = debian.root()
    directory.mkdir(parents=True, exist_ok=True)
    choices = "\n".join(f"  use_backend {name} if {{ path_reg {pattern} }}" for name, pattern in PREFIXES)
    backends = "\n".join(
        f"backend {name}\n  http-reuse always\n  server s 127.0.0.1:{port}" for name, port in stage_.upstreams.items()
    )
    (directory / "haproxy.cfg").write_text(f"""
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 2s
  timeout client 600s
  timeout server 30s
  option http-keep-alive
frontend in
  bind 127.0.0.1:{port} backlog 4096
  stick-table type string len 64 size 100k expire 15m store http_req_rate(15m)
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str HS256 }}
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify(txn.alg,"{stage_.hs_secret}") -m int 1 }}
  http-request set-var(txn.sub) var(txn.token),jwt_payload_query('$.sub')
  http-request track-sc0 var(txn.sub)
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {HIGH} }}
  http-request set-header X-User-Id %[var(txn.sub)]
  http-request del-header Authorization
  http-response set-header X-Content-Type-Options nosniff
  http-response set-header X-Frame-Options DENY
  http-response set-header Referrer-Policy no-referrer
{choices}
{backends}
""")
    return Start((f"{base}/usr/sbin/haproxy", "-db", "-f", str(directory / "haproxy.cfg")), debian.libraries(base))


def _envoy(stage_: Stage, directory: Path, port: int) -> Start:
    directory.mkdir(parents=True, exist_ok=True)
    filters = "envoy.extensions.filters.http"
    key = base64.urlsafe_b64encode(stage_.hs_secret.encode()).rstrip(b"=").decode()
    jwks = json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "k": key}]})
    bucket = {"max_tokens": HIGH, "tokens_per_fill": HIGH, "fill_interval": "900s"}
    whole = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    security = ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "codec_type": "HTTP1",
        "generate_request_id": False,
        "route_config": {
            "response_headers_to_add": [{"header": {"key": name, "value": value}} for name, value in security],
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [
                        {
                            "match": {"safe_regex": {"regex": pattern[1:] + ".*"}},
                            "route": {"cluster": name},
                        }
                        for name, pattern in PREFIXES
                    ],
                }
            ],
        },
        "http_filters": [
            {
                "name": "jwt",
                "typed_config": {
                    "@type": f"type.googleapis.com/{filters}.jwt_authn.v3.JwtAuthentication",
                    "providers": {
                        "bench": {
                            "issuer": stage.POLICY.issuer,
                            "local_jwks": {"inline_string": jwks},
                            "jwt_cache_config": {"jwt_cache_size": 1000},
                            "claim_to_headers": [{"header_name": "x-user-id", "claim_name": "sub"}],
                        }
                    },
                    "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}],
                },
            },
            {
                "name": "limit",
                "typed_config": {
                    "@type": f"type.googleapis.com/{filters}.local_ratelimit.v3.LocalRateLimit",
                    "stat_prefix": "limit",
                    "token_bucket": bucket,
                    "filter_enabled": whole,
                    "filter_enforced": whole,
                },
            },
            {"name": "router", "typed_config": {"@type": f"type.googleapis.com/{filters}.router.v3.Router"}},
        ],
    }
    configuration = {
        "static_resources": {
            "listeners": [
                {
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": name,
                    "connect_timeout": "2s",
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": name,
                        "endpoints": [
                            {
                                "lb_endpoints": [
                                    {
                                        "endpoint": {
                                            "address": {
                                                "socket_address": {"address": "127.0.0.1", "port_value": upstream}
                                            }
                                        }
                                    }
                                ]
                            }
                        ],
                    },
                }
                for name, upstream in stage_.upstreams.items()
            ],
        }
    }
    file = directory / "envoy.json"
    file.write_text(json.dumps(configuration))
    options = ("--concurrency", "1", "--log-level", "warning", "--disable-hot-restart")
    return Start((str(registries.envoy()), "-c", str(file), *options), {})


def _settings(stage_: Stage, directory: Path, port: int, **further: object) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "settings.json"
    literal = {name: re.sub(r"\[.*", "", pattern[1:]) for name, pattern in PREFIXES}
    file.touch(mode=0o600)
    file.write_text(
        json.dumps(
            {
                "port": port,
                "valkey_port": stage_.valkey_port,
                "secret": stage_.hs_secret,
                "issuer": stage.POLICY.issuer,
                "audience": stage.POLICY.audience,
                "upstreams": stage_.upstreams,
                "routes": PREFIXES,
                # Its plugin takes prefixes, not patterns: the counts go to the catalogue's port, which answers the same.
                "fastify_routes": [(name, literal[name].rstrip("/")) for name in literal if name != "engagement"],
                **further,
            }
        )
    )
    return file


def _node(program: str, tuned: bool) -> Callable[[Stage, Path, int], Start]:
    def prepare(stage_: Stage, directory: Path, port: int) -> Start:
        modules, _ = registries.node_modules()
        file = _settings(stage_, directory, port, keepalive=True)
        # A program finds its packages beside itself or above.
        script = modules / program
        script.write_text((registries.ASSETS / "node" / program).read_text())
        environment = {"BENCH_TUNED": "1" if tuned else "0", "NODE_ENV": "production"}
        return Start(("node", str(script), str(file)), environment)

    return prepare


def _fastapi(stage_: Stage, directory: Path, port: int) -> Start:
    file = _settings(stage_, directory, port)
    script = registries.ASSETS / "fastapi_httpx.py"
    return Start((sys.executable, str(script), str(file)), {"PYTHONPATH": str(registries.python_packages())})


def _relay(stage_: Stage, directory: Path, port: int) -> Start:
    file = _settings(stage_, directory, port)
    return Start((sys.executable, "-m", "bench.gateway.relay", str(file)), {"PYTHONPATH": str(paths.CHECKOUT)})


def ours(compiled: bool, tls: bool = False, processes: int = 1) -> Callable[[Stage, Path, int], Start]:
    """The gateway from its sources or compiled, everything on, in so many processes on one port."""

    def prepare(stage_: Stage, directory: Path, port: int) -> Start:
        directory.mkdir(parents=True, exist_ok=True)
        settings = {
            "port": port,
            "processes": processes,
            "valkey_port": stage_.valkey_port,
            "public_pem": stage_.es_public_pem,
            "issuer": stage.POLICY.issuer,
            "audience": stage.POLICY.audience,
            "access_log": str(directory / "access.log"),
            **{f"upstream_{name}": upstream for name, upstream in stage_.upstreams.items() if name != "channels"},
            **({"certificate": str(stage_.certificate)} if tls else {}),
        }
        file = directory / "settings.json"
        file.write_text(json.dumps({name: str(value) for name, value in settings.items()}))
        path = f"{gateway_build.tree()}:{paths.CHECKOUT}" if compiled else str(paths.CHECKOUT)
        return Start((sys.executable, "-m", "bench.gateway.ours", str(file)), {"PYTHONPATH": path})

    return prepare


OURS: Final = "Meridian, compiled"
OURS_PURE: Final = "Meridian, pure Python"
OURS_TWO: Final = "Meridian, compiled, two processes"
PLAIN: Final = "nginx, plain"
LUA: Final = "nginx + Lua"
RELAY: Final = "Bare relay on uvloop"

_ALL = "token, limit in Valkey"
PEERS: Final = (
    Peer(PLAIN, "proxies; no token, no limit", _plain, es256=True),
    Peer(OURS, _ALL + ", signed context, breaker, shedding, metrics, access log", ours(compiled=True), es256=True),
    Peer(OURS_PURE, "the same", ours(compiled=False), es256=True),
    Peer(LUA, "the same, in one worker's own tables", _lua),
    Peer("HAProxy", "token, limit in its own memory", _haproxy),
    Peer(RELAY, "the floor of our stack: hands bytes on; no token, no limit", _relay, es256=True),
    Peer("Envoy", "token, limit in its own memory", _envoy),
    Peer("Fastify", _ALL + ", metrics", _node("fastify.js", tuned=True)),
    Peer("Express, tuned", _ALL + ", metrics", _node("express.js", tuned=True)),
    Peer("Express, as written", _ALL + ", metrics", _node("express.js", tuned=False)),
    Peer("FastAPI + httpx", _ALL + ", metrics", _fastapi),
)
