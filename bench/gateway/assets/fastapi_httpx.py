"""FastAPI with httpx, redis-py and PyJWT, as tutorials write a gateway."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import httpx
import jwt  # type: ignore[import-not-found] # installed by the benchmark, into the cache
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from prometheus_client import Counter
from redis.asyncio import Redis

SETTINGS = json.loads(Path(sys.argv[1]).read_text())
ROUTES = [(re.compile(prefix), name) for name, prefix in SETTINGS["routes"]]
LIMIT = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('EXPIRE', KEYS[1], 900) end
return used
"""
app = FastAPI()
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=256, max_keepalive_connections=256))
redis = Redis(port=SETTINGS["valkey_port"])
limit = redis.register_script(LIMIT)
requests = Counter("requests", "Requests", ["service", "status"])


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def forward(path: str, request: Request) -> Response:
    """Checks the token, counts, asks the service."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer":
        raise HTTPException(401)
    try:
        claims = jwt.decode(
            token, SETTINGS["secret"], algorithms=["HS256"], issuer=SETTINGS["issuer"], audience=SETTINGS["audience"]
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    if await limit(keys=["limit:" + claims["sub"]]) > 10_000_000:
        raise HTTPException(429)
    service = next(name for pattern, name in ROUTES if pattern.match("/" + path))
    headers = {name: value for name, value in request.headers.items() if name not in ("host", "authorization")}
    answer = await client.request(
        request.method,
        f"http://127.0.0.1:{SETTINGS['upstreams'][service]}/{path}",
        params=request.query_params,
        headers={**headers, "x-user-id": claims["sub"]},
        content=await request.body(),
    )
    requests.labels(service, str(answer.status_code)).inc()
    kept = {name: value for name, value in answer.headers.items() if name not in ("connection", "transfer-encoding")}
    security = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
    return Response(answer.content, answer.status_code, {**kept, **security})


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=SETTINGS["port"], access_log=False, log_level="warning", backlog=4096)
