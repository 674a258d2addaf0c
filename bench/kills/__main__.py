"""``make kill-report``: brings a cell up, loads it through its front door, and kills each of its processes in turn.

Writes ``bench/results/kills.md``: for every process what was lost beyond the requests in flight at its kill, how long
callers noticed, and how long until it worked again. Processes that answer requests run twice, as few as a cluster may
have while one is replaced; what the embedded default has once (the database's primary, the broker) is killed too, and
its row says what that costs. Uses a home and ports of its own and removes them.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import os
import random
import secrets
import signal
import ssl
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
import psutil

from bench.kills.load import Load, Place
from bench.kills.report import Killed, kept, seen, table
from local import dataplane, inventory, paths, ports
from local.configuration import Configuration
from local.emulators.choice import DEFAULT
from local.engine.environment import Attachment
from local.engine.pulumi import Runner
from local.installation import DISPOSABLE, Platform, project
from local.platform import down, up
from local.processes.program import NotReadyError, PreparationError, Program
from local.sequence import StartError
from regions.catalogue import CATALOGUE
from services.common.aws import AwsClients
from services.common.ids import Minter
from services.common.tokens import Claims, KmsSigner, Policy
from services.contracts.workloads import BY_NAME, INSTANCES_ENV
from tests import clips

CELL: Final = "mumbai"
PACE: Final = 20.0
"""Requests a second: enough that some are in flight at any moment, little enough for two cores that do all else too."""
SOCKETS: Final = 6
PEOPLE: Final = 400
ATTEMPTS: Final = 4
QUIET_SECONDS: Final = 3.0
HEALTHY_SECONDS: Final = 90.0
RESULT: Final = paths.CHECKOUT / "bench" / "results" / "kills.md"
STAND_INS: Final = ("emulator", "provider-aws", "provider-kubernetes")
"""What stands for AWS and the engine; no part of a cell."""
WHAT: Final = {
    "edge": "the cell's nginx",
    "front": "nginx in place of GeoDNS",
    "valkey-1": "Valkey, the primary at the start; Sentinel promotes the other",
    "valkey-2": "Valkey, the primary by then",
    "postgres-primary": "the only writer here; RDS has a standby in another zone",
    "postgres-replica-1": "a replica; reads go to the others",
    "postgres-replica-2": "a replica; reads go to the others",
    "kafka": "the only broker here; MSK has three and copies",
    "counters": "counts are made from the log; a group member takes over or it goes on where it was",
    "transcoder": "jobs are in the queue until they are done",
}


def main() -> int:
    """Runs and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.kills", description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of processes, for example mumbai-gateway-1")
    options = parser.parse_args()
    if BY_NAME["gateway"].local_instances < 2:
        parser.error(f"set {INSTANCES_ENV}=2 (`make kill-report` does): a process can only be lost where there are two")
    # Short, for socket paths; and not below a directory that only root may enter.
    with tempfile.TemporaryDirectory(prefix="m-kill-") as scratch:
        Path(scratch).chmod(0o755)
        home = Path(scratch) / "state"
        platform = _OneCell(Configuration((CELL,), _free_base(), DEFAULT, None), home, _say)
        try:
            rows = asyncio.run(_measure(platform, _up(platform), options.only))
        finally:
            down(home, _say)
    if options.only:
        print(_document(rows))
    return 0


class _OneCell(Platform):
    """A platform whose deployment is the two stacks that the cell needs, without the laws, which others hold."""

    def runner(self, attachment: Attachment, parallel: int = 2) -> Runner:
        """See `Platform.runner`."""
        own = {"PYTHONPATH": str(paths.CHECKOUT)}
        needed = replace(project(DISPOSABLE), waves=(("global",), (CELL,)), policy_pack=None, environment=own)
        return Runner(needed, attachment, self.report, parallel)


def _up(platform: Platform) -> str:
    """On a busy machine a part may miss its time; a start goes on where the one before ended."""
    for _ in range(ATTEMPTS - 1):
        try:
            return up(platform)
        except (PreparationError, StartError) as problem:
            _say(f"again: {problem}")
    return up(platform)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _free_base() -> int:
    for _ in range(50):
        base = random.randrange(33_000, 60_000, ports.SPAN)
        if not ports.holders(ports.table(base, (CELL,))):
            return base
    raise SystemExit("no range of ports is free; stop some of what listens on 127.0.0.1")


async def _measure(platform: Platform, url: str, only: Sequence[str] | None) -> list[Killed]:
    os.environ.update(platform.aws.environment(CATALOGUE.get(CELL).code))
    load = Load(await _place(platform, url), PACE, SOCKETS)
    over = asyncio.Event()
    running = asyncio.create_task(load.run(over))
    programs = {program.name: program for program in inventory.programs(platform)}
    rows = []
    await asyncio.sleep(8)
    before = [request for request in load.requests if request.ended]
    broken = sorted({f"{request.what} {request.status}" for request in before if request.failed})
    if broken:
        _say(f"requests that fail before anything is killed: {', '.join(broken)}")
    for name, worker in _victims(platform, only):
        rows.append(await _kill(platform, load, programs[name], worker))
        _say(table(rows[-1:]).splitlines()[-1])
        if not only:
            # At once: a run that is ended early leaves what it has seen.
            RESULT.write_text(_document(rows), encoding="utf-8")
    over.set()
    await running
    return rows


def _victims(platform: Platform, only: Sequence[str] | None) -> list[tuple[str, bool]]:
    """(name, whether a worker of it instead of itself), what keeps no state first."""
    names = [name for name in platform.supervisor.states() if name not in STAND_INS]
    if only:
        names = [name for name in names if name in only]
    late = ("sentinel", "valkey", "postgres", "kafka")
    names.sort(key=lambda name: next((i + 1 for i, part in enumerate(late) if part in name), 0))
    return [(name, worker) for name in names for worker in ((True, False) if _is_nginx(name) else (False,))]


def _is_nginx(name: str) -> bool:
    return name == "front" or name.endswith("-edge")


async def _kill(platform: Platform, load: Load, program: Program, worker: bool) -> Killed:
    pid = platform.supervisor.states()[program.name].pid
    if pid is None:
        raise SystemExit(
            f"{program.name} does not run before it is killed; see {platform.supervisor.log(program.name)}"
        )
    victim = psutil.Process(pid).children()[0].pid if worker else pid
    at, in_flight = time.monotonic(), load.in_flight()
    first = len(load.requests) - 64
    os.kill(victim, signal.SIGKILL)
    gone = await _end_of(victim)
    in_flight += sum(at <= request.started <= gone for request in load.requests)
    healthy = await _until_healthy(platform, program, victim, at)
    # Until callers notice no more, and then a little longer.
    while time.monotonic() < at + HEALTHY_SECONDS:
        await asyncio.sleep(0.5)
        noticed = max((r.started for r in load.requests[max(0, first) :] if r.ended and r.failed), default=at)
        if time.monotonic() > max(noticed, at + (healthy or 0.0)) + QUIET_SECONDS:
            break
    name = f"{program.name}, a worker" if worker else program.name
    several = "one of three" if "sentinel" in name else "one of two"
    what = WHAT.get(program.part, several if program.part[-1:].isdigit() else "")
    return seen(name, what, at, gone, in_flight, load.requests[max(0, first) :], load.dropped, load.away, healthy)


async def _until_healthy(platform: Platform, program: Program, victim: int, at: float) -> float | None:
    while time.monotonic() < at + HEALTHY_SECONDS:
        state = await asyncio.to_thread(lambda: platform.supervisor.states()[program.name])
        if state.pid is not None and state.pid != victim and not _lives(victim):
            try:
                await asyncio.to_thread(program.probe)
                return time.monotonic() - at
            except NotReadyError:
                pass
        await asyncio.sleep(0.1)
    return None


async def _end_of(pid: int) -> float:
    """When it had ended; the kernel takes its time, and what is sent until then may reach it."""
    for _ in range(5_000):
        if not _lives(pid):
            break
        await asyncio.sleep(0.001)
    return time.monotonic()


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _place(platform: Platform, url: str) -> Place:
    """Somebody's video, published by the platform itself, and people who may call."""
    trust = ssl.create_default_context(cafile=platform.home / "tls" / "authority.pem")
    settings = inventory.stored_settings(platform)[CELL].own
    clip = clips.generated(clips.SILENT).read_bytes()
    async with httpx.AsyncClient(base_url=url, verify=trust, timeout=30) as client:
        person = {"email": f"{secrets.token_hex(6)}@example.org", "password": secrets.token_urlsafe(16)}
        session = (await client.post("/api/accounts/signup", json=person | {"display_name": "Ada"})).json()
        client.headers["Authorization"] = f"Bearer {session['access_token']}"
        channel = (await client.post("/api/channels", json={"name": "Films"})).json()["id"]
        wish = {"channel_id": channel, "title": "A film", "file_name": "film.mp4", "size": len(clip)}
        upload = (await client.post("/api/uploads", json=wish)).json()["upload_id"]
        digest = base64.b64encode(hashlib.sha256(clip).digest()).decode()
        wanted = {"parts": [{"number": 1, "sha256": digest}]}
        (part,) = (await client.post(f"/api/uploads/{upload}/parts", json=wanted)).json()["parts"]
        (await client.put(part["url"], content=clip, headers=part["headers"])).raise_for_status()
        (await client.post(f"/api/uploads/{upload}/complete")).raise_for_status()
        end = time.monotonic() + 180
        while (await client.get(f"/api/videos/{upload}")).json().get("state") != "ready":
            if time.monotonic() > end:
                raise SystemExit(f"the clip was not transcoded in time; see {platform.supervisor.logs}")
            await asyncio.sleep(1.5)
    token = settings.tokens
    signer = KmsSigner(AwsClients(settings.region), token.key_arn, Policy(token.issuer, token.audience))
    minter, now = Minter(), int(time.time())
    buckets = inventory.stored_settings(platform)[CELL].shards.map().buckets_of(CELL)
    tokens = [
        await signer.sign(Claims(minter.mint_in(buckets), minter.mint_in(buckets), "Somebody", now, now + 4 * 3600))
        for _ in range(PEOPLE)
    ]
    return Place(dataplane.urls(platform.ports)["front"], trust, upload, tokens)


def _document(rows: Sequence[Killed]) -> str:
    short = [row.name for row in rows if not kept(row)]
    verdict = (
        "No process cost more than the requests in flight at its kill."
        if not short
        else f"More than the requests in flight was lost with: {', '.join(short)}."
    )
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, {time.strftime('%Y-%m-%d')}"
    return f"""# What killing one process of a cell costs

Made by `make kill-report` ({machine}): each process of a cell is killed (SIGKILL) while {PACE:.0f} requests a second and
{SOCKETS} sockets use the cell through its front door. In flight are all requests without an answer at that moment,
whichever process had them, and those sent until the process had ended. Lost is a request with a status of 500 or more, a wrong refusal (401, 404), or no answer in
10 s. What answers requests runs twice; a row without "one of two" is of something that the embedded default has once.
On a machine with more load than cores the times are the load's, and "broken" is mostly an answer after more than 10 s.

{verdict}

{table(rows)}
"""


if __name__ == "__main__":
    sys.exit(main())
