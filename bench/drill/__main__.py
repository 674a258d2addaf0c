"""``make drill``: a whole installation loses a region under load and gets it back, and every acknowledged event is counted.

Writes ``bench/results/region-drill.md`` and ends with code 1 if an event was lost or counted twice, if a lost direct write
is not in the list that ``meridian region return`` prints, or if too little went wrong for the run to prove anything.
Brings up an installation with a home and ports of its own by the commands that people use, and removes it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, LiteralString

import psutil
import psycopg

from bench.drill.crowd import Crowd
from bench.drill.people import Account, Front, Person
from bench.drill.report import Counted, Report, render
from local import configuration, dataplane, paths, ports
from local.installation import Platform
from local.processes import mirror
from local.supervision import Supervisor
from services.common import ids
from tests import clips
from tests.e2e.installation import Installation, installed

LOST: Final = "mumbai"
PARTNER: Final = "singapore"
QUIET_SECONDS: Final = 15.0
"""Load before the loss, while it is lost, and after the return."""
LAG_SECONDS: Final = 6.0
"""How long the partner hears nothing before the loss, of the log and of the database."""
COUNTED_SECONDS: Final = 180.0
RESULT: Final = paths.CHECKOUT / "bench" / "results" / "region-drill.md"


def main() -> int:
    """Runs, writes the report, and says whether all was well."""
    parser = argparse.ArgumentParser(prog="python -m bench.drill", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--stacks", action=argparse.BooleanOptionalAction, default=True, help="deploy them as well")
    options = parser.parse_args()
    with installed(f"{LOST},{PARTNER}") as installation:
        report = asyncio.run(Drill(installation, random.Random(options.seed), stacks=options.stacks).run())
    RESULT.write_text(render(report, options.seed, stacks=options.stacks), encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))
    return 1 if report.problems else 0


@dataclass
class Drill:
    """One run."""

    installation: Installation
    dice: random.Random
    stacks: bool = True
    """Whether the stacks follow each step; takes most of the time."""
    report: Report = field(default_factory=Report)
    _published: str = ""
    """The video of somebody who came while the region was lost."""

    @property
    def home(self) -> Path:
        """Where the installation keeps its state."""
        return Path(self.installation.environment["MERIDIAN_HOME"])

    async def run(self) -> Report:
        """Load, a partner that lags, the loss, the return, the comparison."""
        trust = ssl.create_default_context(cafile=self.home / "tls" / "authority.pem")
        front = Front(self.installation.url, trust)
        try:
            clip = clips.generated(clips.SILENT).read_bytes()
            makers = [await front.sign_up(region, "Maker") for region in (LOST, LOST, PARTNER)]
            members = [await front.sign_up(region, "Member") for region in (LOST,) * 4 + (PARTNER,) * 3]
            videos = [await front.publish(maker, f"A film from {maker.region}", clip) for maker in makers]
            over = asyncio.Event()
            crowd = asyncio.create_task(Crowd(front, tuple(members), videos, self.dice).run(over))
            try:
                await self._course(front, makers[0], videos)
            finally:
                over.set()
                await crowd
            await self._compare(front, videos)
        finally:
            await front.close()
        return self.report

    async def _course(self, front: Front, maker: Person, videos: list[str]) -> None:
        await asyncio.sleep(QUIET_SECONDS)
        with self._lagging() as go_on:
            sent = front.account.acknowledged
            written = await self._write_directly(front, maker)
            await asyncio.sleep(LAG_SECONDS)
            self.report.lagged = front.account.acknowledged - sent
            self._say("the region is lost")
            lost_at = time.monotonic()
            answer = await self._meridian("region", "lose", LOST, "--yes", "--json", *self._deploying, heard=go_on)
        self.report.lose = dict(json.loads(answer)["seconds"])
        self.report.away = longest_gap(front.account, lost_at)
        await self._while_lost(front, videos)
        self._say("the region returns")
        back_at = time.monotonic()
        told = json.loads(await self._meridian("region", "return", LOST, "--yes", "--json", *self._deploying))
        self.report.bring_back = dict(told["seconds"])
        self.report.away_at_return = longest_gap(front.account, back_at)
        self._listed(written, told["lost_direct_writes"])
        await asyncio.sleep(QUIET_SECONDS)

    async def _while_lost(self, front: Front, videos: list[str]) -> None:
        """What people and the operator need while the region is away."""
        before = await views(front, videos)
        since = time.monotonic()
        while any(now <= then for now, then in zip(await views(front, videos), before, strict=True)):
            if time.monotonic() - since > COUNTED_SECONDS:
                self.report.problems.append("nothing is counted while the region is lost")
                break
            await asyncio.sleep(0.5)
        self.report.counting_again = time.monotonic() - since
        newcomer = await front.sign_up(LOST, "Newcomer")
        clip = clips.generated(clips.SILENT).read_bytes()
        self._published = await front.publish(newcomer, "Published while the region is lost", clip)
        await self._well("while the region is lost")
        await self._recount("while the region is lost")
        await asyncio.sleep(QUIET_SECONDS)

    async def _compare(self, front: Front, videos: list[str]) -> None:
        """What the platform shows against what it acknowledged."""
        self._say("what is shown is compared with what was acknowledged")
        account, end = front.account, time.monotonic() + COUNTED_SECONDS
        while True:
            shown = {video: await front.counts(video) for video in videos}
            self.report.counted = [counted(account, video, shown[video]) for video in videos]
            if all(row.right for row in self.report.counted) or time.monotonic() > end:
                break
            await asyncio.sleep(2)
        self.report.refused = dict(account.refused)
        self.report.problems += [f"{row.video}: {row.what}" for row in self.report.counted if not row.right]
        await self._recount("at the end")
        await self._well("at the end")
        await self._newcomer_is_there(front)
        if self.stacks:
            await self._unchanged()
        seats = json.loads(await self._meridian("region", "status", "--json"))
        if seats["lost"] or seats["returning"] or seats["writers"][LOST] != {"writer": PARTNER, "term": 2}:
            self.report.problems.append(f"the roles at the end: {seats}")
        if not self.report.lagged or not self.report.listed:
            self.report.problems.append("nothing was stranded, or no direct write was lost: the run proves nothing")

    async def _newcomer_is_there(self, front: Front) -> None:
        """What a newcomer published in the meantime can be watched where it is at home now."""
        answer = await front.caller(LOST).get(f"/api/videos/{self._published}")
        if answer.status_code != 200 or answer.json().get("state") != "ready":
            self.report.problems.append(f"a video published meanwhile: {answer.status_code} {answer.text[:200]}")

    async def _unchanged(self) -> None:
        stacks = json.loads(await self._meridian("preview", "--json"))
        changed = [str(stack["stack"]) for stack in stacks if set(stack["changes"]) - {"same"}]
        if changed:
            self.report.problems.append(f"a deployment would still change {', '.join(changed)}")

    async def _recount(self, when: str) -> None:
        """`meridian recount --all`, again until the log that came back was read to its end."""
        end = time.monotonic() + COUNTED_SECONDS
        while True:
            told = json.loads(await self._meridian("recount", "--all", "--json", codes=(0, 1)))
            if not told["behind"] or time.monotonic() > end:
                break
            await asyncio.sleep(3)
        self.report.recounts[when] = (int(told["events"]), len(told["drift"]), int(told["behind"]))
        if told["drift"] or told["behind"]:
            self.report.problems.append(f"{when} the logs say otherwise: {told}")

    async def _well(self, when: str) -> None:
        answer = await self._meridian("status", "--json", codes=(0, 3))
        unwell = [f"{row['name']}: {row['health']}" for row in json.loads(answer) if row["health"] != "healthy"]
        if unwell:
            self.report.problems.append(f"{when} not healthy: {'; '.join(unwell)}")

    async def _write_directly(self, front: Front, maker: Person) -> dict[str, int]:
        """Rows that only the region which is about to be lost will ever have; their keys, by table."""
        channel = (await maker.client.post("/api/channels", json={"name": "Too late"})).raise_for_status().json()["id"]
        person = await front.sign_up(LOST, "Too late")
        return {"catalog.channels": ids.parse(channel), "accounts.users": ids.parse(person.id)}

    def _listed(self, written: dict[str, int], told: list[dict[str, object]]) -> None:
        self.report.listed = [(str(row["table"]), str(row["key"]), bool(row["known"])) for row in told]
        for table, key in written.items():
            if not any(name == table and str(key) in of for name, of, _ in self.report.listed):
                self.report.problems.append(f"the lost row {key} of {table} is not in the list")

    @contextmanager
    def _lagging(self) -> Iterator[Callable[[str], None]]:
        """The partner hears nothing more: neither records of the log nor the database's. Yields what ends that once the
        region is dead, to be called with each line that `lose` says."""
        supervisor = Supervisor(self.home / "supervisor")
        pid = supervisor.states()[mirror.PART].pid
        if pid is None:
            raise RuntimeError("the replicator does not run")
        replicator = psutil.Process(pid)
        copy = self._platform.ports.of(ports.POSTGRES_COPY, PARTNER)
        password = dataplane.operator_password(self.home)
        change_copy(copy, password, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
        replicator.suspend()

        def go_on() -> None:
            # A loss starts it anew, so this one may be gone.
            with suppress(psutil.NoSuchProcess):
                replicator.resume()

        def heard(line: str) -> None:
            if "killed after" in line:
                go_on()
                change_copy(copy, password, "ALTER SYSTEM RESET primary_conninfo")

        try:
            yield heard
        finally:
            go_on()

    @property
    def _deploying(self) -> tuple[str, ...]:
        return () if self.stacks else ("--no-stacks",)

    @property
    def _platform(self) -> Platform:
        return Platform(configuration.load(self.installation.environment), self.home, self._say)

    async def _meridian(
        self, *arguments: str, codes: tuple[int, ...] = (0,), heard: Callable[[str], None] | None = None
    ) -> str:
        """What the command prints. Raises RuntimeError for a code that is not one of ``codes``."""
        return await asyncio.to_thread(self._command, arguments, codes, heard)

    def _command(self, arguments: tuple[str, ...], codes: tuple[int, ...], heard: Callable[[str], None] | None) -> str:
        self._say(f"meridian {' '.join(arguments)}")
        with (
            tempfile.TemporaryFile("w+") as output,
            subprocess.Popen(
                self.installation.command(*arguments),
                env=self.installation.environment,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
        ):
            said = []
            for line in process.stderr or ():
                said.append(line)
                print(line, end="", file=sys.stderr, flush=True)
                if heard is not None:
                    heard(line)
            code = process.wait()
            output.seek(0)
            if code not in codes:
                raise RuntimeError(f"meridian {' '.join(arguments)} ended with code {code}:\n{''.join(said[-40:])}")
            return output.read()

    def _say(self, line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def change_copy(port: int, password: str, *statements: LiteralString) -> None:
    """Statements on the server at ``port``, each by itself."""
    with psycopg.connect(
        host=ports.LOOPBACK, port=port, user="postgres", password=password, dbname="postgres", autocommit=True
    ) as connection:
        for statement in statements:
            connection.execute(statement)


async def views(front: Front, videos: list[str]) -> list[int]:
    """What is shown of each video."""
    return [(await front.counts(video))["views"] for video in videos]


def counted(account: Account, video: str, shown: dict[str, int]) -> Counted:
    """A video's row of the report."""
    return Counted(
        video,
        views=(account.views[video], account.unknown_views[video], shown["views"]),
        likes=(sum(account.likes.get(video, {}).values()), 0, shown["likes"]),
        comments=(account.comments[video], account.unknown_comments[video], shown["comments"]),
    )


def longest_gap(account: Account, since: float) -> float:
    """Longest time after ``since`` in which nothing was acknowledged to anybody, in seconds."""
    pairs = zip(account.answered, [*account.answered[1:], time.monotonic()], strict=True)
    return max((later - max(earlier, since) for earlier, later in pairs if later > since), default=0.0)


if __name__ == "__main__":
    sys.exit(main())
