"""The worker on real clips, a real database, and an emulated S3 and SQS."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from services.common import ids
from services.common.resources import Resources, open_resources
from services.contracts.media import media_prefix, request_message, source_key
from services.contracts.settings import PORT_ENV, SETTINGS_ENV
from services.transcoder import storage
from services.transcoder.job import Seams
from services.transcoder.ledger import Busy, Claim, Finished, LostLeaseError, PostgresLedger
from services.transcoder.spending import DayFullError, PostgresSpending, SpendingMetrics
from services.transcoder.storage import S3Storage
from services.transcoder.tools import find
from services.transcoder.worker import SqsQueue, Worker
from tests import clips
from tests.servers import free_port
from tests.services.media import Media
from tests.services.transcoder.test_converter import converter, serving


@dataclass
class Bench:
    """A worker whose messages are handled one at a time, and what a test looks at."""

    media: Media
    resources: Resources
    worker: Worker

    def upload(self, path: Path | None, state: str = "processing") -> int:
        """A video whose source is `path` (None: the object is missing)."""
        video_id = self.resources.minter.mint(ids.shard_key(self.media.channel_id))
        self.media.query(
            "INSERT INTO catalog.videos (id, channel_id, owner_id, title, state) VALUES (%s, %s, %s, 'T', %s)",
            video_id,
            self.media.channel_id,
            self.media.owner_id,
            state,
        )
        if path is not None:
            bucket = self.media.settings.own.buckets.uploads
            self.media.s3.upload_file(str(path), bucket, source_key(ids.encode(video_id)))
        return video_id

    def send(self, body: str) -> None:
        self.media.sqs.send_message(QueueUrl=self.media.settings.own.queues.transcode, MessageBody=body)

    def request(self, video_id: int) -> None:
        self.send(request_message(ids.encode(video_id)))

    async def handle_one(self) -> None:
        message = await self.worker.queue.receive()
        assert message is not None, "the queue is empty"
        await self.worker.handle(message)

    def video(self, video_id: int) -> dict[str, Any]:
        columns = "state, progress, rungs, width, height, duration_ms, hls_key, dash_key, poster_key, failure_code, failure_message"
        (row,) = self.media.query(f"SELECT {columns} FROM catalog.videos WHERE id = %s", video_id)
        return dict(zip(columns.split(", "), row, strict=True))

    def queued(self) -> int:
        """Messages in the queue, the invisible ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.media.settings.own.queues.transcode
        found = self.media.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(value) for value in found.values())

    def object(self, key: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.media.s3.get_object(Bucket=self.media.settings.own.buckets.media, Key=key)
        return answer

    def text(self, key: str) -> str:
        content: bytes = self.object(key)["Body"].read()
        return content.decode()

    def keys(self, video_id: int) -> list[str]:
        bucket, prefix = self.media.settings.own.buckets.media, media_prefix(ids.encode(video_id))
        found = self.media.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return [entry["Key"].removeprefix(prefix) for entry in found]


@pytest.fixture
async def bench(media: Media, tmp_path: Path) -> AsyncIterator[Bench]:
    own = media.settings.own
    async with open_resources("transcoder", media.settings) as resources:
        seams = Seams(
            find(),
            S3Storage(media.s3, own.buckets.uploads, own.buckets.media),
            PostgresLedger(resources.router),
            PostgresSpending(resources.router, own.cell, own.rendition_minutes, SpendingMetrics()),
        )
        media.query("DELETE FROM transcoder.days")
        queue = SqsQueue(resources.aws.client("sqs"), own.queues.transcode)
        yield Bench(media, resources, Worker("bench", queue, seams, tmp_path))


async def test_a_clip_becomes_a_video_that_both_manifests_describe(bench: Bench, tmp_path: Path) -> None:
    video_id = bench.upload(clips.real(clips.BUNNY), state="uploading")
    bench.request(video_id)
    await bench.handle_one()
    video = bench.video(video_id)
    assert (video["state"], video["progress"]) == ("ready", 100)
    assert video["rungs"] == ["144p", "240p", "360p", "480p", "720p"]
    assert (video["width"], video["height"], video["duration_ms"]) == (1280, 720, 5280)
    master = bench.text(video["hls_key"])
    base = video["hls_key"].rpartition("/")[0]
    playlists = re.findall(r"^(\S+/media\.m3u8)$", master, re.MULTILINE) + re.findall(r'URI="(\S+)"', master)
    assert len(playlists) == 6
    named = set()
    for playlist in playlists:
        directory = playlist.rpartition("/")[0]
        text = bench.text(f"{base}/{playlist}")
        names = re.findall(r"^(s\d+\.m4s)$", text, re.MULTILINE) + re.findall(r'MAP:URI="(\S+)"', text)
        named |= {f"{directory}/{name}" for name in names}
        seconds = sum(float(x) for x in re.findall(r"#EXTINF:([\d.]+)", text))
        assert seconds == pytest.approx(5.3, abs=0.05)
    stored = set(bench.keys(video_id))
    assert named == {key for key in stored if key.endswith((".m4s", ".mp4"))}
    mpd = ElementTree.fromstring(bench.text(video["dash_key"]))
    templates = mpd.iter("{urn:mpeg:dash:schema:mpd:2011}SegmentTemplate")
    assert {t.attrib["initialization"] for t in templates} == {name for name in named if name.endswith("init.mp4")}
    poster = bench.object(video["poster_key"])
    assert (poster["ContentType"], poster["Body"].read(2)) == ("image/jpeg", b"\xff\xd8")
    assert bench.object(video["hls_key"])["ContentType"] == "application/vnd.apple.mpegurl"
    assert bench.object(video["hls_key"])["CacheControl"] == storage.IMMUTABLE
    tags = bench.media.s3.get_object_tagging(
        Bucket=bench.media.settings.own.buckets.uploads, Key=source_key(ids.encode(video_id))
    )
    assert tags["TagSet"] == [{"Key": "transcoded", "Value": "true"}]
    assert bench.queued() == 0
    assert left_in(tmp_path) == []


def left_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


class Recording:
    """A ledger that notes what becomes visible, and passes everything on."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self.ledger = ledger
        self.seen: list[tuple[list[str], str | None]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)

    async def published(self, claim: Claim, tracks: Any, percent: int, media: Any) -> None:
        self.seen.append(([t.name for t in tracks], media.hls_key if media else None))
        await self.ledger.published(claim, tracks, percent, media)


async def test_the_lowest_rung_is_playable_first_and_manifests_only_grow(bench: Bench) -> None:
    recording = Recording(PostgresLedger(bench.resources.router))
    bench.worker = replace(bench.worker, seams=replace(bench.worker.seams, ledger=recording))
    bench.request(bench.upload(clips.generated(clips.PORTRAIT)))
    await bench.handle_one()
    assert [names for names, _ in recording.seen] == [["144p"], ["144p", "240p"], ["144p", "240p", "360p"]]
    lists = [set(re.findall(r"^\S+/media", bench.text(key or ""), re.MULTILINE)) for _, key in recording.seen]
    assert lists[0] < lists[1] < lists[2]


async def test_a_request_and_the_bucket_s_event_lead_to_one_encode(bench: Bench) -> None:
    video_id = bench.upload(clips.real(clips.CARPHONE))
    key = source_key(ids.encode(video_id))
    event = {"Records": [{"eventName": "ObjectCreated:CompleteMultipartUpload", "s3": {"object": {"key": key}}}]}
    bench.request(video_id)
    bench.send(json.dumps(event))
    await bench.handle_one()
    await bench.handle_one()
    assert bench.video(video_id)["state"] == "ready"
    assert bench.media.query("SELECT attempt, state FROM transcoder.jobs WHERE video_id = %s", video_id) == [
        (1, "done")
    ]
    assert bench.queued() == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "0 bytes"), (b"hello, this is text " * 99, "not a video"), (None, "not there any more")],
)
async def test_what_cannot_become_a_video_fails_once_with_a_reason(
    bench: Bench, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = None
    if content is not None:
        path = tmp_path / "bad"
        path.write_bytes(content)
    video_id = bench.upload(path)
    bench.request(video_id)
    await bench.handle_one()
    video = bench.video(video_id)
    assert video["state"] == "failed"
    assert words in video["failure_message"]
    assert bench.queued() == 0
    bench.request(video_id)
    await bench.handle_one()
    assert bench.media.query("SELECT attempt FROM transcoder.jobs WHERE video_id = %s", video_id) == [(1,)]


async def test_a_message_for_a_video_that_was_deleted_is_dropped(bench: Bench) -> None:
    bench.request(bench.resources.minter.mint(ids.shard_key(bench.media.channel_id)))
    await bench.handle_one()
    assert bench.queued() == 0


@pytest.mark.parametrize(
    "body", ["no json", "{}", '{"video": "../../etc"}', "[1]", '{"Records": [{"eventName": "ObjectCreated:Put"}]}']
)
async def test_a_message_that_says_nothing_is_left_for_the_dead_letters(bench: Bench, body: str) -> None:
    bench.send(body)
    await bench.handle_one()
    assert bench.queued() == 1


class Failing:
    """Storage that fails at the segments of one rung, as often as told."""

    def __init__(self, inner: S3Storage, rung: str, times: int) -> None:
        self.inner, self.rung, self.times = inner, rung, times

    async def fetch(self, key: str, target: Path) -> None:
        await self.inner.fetch(key, target)

    async def mark_transcoded(self, key: str) -> None:
        await self.inner.mark_transcoded(key)

    async def put_text(self, key: str, text: str) -> None:
        await self.inner.put_text(key, text)

    async def put_files(self, prefix: str, files: list[Path]) -> None:
        if f"/{self.rung}-" in prefix and self.times > 0:
            self.times -= 1
            raise ConnectionError("the storage is away")
        await self.inner.put_files(prefix, files)


def failing(bench: Bench, rung: str, times: int) -> None:
    own = bench.media.settings.own
    inner = S3Storage(bench.media.s3, own.buckets.uploads, own.buckets.media)
    bench.worker = replace(bench.worker, seams=replace(bench.worker.seams, storage=Failing(inner, rung, times)))


async def test_a_retry_keeps_the_rungs_that_were_published(bench: Bench) -> None:
    failing(bench, "240p", times=1)
    video_id = bench.upload(clips.generated(clips.PORTRAIT))
    bench.request(video_id)
    await bench.handle_one()
    before = bench.video(video_id)
    assert (before["state"], before["rungs"]) == ("processing", ["144p"])
    assert bench.queued() == 1
    bench.request(video_id)
    await bench.handle_one()
    assert bench.video(video_id)["rungs"] == ["144p", "240p", "360p"]
    directories = {key.split("/")[0] for key in bench.keys(video_id) if "/" in key}
    assert directories == {"144p-1", "240p-2", "360p-2"}


async def test_when_all_attempts_failed_the_owner_is_told_and_the_message_becomes_a_dead_letter(bench: Bench) -> None:
    failing(bench, "144p", times=99)
    video_id = bench.upload(clips.real(clips.CARPHONE))
    bench.request(video_id)
    message = await bench.worker.queue.receive()
    assert message is not None
    await bench.worker.handle(replace(message, deliveries=3))
    video = bench.video(video_id)
    assert (video["state"], video["failure_code"]) == ("failed", "transcoding_failed")
    assert bench.queued() == 1
    failing(bench, "144p", times=0)
    await bench.worker.handle(replace(message, deliveries=1))
    assert bench.video(video_id)["state"] == "ready"


async def test_a_worker_that_lost_its_lease_writes_nothing_more(bench: Bench) -> None:
    ledger = bench.worker.seams.ledger
    video_id = bench.upload(None)
    old = await ledger.claim(video_id, "old", "m1")
    assert isinstance(old, Claim)
    assert await ledger.claim(video_id, "new", "m2") == Busy("m1")
    bench.media.query(
        "UPDATE transcoder.jobs SET lease_until = now() - interval '1 second' WHERE video_id = %s", video_id
    )
    new = await ledger.claim(video_id, "new", "m1")
    assert isinstance(new, Claim)
    assert new.attempt == old.attempt + 1
    for write in (
        ledger.renew(old),
        ledger.progress(old, 50),
        ledger.published(old, [], 50, None),
        ledger.release(old),
    ):
        with pytest.raises(LostLeaseError):
            await write
    await ledger.refused(new, "refused", "no")
    assert isinstance(await ledger.claim(video_id, "third", "m3"), Finished)


async def test_a_duplicate_is_dropped_while_the_first_message_is_worked_on(bench: Bench) -> None:
    video_id = bench.upload(None)
    await bench.worker.seams.ledger.claim(video_id, "other", "the first message")
    bench.request(video_id)
    await bench.handle_one()
    assert bench.queued() == 0


async def test_a_stopped_worker_gives_its_job_back_at_once(bench: Bench, tmp_path: Path) -> None:
    video_id = bench.upload(clips.generated(clips.LONG))
    bench.request(video_id)
    message = await bench.worker.queue.receive()
    assert message is not None
    task = asyncio.create_task(bench.worker.handle(message))
    await asyncio.to_thread(until, lambda: bench.video(video_id)["rungs"])
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert bench.media.query("SELECT lease_until < now() FROM transcoder.jobs WHERE video_id = %s", video_id) == [
        (True,)
    ]
    assert left_in(tmp_path) == []
    returned = await bench.worker.queue.receive()
    assert returned is not None
    assert returned.id == message.id


def processes_below(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [p for child in map(int, children) for p in (child, *processes_below(child))]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def start_transcoder(media: Media, tmp_path: Path) -> subprocess.Popen[bytes]:
    settings = tmp_path / "settings.json"
    settings.write_text(media.settings.model_dump_json())
    environment = os.environ | {SETTINGS_ENV: str(settings), PORT_ENV: str(free_port()), "TMPDIR": str(tmp_path)}
    with (tmp_path / "log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-m", "services.transcoder"], env=environment, stdout=log, stderr=log)


async def test_a_killed_transcoder_leaves_no_encoder_behind_and_the_next_one_ends_the_job(
    bench: Bench, tmp_path: Path
) -> None:
    video_id = bench.upload(clips.generated(clips.LONG))
    bench.request(video_id)
    first = start_transcoder(bench.media, tmp_path)
    try:
        until(lambda: bench.video(video_id)["rungs"])
        below = processes_below(first.pid)
        first.send_signal(signal.SIGKILL)
        first.wait()
        until(lambda: not any(map(runs, below)), 10)
    finally:
        first.kill()
    rungs = bench.video(video_id)["rungs"]
    assert rungs
    assert bench.video(video_id)["state"] == "processing"
    # Instead of the minute after which lease and message come back by themselves.
    bench.media.query("UPDATE transcoder.jobs SET lease_until = now() WHERE video_id = %s", video_id)
    bench.request(video_id)
    second = start_transcoder(bench.media, tmp_path)
    try:
        until(lambda: bench.video(video_id)["state"] == "ready", 120)
    finally:
        second.terminate()
        second.wait(20)
    assert bench.video(video_id)["rungs"] == ["144p", "240p", "360p", "480p"]
    directories = {key.split("/")[0] for key in bench.keys(video_id) if "/" in key}
    assert {f"{rung}-1" for rung in rungs} <= directories
    assert [name for name in left_in(tmp_path) if name.startswith("meridian-")] == []


async def test_where_renditions_are_bought_a_clip_is_probed_here_and_converted_there(bench: Bench) -> None:
    own = bench.media.settings.own
    with serving({"status": "PROGRESSING", "jobPercentComplete": 50}, {"status": "COMPLETE"}) as service:
        buying = replace(converter(service), uploads=own.buckets.uploads, media=own.buckets.media)
        seams = replace(bench.worker.seams, converter=buying)
        bench = replace(bench, worker=replace(bench.worker, seams=seams))
        video_id = bench.upload(clips.real(clips.BUNNY), state="uploading")
        bench.request(video_id)
        await bench.handle_one()
    video, below = bench.video(video_id), f"{media_prefix(ids.encode(video_id))}converted-1/"
    assert (video["state"], video["rungs"]) == ("ready", ["144p", "240p", "360p", "480p", "720p"])
    assert (video["hls_key"], video["dash_key"]) == (f"{below}stream.m3u8", f"{below}stream.mpd")
    assert video["poster_key"] is not None
    (sent,) = service.sent
    (group,) = sent["settings"]["outputGroups"]
    target = group["outputGroupSettings"]["cmafGroupSettings"]["destination"]
    assert target == f"s3://{own.buckets.media}/{below}stream"
    assert bench.queued() == 0


def bounded(bench: Bench, most: int) -> PostgresSpending:
    """The bench's worker with another bound on its day."""
    spending = PostgresSpending(bench.resources.router, bench.media.settings.own.cell, most, SpendingMetrics())
    bench.worker = replace(bench.worker, seams=replace(bench.worker.seams, spending=spending))
    return spending


async def test_a_job_that_does_not_fit_into_the_day_waits_in_the_queue_and_closes_the_day(bench: Bench) -> None:
    spending = bounded(bench, most=5)
    first, second = (bench.upload(clips.real(clips.CARPHONE)) for _ in range(2))
    await spending.begin(5)
    assert not await spending.closed()
    bench.request(first)
    await bench.handle_one()
    assert bench.video(first)["state"] == "processing"
    assert bench.media.query("SELECT minutes, closed FROM transcoder.days") == [(5, True)]
    assert bench.queued() == 1
    bench.request(second)
    task = asyncio.create_task(bench.worker.run())
    await asyncio.sleep(2)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert bench.queued() == 2
    assert bench.media.query("SELECT count(*) FROM transcoder.jobs WHERE video_id = %s", second) == [(0,)]
    assert next(iter(spending.metrics.closed.collect())).samples[0].value == 1
    bench.media.query("UPDATE transcoder.days SET day = day - 1")
    assert not await spending.closed()
    await bench.handle_one()
    assert bench.video(second)["state"] == "ready"


async def test_the_first_job_of_a_day_always_begins_and_workers_share_the_day(bench: Bench) -> None:
    spending = bounded(bench, most=10)
    await spending.begin(99)
    for other in (spending, bounded(bench, most=10)):
        with pytest.raises(DayFullError, match="99 of 10 were begun in mumbai"):
            await other.begin(1)
    assert bench.media.query("SELECT minutes FROM transcoder.days") == [(99,)]


async def test_many_workers_together_never_begin_more_than_the_day_allows(bench: Bench) -> None:
    spending = bounded(bench, most=50)
    await spending.begin(1)
    outcomes = await asyncio.gather(*(spending.begin(7) for _ in range(20)), return_exceptions=True)
    begun = sum(outcome is None for outcome in outcomes)
    assert {type(outcome) for outcome in outcomes} == {type(None), DayFullError}
    assert bench.media.query("SELECT minutes FROM transcoder.days") == [(1 + 7 * begun,)]
    assert 1 + 7 * begun <= 50


async def test_a_retry_is_counted_for_what_is_left_to_do(bench: Bench) -> None:
    failing(bench, "240p", times=1)
    video_id = bench.upload(clips.generated(clips.PORTRAIT))
    bench.request(video_id)
    await bench.handle_one()
    assert bench.media.query("SELECT minutes FROM transcoder.days") == [(3,)]
    bench.request(video_id)
    await bench.handle_one()
    assert bench.media.query("SELECT minutes FROM transcoder.days") == [(5,)]
